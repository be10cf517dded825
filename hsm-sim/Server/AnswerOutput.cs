using System.Text;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Server;

/// <summary>
/// Sends a connection's answers: those that are made while a write is under way go out together with the next. Everything is zeroed once it is
/// written.
/// </summary>
/// <param name="limit">For the peer to take one write.</param>
/// <param name="written">Told how many answers are gone, sent or not.</param>
/// <param name="failed">Told once why no more can be sent.</param>
internal sealed class AnswerOutput(Stream stream, TimeSpan limit, Action<int> written, Action<string> failed) : IAsyncDisposable
{
    // A buffer that a large answer made larger than this is given back.
    private const int OrdinarySize = 1 << 20;

    private readonly Lock _gate = new();
    private WireWriter _body = new();
    private WireWriter _pending = new();
    private WireWriter _writing = new();
    private int _pendingAnswers;
    private bool _active;
    private bool _broken;
    private Task _writer = Task.CompletedTask;

    public void Send<T>(long id, T message)
        where T : IMessage<T>
    {
        lock (_gate)
        {
            if (!_broken)
            {
                _body.Clear();
                message.Write(_body);
                Queue(id, Frame.Done);
                return;
            }
        }

        written(1);
    }

    public void SendFailure(long id, HsmFailure failure, string reason)
    {
        lock (_gate)
        {
            if (!_broken)
            {
                _body.Clear();
                _body.WriteExactly(Encoding.UTF8.GetBytes(reason));
                Queue(id, (ushort)failure);
                return;
            }
        }

        written(1);
    }

    /// <summary>What is not written by now is not sent. The stream must be at its end or closed, so that a write under way ends.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _broken = true;
        }

        await _writer.ConfigureAwait(false);
        _body.Dispose();
        _pending.Dispose();
        _writing.Dispose();
    }

    /// <summary>The body is in <see cref="_body"/>.</summary>
    private void Queue(long id, ushort code)
    {
        ReadOnlyMemory<byte> body = _body.Written;
        Frame.WriteHeader(_pending.Reserve(Frame.HeaderLength), id, code, body.Length);
        _pending.WriteExactly(body.Span);
        Empty(ref _body);
        _pendingAnswers++;
        if (!_active)
        {
            _active = true;
            _writer = WriteAsync();
        }
    }

    private async Task WriteAsync()
    {
        // Others get the chance to add theirs.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            int answers;
            lock (_gate)
            {
                if (_pendingAnswers == 0 || _broken)
                {
                    _active = false;
                    return;
                }

                (_pending, _writing) = (_writing, _pending);
                (answers, _pendingAnswers) = (_pendingAnswers, 0);
            }

            string? failure = null;
            try
            {
                using var patience = new CancellationTokenSource(limit);
                await stream.WriteAsync(_writing.Written, patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                failure = $"does not read its answers: {answers} waited {limit.TotalSeconds:0.#} s";
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                failure = $"answers cannot be sent: {e.Message}";
            }

            lock (_gate)
            {
                Empty(ref _writing);
                if (failure is not null)
                {
                    _broken = true;
                    _active = false;
                    answers += _pendingAnswers;
                    _pendingAnswers = 0;
                    Empty(ref _pending);
                }
            }

            written(answers);
            if (failure is not null)
            {
                failed(failure);
                return;
            }
        }
    }

    private static void Empty(ref WireWriter writer)
    {
        if (writer.Written.Length > OrdinarySize)
        {
            writer.Dispose();
            writer = new WireWriter();
        }
        else
        {
            writer.Clear();
        }
    }
}
