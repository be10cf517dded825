using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// <code>
/// IdentifyCode ::= CHOICE {
///     residenterCardNumber      [0] PrintableString,
///     militaryOfficerCardNumber [1] UTF8String,
///     passportNumber            [2] PrintableString }
/// </code>
/// GM/T 0015-2012 §5.2.4.2. The text does not name the kind of tagging. Deployed readers expect EXPLICIT, which is what we write.
/// Tolerance: IMPLICIT is read too, and written back as it was read.
/// </summary>
public abstract record IdentifyCode : IExtensionValue<IdentifyCode>
{
    // Closed: the alternatives are those of this file.
    private protected IdentifyCode()
    {
    }

    public static string Id => Oids.IdentifyCode;

    /// <summary>Personal data: goes into certificates and records, never into logs or messages.</summary>
    public abstract string Value { get; }

    private protected bool IsImplicit { get; init; }

    private protected abstract UniversalTagNumber StringType { get; }

    private protected abstract Asn1Tag Tag { get; }

    public static IdentifyCode Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        bool isImplicit = !tag.IsConstructed;
        return tag.TagClass != TagClass.ContextSpecific
            ? throw new AsnContentException("Not an IdentifyCode.")
            : tag.TagValue switch
            {
                0 => new ResidenterCardNumber(ReadString(reader, tag, UniversalTagNumber.PrintableString)) { IsImplicit = isImplicit },
                1 => new MilitaryOfficerCardNumber(ReadString(reader, tag, UniversalTagNumber.UTF8String)) { IsImplicit = isImplicit },
                2 => new PassportNumber(ReadString(reader, tag, UniversalTagNumber.PrintableString)) { IsImplicit = isImplicit },
                _ => throw new AsnContentException("Not an IdentifyCode."),
            };
    }

    public void Write(AsnWriter writer)
    {
        if (IsImplicit)
        {
            writer.WriteCharacterString(StringType, Value, Tag);
            return;
        }

        using (writer.PushSequence(Tag))
        {
            writer.WriteCharacterString(StringType, Value);
        }
    }

    /// <returns>The alternative without its value.</returns>
    public sealed override string ToString() => GetType().Name;

    private static string ReadString(AsnReader reader, Asn1Tag tag, UniversalTagNumber stringType) =>
        tag.IsConstructed
            ? reader.ReadExplicit(tag, content => content.ReadCharacterString(stringType))
            : reader.ReadCharacterString(stringType, tag);
}

/// <param name="Value">
/// As in the certificate; read one need not be a valid <see cref="ResidentId"/>. Characters that PrintableString lacks are refused with an
/// ArgumentException that does not repeat them.
/// </param>
public sealed record ResidenterCardNumber(string Value) : IdentifyCode
{
    public ResidenterCardNumber(ResidentId id)
        : this(id.Value)
    {
    }

    public override string Value { get; } = PrintableText.Require(Value);

    private protected override UniversalTagNumber StringType => UniversalTagNumber.PrintableString;

    private protected override Asn1Tag Tag => Tags.Context0;
}

/// <param name="Value">No unpaired surrogates; refused like those above.</param>
public sealed record MilitaryOfficerCardNumber(string Value) : IdentifyCode
{
    public override string Value { get; } = PrintableText.RequireUtf8(Value);

    private protected override UniversalTagNumber StringType => UniversalTagNumber.UTF8String;

    private protected override Asn1Tag Tag => Tags.Context1;
}

/// <param name="Value">As for <see cref="ResidenterCardNumber"/>.</param>
public sealed record PassportNumber(string Value) : IdentifyCode
{
    public override string Value { get; } = PrintableText.Require(Value);

    private protected override UniversalTagNumber StringType => UniversalTagNumber.PrintableString;

    private protected override Asn1Tag Tag => Tags.Context2;
}
