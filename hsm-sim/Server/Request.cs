using System.Buffers;
using System.Security.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Server;

/// <summary>What a request takes until its answer is gone.</summary>
/// <param name="Id">Of the request.</param>
/// <param name="Bytes">Counted in the bytes in flight.</param>
internal readonly record struct Place(long Id, int Bytes);

/// <summary>A frame that was read. Its body is in a pooled buffer that <see cref="Release"/> zeroes: it may be a secret.</summary>
internal readonly struct Request(Place place, Operation operation, byte[] buffer, int length)
{
    private const int MaxSignatures = 1 << 21;
    private const int MaxRandom = 1 << 16;
    private const int MaxPairs = 1 << 19;

    /// <summary>Keys, numbers, signatures, reasons of failures.</summary>
    private const int Ordinary = 1 << 12;

    /// <summary>RSA-4096 makes 512 bytes of a digest of 32.</summary>
    private const int SignaturePerDigest = 16;

    public Place Place { get; } = place;

    public Operation Operation { get; } = operation;

    public int BodyLength { get; } = length;

    /// <summary>To be filled in before the request is served.</summary>
    public Memory<byte> Body => buffer.AsMemory(0, BodyLength);

    /// <returns>May hold slices of the body: of no use after <see cref="Release"/>.</returns>
    /// <exception cref="WireException">Not such a body.</exception>
    public T Read<T>()
        where T : IMessage<T> => Message.Decode<T>(Body);

    /// <summary>What a request and its answer take at most, as far as its header tells. A backup is not counted: nobody but the console has one made.</summary>
    public static int BytesOf(Operation operation, int bodyLength) => bodyLength + operation switch
    {
        Operation.SignMany => (int)Math.Min((long)bodyLength * SignaturePerDigest, MaxSignatures),
        Operation.GenerateWrappedPairs => MaxPairs,
        Operation.Random => MaxRandom,
        Operation.Decrypt => bodyLength,
        _ => Ordinary,
    };

    public void Release()
    {
        CryptographicOperations.ZeroMemory(Body.Span);
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
