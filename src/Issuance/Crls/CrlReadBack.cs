using System.Buffers;
using ZwCa.Asn1;
using ZwCa.Hsm;

namespace ZwCa.Issuance;

/// <summary>What leaves has the very bytes that were signed: read back from where it will be published from, in constant memory.</summary>
internal static class CrlReadBack
{
    private const int BufferLength = 1 << 16;

    /// <exception cref="InvalidOperationException">It has not.</exception>
    public static void Require(PreparedCrl prepared, Stream stream, long start, ReadOnlySpan<byte> signature)
    {
        Issuer issuer = prepared.Issuer;
        byte[] tail = [.. Der.Encode(issuer.Algorithm), .. BitString(signature)];
        byte[] header = Header(prepared.TbsLength + tail.Length);
        stream.Position = start;
        bool isWhole = stream.Length - start == header.Length + prepared.TbsLength + tail.Length
            && Next(stream, header.Length).AsSpan().SequenceEqual(header)
            && DigestOf(issuer.Signer, stream, prepared.TbsLength).Span.SequenceEqual(prepared.Digest.Span)
            && Next(stream, tail.Length).AsSpan().SequenceEqual(tail);
        if (!isWhole)
        {
            throw new InvalidOperationException($"The {prepared.Request} in the stream is not the one that was signed.");
        }
    }

    private static ReadOnlyMemory<byte> DigestOf(HsmSigner signer, Stream stream, long length)
    {
        using HsmMessage message = signer.BeginMessage();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            for (long left = length; left > 0;)
            {
                int count = (int)Math.Min(left, buffer.Length);
                stream.ReadExactly(buffer, 0, count);
                message.Append(buffer.AsSpan(0, count));
                left -= count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return message.GetDigest();
    }

    private static byte[] Next(Stream stream, int count)
    {
        byte[] bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static byte[] BitString(ReadOnlySpan<byte> bits)
    {
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        writer.WriteBitString(bits);
        return writer.Encode();
    }

    /// <summary>SEQUENCE, and the length in the fewest octets.</summary>
    private static byte[] Header(long length)
    {
        if (length < 0x80)
        {
            return [DerTag.Sequence, (byte)length];
        }

        byte[] octets = [.. BitConverter.GetBytes(length).Reverse().SkipWhile(octet => octet == 0)];
        return [DerTag.Sequence, (byte)(0x80 | octets.Length), .. octets];
    }
}
