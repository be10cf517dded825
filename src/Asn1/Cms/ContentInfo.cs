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
public sealed class ContentInfo : IDer<ContentInfo>
{
    /// <param name="contentType">Dotted OID.</param>
    /// <param name="content">One DER element, or null when absent (detached signature).</param>
    /// <exception cref="ArgumentException">The content is not one DER element.</exception>
    public ContentInfo(string contentType, ReadOnlyMemory<byte>? content = null)
    {
        if (content is { Span: var element }
            && !(AsnDecoder.TryReadEncodedValue(element, AsnEncodingRules.DER, out _, out _, out _, out int consumed) && consumed == element.Length))
        {
            throw new ArgumentException("The content is one DER element.", nameof(content));
        }

        ContentType = Require.Oid(contentType);
        Content = content;
    }

    /// <summary>Dotted OID.</summary>
    public string ContentType { get; }

    /// <summary>One DER element, or null when absent (detached signature).</summary>
    public ReadOnlyMemory<byte>? Content { get; }

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

        // Not "null" in the second branch: that would be taken for an array and become present but empty.
        ReadOnlyMemory<byte>? content =
            sequence.NextIs(Tags.Context0) ? sequence.ReadExplicit(Tags.Context0, c => c.ReadEncodedValue()) : default(ReadOnlyMemory<byte>?);
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
