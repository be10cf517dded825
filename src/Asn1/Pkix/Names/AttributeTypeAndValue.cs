using System.Formats.Asn1;
using System.Text;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY DEFINED BY type }
/// </code>
/// RFC 5280 §4.1.2.4. The value keeps the string type it was read with, so that names compare byte for byte.
/// </summary>
public sealed class AttributeTypeAndValue : IDer<AttributeTypeAndValue>
{
    private AttributeTypeAndValue(string type, ReadOnlyMemory<byte> encodedValue, string? text)
    {
        Type = type;
        EncodedValue = encodedValue;
        Text = text;
    }

    /// <summary>Dotted OID.</summary>
    public string Type { get; }

    /// <summary>The value: one DER element, tag and length included. Unless it is a text, what is inside has not been checked.</summary>
    public ReadOnlyMemory<byte> EncodedValue { get; }

    /// <summary>The characters; null when the value is not one of the string types of X.509 that .NET can read.</summary>
    public string? Text { get; }

    /// <summary>
    /// Encodes as RFC 5280 appendix A.1 and GM/T 0015-2012 §5.2.4 have it: PrintableString where the type demands it, IA5String for e-mail
    /// and domain components, otherwise UTF8String.
    /// </summary>
    /// <param name="type">Dotted OID.</param>
    /// <param name="text">Within the upper bound of the type, counted in characters: one outside the BMP counts once.</param>
    /// <exception cref="ArgumentException">
    /// Empty, too long, with control characters or unpaired surrogates, or with characters that the string type lacks.
    /// </exception>
    public static AttributeTypeAndValue Create(string type, string text)
    {
        Require.Oid(type);
        ArgumentNullException.ThrowIfNull(text);
        int characters = 0;
        for (int i = 0; i < text.Length; characters++)
        {
            if (!Rune.TryGetRuneAt(text, i, out Rune rune))
            {
                throw new ArgumentException("Unpaired surrogate.", nameof(text));
            }

            // No name needs them, and a NUL ends the string for C programs that read the certificate.
            if (Rune.IsControl(rune))
            {
                throw new ArgumentException("Control characters have no place in a name.", nameof(text));
            }

            i += rune.Utf16SequenceLength;
        }

        AttributeType known = AttributeType.Of(type);
        if (characters < known.MinCharacters || characters > known.MaxCharacters)
        {
            throw new ArgumentException(
                $"{known.ShortName ?? type} has {known.MinCharacters} to {known.MaxCharacters} characters, not {characters}.",
                nameof(text));
        }

        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(known.Encoding, text);
        return new AttributeTypeAndValue(type, writer.Encode(), text);
    }

    /// <returns>A text as UTF8String in its one form, of whatever length; what is no text as it is.</returns>
    internal AttributeTypeAndValue ToCanonical()
    {
        if (Text is null)
        {
            return this;
        }

        string text = CanonicalText.Of(Text);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.UTF8String, text);
        return new AttributeTypeAndValue(Type, writer.Encode(), text);
    }

    public static AttributeTypeAndValue Read(AsnReader reader)
    {
        // Tolerance: any string type and any length; certificates of others exceed the bounds of RFC 5280.
        AsnReader sequence = reader.ReadSequence();
        string type = sequence.ReadObjectIdentifier();
        ReadOnlyMemory<byte> encodedValue = sequence.PeekEncodedValue();
        string? text = ReadText(sequence);
        sequence.ThrowIfNotEmpty();
        return new AttributeTypeAndValue(type, encodedValue, text);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Type);
            writer.WriteEncodedValue(EncodedValue.Span);
        }
    }

    /// <returns>RFC 4514 §2.3: <c>CN=张三</c>, or <c>1.2.3.4=#0c01…</c> for a type without a short name or a value that is no text.</returns>
    public override string ToString()
    {
        string? shortName = AttributeType.Of(Type).ShortName;
        return shortName is null || Text is null
            ? $"{shortName ?? Type}=#{Convert.ToHexStringLower(EncodedValue.Span)}"
            : $"{shortName}={Escape(Text)}";
    }

    private static string? ReadText(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        if (tag.TagClass == TagClass.Universal
            && (UniversalTagNumber)tag.TagValue is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString
                or UniversalTagNumber.IA5String or UniversalTagNumber.BMPString or UniversalTagNumber.NumericString
                or UniversalTagNumber.VisibleString or UniversalTagNumber.T61String)
        {
            return reader.ReadCharacterString((UniversalTagNumber)tag.TagValue);
        }

        reader.ReadEncodedValue();
        return null;
    }

    /// <summary>
    /// RFC 4514 §2.4. Beyond what it demands, characters that are invisible or turn the writing direction are shown as hex pairs: the
    /// string is read by people who decide on it.
    /// </summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length + 8);
        Span<byte> utf8 = stackalloc byte[4];
        int index = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool first = index == 0;
            index += rune.Utf16SequenceLength;
            bool last = index == text.Length;
            if (rune.Value is '"' or '+' or ',' or ';' or '<' or '>' or '\\'
                || (first && rune.Value is ' ' or '#')
                || (last && rune.Value == ' '))
            {
                escaped.Append('\\').Append((char)rune.Value);
            }
            else if (Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Control
                or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator
                or System.Globalization.UnicodeCategory.ParagraphSeparator)
            {
                foreach (byte octet in utf8[..rune.EncodeToUtf8(utf8)])
                {
                    escaped.Append('\\').Append(octet.ToString("x2", System.Globalization.CultureInfo.InvariantCulture));
                }
            }
            else
            {
                escaped.Append(rune);
            }
        }

        return escaped.ToString();
    }
}
