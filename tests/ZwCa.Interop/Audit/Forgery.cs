using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;

namespace ZwCa.Interop.Audit;

/// <summary>Changes to what is shown.</summary>
internal static class Forgery
{
    /// <returns>A copy with one bit changed.</returns>
    public static byte[] Flip(ReadOnlySpan<byte> bytes, int at)
    {
        byte[] changed = bytes.ToArray();
        changed[at] ^= 0x10;
        return changed;
    }

    /// <summary>Changes a bit in the last of those bytes, wherever they stand.</summary>
    public static byte[] FlipWithin(byte[] bytes, ReadOnlySpan<byte> part)
    {
        int at = bytes.AsSpan().IndexOf(part);
        Assert.True(at >= 0);
        return Flip(bytes, at + part.Length - 1);
    }

    /// <summary>Changes the content of the SEQUENCE, whose length follows.</summary>
    /// <param name="from">In hexadecimal; where it stands first. Empty: the end of the content.</param>
    public static byte[] Replace(byte[] sequence, string from, string to)
    {
        string content = Convert.ToHexStringLower(new AsnReader(sequence, AsnEncodingRules.DER).PeekContentBytes().Span);
        int at = from.Length == 0 ? content.Length : content.IndexOf(from, StringComparison.Ordinal);
        while (at > 0 && at % 2 == 1)
        {
            // Half of one byte and half of the next.
            at = content.IndexOf(from, at + 1, StringComparison.Ordinal);
        }

        Assert.True(at >= 0, $"{from} is not there.");
        return Sequence(Convert.FromHexString(content[..at] + to + content[(at + from.Length)..]));
    }

    /// <returns>The SEQUENCE with that content.</returns>
    public static byte[] Sequence(byte[] content)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(content, Asn1Tag.PrimitiveOctetString);
        byte[] sequence = writer.Encode();
        sequence[0] = 0x30;
        return sequence;
    }

    /// <returns>DER of the proof with another index, size or path.</returns>
    public static byte[] Change(
        byte[] proof,
        long? index = null,
        long? size = null,
        Func<IReadOnlyList<ReadOnlyMemory<byte>>, IReadOnlyList<ReadOnlyMemory<byte>>>? path = null)
    {
        InclusionProof read = Der.Decode<InclusionProof>(proof);
        return Der.Encode(new InclusionProof(index ?? read.LeafIndex, size ?? read.TreeSize, path is null ? read.Path : path(read.Path)));
    }
}
