using System.Formats.Asn1;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// ContentInfo ::= SEQUENCE { contentType ContentType, content [0] EXPLICIT ANY DEFINED BY contentType OPTIONAL }
/// ContentType ::= OBJECT IDENTIFIER
/// </code>
/// GM/T 0010-2012 §6.10 (GB/T 35275), RFC 2315 §7. Messages made here carry the content types of GM/T 0010.
/// Tolerance: those of PKCS #7 are read as the same types, and kept.
/// </summary>
/// <param name="ContentType">Dotted OID.</param>
/// <param name="Content">One DER element, or null when absent (detached signature).</param>
public sealed record ContentInfo(string ContentType, ReadOnlyMemory<byte>? Content = null) : IDer<ContentInfo>
{
    /// <summary>
    /// What a signature without attributes, or a messageDigest, covers: the content's octets without tag and length (RFC 2315 §9.3).
    /// Null when the content is detached.
    /// </summary>
    public ReadOnlyMemory<byte>? ContentOctets =>
        Content is { } content ? new AsnReader(content, AsnEncodingRules.DER).PeekContentBytes() : default(ReadOnlyMemory<byte>?);

    /// <summary>The octets as type data.</summary>
    public static ContentInfo OfData(ReadOnlySpan<byte> octets)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(octets);
        return new ContentInfo(Oids.GmData, writer.Encode());
    }

    public static ContentInfo Of(SignedData signedData) => new(Oids.GmSignedData, Der.Encode(signedData));

    public static ContentInfo Of(EnvelopedData envelopedData) => new(Oids.GmEnvelopedData, Der.Encode(envelopedData));

    public static ContentInfo Of(SignedAndEnvelopedData data) => new(Oids.GmSignedAndEnvelopedData, Der.Encode(data));

    /// <exception cref="DerException">Another content type, or not what the type says.</exception>
    public SignedData DecodeSignedData() => Decode<SignedData>(Oids.GmSignedData, Oids.Pkcs7SignedData);

    /// <inheritdoc cref="DecodeSignedData"/>
    public EnvelopedData DecodeEnvelopedData() => Decode<EnvelopedData>(Oids.GmEnvelopedData, Oids.Pkcs7EnvelopedData);

    /// <inheritdoc cref="DecodeSignedData"/>
    public SignedAndEnvelopedData DecodeSignedAndEnvelopedData() =>
        Decode<SignedAndEnvelopedData>(Oids.GmSignedAndEnvelopedData, Oids.Pkcs7SignedAndEnvelopedData);

    public static ContentInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string contentType = sequence.ReadObjectIdentifier();
        ReadOnlyMemory<byte>? content = null;
        if (sequence.NextIs(Tags.Context0))
        {
            AsnReader explicitContent = sequence.ReadSequence(Tags.Context0);
            content = explicitContent.ReadEncodedValue();
            explicitContent.ThrowIfNotEmpty();
        }

        sequence.ThrowIfNotEmpty();
        return new ContentInfo(contentType, content);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(ContentType);
            if (Content is { } content)
            {
                using (writer.PushSequence(Tags.Context0))
                {
                    writer.WriteEncodedValue(content.Span);
                }
            }
        }
    }

    private T Decode<T>(string gm, string pkcs7)
        where T : IDer<T> =>
        (ContentType == gm || ContentType == pkcs7) && Content is { } content
            ? Der.Decode<T>(content)
            : throw new DerException($"The content is {ContentType}, not {typeof(T).Name}.");
}
