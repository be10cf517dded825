using System.Formats.Asn1;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// CrlOrder ::= SEQUENCE { issuer OCTET STRING (SIZE (1..64)) }
/// </code>
/// Parameters of the command that has a CA's CRLs made at once. The issuer is its SubjectKeyIdentifier.
/// </summary>
public sealed record CrlOrder(ReadOnlyMemory<byte> Issuer) : IDer<CrlOrder>
{
    private const int MaxLength = 64;

    public ReadOnlyMemory<byte> Issuer { get; } = Issuer.Length is >= 1 and <= MaxLength ? Issuer : throw new ArgumentException($"A key identifier has 1 to {MaxLength} bytes.", nameof(Issuer));

    public static CrlOrder Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> issuer = sequence.ReadOctets();
        sequence.ThrowIfNotEmpty();
        return issuer.Length is >= 1 and <= MaxLength ? new CrlOrder(issuer) : throw new AsnContentException($"A key identifier has 1 to {MaxLength} bytes.");
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Issuer.Span);
        }
    }

    public bool Equals(CrlOrder? other) => other is not null && Issuer.ContentEquals(other.Issuer);

    public override int GetHashCode() => Issuer.ContentHash();
}
