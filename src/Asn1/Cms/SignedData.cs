using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// SignedData ::= SEQUENCE {
///     version          Version,
///     digestAlgorithms SET OF DigestAlgorithmIdentifier,
///     contentInfo      ContentInfo,
///     certificates [0] IMPLICIT SET OF Certificate OPTIONAL,
///     crls         [1] IMPLICIT SET OF CertificateList OPTIONAL,
///     signerInfos      SET OF SignerInfo }
/// </code>
/// GM/T 0010-2012 §8.1, RFC 2315 §9.1. Without signers it is a carrier of certificates (RFC 2315 §9.1, "degenerate").
/// </summary>
public sealed class SignedData(
    IReadOnlyList<AlgorithmIdentifier> digestAlgorithms,
    ContentInfo contentInfo,
    IReadOnlyList<SignerInfo> signerInfos) : IDer<SignedData>
{
    private const int GmVersion = 1;
    private const int HighestVersion = 5;

    /// <summary>1 in GM/T 0010 and PKCS #7; RFC 5652 §5.1 goes up to 5, and a timestamp token has 3.</summary>
    public int Version { get; private init; } = GmVersion;

    public IReadOnlyList<AlgorithmIdentifier> DigestAlgorithms { get; } = Require.NoNull(digestAlgorithms);

    public ContentInfo ContentInfo { get; } = Require.NotNull(contentInfo);

    /// <summary>The DER of each; decoded by whoever needs one, so that a certificate of an odd kind does not spoil the message. Null when absent.</summary>
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

    public IReadOnlyList<SignerInfo> SignerInfos { get; } = Require.NoNull(signerInfos);

    public static SignedData Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        int version = CmsFields.ReadVersion(sequence, GmVersion, HighestVersion);
        IReadOnlyList<AlgorithmIdentifier> digestAlgorithms = sequence.ReadSetOf().ReadAll<AlgorithmIdentifier>();
        ContentInfo contentInfo = ContentInfo.Read(sequence);
        IReadOnlyList<ReadOnlyMemory<byte>>? certificates = CmsFields.ReadEncodedSet(sequence, Tags.Context0);
        IReadOnlyList<ReadOnlyMemory<byte>>? crls = CmsFields.ReadEncodedSet(sequence, Tags.Context1);
        IReadOnlyList<SignerInfo> signerInfos = sequence.ReadSetOf().ReadAll<SignerInfo>();
        sequence.ThrowIfNotEmpty();
        return new SignedData(digestAlgorithms, contentInfo, signerInfos) { Version = version, Certificates = certificates, Crls = crls };
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(Version);
            writer.WriteSetOf(DigestAlgorithms);
            ContentInfo.Write(writer);
            CmsFields.WriteEncodedSet(writer, Certificates, Tags.Context0);
            CmsFields.WriteEncodedSet(writer, Crls, Tags.Context1);
            writer.WriteSetOf(SignerInfos);
        }
    }
}
