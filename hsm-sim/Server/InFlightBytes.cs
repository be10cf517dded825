namespace ZwCa.HsmSim.Server;

/// <summary>
/// How many bytes of requests and their answers a connection, or the device, holds at a time. Whoever wants more waits, in the order of coming; one
/// that is larger than the whole limit is let in alone, so nobody waits for ever.
/// </summary>
internal sealed class InFlightBytes(long limit)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(int Bytes, TaskCompletionSource Turn)> _waiting = [];
    private long _taken;

    /// <summary>What is taken now.</summary>
    public long Taken
    {
        get
        {
            lock (_gate)
            {
                return _taken;
            }
        }
    }

    /// <exception cref="OperationCanceledException">Nothing is taken.</exception>
    public async ValueTask TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        LinkedListNode<(int Bytes, TaskCompletionSource Turn)> waiting;
        lock (_gate)
        {
            if (_waiting.Count == 0 && HasRoomFor(bytes))
            {
                _taken += bytes;
                return;
            }

            waiting = _waiting.AddLast((bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }

        using (cancellationToken.UnsafeRegister(_ => GiveUp(waiting, cancellationToken), null))
        {
            await waiting.Value.Turn.Task.ConfigureAwait(false);
        }
    }

    public void Return(long bytes)
    {
        lock (_gate)
        {
            _taken -= bytes;
            LetIn();
        }
    }

    private bool HasRoomFor(int bytes) => _taken == 0 || _taken + bytes <= limit;

    /// <summary>The gate is held.</summary>
    private void LetIn()
    {
        while (_waiting.First is { } first && HasRoomFor(first.Value.Bytes))
        {
            _waiting.Remove(first);
            _taken += first.Value.Bytes;
            first.Value.Turn.SetResult();
        }
    }

    private void GiveUp(LinkedListNode<(int Bytes, TaskCompletionSource Turn)> waiting, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (waiting.List is null)
            {
                // Its turn has come already.
                return;
            }

            _waiting.Remove(waiting);
            waiting.Value.Turn.SetCanceled(cancellationToken);

            // A smaller one may have stood behind it.
            LetIn();
        }
    }
}
