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

    private readonly Stream _output;
    private readonly AlgorithmIdentifier _signatureAlgorithm;
    private readonly long _start;
    private readonly int _headerLength;
    private State _state;

    internal UnsignedCrl(Stream output, AlgorithmIdentifier signatureAlgorithm, long tbsLength)
    {
        _output = output;
        _signatureAlgorithm = signatureAlgorithm;
        TbsLength = tbsLength;
        _start = output.Position;

        // For the shortest signature. The header of the final one may be longer by an octet or two, near a power of 256 only.
        _headerLength = DerHeader.Length(tbsLength + EncodeTail([]).Length);
    }

    private enum State
    {
        /// <summary>Waits for its signature.</summary>
        Unsigned,

        /// <summary>A write failed, nobody knows how far: only taking back is left.</summary>
        Broken,

        /// <summary>Completed or taken back.</summary>
        Settled,
    }

    /// <summary>Bytes of the TBSCertList.</summary>
    public long TbsLength { get; }

    /// <summary>
    /// Appends signatureAlgorithm and signatureValue, then writes the header: from then on it is a CRL. The position is its end. The caller makes
    /// it last: <c>FileStream.Flush(flushToDisk: true)</c>, close, rename to the published name.
    /// </summary>
    /// <param name="signature">For SM2 and ECDSA the DER of SEQUENCE { r, s }, for RSA the bytes of PKCS #1; over the bytes that the digest got.</param>
    /// <exception cref="InvalidOperationException">Already completed or disposed, or an earlier call failed while it wrote.</exception>
    public void Complete(ReadOnlySpan<byte> signature)
    {
        if (_state != State.Unsigned)
        {
            throw new InvalidOperationException("The CRL is completed, given up or broken.");
        }

        if (signature.IsEmpty)
        {
            throw new ArgumentException("A signature is not empty.", nameof(signature));
        }

        byte[] tail = EncodeTail(signature);

        // From here on a second try would find a TBS that is moved already, or half of it.
        _state = State.Broken;
        Span<byte> header = stackalloc byte[DerHeader.MaxLength];
        header = header[..DerHeader.Write(header, DerHeader.Sequence, TbsLength + tail.Length)];
        if (header.Length > _headerLength)
        {
            MoveTbs(header.Length - _headerLength);
        }

        long end = _start + header.Length + TbsLength;
        _output.Position = end;
        _output.Write(tail);
        _output.Flush();
        _output.Position = _start;
        _output.Write(header);
        _output.Flush();
        _output.Position = end + tail.Length;
        _state = State.Settled;
    }

    /// <summary>Cuts the output back to where it was, unless completed.</summary>
    public void Dispose()
    {
        if (_state != State.Settled)
        {
            _state = State.Settled;
            _output.SetLength(_start);
        }
    }

    /// <summary>Zeros in place of the header.</summary>
    internal void ReserveHeader()
    {
        Span<byte> zeros = stackalloc byte[DerHeader.MaxLength];
        zeros.Clear();
        _output.Write(zeros[.._headerLength]);
    }

    private byte[] EncodeTail(ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        _signatureAlgorithm.Write(writer);
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
                long at = _start + _headerLength + left;
                _output.Position = at;
                _output.ReadExactly(buffer, 0, length);
                _output.Position = at + distance;
                _output.Write(buffer, 0, length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
