using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Decisions;

/// <summary>What the subscriber's token found in an envelope.</summary>
public enum DeliveryOutcome
{
    /// <summary>The private key of the encryption certificate: the token keeps it.</summary>
    Accepted = 0,

    /// <summary>No private key of the encryption certificate: d·G is another point. The token keeps nothing.</summary>
    KeyMismatch = 1,
}

/// <summary>
/// <code>
/// DeliveryReceipt ::= SEQUENCE {
///     type             OBJECT IDENTIFIER,
///     version          INTEGER { v1(1) },
///     pair             OCTET STRING (SIZE (16)),
///     issuer           OCTET STRING (SIZE (1..64)),
///     signingSerial    CertificateSerialNumber,
///     encryptionSerial CertificateSerialNumber,
///     envelope         OCTET STRING (SIZE (32)),
///     outcome          ENUMERATED { accepted(0), keyMismatch(1) },
///     time             GeneralizedTime }
/// </code>
/// The subscriber's word on the encryption key that was sent: whoever still holds the envelope erases it then. The envelope's digest tells a key that is wrong from an envelope that was
/// changed on the way: what arrived is not what was sent.
/// </summary>
public sealed record DeliveryReceipt : IDer<DeliveryReceipt>
{
    /// <summary>Bytes of the pair's identifier.</summary>
    public const int PairLength = 16;

    private const int Version = 1;
    private const int MaxIssuerLength = 64;
    private const string WrongIssuer = "A key identifier has 1 to 64 bytes.";

    /// <param name="pair">16 bytes: which order of a pair, or which recovery, the answer was to.</param>
    /// <param name="issuer">1 to 64 bytes: SubjectKeyIdentifier of the CA that issued both certificates.</param>
    /// <param name="envelope">32 bytes: SM3 of the DER of SM2EnvelopedKey.</param>
    /// <exception cref="ArgumentException">Another length, or no such outcome.</exception>
    public DeliveryReceipt(
        ReadOnlyMemory<byte> pair,
        ReadOnlyMemory<byte> issuer,
        SerialNumber signingSerial,
        SerialNumber encryptionSerial,
        ReadOnlyMemory<byte> envelope,
        DeliveryOutcome outcome,
        Time time)
    {
        Pair = CustodyFields.Exactly(pair, PairLength, nameof(pair));
        Issuer = IsIssuer(issuer) ? issuer : throw new ArgumentException(WrongIssuer, nameof(issuer));
        SigningSerial = Require.NotNull(signingSerial);
        EncryptionSerial = Require.NotNull(encryptionSerial);
        Envelope = CustodyFields.Exactly(envelope, CustodyFields.HashLength, nameof(envelope));
        Outcome = Enum.IsDefined(outcome) ? outcome : throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "No such outcome.");
        Time = time;
    }

    /// <summary>16 bytes.</summary>
    public ReadOnlyMemory<byte> Pair { get; }

    /// <summary>SubjectKeyIdentifier of the CA.</summary>
    public ReadOnlyMemory<byte> Issuer { get; }

    public SerialNumber SigningSerial { get; }

    public SerialNumber EncryptionSerial { get; }

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> Envelope { get; }

    public DeliveryOutcome Outcome { get; }

    /// <summary>By the subscriber's clock.</summary>
    public Time Time { get; }

    public bool Equals(DeliveryReceipt? other) =>
        other is not null && Pair.ContentEquals(other.Pair) && Issuer.ContentEquals(other.Issuer) && SigningSerial == other.SigningSerial
        && EncryptionSerial == other.EncryptionSerial && Envelope.ContentEquals(other.Envelope) && Outcome == other.Outcome && Time == other.Time;

    public override int GetHashCode() =>
        HashCode.Combine(Pair.ContentHash(), Issuer.ContentHash(), SigningSerial, EncryptionSerial, Envelope.ContentHash(), Outcome, Time);

    public static DeliveryReceipt Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.DeliveryReceipt);
        sequence.ReadVersion(Version);
        ReadOnlyMemory<byte> pair = CustodyFields.ReadExactly(sequence, PairLength);
        ReadOnlyMemory<byte> issuer = sequence.ReadOctets();
        if (!IsIssuer(issuer))
        {
            throw new AsnContentException(WrongIssuer);
        }

        var receipt = new DeliveryReceipt(
            pair,
            issuer,
            SerialNumber.Read(sequence),
            SerialNumber.Read(sequence),
            CustodyFields.ReadExactly(sequence, CustodyFields.HashLength),
            CustodyFields.ReadEnumerated<DeliveryOutcome>(sequence),
            Time.ReadGeneralized(sequence));
        sequence.ThrowIfNotEmpty();
        return receipt;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.DeliveryReceipt);
            writer.WriteInteger(Version);
            writer.WriteOctetString(Pair.Span);
            writer.WriteOctetString(Issuer.Span);
            SigningSerial.Write(writer);
            EncryptionSerial.Write(writer);
            writer.WriteOctetString(Envelope.Span);
            writer.WriteEnumeratedValue(Outcome);
            Time.WriteGeneralized(writer);
        }
    }

    private static bool IsIssuer(ReadOnlyMemory<byte> issuer) => issuer.Length is > 0 and <= MaxIssuerLength;
}

/// <summary>
/// <code>
/// SignedReceipt ::= SEQUENCE { receipt DeliveryReceipt, signature SM2Signature }
/// </code>
/// The signature is by the key of the signing certificate, under the default identity, over the DER of the receipt, which is kept as read.
/// </summary>
public sealed class SignedReceipt : IDer<SignedReceipt>
{
    private SignedReceipt(DeliveryReceipt receipt, ReadOnlyMemory<byte> receiptBytes, Sm2Signature signature)
    {
        Receipt = receipt;
        ReceiptBytes = receiptBytes;
        Signature = signature;
    }

    public DeliveryReceipt Receipt { get; }

    public ReadOnlyMemory<byte> ReceiptBytes { get; }

    public Sm2Signature Signature { get; }

    public static SignedReceipt Create(DeliveryReceipt receipt, Sm2PrivateKey key)
    {
        byte[] bytes = Der.Encode(receipt);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(bytes, signature);
        return new SignedReceipt(receipt, bytes, Sm2Signature.FromRaw(signature));
    }

    /// <summary>Whether that key signed. Whose it is, and what the receipt is about, is for the caller to compare with what was sent.</summary>
    /// <param name="signer">Of the signing certificate; one that is not SM2 has signed nothing.</param>
    public bool Verify(SubjectPublicKeyInfo signer) =>
        CustodyFields.FindSm2Key(signer) is { } key && key.Verify(ReceiptBytes.Span, Signature.Raw.Span);

    public static SignedReceipt Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> receiptBytes = sequence.PeekEncodedValue();
        var signed = new SignedReceipt(DeliveryReceipt.Read(sequence), receiptBytes, Sm2Signature.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return signed;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(ReceiptBytes.Span);
            Signature.Write(writer);
        }
    }
}
