using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>
/// Some connections to one partition. A request goes to the open one with the fewest in flight; closed ones are opened again when the next
/// request comes, not more often than the back-off allows. While all are closed the last failure is the answer of every request.
/// </summary>
/// <param name="open">Makes a connection that has said Hello.</param>
internal sealed class ConnectionPool(Func<CancellationToken, Task<Connection>> open, int size, ConnectionSettings settings) : IAsyncDisposable
{
    private static readonly TimeSpan BackOff = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();

    // Under _gate. An attempt that failed ends with null and leaves its failure behind.
    private readonly Task<Connection?>?[] _attempts = new Task<Connection?>?[size];
    private HsmException? _failure;
    private bool _backingOff;
    private long _failedAt;
    private bool _disposed;

    /// <summary>Opens all connections.</summary>
    /// <exception cref="HsmException">One of them could not be opened.</exception>
    public async Task OpenAllAsync(CancellationToken cancellationToken)
    {
        Choose(out _, out _);
        Connection?[] connections = await Task.WhenAll(_attempts!).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (connections.Contains(null))
        {
            throw LastFailure();
        }
    }

    /// <summary>Queues a request on one of the connections.</summary>
    /// <exception cref="HsmException"><see cref="HsmFailure.Unreachable"/>, or why no connection could be opened; <see cref="HsmFailure.Busy"/>.</exception>
    /// <exception cref="ObjectDisposedException"/>
    public async ValueTask<PendingRequest> SendAsync(Operation operation, WireWriter body, CancellationToken cancellationToken)
    {
        long started = settings.Time.GetTimestamp();
        while (true)
        {
            if (!Choose(out Connection? connection, out Task<Connection?>? attempt))
            {
                throw LastFailure();
            }

            if (connection is null)
            {
                await WaitAsync(attempt!, started, cancellationToken).ConfigureAwait(false);
            }
            else if (await connection.SendAsync(operation, body, started, cancellationToken).ConfigureAwait(false) is { } request)
            {
                return request;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (Task<Connection?> attempt in _attempts.OfType<Task<Connection?>>())
        {
            if (await attempt.ConfigureAwait(false) is { } connection)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }

        _stopping.Dispose();
    }

    /// <summary>Begins to open what is closed, and chooses.</summary>
    /// <param name="connection">The open one with the fewest in flight.</param>
    /// <param name="attempt">Where none is open: one that is being opened.</param>
    /// <returns>False: neither.</returns>
    private bool Choose(out Connection? connection, out Task<Connection?>? attempt)
    {
        connection = null;
        attempt = null;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(SimulatorHsm));
            bool mayOpen = !_backingOff || settings.Time.GetElapsedTime(_failedAt) >= BackOff;
            for (int i = 0; i < _attempts.Length; i++)
            {
                Task<Connection?>? slot = _attempts[i];
                Connection? candidate = slot is { IsCompletedSuccessfully: true, Result: { IsOpen: true } live } ? live : null;
                if (candidate is null && slot is not { IsCompleted: false } && mayOpen)
                {
                    _attempts[i] = slot = Task.Run(OpenAsync);
                }

                if (slot is { IsCompleted: false })
                {
                    attempt ??= slot;
                }

                if (candidate is not null && (connection is null || candidate.InFlight < connection.InFlight))
                {
                    connection = candidate;
                }
            }
        }

        return connection is not null || attempt is not null;
    }

    private async Task<Connection?> OpenAsync()
    {
        using var timeout = new CancellationTokenSource(settings.ConnectTimeout, settings.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopping.Token);
        HsmException failure;
        try
        {
            Connection connection = await open(either.Token).ConfigureAwait(false);
            lock (_gate)
            {
                // The failure stays: it may be that of another of our connections, whose caller is still to be told.
                _backingOff = false;
            }

            return connection;
        }
        catch (OperationCanceledException e)
        {
            failure = new HsmException(HsmFailure.Unreachable, $"The device did not take a connection within {settings.ConnectTimeout.TotalSeconds} s.", e);
        }
        catch (HsmException e)
        {
            failure = e;
        }

        lock (_gate)
        {
            _failure = failure;
            _backingOff = true;
            _failedAt = settings.Time.GetTimestamp();
        }

        return null;
    }

    private async Task WaitAsync(Task attempt, long started, CancellationToken cancellationToken)
    {
        try
        {
            await attempt.WaitAsync(settings.Remaining(started), settings.Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new HsmException(HsmFailure.Unreachable, $"The device took no connection within {settings.RequestTimeout.TotalSeconds} s.", e);
        }
    }

    /// <summary>Of its own for each request: an exception that is thrown in many places at a time has no one stack.</summary>
    private HsmException LastFailure()
    {
        lock (_gate)
        {
            return _failure is { } failure
                ? new HsmException(failure.Failure, failure.Message, failure)
                : new HsmException(HsmFailure.Unreachable, "The connection was lost while it was opened.");
        }
    }
}
