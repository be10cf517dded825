using System.Buffers;
using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;
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
        byte[] tail = Tail(issuer.Algorithm, signature);
        byte[] header = DerCursor.SequenceHeader(prepared.TbsLength + tail.Length);
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

    /// <summary>What follows a TBSCertList: signatureAlgorithm and signatureValue.</summary>
    public static byte[] Tail(AlgorithmIdentifier algorithm, ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        algorithm.Write(writer);
        writer.WriteBitString(signature);
        return writer.Encode();
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
}
