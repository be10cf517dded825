using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Hsm;

/// <summary>A subscriber's encryption key pair whose private half only the device can open.</summary>
/// <param name="KeyId">16 bytes, made by the device, unique.</param>
/// <param name="PublicKey">SM2.</param>
/// <param name="WrappedKey">Opaque to all but the device; it authenticates what it says about itself.</param>
public sealed record WrappedKeyPair(ReadOnlyMemory<byte> KeyId, SubjectPublicKeyInfo PublicKey, ReadOnlyMemory<byte> WrappedKey);

/// <summary>What makes a device open a subscriber's key. It checks every part itself.</summary>
public abstract record EnvelopeAuthorization
{
    private EnvelopeAuthorization()
    {
    }

    /// <summary>
    /// An ApplyKeyReq or RestoreKeyReq in a message that a registered CA signed (GM/T 0014). Enough for the first envelope and for its
    /// repetition to the same recipient; to another recipient the application and two approvals are needed too.
    /// </summary>
    /// <param name="Message">DER of <see cref="CaRequest"/>.</param>
    /// <param name="Index">Which of its requests.</param>
    public sealed record ByCa(ReadOnlyMemory<byte> Message, int Index = 0) : EnvelopeAuthorization
    {
        /// <summary>DER of <see cref="Asn1.Decisions.Application"/> of kind recovery; null without approvals.</summary>
        public ReadOnlyMemory<byte>? Application { get; init; }

        /// <summary>DER of <see cref="Approval"/> each.</summary>
        public IReadOnlyList<ReadOnlyMemory<byte>> Approvals { get; init; } = [];
    }

    /// <summary>A <see cref="RecoveryCase"/> that m recovery officers signed.</summary>
    /// <param name="Statement">DER of <see cref="SignedStatement"/>.</param>
    public sealed record ByRecoveryOfficers(ReadOnlyMemory<byte> Statement) : EnvelopeAuthorization;
}

/// <summary>A subscriber's private key on its way to one recipient. Whoever has not the recipient's private key learns nothing from it.</summary>
/// <param name="KeyId">16 bytes.</param>
/// <param name="PublicKey">Of the pair inside, 04‖X‖Y; the device has checked that d·G is it.</param>
/// <param name="Cipher">A fresh SM4 key, encrypted to the recipient.</param>
/// <param name="EncryptedPrivateKey">64 bytes: SM4-ECB without padding of 32 zero bytes and d.</param>
/// <param name="ContentSignature">Over d, by the signing key that was named; null where none was.</param>
/// <param name="BoundKey">The wrapped key that replaces the one given: it says to which CA, serial number and recipient it belongs.</param>
public sealed record KeyEnvelope(
    ReadOnlyMemory<byte> KeyId,
    ReadOnlyMemory<byte> PublicKey,
    Sm2Cipher Cipher,
    ReadOnlyMemory<byte> EncryptedPrivateKey,
    Sm2Signature? ContentSignature,
    ReadOnlyMemory<byte> BoundKey)
{
    private const int KeyLength = 32;
    private const byte OctetString = 0x04;

    /// <summary>For a USB token (GM/T 0016): all 64 bytes.</summary>
    public EnvelopedKeyBlob ToEnvelopedKeyBlob() => new(EncryptedPrivateKey, PublicKey, Cipher);

    /// <summary>GM/T 0009-2023 §7.4: the last 32 bytes, for ECB enciphers each block by itself.</summary>
    public Sm2EnvelopedKey ToSm2EnvelopedKey() => new(Cipher, PublicKey, EncryptedPrivateKey[KeyLength..]);

    /// <summary>
    /// GM/T 0010, as the answer of GM/T 0014 carries it: content d, signed by the key management centre. The first half of <see cref="EncryptedPrivateKey"/>, the zero bytes that a token's
    /// blob has before d and nobody can make without the SM4 key, goes with it as an unauthenticated attribute (<see cref="Asn1.Oids.EnvelopeHead"/>, OCTET STRING), which a reader may pass over.
    /// </summary>
    /// <param name="recipient">Names the recipient's certificate; by GM/T 0014 it may not exist yet, so peers do not match by it.</param>
    /// <param name="signer">Names the certificate of the key that signed.</param>
    /// <exception cref="InvalidOperationException">Made without a signing key.</exception>
    public SignedAndEnvelopedData ToSignedAndEnvelopedData(IssuerAndSerialNumber recipient, IssuerAndSerialNumber signer) => ToSignedAndEnvelopedData(
        recipient, SignerInfo.Sm2(signer, ContentSignature ?? throw new InvalidOperationException("The envelope was made without a signing key.")));

    /// <summary>As the other, with a signature that is the caller's, for peers who want it over something else or in another form.</summary>
    public SignedAndEnvelopedData ToSignedAndEnvelopedData(IssuerAndSerialNumber recipient, SignerInfo signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        var head = new Attributes(new Asn1.Pkix.Attribute(Asn1.Oids.EnvelopeHead, (ReadOnlyMemory<byte>)(byte[])[OctetString, KeyLength, .. EncryptedPrivateKey.Span[..KeyLength]]));
        return new SignedAndEnvelopedData(
            [new RecipientInfo(recipient, Cipher)],
            [AlgorithmIdentifier.Sm3],
            ToEncryptedContentInfo(),
            [new SignerInfo(signer.IssuerAndSerialNumber, signer.DigestAlgorithm, signer.AuthenticatedAttributes, signer.DigestEncryptionAlgorithm, signer.EncryptedDigest, head)]);
    }

    /// <summary>The private key's part of <see cref="SignedAndEnvelopedData"/>.</summary>
    public EncryptedContentInfo ToEncryptedContentInfo() => new(Asn1.Oids.GmData, new AlgorithmIdentifier(Asn1.Oids.Sm4Ecb), EncryptedPrivateKey[KeyLength..]);

    /// <returns>All 64 bytes of <see cref="EncryptedPrivateKey"/>, out of what <see cref="ToSignedAndEnvelopedData(IssuerAndSerialNumber, SignerInfo)"/> has made; null: another peer's, which has the last 32 only.</returns>
    public static ReadOnlyMemory<byte>? FindEncryptedPrivateKey(SignedAndEnvelopedData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return data.EncryptedContentInfo.EncryptedContent is { Length: KeyLength } tail
            && data.SignerInfos is [{ UnauthenticatedAttributes: { } attributes }]
            && attributes.Find(Asn1.Oids.EnvelopeHead) is { Values: [{ Length: KeyLength + 2 } head] } && head.Span is [OctetString, KeyLength, ..]
                ? (ReadOnlyMemory<byte>)(byte[])[.. head.Span[2..], .. tail.Span]
                : null;
    }
}
