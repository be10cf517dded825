using System.Formats.Asn1;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// EnvelopedData ::= SEQUENCE {
///     version              Version,
///     recipientInfos       SET SIZE (1..MAX) OF RecipientInfo,
///     encryptedContentInfo EncryptedContentInfo }
/// </code>
/// GM/T 0010-2012 §9.1, RFC 2315 §10.1.
/// </summary>
public sealed class EnvelopedData : IDer<EnvelopedData>
{
    private const int GmVersion = 1;
    private const int HighestVersion = 2;

    /// <exception cref="ArgumentException">No recipient.</exception>
    public EnvelopedData(IReadOnlyList<RecipientInfo> recipientInfos, EncryptedContentInfo encryptedContentInfo)
    {
        RecipientInfos = Require.NotEmpty(recipientInfos);
        EncryptedContentInfo = encryptedContentInfo;
    }

    /// <summary>1 in GM/T 0010. Tolerance: 0 (PKCS #7) and 2 (RFC 5652 §6.1, with a recipient of version 2) are read.</summary>
    public int Version { get; private init; } = GmVersion;

    public IReadOnlyList<RecipientInfo> RecipientInfos { get; }

    public EncryptedContentInfo EncryptedContentInfo { get; }

    public static EnvelopedData Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        int version = CmsFields.ReadVersion(sequence, 0, HighestVersion);
        IReadOnlyList<RecipientInfo> recipientInfos = sequence.ReadSetOf<RecipientInfo>();
        EncryptedContentInfo encryptedContentInfo = EncryptedContentInfo.Read(sequence);
        sequence.ThrowIfNotEmpty();
        return new EnvelopedData(recipientInfos, encryptedContentInfo) { Version = version };
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(Version);
            writer.WriteSetOf(RecipientInfos);
            EncryptedContentInfo.Write(writer);
        }
    }
}
