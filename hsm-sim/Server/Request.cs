using System.Buffers;
using System.Security.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Server;

/// <summary>A frame that was read. Its body is in a pooled buffer that <see cref="Release"/> zeroes: it may be a secret.</summary>
internal readonly struct Request(long id, Operation operation, byte[] buffer, int length)
{
    public long Id { get; } = id;

    public Operation Operation { get; } = operation;

    public int BodyLength { get; } = length;

    /// <summary>To be filled in before the request is served.</summary>
    public Memory<byte> Body => buffer.AsMemory(0, BodyLength);

    /// <returns>May hold slices of the body: of no use after <see cref="Release"/>.</returns>
    /// <exception cref="WireException">Not such a body.</exception>
    public T Read<T>()
        where T : IMessage<T> => Message.Decode<T>(Body);

    public void Release()
    {
        CryptographicOperations.ZeroMemory(Body.Span);
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
