using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// CrlAdoption ::= SEQUENCE {
///     issuer OCTET STRING (SIZE (1..64)),
///     shard  UTF8String,
///     hash   OCTET STRING (SIZE (32)) }
/// </code>
/// Parameters of the command that takes a published CRL of which the database knows nothing for the last one: which CA by its SubjectKeyIdentifier, which of its CRLs, and the SM3 of the file.
/// So a decision is about one file and no other.
/// </summary>
/// <param name="Shard"><c>all</c> or <c>32-7</c>, 1 to 256 characters.</param>
/// <param name="Hash">32 bytes.</param>
public sealed record CrlAdoption(ReadOnlyMemory<byte> Issuer, string Shard, ReadOnlyMemory<byte> Hash) : IDer<CrlAdoption>
{
    private const int MaxLength = 64;

    public ReadOnlyMemory<byte> Issuer { get; } = Issuer.Length is >= 1 and <= MaxLength ? Issuer : throw new ArgumentException($"A key identifier has 1 to {MaxLength} bytes.", nameof(Issuer));

    public string Shard { get; } = CustodyFields.Text(Shard, nameof(Shard));

    public ReadOnlyMemory<byte> Hash { get; } = CustodyFields.Exactly(Hash, CustodyFields.HashLength, nameof(Hash));

    public static CrlAdoption Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> issuer = sequence.ReadOctets();
        string shard = CustodyFields.ReadText(sequence);
        ReadOnlyMemory<byte> hash = CustodyFields.ReadExactly(sequence, CustodyFields.HashLength);
        sequence.ThrowIfNotEmpty();
        return issuer.Length is >= 1 and <= MaxLength ? new CrlAdoption(issuer, shard, hash) : throw new AsnContentException($"A key identifier has 1 to {MaxLength} bytes.");
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Issuer.Span);
            CustodyFields.WriteText(writer, Shard);
            writer.WriteOctetString(Hash.Span);
        }
    }

    public bool Equals(CrlAdoption? other) => other is not null && Issuer.ContentEquals(other.Issuer) && Shard == other.Shard && Hash.ContentEquals(other.Hash);

    public override int GetHashCode() => HashCode.Combine(Issuer.ContentHash(), Shard, Hash.ContentHash());
}
