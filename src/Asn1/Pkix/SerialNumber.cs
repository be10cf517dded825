using System.Buffers;
using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CertificateSerialNumber ::= INTEGER
/// </code>
/// RFC 5280 §4.1.2.2: positive and at most 20 octets of INTEGER content, so the value is below 2^159. In storage and in URLs it is
/// lower-case hexadecimal, two digits an octet, without the sign octet.
/// </summary>
public sealed class SerialNumber : IDer<SerialNumber>, IEquatable<SerialNumber>
{
    /// <summary>Octets of INTEGER content, a sign octet 00 included.</summary>
    public const int MaxOctets = 20;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>INTEGER content: minimal two's complement, positive.</summary>
    private readonly ReadOnlyMemory<byte> content;

    private SerialNumber(ReadOnlyMemory<byte> content) => this.content = content;

    /// <summary>INTEGER content octets, 1 to 20, as in DER.</summary>
    public ReadOnlySpan<byte> Content => content.Span;

    /// <param name="bigEndian">Unsigned value, leading zeros allowed; copied.</param>
    /// <exception cref="ArgumentException">Zero, or 2^159 and above.</exception>
    public static SerialNumber FromBytes(ReadOnlySpan<byte> bigEndian)
    {
        ReadOnlySpan<byte> magnitude = bigEndian.TrimStart((byte)0);
        if (magnitude.IsEmpty)
        {
            throw new ArgumentException("A serial number is positive.", nameof(bigEndian));
        }

        bool signOctet = magnitude[0] >= 0x80;
        byte[] content = new byte[magnitude.Length + (signOctet ? 1 : 0)];
        magnitude.CopyTo(content.AsSpan(signOctet ? 1 : 0));
        return content.Length <= MaxOctets
            ? new SerialNumber(content)
            : throw new ArgumentException("A serial number has at most 20 octets.", nameof(bigEndian));
    }

    /// <summary>Reads the form of <see cref="ToString"/> and no other: no upper case, no odd length, no leading 00.</summary>
    public static bool TryParse(string? hex, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SerialNumber? serialNumber)
    {
        serialNumber = null;
        if (hex is null || hex.Length is 0 or > 2 * MaxOctets || hex.Length % 2 != 0
            || hex.StartsWith("00", StringComparison.Ordinal) || hex.AsSpan().ContainsAnyExcept(HexDigits))
        {
            return false;
        }

        byte[] magnitude = Convert.FromHexString(hex);
        if (magnitude.Length == MaxOctets && magnitude[0] >= 0x80)
        {
            return false;
        }

        serialNumber = FromBytes(magnitude);
        return true;
    }

    /// <exception cref="FormatException">See <see cref="TryParse"/>.</exception>
    public static SerialNumber Parse(string hex) =>
        TryParse(hex, out SerialNumber? serialNumber) ? serialNumber : throw new FormatException("Not a serial number in lower-case hexadecimal.");

    public static SerialNumber Read(AsnReader reader) => Read(reader, Asn1Tag.Integer);

    /// <summary>IMPLICIT tagging, as in AuthorityKeyIdentifier.</summary>
    internal static SerialNumber Read(AsnReader reader, Asn1Tag tag)
    {
        ReadOnlyMemory<byte> content = reader.ReadIntegerBytes(tag);
        ReadOnlySpan<byte> octets = content.Span;
        if (octets.Length > MaxOctets || octets[0] >= 0x80 || octets is [0])
        {
            throw new AsnContentException("A serial number is positive and has at most 20 octets.");
        }

        return new SerialNumber(content);
    }

    public void Write(AsnWriter writer) => Write(writer, Asn1Tag.Integer);

    internal void Write(AsnWriter writer, Asn1Tag tag) => writer.WriteInteger(Content, tag);

    public bool Equals(SerialNumber? other) => other is not null && Content.SequenceEqual(other.Content);

    public override bool Equals(object? obj) => Equals(obj as SerialNumber);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Content);
        return hash.ToHashCode();
    }

    public static bool operator ==(SerialNumber? left, SerialNumber? right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(SerialNumber? left, SerialNumber? right) => !(left == right);

    /// <returns>Lower-case hexadecimal, 2 to 40 digits.</returns>
    public override string ToString() => Convert.ToHexStringLower(Content[0] == 0 ? Content[1..] : Content);
}
