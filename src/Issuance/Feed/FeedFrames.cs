using System.Buffers.Binary;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;

namespace ZwCa.Issuance.Feed;

/// <summary>A segment on its way or in a file: its statement and its content.</summary>
/// <param name="Content">For <see cref="FeedReader"/>.</param>
public sealed record FeedSegment(FeedStatement Statement, ReadOnlyMemory<byte> Content);

/// <summary>Segments one after the other: of each length (4, big-endian) and DER of the statement, then length (4) and content.</summary>
public static class FeedFrames
{
    /// <summary>Content of one segment, or of a part of a snapshot; bytes.</summary>
    public const int MaxContent = 8 << 20;

    private const int MaxStatement = 1024;

    /// <param name="statement">DER of a <see cref="FeedStatement"/>.</param>
    /// <returns>One frame.</returns>
    public static byte[] Write(ReadOnlySpan<byte> statement, ReadOnlySpan<byte> content)
    {
        byte[] frame = new byte[sizeof(int) + statement.Length + sizeof(int) + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, statement.Length);
        statement.CopyTo(frame.AsSpan(sizeof(int)));
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(sizeof(int) + statement.Length), content.Length);
        content.CopyTo(frame.AsSpan((2 * sizeof(int)) + statement.Length));
        return frame;
    }

    /// <param name="frames">Whole frames; what is given out lies in them.</param>
    /// <exception cref="DerException">They are none, or one is too long. Neither links nor signatures are looked at.</exception>
    public static IEnumerable<FeedSegment> Read(ReadOnlyMemory<byte> frames)
    {
        for (int at = 0; at < frames.Length;)
        {
            ReadOnlyMemory<byte> statement = Take(frames, ref at, MaxStatement);
            ReadOnlyMemory<byte> content = Take(frames, ref at, MaxContent);
            yield return new FeedSegment(Der.Decode<FeedStatement>(statement), content);
        }
    }

    private static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> frames, ref int at, int max)
    {
        if (frames.Length - at < sizeof(int))
        {
            throw new DerException("The segments end within a length.");
        }

        int length = BinaryPrimitives.ReadInt32BigEndian(frames.Span[at..]);
        at += sizeof(int);
        if (length < 0 || length > max || length > frames.Length - at)
        {
            throw new DerException("A segment is too long, or ends early.");
        }

        ReadOnlyMemory<byte> taken = frames.Slice(at, length);
        at += length;
        return taken;
    }
}
