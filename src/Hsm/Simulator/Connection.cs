using System.Net.Security;
using System.Net.Sockets;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>
/// One TLS connection with many requests in flight. Callers append frames to a queue; one of them, or the thread pool, writes the whole queue at
/// once; one loop reads answers and completes requests by id. Once closed, for whatever reason, it stays closed.
/// </summary>
internal sealed class Connection : IAsyncDisposable
{
    private static readonly TimeSpan LongestSweep = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly Dictionary<long, PendingRequest> _pending = [];
    private readonly ConnectionSettings _settings;
    private readonly Socket _socket;
    private readonly SslStream _stream;
    private readonly FrameReader _reader;
    private readonly SemaphoreSlim _places;
    private readonly ITimer _sweeper;
    private readonly Task _reading;

    // Under _gate. Batches count the writes: a request has left when its batch is not above _batch.
    private WireWriter _queue = new();
    private WireWriter _sending = new();
    private bool _writing;
    private long _batch;
    private long _lastId;
    private long _quietSince;
    private int _loops = 1;
    private bool _closed;
    private string? _closedBecause;

    private volatile int _inFlight;
    private volatile bool _heard;

    private Connection(string address, Socket socket, SslStream stream, ConnectionSettings settings)
    {
        Address = address;
        _socket = socket;
        _stream = stream;
        _settings = settings;
        _reader = new FrameReader(stream, settings.MaxAnswerBody);
        _places = new SemaphoreSlim(settings.MaxInFlight);
        TimeSpan sweep = TimeSpan.FromTicks(Math.Min(LongestSweep.Ticks, settings.RequestTimeout.Ticks / 8));
        _sweeper = settings.Time.CreateTimer(static c => ((Connection)c!).Expire(), this, sweep, sweep);
        _reading = Task.Run(ReadAsync);
    }

    public string Address { get; }

    public int InFlight => _inFlight;

    public bool IsOpen => !Volatile.Read(ref _closed);

    /// <summary>The other end closed after the handshake without a word: what a device does that does not know the client's certificate.</summary>
    public bool ClosedInSilence { get; private set; }

    /// <exception cref="HsmException"><see cref="HsmFailure.Unreachable"/> or <see cref="HsmFailure.WrongCredential"/>.</exception>
    public static async Task<Connection> OpenAsync(TlsDialer dialer, ConnectionSettings settings, CancellationToken cancellationToken)
    {
        (Socket socket, SslStream stream) = await dialer.DialAsync(cancellationToken).ConfigureAwait(false);
        return new Connection(dialer.Address, socket, stream, settings);
    }

    /// <summary>Sends and waits.</summary>
    /// <exception cref="HsmException">As by the device, or <see cref="HsmFailure.Unreachable"/>, <see cref="HsmFailure.NoAnswer"/>, <see cref="HsmFailure.Busy"/>.</exception>
    public async Task<Answer> AskAsync<T>(Operation operation, T request, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        PendingRequest? pending;
        using (WireWriter body = Message.EncodeRequest(request))
        {
            pending = await SendAsync(operation, body, _settings.Time.GetTimestamp(), cancellationToken).ConfigureAwait(false);
        }

        return pending is null
            ? throw new HsmException(HsmFailure.Unreachable, $"{Address} was not asked: {_closedBecause}.")
            : await pending.AnswerAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Queues a request once there is a place for it.</summary>
    /// <param name="started">Timestamp from which its time-out counts.</param>
    /// <returns>Null: the connection is closed, nothing was sent.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.Busy"/>: no place within the time-out.</exception>
    public async ValueTask<PendingRequest?> SendAsync(Operation operation, WireWriter body, long started, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_places.Wait(0, CancellationToken.None) && !await WaitForPlaceAsync(started, cancellationToken).ConfigureAwait(false))
        {
            throw new HsmException(HsmFailure.Busy, $"{Address} has had {_settings.MaxInFlight} requests in flight for {_settings.RequestTimeout.TotalSeconds} s.");
        }

        return Enqueue(operation, body.Written.Span, started);
    }

    /// <summary>Takes a request off the list.</summary>
    /// <returns>False: another has done so and completes it.</returns>
    public bool Remove(PendingRequest request)
    {
        lock (_gate)
        {
            if (!_pending.Remove(request.Id))
            {
                return false;
            }

            _inFlight = _pending.Count;
        }

        _places.Release();
        return true;
    }

    /// <summary>Ends the connection and fails what is in flight.</summary>
    /// <param name="reason">Why there is no answer.</param>
    /// <param name="failure">Of requests that have left; those still queued are <see cref="HsmFailure.Unreachable"/>.</param>
    public void Close(string reason, Exception? cause, HsmFailure failure = HsmFailure.NoAnswer) => Close(reason, cause, failure, _socket.Dispose);

    private void Close(string reason, Exception? cause, HsmFailure failure, Action hangUp)
    {
        PendingRequest[] left;
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closedBecause = reason;
            Volatile.Write(ref _closed, true);
            left = [.. _pending.Values];
            _pending.Clear();
            _inFlight = 0;
        }

