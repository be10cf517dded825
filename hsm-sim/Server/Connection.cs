using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;

namespace ZwCa.HsmSim.Server;

/// <summary>
/// One peer: the console, known by its certificate, or a client of one partition, known by certificate and secret once it has said Hello.
/// Its requests are served at the same time; the answers go in any order.
/// </summary>
internal sealed class Connection
{
    // Nobody who has not proven who he is gets more memory than this.
    private const int MaxHelloBody = 256;

    private readonly DeviceServer _server;
    private readonly Socket _socket;
    private readonly SslStream _stream;
    private readonly CancellationTokenSource _patience = new();
    private readonly SemaphoreSlim _slots;
    private readonly InFlightBytes _bytes;
    private readonly AnswerOutput _answers;
    private string? _end;
    private bool _stopping;
    private volatile bool _aborted;
    private volatile bool _trusted;
    private bool _isConsole;
    private ClientCredential? _credential;
    private Partition? _partition;

    public Connection(DeviceServer server, Socket socket, long number)
    {
        _server = server;
        _socket = socket;
        Number = number;
        Name = $"#{number} {socket.RemoteEndPoint}";
        _stream = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
        _slots = new SemaphoreSlim(server.Limits.InFlight);
        _bytes = new InFlightBytes(server.Limits.ConnectionBytes);
        _answers = new AnswerOutput(_stream, server.Limits.Write, Release, Abort);
    }

    /// <summary>For the log.</summary>
    public string Name { get; }

    /// <summary>In the order of coming, from 1.</summary>
    public long Number { get; }

    /// <summary>It has proven who it is.</summary>
    public bool IsTrusted => _trusted;

    /// <summary>It ends at once.</summary>
    public bool IsAborted => _aborted;

