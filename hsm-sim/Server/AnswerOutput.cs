using System.Text;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Server;

/// <summary>
/// Sends a connection's answers: those that are made while a write is under way go out together with the next. Everything is zeroed once it is
/// written.
/// </summary>
/// <param name="limit">For the peer to take one write.</param>
/// <param name="written">Told how many answers are gone, sent or not, and the bytes that their places had.</param>
/// <param name="failed">Told once why no more can be sent.</param>
internal sealed class AnswerOutput(Stream stream, TimeSpan limit, Action<int, long> written, Action<string> failed) : IAsyncDisposable
{
    // A buffer that large answers made larger than this is given back.
    private const int OrdinarySize = 1 << 16;

    private readonly Lock _gate = new();
    private WireWriter _body = new();
    private WireWriter _pending = new();
    private WireWriter _writing = new();
    private int _pendingAnswers;
    private long _pendingBytes;
    private bool _active;
    private bool _broken;
    private Task _writer = Task.CompletedTask;

    public void Send<T>(Place place, T message)
        where T : IMessage<T>
    {
        lock (_gate)
        {
            if (!_broken)
            {
                _body.Clear();
                message.Write(_body);
                Queue(place, Frame.Done);
                return;
            }
        }

        written(1, place.Bytes);
    }

    public void SendFailure(Place place, HsmFailure failure, string reason)
    {
        lock (_gate)
        {
            if (!_broken)
            {
                _body.Clear();
                _body.WriteExactly(Encoding.UTF8.GetBytes(reason));
                Queue(place, (ushort)failure);
                return;
            }
        }

        written(1, place.Bytes);
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
    private void Queue(Place place, ushort code)
    {
        ReadOnlyMemory<byte> body = _body.Written;
        Frame.WriteHeader(_pending.Reserve(Frame.HeaderLength), place.Id, code, body.Length);
        _pending.WriteExactly(body.Span);
        Empty(ref _body);
        _pendingAnswers++;
        _pendingBytes += place.Bytes;
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
            long bytes;
            lock (_gate)
            {
                if (_pendingAnswers == 0 || _broken)
                {
                    _active = false;
                    return;
                }

                (_pending, _writing) = (_writing, _pending);
                (answers, _pendingAnswers) = (_pendingAnswers, 0);
                (bytes, _pendingBytes) = (_pendingBytes, 0);
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
            catch (Exception e)
            {
                // Whatever it is: it ends this connection, and the places have to come back.
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
                    bytes += _pendingBytes;
                    (_pendingAnswers, _pendingBytes) = (0, 0);
                    Empty(ref _pending);
                }
            }

            written(answers, bytes);
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