        _sweeper.Dispose();
        hangUp();
        foreach (PendingRequest request in left)
        {
            request.SetException(request.Batch <= _batch
                ? new HsmException(failure, $"{Address} gave no answer: {reason}.", cause)
                : new HsmException(HsmFailure.Unreachable, $"{Address} was not asked: {reason}.", cause));
            _places.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Close("the driver was disposed", null, HsmFailure.NoAnswer, ShutDown);
        await _reading.ConfigureAwait(false);
        _socket.Dispose();
    }

    /// <summary>Ends both loops as disposing does, and for the other end it is an end and no failure.</summary>
    private void ShutDown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end has gone first.
            _socket.Dispose();
        }
    }

    private async ValueTask<bool> WaitForPlaceAsync(long started, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_settings.Remaining(started), _settings.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _places.WaitAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private PendingRequest? Enqueue(Operation operation, ReadOnlySpan<byte> body, long started)
    {
        PendingRequest request;
        bool write;
        bool alone;
        lock (_gate)
        {
            if (_closed)
            {
                _places.Release();
                return null;
            }

            request = new PendingRequest(this, ++_lastId, _batch + 1, started);
            Frame.WriteHeader(_queue.Reserve(Frame.HeaderLength), request.Id, (ushort)operation, body.Length);
            _queue.WriteExactly(body);
            alone = _pending.Count == 0;
            _pending.Add(request.Id, request);
            _inFlight = _pending.Count;
            if (alone)
            {
                _quietSince = _settings.Time.GetTimestamp();
            }

            write = !_writing;
            if (write)
            {
                _writing = true;
                _loops++;
            }
        }

        // A lone request goes out at once. Where others are in flight the way through the thread pool lets their callers add to the same write.
        if (write && alone)
        {
            _ = WriteAsync();
        }
        else if (write)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static c => _ = c.WriteAsync(), this, preferLocal: false);
        }

        return request;
    }

    private async Task WriteAsync()
    {
        try
        {
            while (TakeQueue())
            {
                await _stream.WriteAsync(_sending.Written).ConfigureAwait(false);
                _sending.Clear();

                if (HasQueued())
                {
                    // The caller whose request began this is not kept to write those of others.
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                }
            }
        }
        catch (Exception e)
        {
            Break(e);
        }
        finally
        {
            Leave();
        }
    }

    private bool TakeQueue()
    {
        lock (_gate)
        {
            if (_closed || _queue.Written.IsEmpty)
            {
                _writing = false;
                return false;
            }

            (_queue, _sending) = (_sending, _queue);
            _batch++;
            return true;
        }
    }

    private bool HasQueued()
    {
        lock (_gate)
        {
            return !_queue.Written.IsEmpty;
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _reader.FillAsync().ConfigureAwait(false))
            {
                while (_reader.TryTake(out Frame frame))
                {
                    Receive(frame);
                }
            }

            Break(null);
        }
        catch (WireException e)
        {
            Close(e.Message, e, HsmFailure.Protocol);
        }
        catch (Exception e)
        {
            Break(e);
        }
        finally
        {
            Leave();
        }
    }

    private void Receive(Frame frame)
    {
        PendingRequest? request;
        lock (_gate)
        {
            if (frame.Id <= 0 || frame.Id > _lastId)
            {
                throw new WireException($"An answer to request {frame.Id}, of which there are {_lastId}");
            }

            _quietSince = _settings.Time.GetTimestamp();
            _pending.Remove(frame.Id, out request);
            _inFlight = _pending.Count;
        }

        _heard = true;
        if (request is null)
        {
            // Late: its request timed out or was cancelled.
            return;
        }

        _places.Release();
        if (frame.Code == Frame.Done)
        {
            request.SetResult(frame.Body.ToArray());
        }
        else
        {
            request.SetException(Answer.Failure(Address, frame));
        }
    }

    /// <summary>The other end closed (no cause), or reading or writing failed.</summary>
    private void Break(Exception? cause)
    {
        string what = cause is null ? "it closed the connection" : $"the connection broke ({cause.GetBaseException().Message})";
        if (!_heard)
        {
            what += " without a word: it may not know the client's certificate";
            ClosedInSilence |= IsOpen;
        }

        Close(what, cause);
    }

    private void Expire()
    {
        List<PendingRequest> expired;
        bool quiet;
        lock (_gate)
        {
            long now = _settings.Time.GetTimestamp();
            expired = [.. _pending.Values.Where(request => _settings.Time.GetElapsedTime(request.Started, now) >= _settings.RequestTimeout)];
            quiet = expired.Count > 0 && _settings.Time.GetElapsedTime(_quietSince, now) >= _settings.RequestTimeout / 2;
        }

        foreach (PendingRequest request in expired.Where(Remove))
        {
            request.SetException(new HsmException(HsmFailure.NoAnswer, $"{Address} gave no answer within {_settings.RequestTimeout.TotalSeconds} s."));
        }

        if (quiet)
        {
            // Not this request is slow but the whole connection is dead, and TCP would take many minutes to notice.
            Close("nothing came for half the time-out and longer", null);
        }
    }

    /// <summary>The last loop to end puts away what both use.</summary>
    private void Leave()
    {
        lock (_gate)
        {
            if (--_loops > 0)
            {
                return;
            }
        }

        _stream.Dispose();
        _reader.Clear();
        _queue.Dispose();
        _sending.Dispose();
    }
}