    /// <summary>From the handshake to the end. Throws nothing.</summary>
    public async Task RunAsync()
    {
        var input = new FrameInput(_stream, _patience);
        try
        {
            _patience.CancelAfter(_server.Limits.Handshake);
            await _stream.AuthenticateAsServerAsync(_server.TlsOptions, _patience.Token).ConfigureAwait(false);
            byte[] certificateHash = _stream.RemoteCertificate!.GetCertHash(HashAlgorithmName.SHA256);
            if (_server.IsConsole(certificateHash))
            {
                // Whatever clients do, the console gets through.
                _isConsole = true;
                Trust(input);
                _server.Log.Write(Name, "console connected");
                await ServeConsoleAsync(input).ConfigureAwait(false);
            }
            else if (await SayHelloAsync(input, certificateHash).ConfigureAwait(false) is { } partition)
            {
                Trust(input);
                await ServeClientAsync(input, partition).ConfigureAwait(false);
            }
        }
        catch (FramingException e)
        {
            End($"framing: {e.Message}");
            if (e.Id is { } id)
            {
                await RefuseAsync(id, HsmFailure.Protocol, e.Message).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            End(_stopping ? "the device stops" : input.FrameLimit is null ? "too slow: no good Hello in time" : "too slow: a frame was begun and not ended");
        }
        catch (Exception e) when (e is AuthenticationException or IOException or SocketException or ObjectDisposedException)
        {
            End(e is AuthenticationException ? $"handshake failed: {e.Message}" : $"broken: {e.GetBaseException().Message}");
        }
        catch (Exception e)
        {
            _server.Log.Write(Name, "internal error", e);
            End("internal error");
        }

        input.Clear();
        await CloseAsync().ConfigureAwait(false);
        _server.Log.Write(Name, $"closed: {_end ?? "by the peer"}");
    }

    /// <summary>No more requests; those in flight are answered, then <see cref="RunAsync"/> ends.</summary>
    public void Stop()
    {
        _stopping = true;
        _patience.Cancel();
    }

    /// <summary>Ends it at once, whatever is in flight.</summary>
    public void Abort(string why)
    {
        End(why);
        _aborted = true;
        _socket.Dispose();
        _patience.Cancel();
    }

    /// <summary>Whether it is a client that the partition's policy no longer names.</summary>
    public bool IsOutlawed(Partition partition, PartitionPolicy policy) =>
        Volatile.Read(ref _partition) == partition && !policy.Clients.Contains(_credential!);

    /// <summary>From now on the peer may be idle as long as it likes.</summary>
    private void Trust(FrameInput input)
    {
        _trusted = true;
        _patience.CancelAfter(Timeout.InfiniteTimeSpan);
        input.FrameLimit = _server.Limits.Frame;
    }

    /// <returns>Null: it was refused, or the peer went.</returns>
    private async Task<OpenPartition?> SayHelloAsync(FrameInput input, byte[] certificateHash)
    {
        if (await ReadAsync(input, MaxHelloBody).ConfigureAwait(false) is not { } request)
        {
            return null;
        }

        string name = "?";
        try
        {
            if (request.Operation != Operation.Hello)
            {
                throw new HsmException(HsmFailure.Protocol, ConsoleOperations.Has(request.Operation)
                    ? $"{request.Operation} is for the console, and this certificate is not the console's."
                    : $"Hello comes first, not operation {(int)request.Operation}.");
            }

            Hello hello = request.Read<Hello>();
            name = hello.Partition;
            if (hello.Version != Frame.ProtocolVersion)
            {
                throw new HsmException(HsmFailure.Protocol, $"This device speaks version {Frame.ProtocolVersion} of the protocol, not {hello.Version}.");
            }

            OpenPartition? open = null;
            if (_server.Find(name) is { } partition)
            {
                open = partition.Open;

                // Before the look at the policy: whoever changes it afterwards finds this connection.
                _credential = new ClientCredential(certificateHash, Sm3.HashData(hello.Secret.Span));
                Volatile.Write(ref _partition, partition);
            }

            if (open is null || !open.Accepts(certificateHash, hello.Secret.Span))
            {
                await Task.Delay(_server.Limits.WrongCredential, _patience.Token).ConfigureAwait(false);
                throw new HsmException(HsmFailure.WrongCredential, "No such partition, or certificate and secret are not those of one of its clients.");
            }

            _answers.Send(request.Place, open.Welcome());
            _server.Log.Write(Name, $"client of {name} connected");
            return open;
        }
        catch (HsmException e)
        {
            Volatile.Write(ref _partition, null);
            End($"hello for \"{name}\" with certificate {Convert.ToHexStringLower(certificateHash)}: {e.Failure}: {e.Message}");
            _answers.SendFailure(request.Place, e.Failure, e.Message);
        }
        catch (WireException e)
        {
            End($"hello: {e.Message}");
            _answers.SendFailure(request.Place, HsmFailure.Protocol, $"Hello is malformed: {e.Message}");
        }
        finally
        {
            request.Release();
        }

        return null;
    }

    private async Task ServeClientAsync(FrameInput input, OpenPartition partition)
    {
        while (await ReadAsync(input, Frame.MaxRequestBody).ConfigureAwait(false) is { } request)
        {
            if (request.Operation == Operation.Hello || ConsoleOperations.Has(request.Operation))
            {
                RefuseMisplaced(request);
                return;
            }

            _ = ServeAsync(request, partition);
        }
    }

    private async Task ServeConsoleAsync(FrameInput input)
    {
        while (await ReadAsync(input, Frame.MaxRequestBody).ConfigureAwait(false) is { } request)
        {
            if (request.Operation == Operation.Hello || ClientOperations.Has(request.Operation))
            {
                RefuseMisplaced(request);
                return;
            }

            _ = ServeAsync(request, null);
        }
    }

    private void RefuseMisplaced(Request request)
    {
        string reason = $"{request.Operation} is not for this connection.";
        _answers.SendFailure(request.Place, HsmFailure.Protocol, reason);
        End(reason);
        request.Release();
    }

    /// <summary>The next request, and a slot for its answer and room for its bytes: while there is none the peer has to wait.</summary>
    private async ValueTask<Request?> ReadAsync(FrameInput input, int maxBody)
    {
        long admitted = 0;
        Request? request = null;
        try
        {
            request = await input.ReadAsync(maxBody, IsTrusted ? AdmitAsync : null).ConfigureAwait(false);
            if (request is not null)
            {
                await _slots.WaitAsync(_patience.Token).ConfigureAwait(false);
            }

            return request;
        }
        catch
        {
            request?.Release();
            ReturnBytes(admitted);
            throw;
        }

        async ValueTask AdmitAsync(Place place)
        {
            // Its own room first: who waits for that keeps nobody else waiting.
            await _bytes.TakeAsync(place.Bytes, _patience.Token).ConfigureAwait(false);
            try
            {
                if (!_isConsole)
                {
                    await _server.Bytes.TakeAsync(place.Bytes, _patience.Token).ConfigureAwait(false);
                }
            }
            catch
            {
                _bytes.Return(place.Bytes);
                throw;
            }

            admitted = place.Bytes;
        }
    }

    private void Release(int answers, long bytes)
    {
        ReturnBytes(bytes);
        _slots.Release(answers);
    }

    private void ReturnBytes(long bytes)
    {
        _bytes.Return(bytes);
        if (!_isConsole)
        {
            _server.Bytes.Return(bytes);
        }
    }

    /// <param name="partition">Null: the console's request.</param>
    private async Task ServeAsync(Request request, OpenPartition? partition)
    {
        try
        {
            if (partition is null)
            {
                await _server.Console.ServeAsync(request, _answers, Name).ConfigureAwait(false);
            }
            else
            {
                await _server.Client.ServeAsync(request, partition, _answers, this).ConfigureAwait(false);
            }
        }
        catch (HsmException e)
        {
            if (e.Failure == HsmFailure.DeviceError)
            {
                _server.Log.Write(Name, $"{request.Operation}: {e.Message} {e.InnerException?.Message}");
            }

            _answers.SendFailure(request.Place, e.Failure, e.Message);
        }
        catch (WireException e)
        {
            _answers.SendFailure(request.Place, HsmFailure.Protocol, $"The body of {request.Operation} is malformed: {e.Message}");
        }
        catch (IOException e)
        {
            _server.Log.Write(Name, $"{request.Operation}: the store failed", e);
            _answers.SendFailure(request.Place, HsmFailure.DeviceError, "The store of the partition failed: it does nothing more until the device starts anew.");
        }
        catch (Exception e)
        {
            _server.Log.Write(Name, $"{request.Operation}: internal error", e);
            _answers.SendFailure(request.Place, HsmFailure.DeviceError, "Internal error.");
        }
        finally
        {
            request.Release();
        }
    }

    private async Task RefuseAsync(long id, HsmFailure failure, string reason)
    {
        if (await _slots.WaitAsync(_server.Limits.Stop).ConfigureAwait(false))
        {
            _answers.SendFailure(new Place(id, 0), failure, reason);
        }
    }

    private async Task CloseAsync()
    {
        try
        {
            // All slots are free once every request is served and its answer written, or given up.
            using var patience = new CancellationTokenSource(_server.Limits.Stop);
            for (int i = 0; i < _server.Limits.InFlight; i++)
            {
                await _slots.WaitAsync(patience.Token).ConfigureAwait(false);
            }

            if (!_aborted && _stream.IsAuthenticated)
            {
                await LeaveAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            End($"not closed in order: {e.Message}");
        }

        _socket.Dispose();
        await _answers.DisposeAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>A socket that is closed with unread bytes in it takes back what the peer has not read yet: the last answer too. So they are read.</summary>
    private async Task LeaveAsync()
    {
        using var patience = new CancellationTokenSource(_server.Limits.Linger);
        await _stream.ShutdownAsync().WaitAsync(patience.Token).ConfigureAwait(false);
        _socket.Shutdown(SocketShutdown.Send);
        byte[] rest = new byte[4096];
        while (await _socket.ReceiveAsync(rest, patience.Token).ConfigureAwait(false) > 0)
        {
        }
    }

    /// <summary>The first reason is the one that is told.</summary>
    private void End(string why) => Interlocked.CompareExchange(ref _end, why, null);
}
