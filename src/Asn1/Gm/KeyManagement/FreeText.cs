using System.Formats.Asn1;
using System.Text;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// CHOICE { IA5String, OCTET STRING, SEQUENCE SIZE (1..MAX) OF UTF8String }
/// </code>
/// dsCode, extendInfo and errDesc of GM/T 0014-2012 §5.2.3; the last alternative is PKIFreeText of RFC 4210 §5.1.1.
/// Tolerance: known implementations differ in the type of these fields, so all three are read in each and kept as read.
/// We write dsCode and extendInfo as IA5String, errDesc as PKIFreeText.
/// </summary>
public abstract record FreeText : IDer<FreeText>
{
    // Closed: the alternatives are those of this file.
    private protected FreeText()
    {
    }

    /// <summary>For people and for storing, not for encoding again: two forms may say the same.</summary>
    public abstract string Text { get; }

    public static FreeText Read(AsnReader reader) =>
        reader.NextIs(Asn1Tag.Sequence) ? Utf8Text.ReadContent(reader)
        : reader.NextIs(Asn1Tag.PrimitiveOctetString) ? new OctetText(reader.ReadOctets())
        : new Ia5Text(reader.ReadCharacterString(UniversalTagNumber.IA5String));

    public abstract void Write(AsnWriter writer);
}

public sealed record Ia5Text : FreeText
{
    /// <exception cref="ArgumentException">Not ASCII.</exception>
    public Ia5Text(string text) =>
        Text = Ascii.IsValid(text) ? text : throw new ArgumentException("An IA5String is ASCII.", nameof(text));

    public override string Text { get; }

    public override void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.IA5String, Text);
}

/// <param name="Octets">In an encoding that nobody states.</param>
public sealed record OctetText(ReadOnlyMemory<byte> Octets) : FreeText
{
    /// <summary>Read as UTF-8; what is not becomes U+FFFD.</summary>
    public override string Text => Encoding.UTF8.GetString(Octets.Span);

    public override void Write(AsnWriter writer) => writer.WriteOctetString(Octets.Span);

    public bool Equals(OctetText? other) => other is not null && Octets.ContentEquals(other.Octets);

    public override int GetHashCode() => Octets.ContentHash();
}

/// <summary>PKIFreeText: paragraphs or languages.</summary>
public sealed record Utf8Text : FreeText
{
    /// <param name="strings">One at least.</param>
    /// <exception cref="ArgumentException">None.</exception>
    public Utf8Text(params IReadOnlyList<string> strings) => Strings = Require.NotEmpty(strings);

    public IReadOnlyList<string> Strings { get; }

    /// <summary>The strings, one a line.</summary>
    public override string Text => string.Join('\n', Strings);

    internal static Utf8Text ReadContent(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var strings = new List<string>(1);
        do
        {
            strings.Add(sequence.ReadCharacterString(UniversalTagNumber.UTF8String));
        }
        while (sequence.HasData);

        return new Utf8Text(strings);
    }

    public override void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            foreach (string text in Strings)
            {
                writer.WriteCharacterString(UniversalTagNumber.UTF8String, text);
            }
        }
    }

    public bool Equals(Utf8Text? other) => other is not null && Strings.SequenceEqual(other.Strings);

    public override int GetHashCode() => Strings[0].GetHashCode(StringComparison.Ordinal);
}
