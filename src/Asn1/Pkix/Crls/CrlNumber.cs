using System.Formats.Asn1;
using System.Numerics;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CRLNumber ::= INTEGER (0..MAX)
/// </code>
/// RFC 5280 §5.2.3: at most 20 octets; non-critical. Increasing within a scope; a full and a delta CRL issued together share it.
/// </summary>
public sealed record CrlNumber(BigInteger Number) : IExtensionValue<CrlNumber>
{
    public static string Id => Oids.CrlNumber;

    public static bool? Critical => false;

    public BigInteger Number { get; } = CrlNumberField.Check(Number);

    public static CrlNumber Read(AsnReader reader) => new(CrlNumberField.Read(reader));

    public void Write(AsnWriter writer) => writer.WriteInteger(Number);
}

/// <summary>
/// <code>
/// BaseCRLNumber ::= CRLNumber
/// </code>
/// RFC 5280 §5.2.4; critical: the CRL lists only what changed since the full CRL of that number.
/// </summary>
public sealed record DeltaCrlIndicator(BigInteger BaseCrlNumber) : IExtensionValue<DeltaCrlIndicator>
{
    public static string Id => Oids.DeltaCrlIndicator;

    public static bool? Critical => true;

    public BigInteger BaseCrlNumber { get; } = CrlNumberField.Check(BaseCrlNumber);

    public static DeltaCrlIndicator Read(AsnReader reader) => new(CrlNumberField.Read(reader));

    public void Write(AsnWriter writer) => writer.WriteInteger(BaseCrlNumber);
}

internal static class CrlNumberField
{
    private const int MaxOctets = 20;

    public static BigInteger Check(BigInteger number) =>
        number.Sign >= 0 && number.GetByteCount() <= MaxOctets
            ? number
            : throw new ArgumentOutOfRangeException(nameof(number), number, "A CRL number is not negative and has at most 20 octets.");

    public static BigInteger Read(AsnReader reader)
    {
        // Bytes first: a BigInteger of a megabyte would be built only to be refused.
        ReadOnlySpan<byte> content = reader.ReadIntegerBytes().Span;
        return content.Length <= MaxOctets && content[0] < 0x80
            ? new BigInteger(content, isBigEndian: true)
            : throw new AsnContentException("A CRL number is not negative and has at most 20 octets.");
    }
}
