using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// <code>
/// InsuranceNumber ::= PrintableString
/// </code>
/// GM/T 0015-2012 §5.2.4.2: a person's social insurance number. Personal data.
/// </summary>
/// <param name="Value">Characters of PrintableString (X.680 §41.4) and no others, which an ArgumentException refuses without repeating them.</param>
public sealed record InsuranceNumber(string Value) : IExtensionValue<InsuranceNumber>
{
    public static string Id => Oids.InsuranceNumber;

    public string Value { get; } = PrintableText.Require(Value);

    public static InsuranceNumber Read(AsnReader reader) => new(reader.ReadCharacterString(UniversalTagNumber.PrintableString));

    public void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.PrintableString, Value);

    /// <returns>The type's name without the value.</returns>
    public override string ToString() => nameof(InsuranceNumber);
}

/// <summary>
/// <code>
/// ICRegistrationNumber ::= PrintableString
/// </code>
/// GM/T 0015-2012 §5.2.4.2: an enterprise's number at the administration for industry and commerce.
/// </summary>
/// <param name="Value">Characters of PrintableString (X.680 §41.4) and no others, which an ArgumentException refuses without repeating them.</param>
public sealed record IcRegistrationNumber(string Value) : IExtensionValue<IcRegistrationNumber>
{
    public static string Id => Oids.IcRegistrationNumber;

    public string Value { get; } = PrintableText.Require(Value);

    public static IcRegistrationNumber Read(AsnReader reader) => new(reader.ReadCharacterString(UniversalTagNumber.PrintableString));

    public void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.PrintableString, Value);

    /// <returns>The type's name without the value.</returns>
    public override string ToString() => nameof(IcRegistrationNumber);
}

/// <summary>
/// <code>
/// OrganizationCode ::= PrintableString
/// </code>
/// GM/T 0015-2012 §5.2.4.2: the organisation code of GB 11714. In deployed SM2 certificates it carries the unified social credit code.
/// </summary>
/// <param name="Value">Characters of PrintableString (X.680 §41.4) and no others, which an ArgumentException refuses without repeating them.</param>
public sealed record OrganizationCode(string Value) : IExtensionValue<OrganizationCode>
{
    public OrganizationCode(UnifiedSocialCreditCode code)
        : this(code.Value)
    {
    }

    public static string Id => Oids.OrganizationCode;

    public string Value { get; } = PrintableText.Require(Value);

    public static OrganizationCode Read(AsnReader reader) => new(reader.ReadCharacterString(UniversalTagNumber.PrintableString));

    public void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.PrintableString, Value);

    /// <returns>The type's name without the value.</returns>
    public override string ToString() => nameof(OrganizationCode);
}

/// <summary>
/// <code>
/// TaxationNumber ::= PrintableString
/// </code>
/// GM/T 0015-2012 §5.2.4.2. A natural person's is the citizen identification number.
/// </summary>
/// <param name="Value">Characters of PrintableString (X.680 §41.4) and no others, which an ArgumentException refuses without repeating them.</param>
public sealed record TaxationNumber(string Value) : IExtensionValue<TaxationNumber>
{
    public static string Id => Oids.TaxationNumber;

    public string Value { get; } = PrintableText.Require(Value);

    public static TaxationNumber Read(AsnReader reader) => new(reader.ReadCharacterString(UniversalTagNumber.PrintableString));

    public void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.PrintableString, Value);

    /// <returns>The type's name without the value.</returns>
    public override string ToString() => nameof(TaxationNumber);
}
