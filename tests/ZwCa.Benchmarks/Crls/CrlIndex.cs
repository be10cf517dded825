using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Benchmarks;

/// <summary>
/// Revoked certificates in the text database of <c>openssl ca</c>, which both sides read: status, expiry, revocation time and reason, serial
/// number, file, subject, with tabs between.
/// </summary>
internal static class CrlIndex
{
    private const int SerialOctets = 16;

    /// <summary>Of every five certificates, as OpenSSL writes it after the time; two have no reason.</summary>
    private static readonly string[] Reasons = ["", ",superseded", "", ",keyCompromise", ",cessationOfOperation"];

    /// <summary>Serial numbers ascending, which is the order that OpenSSL writes entries in.</summary>
    public static void Write(string path, int count)
    {
        var random = new Random(count);
        byte[] serial = new byte[SerialOctets];
        var revokedAt = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        using var file = new StreamWriter(path, append: false, Encoding.ASCII);
        file.NewLine = "\n";
        for (int i = 0; i < count; i++)
        {
            random.NextBytes(serial);
            serial[0] = 0x5A;
            BinaryPrimitives.WriteInt32BigEndian(serial.AsSpan(1), i);
            string time = revokedAt.AddSeconds(i * 31L).ToString("yyMMddHHmmss", CultureInfo.InvariantCulture);
            file.WriteLine($"R\t351231235959Z\t{time}Z{Reasons[i % Reasons.Length]}\t{Convert.ToHexString(serial)}\tunknown\t/CN=x");
        }
    }

    /// <summary>Streams the file; enumerated again, it is read again.</summary>
    public static IEnumerable<CrlEntry> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        byte[] buffer = new byte[1 << 16];
        int length = 0;
        while (file.Read(buffer, length, buffer.Length - length) is > 0 and int read)
        {
            length += read;
            int start = 0;
            while (buffer.AsSpan(start, length - start).IndexOf((byte)'\n') is >= 0 and int line)
            {
                yield return Parse(buffer.AsSpan(start, line));
                start += line + 1;
            }

            buffer.AsSpan(start, length - start).CopyTo(buffer);
            length -= start;
        }
    }

    private static CrlEntry Parse(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> rest = line[(line.IndexOf((byte)'\t') + 1)..];
        rest = rest[(rest.IndexOf((byte)'\t') + 1)..];
        ReadOnlySpan<byte> revoked = rest[..rest.IndexOf((byte)'\t')];
        rest = rest[(revoked.Length + 1)..];
        Span<byte> serial = stackalloc byte[SerialOctets];
        Convert.FromHexString(rest[..rest.IndexOf((byte)'\t')], serial, out _, out int octets);
        return new CrlEntry(SerialNumber.FromBytes(serial[..octets]), new Time(TimeOf(revoked)), ReasonOf(revoked));
    }

    /// <summary>YYMMDDHHMMSSZ.</summary>
    private static DateTimeOffset TimeOf(ReadOnlySpan<byte> text) =>
        new(2000 + Two(text), Two(text[2..]), Two(text[4..]), Two(text[6..]), Two(text[8..]), Two(text[10..]), TimeSpan.Zero);

    /// <summary>Two digits; anything else gives a number that <see cref="DateTimeOffset"/> refuses or that the comparison of the CRLs finds.</summary>
    private static int Two(ReadOnlySpan<byte> text) => ((text[0] - '0') * 10) + text[1] - '0';

    private static RevocationReason ReasonOf(ReadOnlySpan<byte> revoked) => revoked["YYMMDDHHMMSSZ".Length..] switch
    {
        [] => RevocationReason.Unspecified,
        [_, (byte)'s', ..] => RevocationReason.Superseded,
        [_, (byte)'k', ..] => RevocationReason.KeyCompromise,
        [_, (byte)'c', ..] => RevocationReason.CessationOfOperation,
        _ => throw new FormatException("The index has an unknown reason."),
    };
}
