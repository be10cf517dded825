using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// EncryptedContentInfo ::= SEQUENCE {
///     contentType                ContentType,
///     contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
///     encryptedContent       [0] IMPLICIT OCTET STRING OPTIONAL,
///     sharedInfo             [1] IMPLICIT OCTET STRING OPTIONAL,
///     sharedInfo             [2] IMPLICIT OCTET STRING OPTIONAL }
/// </code>
/// GM/T 0010-2012 §9.1, RFC 2315 §10.1; the shared information is GM/T 0010's own.
/// </summary>
public sealed class EncryptedContentInfo(
    string contentType,
    AlgorithmIdentifier contentEncryptionAlgorithm,
    ReadOnlyMemory<byte>? encryptedContent) : IDer<EncryptedContentInfo>
{
    /// <summary>Dotted OID of what is encrypted.</summary>
    public string ContentType { get; } = Require.Oid(contentType);

    /// <summary>SM4 with its mode; plain SM4 (1.2.156.10197.1.104) means ECB.</summary>
    public AlgorithmIdentifier ContentEncryptionAlgorithm { get; } = Require.NotNull(contentEncryptionAlgorithm);

    /// <summary>Null when it travels by other means.</summary>
    public ReadOnlyMemory<byte>? EncryptedContent { get; } = encryptedContent;

    /// <summary>The field under [1].</summary>
    public ReadOnlyMemory<byte>? SharedInfo1 { get; init; }

    /// <summary>The field under [2].</summary>
    public ReadOnlyMemory<byte>? SharedInfo2 { get; init; }

    private bool ContentIsUntagged { get; init; }

    public static EncryptedContentInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string contentType = sequence.ReadObjectIdentifier();
        AlgorithmIdentifier algorithm = AlgorithmIdentifier.Read(sequence);

        // Tolerance: a key management centre is met that writes encryptedContent as a plain OCTET STRING.
        bool contentIsUntagged = sequence.NextIs(Asn1Tag.PrimitiveOctetString);
        ReadOnlyMemory<byte>? content = contentIsUntagged ? sequence.ReadOctets() : ReadOptional(sequence, Tags.Context0);
        var info = new EncryptedContentInfo(contentType, algorithm, content)
        {
            SharedInfo1 = ReadOptional(sequence, Tags.Context1),
            SharedInfo2 = ReadOptional(sequence, Tags.Context2),
            ContentIsUntagged = contentIsUntagged,
        };
        sequence.ThrowIfNotEmpty();
        return info;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(ContentType);
            ContentEncryptionAlgorithm.Write(writer);
            WriteOptional(writer, EncryptedContent, ContentIsUntagged ? Asn1Tag.PrimitiveOctetString : Tags.Context0);
            WriteOptional(writer, SharedInfo1, Tags.Context1);
            WriteOptional(writer, SharedInfo2, Tags.Context2);
        }
    }

    // Not "null" in the second branch: that would be taken for an array and become present but empty.
    private static ReadOnlyMemory<byte>? ReadOptional(AsnReader sequence, Asn1Tag tag) =>
        sequence.NextIs(tag) ? sequence.ReadOctets(tag) : default(ReadOnlyMemory<byte>?);

    private static void WriteOptional(AsnWriter writer, ReadOnlyMemory<byte>? octets, Asn1Tag tag)
    {
        if (octets is { } value)
        {
            writer.WriteOctetString(value.Span, tag);
        }
    }
}
