using System.Formats.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// RecipientInfo ::= SEQUENCE {
///     version                Version,
///     issuerAndSerialNumber  IssuerAndSerialNumber,
///     keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///     encryptedKey           OCTET STRING }
/// </code>
/// GM/T 0010-2012 §9.2, RFC 2315 §10.2. Do not match recipients by certificate when there is only one: in an answer of a key management
/// centre it may name a certificate that did not exist yet.
/// </summary>
public sealed class RecipientInfo : IDer<RecipientInfo>
{
    private const int GmVersion = 1;
    private const int SubjectKeyIdentifierVersion = 2;

    /// <param name="encryptedKey">The content encryption key under the recipient's SM2 public key.</param>
    public RecipientInfo(IssuerAndSerialNumber recipient, Sm2Cipher encryptedKey)
        : this(GmVersion, new ByIssuerAndSerialNumber(recipient), new AlgorithmIdentifier(Oids.Sm2Encrypt), Der.Encode(encryptedKey))
    {
    }

    private RecipientInfo(int version, RecipientIdentifier recipient, AlgorithmIdentifier keyEncryptionAlgorithm, ReadOnlyMemory<byte> encryptedKey)
    {
        Version = version;
        Recipient = recipient;
        KeyEncryptionAlgorithm = keyEncryptionAlgorithm;
        EncryptedKey = encryptedKey;
    }

    /// <summary>1 in GM/T 0010. Tolerance: 0, as in PKCS #7, is read; 2 goes with a key identifier.</summary>
    public int Version { get; }

    public RecipientIdentifier Recipient { get; }

    public AlgorithmIdentifier KeyEncryptionAlgorithm { get; }

    /// <summary>For SM2 the DER of <see cref="Sm2Cipher"/>, whichever way it was carried.</summary>
    public ReadOnlyMemory<byte> EncryptedKey { get; }

    private bool KeyIsEmbedded { get; init; }

    /// <summary>Tolerance: the forms of <see cref="Sm2Cipher.DecodeLenient"/>, which licensed CAs write.</summary>
    /// <exception cref="DerException">Not an SM2 ciphertext.</exception>
    public Sm2Cipher DecodeSm2Cipher() => Sm2Cipher.DecodeLenient(EncryptedKey);

    public static RecipientInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        int version = CmsFields.ReadVersion(sequence, 0, SubjectKeyIdentifierVersion);
        RecipientIdentifier recipient = RecipientIdentifier.Read(sequence);
        if (version == SubjectKeyIdentifierVersion != recipient is BySubjectKeyIdentifier)
        {
            throw new AsnContentException("Version 2 goes with a key identifier, and only with it (RFC 5652 §6.2.1).");
        }

        AlgorithmIdentifier keyEncryptionAlgorithm = AlgorithmIdentifier.Read(sequence);

        // Tolerance: some key management centres put the SM2Cipher SEQUENCE in place of the OCTET STRING that should hold it.
        bool keyIsEmbedded = sequence.NextIs(Asn1Tag.Sequence);
        ReadOnlyMemory<byte> encryptedKey = keyIsEmbedded ? ReadEmbedded(sequence) : sequence.ReadOctets();
        sequence.ThrowIfNotEmpty();
        return new RecipientInfo(version, recipient, keyEncryptionAlgorithm, encryptedKey) { KeyIsEmbedded = keyIsEmbedded };
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(Version);
            Recipient.Write(writer);
            KeyEncryptionAlgorithm.Write(writer);
            if (KeyIsEmbedded)
            {
                writer.WriteEncodedValue(EncryptedKey.Span);
            }
            else
            {
                writer.WriteOctetString(EncryptedKey.Span);
            }
        }
    }

    private static ReadOnlyMemory<byte> ReadEmbedded(AsnReader sequence)
    {
        ReadOnlyMemory<byte> encoded = sequence.PeekEncodedValue();
        Sm2Cipher.Read(sequence);
        return encoded;
    }
}

/// <summary>
/// <code>
/// RecipientIdentifier ::= CHOICE {
///     issuerAndSerialNumber    IssuerAndSerialNumber,
///     subjectKeyIdentifier [0] IMPLICIT OCTET STRING }
/// </code>
/// RFC 5652 §6.2.1. GM/T 0010 knows only the first. Tolerance: CFCA's toolkit names recipients by the second.
/// </summary>
public abstract record RecipientIdentifier : IDer<RecipientIdentifier>
{
    // Closed: the alternatives are those of this file.
    private protected RecipientIdentifier()
    {
    }

    public static RecipientIdentifier Read(AsnReader reader) =>
        reader.NextIs(Tags.Context0)
            ? new BySubjectKeyIdentifier(reader.ReadOctets(Tags.Context0))
            : new ByIssuerAndSerialNumber(IssuerAndSerialNumber.Read(reader));

    public abstract void Write(AsnWriter writer);
}

public sealed record ByIssuerAndSerialNumber(IssuerAndSerialNumber IssuerAndSerialNumber) : RecipientIdentifier
{
    public override void Write(AsnWriter writer) => IssuerAndSerialNumber.Write(writer);
}

/// <param name="KeyIdentifier">Of the recipient's certificate.</param>
public sealed record BySubjectKeyIdentifier(ReadOnlyMemory<byte> KeyIdentifier) : RecipientIdentifier
{
    public override void Write(AsnWriter writer) => writer.WriteOctetString(KeyIdentifier.Span, Tags.Context0);

    public bool Equals(BySubjectKeyIdentifier? other) => other is not null && KeyIdentifier.ContentEquals(other.KeyIdentifier);

    public override int GetHashCode() => KeyIdentifier.ContentHash();
}
