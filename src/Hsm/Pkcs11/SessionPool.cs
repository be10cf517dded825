using System.Security.Cryptography;
using static ZwCa.Hsm.Pkcs11.Cryptoki;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>
/// Sessions with one token, opened when they are needed and opened anew when they are lost. Calls into the library block, so each runs on a thread of
/// the pool; who waits for it gives up at the time-out and leaves thread and session to the call, for PKCS#11 cannot be interrupted. A dead device so
/// holds at most as many threads as there may be sessions.
/// </summary>
internal sealed class SessionPool : IAsyncDisposable
{
    private readonly Pkcs11Module _module;
    private readonly Pkcs11Options _options;

    /// <summary>As many as may be opened or used yet. Not disposed: calls that nobody waits for any more release it later.</summary>
    private readonly SemaphoreSlim _free;

    /// <summary>Guards the next three; never held over a call into the library.</summary>
    private readonly Lock _gate = new();
    private readonly Stack<Pkcs11Session> _idle = [];
    private readonly Dictionary<nuint, Pkcs11Session> _open = [];
    private bool _disposed;

    /// <summary>One session is opened at a time: it guards the next three, of which others read two.</summary>
    private readonly Lock _opening = new();
    private HsmException? _pinRefused;
    private volatile string? _serial;
    private volatile HsmToken? _token;

    /// <summary>Calls under way that nobody waits for any more.</summary>
    private int _overdue;

    public SessionPool(Pkcs11Module module, Pkcs11Options options)
    {
        _module = module;
        _options = options;
        _serial = options.TokenSerial;
        _free = new SemaphoreSlim(options.Sessions);
    }

    /// <exception cref="InvalidOperationException">No session was ever opened.</exception>
    public HsmToken Token => _token ?? throw new InvalidOperationException("Not connected yet.");

