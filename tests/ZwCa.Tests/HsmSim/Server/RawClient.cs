using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>Speaks the wire as a test wants it, right or wrong.</summary>
internal sealed class RawClient(Socket socket, SslStream stream) : IAsyncDisposable
{
    private long _lastId;

    public static async Task<RawClient> DialAsync(IPEndPoint address, X509Certificate2? certificate, SslProtocols protocol = SslProtocols.Tls13)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address).WaitAsync(TestDevice.Patience);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "hsm",
            EnabledSslProtocols = protocol,
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
            AllowTlsResume = false,
        }).WaitAsync(TestDevice.Patience);
        return new RawClient(socket, stream);
    }

    public static byte[] Encode(long id, ushort code, ReadOnlySpan<byte> body)
    {
        byte[] frame = new byte[Frame.HeaderLength + body.Length];
        Frame.WriteHeader(frame, id, code, body.Length);
        body.CopyTo(frame.AsSpan(Frame.HeaderLength));
        return frame;
    }

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes).AsTask().WaitAsync(TestDevice.Patience);

    public Task SendAsync<T>(long id, Operation operation, T message)
        where T : IMessage<T> => SendAsync(Encode(id, (ushort)operation, Message.Encode(message)));

    /// <summary>Sends a request and awaits its answer, the only one.</summary>
    public async Task<Answered> AskAsync<T>(Operation operation, T message)
        where T : IMessage<T>
    {
        long id = ++_lastId;
        await SendAsync(id, operation, message);
        Answered answer = await ReadAsync() ?? throw new IOException("The device closed the connection.");
        Assert.Equal(id, answer.Id);
        return answer;
    }

    /// <returns>Null: the device closed the connection.</returns>
    public async Task<Answered?> ReadAsync()
    {
        byte[] header = new byte[Frame.HeaderLength];
        if (await ReadAsync(header) < header.Length)
        {
            return null;
        }

        byte[] body = new byte[Frame.ReadBodyLength(header, Frame.MaxAnswerBody)];
        (long id, ushort code) = Frame.ReadHeader(header.AsSpan(sizeof(uint)));
        return await ReadAsync(body) < body.Length ? null : new Answered(id, code, body);
    }

    /// <summary>No more is sent; answers can be read.</summary>
    public void CloseSending() => socket.Shutdown(SocketShutdown.Send);

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private async Task<int> ReadAsync(byte[] buffer)
    {
        try
        {
            return await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false).AsTask().WaitAsync(TestDevice.Patience);
        }
        catch (IOException)
        {
            // A reset says the same as an end.
            return 0;
        }
    }
}

internal sealed record Answered(long Id, ushort Code, byte[] Body)
{
    public HsmFailure Failure => (HsmFailure)Code;

    public string Reason => Encoding.UTF8.GetString(Body);

    public T Read<T>()
        where T : IMessage<T>
    {
        Assert.True(Code == Frame.Done, $"{Failure}: {Reason}");
        return Message.Decode<T>(Body);
    }
}
