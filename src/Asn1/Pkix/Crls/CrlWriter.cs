using System.Buffers;
using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Numerics;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// Writes a CRL with any number of entries in constant memory, byte for byte what <see cref="TbsCertList"/> would write.
/// <para>
/// DER puts lengths first, so the entries are enumerated twice: once to measure, once to write. The TBSCertList goes straight to its place
/// in the output and, at the same time, to the caller's digest. What cannot be known before the signature is the length of the whole (an
/// SM2 or ECDSA signature has 70 to 72 bytes, now and then fewer), so the first bytes of the output stay zero, which no reader takes for a CRL,
/// until <see cref="UnsignedCrl.Complete"/> writes them.
/// </para>
/// <code>
/// var writer = new CrlWriter(algorithm, issuer, thisUpdate, nextUpdate, extensions);
/// using UnsignedCrl unsigned = writer.WriteTbs(file, entries, digest.AppendData);
/// unsigned.Complete(sign(digest));
/// </code>
/// </summary>
public sealed class CrlWriter
{
    private const int BufferLength = 1 << 16;

    private readonly AlgorithmIdentifier _signature;
    private readonly byte[] _untilEntries;
    private readonly byte[] _extensions;
    private readonly bool _isDelta;

    /// <param name="signature">The algorithm of the issuer's key, for the inner and the outer field.</param>
    /// <param name="crlExtensions">With AuthorityKeyIdentifier and CRLNumber; what else is there makes the CRL partitioned, an ARL or a delta.</param>
    /// <exception cref="ArgumentException">As for <see cref="TbsCertList"/>, or an indirect CRL.</exception>
    public CrlWriter(AlgorithmIdentifier signature, Name issuer, Time thisUpdate, Time nextUpdate, Extensions crlExtensions)
    {
        TbsCertList.CheckIssuable(issuer, thisUpdate, nextUpdate, crlExtensions);
        if (crlExtensions.Find<IssuingDistributionPoint>() is { IndirectCrl: true })
        {
            throw new ArgumentException("An indirect CRL needs entries with a certificateIssuer.", nameof(crlExtensions));
        }

        _signature = Require.NotNull(signature);
        _isDelta = TbsCertList.IsDelta(crlExtensions);

        var writer = new AsnWriter(AsnEncodingRules.DER);
        TbsCertList.WriteUntilEntries(writer, signature, issuer, thisUpdate, nextUpdate);
        _untilEntries = writer.Encode();
        writer.Reset();
        writer.WriteExplicit(crlExtensions, Tags.Context0);
        _extensions = writer.Encode();
    }

