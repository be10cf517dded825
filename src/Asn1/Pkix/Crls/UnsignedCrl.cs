using System.Buffers;
using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// A CRL in a stream that lacks its outermost header and its signature. Disposed before <see cref="Complete"/> it takes back what it wrote.
/// Does not own the stream.
/// </summary>
public sealed class UnsignedCrl : IDisposable
{
    private const int CopyLength = 1 << 16;

    private readonly Stream output;
    private readonly AlgorithmIdentifier signatureAlgorithm;
    private readonly long start;
    private readonly int headerLength;
    private bool settled;

    internal UnsignedCrl(Stream output, AlgorithmIdentifier signatureAlgorithm, long tbsLength)
    {
        this.output = output;
        this.signatureAlgorithm = signatureAlgorithm;
        TbsLength = tbsLength;
        start = output.Position;

        // For the shortest signature. The header of the final one may be longer by an octet or two, near a power of 256 only.
        headerLength = DerHeader.Length(tbsLength + EncodeTail([]).Length);
        Span<byte> zeros = stackalloc byte[DerHeader.MaxLength];
        zeros.Clear();
        output.Write(zeros[..headerLength]);
    }

    /// <summary>Bytes of the TBSCertList.</summary>
    public long TbsLength { get; }

    /// <summary>Appends signatureAlgorithm and signatureValue, then writes the header: from then on it is a CRL. The position is its end.</summary>
    /// <param name="signature">For SM2 and ECDSA the DER of SEQUENCE { r, s }, for RSA the bytes of PKCS #1; over the bytes that the digest got.</param>
    /// <exception cref="InvalidOperationException">Already completed or disposed.</exception>
    public void Complete(ReadOnlySpan<byte> signature)
    {
        if (settled)
        {
            throw new InvalidOperationException("The CRL is completed or given up already.");
        }

        if (signature.IsEmpty)
        {
            throw new ArgumentException("A signature is not empty.", nameof(signature));
        }

        byte[] tail = EncodeTail(signature);
        Span<byte> header = stackalloc byte[DerHeader.MaxLength];
        header = header[..DerHeader.Write(header, DerHeader.Sequence, TbsLength + tail.Length)];
        if (header.Length > headerLength)
        {
            MoveTbs(header.Length - headerLength);
        }

        long end = start + header.Length + TbsLength;
        output.Position = end;
        output.Write(tail);
        output.Flush();
        output.Position = start;
        output.Write(header);
        output.Flush();
        output.Position = end + tail.Length;
        settled = true;
    }

    /// <summary>Cuts the output back to where it was, unless completed.</summary>
    public void Dispose()
    {
        if (!settled)
        {
            settled = true;
            output.SetLength(start);
        }
    }

    private byte[] EncodeTail(ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        signatureAlgorithm.Write(writer);
        writer.WriteBitString(signature);
        return writer.Encode();
    }

    /// <summary>Moves the TBS towards the end, last bytes first.</summary>
    private void MoveTbs(int distance)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyLength);
        try
        {
            for (long left = TbsLength; left > 0;)
            {
                int length = (int)Math.Min(left, CopyLength);
                left -= length;
                long at = start + headerLength + left;
                output.Position = at;
                output.ReadExactly(buffer, 0, length);
                output.Position = at + distance;
                output.Write(buffer, 0, length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