    /// <summary>Runs one piece of work in a session, and once more in a new one where the first was lost: the work must be such that this does no harm.</summary>
    /// <exception cref="HsmException">Also after the time-out: <see cref="HsmFailure.NoAnswer"/>, or <see cref="HsmFailure.Unreachable"/> or
    /// <see cref="HsmFailure.Busy"/> where no session became free to ask at all.</exception>
    public async Task<T> RunAsync<T>(TimeSpan timeout, Func<Pkcs11Session, T> work, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(Pkcs11Hsm));
        }

        using var clock = new CancellationTokenSource(timeout, _options.TimeProvider);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(clock.Token, cancellationToken);
        try
        {
            await _free.WaitAsync(end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Volatile.Read(ref _overdue) > 0
                ? new HsmException(HsmFailure.Unreachable, $"The token {Name} does not answer: {_options.Sessions} sessions wait for it already.")
                : new HsmException(HsmFailure.Busy, $"All {_options.Sessions} sessions with the token {Name} were in use for {timeout.TotalSeconds} s.");
        }

        Task<T> call = Task.Run(
            () =>
            {
                try
                {
                    return Work(work);
                }
                finally
                {
                    _free.Release();
                }
            },
            CancellationToken.None);
        try
        {
            return await call.WaitAsync(end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (e.CancellationToken == end.Token)
        {
            Interlocked.Increment(ref _overdue);
            _ = call.ContinueWith(
                late =>
                {
                    // Looked at, so that nobody reports an exception that nobody saw.
                    _ = late.Exception;
                    Interlocked.Decrement(ref _overdue);
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            cancellationToken.ThrowIfCancellationRequested();
            throw new HsmException(HsmFailure.NoAnswer, $"The token {Name} did not answer within {timeout.TotalSeconds} s.");
        }
    }

    /// <summary>Closes the sessions that are idle; those in use are closed by the calls that use them.</summary>
    public async ValueTask DisposeAsync()
    {
        Task closing = Task.Run(() =>
        {
            lock (_gate)
            {
                _disposed = true;
            }

            while (PopIdle() is { } session)
            {
                Close(session);
            }
        });
        using var clock = new CancellationTokenSource(_options.RequestTimeout, _options.TimeProvider);
        await Task.WhenAny(closing, Task.Delay(Timeout.Infinite, clock.Token)).ConfigureAwait(false);
    }

    private string Name => _serial is null ? $"\"{_options.TokenLabel}\"" : $"\"{_options.TokenLabel}\" (serial {_serial})";

    private T Work<T>(Func<Pkcs11Session, T> work)
    {
        for (bool again = false; ; again = true)
        {
            Pkcs11Session? session = null;
            try
            {
                session = (again ? null : PopIdle()) ?? Open();
                T result = work(session);
                GiveBack(session);
                return result;
            }
            catch (CkException e)
            {
                // A session that met an error may have an operation half done: it is not used again.
                if (session is not null)
                {
                    Drop(session, e.Result);
                }

                if (again || !e.Result.IsLoss())
                {
                    throw new HsmException(e.Result.ToFailure(), $"The token {Name} failed: {e.Message}.", e);
                }
            }
            catch when (session is not null)
            {
                // A refusal of ours between two calls: the session is as good as before.
                GiveBack(session);
                throw;
            }
        }
    }

    private Pkcs11Session? PopIdle()
    {
        lock (_gate)
        {
            while (_idle.TryPop(out Pkcs11Session? session))
            {
                if (!session.IsReplaced)
                {
                    return session;
                }
            }

            return null;
        }
    }

    private void GiveBack(Pkcs11Session session)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _idle.Push(session);
                return;
            }
        }

        Close(session);
    }

    private void Drop(Pkcs11Session session, CkResult reason)
    {
        if (!reason.EndsSession())
        {
            Close(session);
            return;
        }

        lock (_gate)
        {
            if (!session.IsReplaced)
            {
                _open.Remove(session.Handle);
            }
        }
    }

    private void Close(Pkcs11Session session)
    {
        lock (_gate)
        {
            if (session.IsReplaced)
            {
                return;
            }

            _open.Remove(session.Handle);
        }

        _module.CloseSession(session.Handle);
    }

    /// <exception cref="HsmException">The token is not there, or refuses the PIN.</exception>
    private Pkcs11Session Open()
    {
        lock (_opening)
        {
            // Step 1: nothing, unless somebody in the process has finalized the library.
            _module.Initialize();

            // Step 2: the token, which may come back in another slot. Once met, it is that one and no other of the same label.
            SeenToken token = Choose();

            // Step 3: a session, logged in.
            nuint handle = _module.OpenSession(token.Slot);
            try
            {
                if (token.NeedsLogin)
                {
                    Login(token, handle);
                }

                _token = Describe(token);
            }
            catch
            {
                _module.CloseSession(handle);
                throw;
            }

            // Step 4: whoever still has this handle has lost its session.
            _serial = token.Serial;
            var session = new Pkcs11Session(_module, handle, Name);
            lock (_gate)
            {
                if (_open.Remove(handle, out Pkcs11Session? replaced))
                {
                    replaced.IsReplaced = true;
                }

                _open.Add(handle, session);
            }

            return session;
        }
    }

    private SeenToken Choose()
    {
        IReadOnlyList<SeenToken> seen = SeenToken.All(_module);
        try
        {
            return SeenToken.Choose(seen, _options.TokenLabel, _serial);
        }
        catch (HsmException e) when (_token is not null)
        {
            throw new HsmException(HsmFailure.Unreachable, $"The token {Name} is away. {SeenToken.List(seen)}", e);
        }
    }

    private void Login(SeenToken token, nuint session)
    {
        if (_pinRefused is not null)
        {
            // Each further try would take the token nearer to locking itself.
            throw new HsmException(_pinRefused.Failure, $"{_pinRefused.Message} It is not tried again.", _pinRefused);
        }

        byte[] pin = _options.Pin();
        try
        {
            _module.Login(session, pin);
        }
        catch (CkException e) when (e.Result.ToFailure() == HsmFailure.WrongCredential)
        {
            var refusal = new HsmException(HsmFailure.WrongCredential, PinRefusal(e.Result, token.Slot), e);
            _pinRefused = e.Result == CkResult.CKR_PIN_INCORRECT ? refusal : null;
            throw refusal;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pin);
        }
    }

    private string PinRefusal(CkResult result, nuint slot)
    {
        SeenToken token = SeenToken.Of(_module, slot);
        string name = $"The token {token}";
        if (result == CkResult.CKR_PIN_LOCKED || (token.Flags & CKF_USER_PIN_LOCKED) != 0)
        {
            return $"{name}, has locked its PIN after too many wrong ones ({result.Name()}): its security officer has to set a new one.";
        }

        return result switch
        {
            CkResult.CKR_USER_PIN_NOT_INITIALIZED => $"{name}, has no PIN yet ({result.Name()}): its security officer has to set one.",
            CkResult.CKR_PIN_EXPIRED => $"{name}, wants another PIN, for this one has expired ({result.Name()}).",
            _ when (token.Flags & CKF_USER_PIN_FINAL_TRY) != 0 => $"{name}, refuses the PIN ({result.Name()}); one more wrong one locks it.",
            _ when (token.Flags & CKF_USER_PIN_COUNT_LOW) != 0 => $"{name}, refuses the PIN ({result.Name()}); it has counted wrong ones.",
            _ => $"{name}, refuses the PIN ({result.Name()}).",
        };
    }

    /// <summary>What the token can do, by its own word.</summary>
    private HsmToken Describe(SeenToken token)
    {
        var kinds = new HashSet<HsmKeyKind>();

        // RSA means both paddings here: a caller who sees the kind may use every scheme that fits it.
        if (Has(CKM_RSA_PKCS) && Has(CKM_RSA_PKCS_PSS) && _module.GetMechanismInfo(token.Slot, CKM_RSA_PKCS_KEY_PAIR_GEN) is { } rsa)
        {
            kinds.UnionWith(Enum.GetValues<HsmKeyKind>().Where(k => k.IsRsa() && (nuint)k.RsaBits() >= rsa.MinKeySize && (nuint)k.RsaBits() <= rsa.MaxKeySize));
        }

        if (Has(CKM_ECDSA) && Has(CKM_EC_KEY_PAIR_GEN))
        {
            kinds.Add(HsmKeyKind.P256);
        }

        HsmCapabilities capabilities = (token.Flags & CKF_RNG) != 0 ? HsmCapabilities.Random : HsmCapabilities.None;
        return new HsmToken(token.Label, token.Serial, token.Model, capabilities, kinds);

        bool Has(nuint mechanism) => _module.GetMechanismInfo(token.Slot, mechanism) is not null;
    }
}
