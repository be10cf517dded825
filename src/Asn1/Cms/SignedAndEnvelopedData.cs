using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// SignedAndEnvelopedData ::= SEQUENCE {
///     version              Version,
///     recipientInfos       SET SIZE (1..MAX) OF RecipientInfo,
///     digestAlgorithms     SET SIZE (1..MAX) OF DigestAlgorithmIdentifier,
///     encryptedContentInfo EncryptedContentInfo,
///     certificates     [0] IMPLICIT SET OF Certificate OPTIONAL,
///     crls             [1] IMPLICIT SET OF CertificateList OPTIONAL,
///     signerInfos          SET SIZE (1..MAX) OF SignerInfo }
/// </code>
/// GM/T 0010-2012 §10, RFC 2315 §11.1. In GM/T 0014 it carries the private key from the key management centre, without a ContentInfo
/// around it; CAs also hand it to subscribers with one. The signature covers the plaintext.
/// </summary>
public sealed class SignedAndEnvelopedData : IDer<SignedAndEnvelopedData>
{
    private const int Version = 1;

    /// <exception cref="ArgumentException">A list is empty.</exception>
    public SignedAndEnvelopedData(
        IReadOnlyList<RecipientInfo> recipientInfos,
        IReadOnlyList<AlgorithmIdentifier> digestAlgorithms,
        EncryptedContentInfo encryptedContentInfo,
        IReadOnlyList<SignerInfo> signerInfos)
    {
        RecipientInfos = Require.NotEmpty(recipientInfos);
        DigestAlgorithms = Require.NotEmpty(digestAlgorithms);
        EncryptedContentInfo = encryptedContentInfo;
        SignerInfos = Require.NotEmpty(signerInfos);
    }

    public IReadOnlyList<RecipientInfo> RecipientInfos { get; }

    public IReadOnlyList<AlgorithmIdentifier> DigestAlgorithms { get; }

    public EncryptedContentInfo EncryptedContentInfo { get; }

    /// <summary>The DER of each; null when absent.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>>? Certificates
    {
        get;
        init => field = CmsFields.RequireEncoded(value);
    }

    /// <inheritdoc cref="Certificates"/>
    public IReadOnlyList<ReadOnlyMemory<byte>>? Crls
    {
        get;
        init => field = CmsFields.RequireEncoded(value);
    }

    public IReadOnlyList<SignerInfo> SignerInfos { get; }

    public static SignedAndEnvelopedData Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(Version);
        IReadOnlyList<RecipientInfo> recipientInfos = sequence.ReadSetOf<RecipientInfo>();
        IReadOnlyList<AlgorithmIdentifier> digestAlgorithms = sequence.ReadSetOf<AlgorithmIdentifier>();
        EncryptedContentInfo encryptedContentInfo = EncryptedContentInfo.Read(sequence);
        IReadOnlyList<ReadOnlyMemory<byte>>? certificates = CmsFields.ReadEncodedSet(sequence, Tags.Context0);
        IReadOnlyList<ReadOnlyMemory<byte>>? crls = CmsFields.ReadEncodedSet(sequence, Tags.Context1);
        IReadOnlyList<SignerInfo> signerInfos = sequence.ReadSetOf<SignerInfo>();
        sequence.ThrowIfNotEmpty();
        return new SignedAndEnvelopedData(recipientInfos, digestAlgorithms, encryptedContentInfo, signerInfos)
        {
            Certificates = certificates,
            Crls = crls,
        };
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(Version);
            writer.WriteSetOf(RecipientInfos);
            writer.WriteSetOf(DigestAlgorithms);
            EncryptedContentInfo.Write(writer);
            CmsFields.WriteEncodedSet(writer, Certificates, Tags.Context0);
            CmsFields.WriteEncodedSet(writer, Crls, Tags.Context1);
            writer.WriteSetOf(SignerInfos);
        }
    }
}
