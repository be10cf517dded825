using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>The device's end of one connection.</summary>
internal sealed class ScriptedPeer(Socket socket, SslStream stream)
{
    private readonly SemaphoreSlim _write = new(1);

    /// <returns>Null: the client closed.</returns>
    public async Task<Frame?> ReadAsync()
    {
        byte[] header = new byte[Frame.HeaderLength];
        if (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false) < header.Length)
        {
            return null;
        }

        byte[] body = new byte[Frame.ReadBodyLength(header, Frame.MaxRequestBody)];
        await stream.ReadExactlyAsync(body);
        (long id, ushort code) = Frame.ReadHeader(header.AsSpan(sizeof(uint)));
        return new Frame(id, code, body);
    }

    public Task AnswerAsync<T>(Frame request, T answer)
        where T : IMessage<T> => SendAsync(Encode(request.Id, Frame.Done, Message.Encode(answer)));

    public Task RefuseAsync(Frame request, HsmFailure failure, string reason) => RefuseAsync(request, (ushort)failure, Encoding.UTF8.GetBytes(reason));

    public Task RefuseAsync(Frame request, ushort status, byte[] reason) => SendAsync(Encode(request.Id, status, reason));

    public async Task SendAsync(byte[] bytes)
    {
        await _write.WaitAsync();
        try
        {
            await stream.WriteAsync(bytes);
        }
        finally
        {
            _write.Release();
        }
    }

    public void Close() => socket.Close();

    public static byte[] Encode(long id, ushort code, byte[] body)
    {
        byte[] frame = new byte[Frame.HeaderLength + body.Length];
        Frame.WriteHeader(frame, id, code, body.Length);
        body.CopyTo(frame, Frame.HeaderLength);
        return frame;
    }
}
