using System.Formats.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// SignerInfo ::= SEQUENCE {
///     version                       Version,
///     issuerAndSerialNumber         IssuerAndSerialNumber,
///     digestAlgorithm               DigestAlgorithmIdentifier,
///     authenticatedAttributes   [0] IMPLICIT Attributes OPTIONAL,
///     digestEncryptionAlgorithm     DigestEncryptionAlgorithmIdentifier,
///     encryptedDigest               OCTET STRING,
///     unauthenticatedAttributes [1] IMPLICIT Attributes OPTIONAL }
/// </code>
/// GM/T 0010-2012 §8.2, RFC 2315 §9.2; version 1.
/// </summary>
public sealed class SignerInfo : IDer<SignerInfo>
{
    private const int Version = 1;

    /// <exception cref="ArgumentException">An attribute type occurs twice among the authenticated ones.</exception>
    public SignerInfo(
        IssuerAndSerialNumber issuerAndSerialNumber,
        AlgorithmIdentifier digestAlgorithm,
        Attributes? authenticatedAttributes,
        AlgorithmIdentifier digestEncryptionAlgorithm,
        ReadOnlyMemory<byte> encryptedDigest,
        Attributes? unauthenticatedAttributes = null)
    {
        if (authenticatedAttributes is { HasRepeatedType: true })
        {
            throw new ArgumentException("An attribute type occurs twice.", nameof(authenticatedAttributes));
        }

        IssuerAndSerialNumber = issuerAndSerialNumber;
        DigestAlgorithm = digestAlgorithm;
        AuthenticatedAttributes = authenticatedAttributes;
        DigestEncryptionAlgorithm = digestEncryptionAlgorithm;
        EncryptedDigest = encryptedDigest;
        UnauthenticatedAttributes = unauthenticatedAttributes;
    }

    public IssuerAndSerialNumber IssuerAndSerialNumber { get; }

    /// <summary>SM3.</summary>
    public AlgorithmIdentifier DigestAlgorithm { get; }

    /// <summary>No type occurs twice: what is signed must not be open to two readings (RFC 5652 §11.1, §11.2).</summary>
    public Attributes? AuthenticatedAttributes { get; }

    /// <summary>SM2-1 (1.2.156.10197.1.301.1). Tolerance: some write SM2 with SM3 (…501), as in certificates; kept as read.</summary>
    public AlgorithmIdentifier DigestEncryptionAlgorithm { get; }

    /// <summary>For SM2 the DER of <see cref="Sm2Signature"/>; read it with <see cref="DecodeSm2Signature"/>.</summary>
    public ReadOnlyMemory<byte> EncryptedDigest { get; }

    /// <summary>A type may occur several times, such as countersignature (RFC 5652 §11.4).</summary>
    public Attributes? UnauthenticatedAttributes { get; }

    /// <summary>An SM2 signature in the form of GM/T 0010.</summary>
    public static SignerInfo Sm2(IssuerAndSerialNumber signer, Sm2Signature signature, Attributes? authenticatedAttributes = null) =>
        new(signer, AlgorithmIdentifier.Sm3, authenticatedAttributes, new AlgorithmIdentifier(Oids.Sm2Sign), Der.Encode(signature));

    /// <summary>
    /// The message that is signed, for SM2 preceded by Z. Without attributes the content; with them their DER as SET OF (tag 31), among
    /// them messageDigest, which the verifier must compare with the plain digest of the content, and contentType (RFC 2315 §9.3).
    /// </summary>
    /// <param name="content"><see cref="ContentInfo.ContentOctets"/>, or the detached content.</param>
    public ReadOnlyMemory<byte> SignedBytes(ReadOnlyMemory<byte> content) => AuthenticatedAttributes?.Encoded ?? content;

    /// <summary>Tolerance: also the 64 bytes r‖s; see Sm2Signature.</summary>
    /// <exception cref="DerException">Neither form.</exception>
    public Sm2Signature DecodeSm2Signature() => Sm2Signature.DecodeOctets(EncryptedDigest);

    public static SignerInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(Version);
        var signerInfo = new SignerInfo(
            IssuerAndSerialNumber.Read(sequence),
            AlgorithmIdentifier.Read(sequence),
            ReadAuthenticated(sequence),
            AlgorithmIdentifier.Read(sequence),
            sequence.ReadOctets(),
            Attributes.ReadOptional(sequence, Tags.Context1));
        sequence.ThrowIfNotEmpty();
        return signerInfo;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(Version);
            IssuerAndSerialNumber.Write(writer);
            DigestAlgorithm.Write(writer);
            AuthenticatedAttributes?.Write(writer, Tags.Context0);
            DigestEncryptionAlgorithm.Write(writer);
            writer.WriteOctetString(EncryptedDigest.Span);
            UnauthenticatedAttributes?.Write(writer, Tags.Context1);
        }
    }

    private static Attributes? ReadAuthenticated(AsnReader sequence)
    {
        var attributes = Attributes.ReadOptional(sequence, Tags.Context0);
        return attributes is { HasRepeatedType: true } ? throw new AsnContentException("An authenticated attribute occurs twice.") : attributes;
    }
}