    /// <summary>Writes all but the outermost header and the signature.</summary>
    /// <param name="output">
    /// Seekable, readable and writable, such as a new file, positioned at its end; the CRL is appended. Owned by the caller, who disposes it after the result.
    /// </param>
    /// <param name="entries">Enumerated twice and the same both times, such as a query in one read transaction. In this order on the wire; none: the field is absent.</param>
    /// <param name="digest">Gets the bytes of the TBSCertList, in order, once.</param>
    /// <exception cref="ArgumentException">
    /// The output is not positioned at its end, an entry has no serial number, or removeFromCRL occurs outside a delta CRL; nothing has been written.
    /// </exception>
    /// <exception cref="InvalidOperationException">The second enumeration differed from the first; the output is cut back to where it was.</exception>
    public UnsignedCrl WriteTbs(Stream output, IEnumerable<CrlEntry> entries, Action<ReadOnlySpan<byte>> digest)
    {
        if (!output.CanSeek || !output.CanRead || !output.CanWrite)
        {
            throw new ArgumentException("The output must be seekable, readable and writable.", nameof(output));
        }

        // What stands behind the position would be left behind the CRL.
        if (output.Position != output.Length)
        {
            throw new ArgumentException("The output must be positioned at its end.", nameof(output));
        }

        // Step 1: measure, so that every length is known, and refuse entries before anything is written.
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            Measure measured = default;
            foreach (CrlEntry entry in entries)
            {
                Check(entry);
                measured = measured.Add(buffer.AsSpan(0, entry.Encode(buffer)));
            }

            long entriesLength = measured.Length == 0 ? 0 : DerHeader.Length(measured.Length) + measured.Length;
            long tbsContentLength = _untilEntries.Length + entriesLength + _extensions.Length;
            long tbsLength = DerHeader.Length(tbsContentLength) + tbsContentLength;

            // Step 2: leave room for the outermost header, zeros for now.
            var unsigned = new UnsignedCrl(output, _signature, tbsLength);
            try
            {
                unsigned.ReserveHeader();

                // Step 3: write, through one buffer to output and digest.
                var sink = new Sink(output, digest, buffer);
                sink.AppendHeader(tbsContentLength);
                sink.Append(_untilEntries);
                if (measured.Length > 0)
                {
                    sink.AppendHeader(measured.Length);
                }

                Measure written = default;
                foreach (CrlEntry entry in entries)
                {
                    // Encoding needs one; the first enumeration had one everywhere.
                    if (entry.UserCertificate is null)
                    {
                        throw Changed();
                    }

                    Span<byte> room = sink.Reserve(CrlEntry.MaxEncodedLength);
                    int length = entry.Encode(room);
                    written = written.Add(room[..length]);
                    sink.Advance(length);

                    // Before the end: a growing source would fill the disk.
                    if (written.Length > measured.Length)
                    {
                        break;
                    }
                }

                if (written != measured)
                {
                    throw Changed();
                }

                sink.Append(_extensions);
                sink.Flush();
                return unsigned;
            }
            catch
            {
                unsigned.Dispose();
                throw;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static InvalidOperationException Changed() => new("The entries of the CRL changed between the two enumerations.");

    private void Check(in CrlEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry.UserCertificate, nameof(entry));
        if (entry.Reason == RevocationReason.RemoveFromCrl && !_isDelta)
        {
            throw new ArgumentException("removeFromCRL occurs only in delta CRLs.", nameof(entry));
        }
    }

    /// <summary>Length and fingerprint of the entries; the fingerprint tells accident, not malice.</summary>
    private readonly record struct Measure(long Length, ulong Fingerprint)
    {
        public Measure Add(ReadOnlySpan<byte> entry)
        {
            long length = Length + entry.Length;
            ulong fingerprint = Fingerprint;
            for (; entry.Length >= sizeof(ulong); entry = entry[sizeof(ulong)..])
            {
                fingerprint = Mix(fingerprint, BinaryPrimitives.ReadUInt64LittleEndian(entry));
            }

            foreach (byte octet in entry)
            {
                fingerprint = Mix(fingerprint, octet);
            }

            return new Measure(length, fingerprint);
        }

        /// <summary>Multiplication by 2^64 divided by the golden ratio, as in Fibonacci hashing; it wraps by intent.</summary>
        private static ulong Mix(ulong state, ulong word) => unchecked((BitOperations.RotateLeft(state, 23) ^ word) * 0x9e37_79b9_7f4a_7c15);
    }

    /// <summary>The TBS on its way to output and digest.</summary>
    private ref struct Sink(Stream output, Action<ReadOnlySpan<byte>> digest, byte[] buffer)
    {
        private int _used;

        public Span<byte> Reserve(int length)
        {
            if (buffer.Length - _used < length)
            {
                Flush();
            }

            return buffer.AsSpan(_used);
        }

        public void Advance(int length) => _used += length;

        public void AppendHeader(long contentLength) => Advance(DerHeader.Write(Reserve(DerHeader.MaxLength), DerHeader.Sequence, contentLength));

        public void Append(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                Span<byte> room = Reserve(1);
                int length = Math.Min(room.Length, bytes.Length);
                bytes[..length].CopyTo(room);
                Advance(length);
                bytes = bytes[length..];
            }
        }

        public void Flush()
        {
            digest(buffer.AsSpan(0, _used));
            output.Write(buffer, 0, _used);
            _used = 0;
        }
    }
}
