using System.Buffers.Binary;

namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>
/// A message on the wire, request or answer: 4 bytes length of all that follows, 8 bytes id, 2 bytes operation (of a request) or status
/// (of an answer: 0 done, else <see cref="HsmFailure"/>), then the body. Big-endian. Answers come in any order, each with the id of its
/// request. The body of a failure is its reason as UTF-8.
/// </summary>
internal readonly record struct Frame(long Id, ushort Code, ReadOnlyMemory<byte> Body)
{
    /// <summary>Spoken in Hello; another version is refused.</summary>
    public const ushort ProtocolVersion = 1;

    public const ushort Done = 0;

    /// <summary>Bytes before the body, length field included.</summary>
    public const int HeaderLength = sizeof(uint) + AfterLength;

    /// <summary>Largest body of a request.</summary>
    public const int MaxRequestBody = 1 << 20;

    /// <summary>Largest body of an answer: a backup.</summary>
    public const int MaxAnswerBody = 1 << 26;

    private const int AfterLength = sizeof(long) + sizeof(ushort);

    /// <summary>Writes length, id and code; the body follows.</summary>
    /// <param name="destination">14 bytes at least.</param>
    public static void WriteHeader(Span<byte> destination, long id, ushort code, int bodyLength)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination, AfterLength + bodyLength);
        BinaryPrimitives.WriteInt64BigEndian(destination[sizeof(uint)..], id);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(sizeof(uint) + sizeof(long))..], code);
    }

    /// <summary>The length of the body, from the first 4 bytes.</summary>
    /// <exception cref="WireException">Shorter than a header or longer than allowed.</exception>
    public static int ReadBodyLength(ReadOnlySpan<byte> lengthField, int maxBody)
    {
        long length = BinaryPrimitives.ReadUInt32BigEndian(lengthField);
        long body = length - AfterLength;
        return body >= 0 && body <= maxBody ? (int)body : throw new WireException($"A frame of {length} bytes; {AfterLength} to {AfterLength + maxBody} are allowed.");
    }

    /// <summary>Id and code, from the 10 bytes after the length.</summary>
    public static (long Id, ushort Code) ReadHeader(ReadOnlySpan<byte> afterLength) =>
        (BinaryPrimitives.ReadInt64BigEndian(afterLength), BinaryPrimitives.ReadUInt16BigEndian(afterLength[sizeof(long)..]));
}
