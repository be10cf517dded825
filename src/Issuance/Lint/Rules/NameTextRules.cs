using System.Text.Unicode;

namespace ZwCa.Issuance;

internal sealed class DirectoryStringType : NameRule
{
    public override string Id => "name-string-type";

    public override string Source => "RFC 5280 §4.1.2.4";

    public override string Demand => "A DirectoryString is a UTF8String or a PrintableString.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        attribute.IsDirectoryString && attribute.Value.Tag is not (DerTag.Utf8String or DerTag.PrintableString) ? "is of another type" : null;
}

internal sealed class NameCountry : NameRule
{
    public override string Id => "name-country";

    public override string Source => "RFC 5280 appendix A.1, ISO 3166-1";

    public override string Demand => "countryName is a PrintableString of two capital letters.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        attribute.IsCountry && !(attribute.Value.Tag == DerTag.PrintableString && attribute.Value.Content.Length == 2
            && !attribute.Value.Content.ContainsAnyExceptInRange((byte)'A', (byte)'Z'))
            ? "is another text" : null;
}

internal sealed class NamePrintableType : NameRule
{
    public override string Id => "name-printable-type";

    public override string Source => "RFC 5280 appendix A.1";

    public override string Demand => "serialNumber and dnQualifier are PrintableStrings.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        attribute.IsPrintableOnly && !attribute.IsCountry && attribute.Value.Tag != DerTag.PrintableString ? "is of another type" : null;
}

internal sealed class NameIa5Type : NameRule
{
    public override string Id => "name-ia5-type";

    public override string Source => "RFC 5280 §4.1.2.6, appendix A.1";

    public override string Demand => "emailAddress and domainComponent are IA5Strings.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        attribute.IsIa5Only && attribute.Value.Tag != DerTag.Ia5String ? "is of another type" : null;
}

internal sealed class NameLength : NameRule
{
    public override string Id => "name-length";

    public override string Source => "RFC 5280 appendix A.1";

    public override string Demand => "Texts are not empty and not longer, in characters, than the upper bound of their type.";

    private protected override string? FindFault(in NameAttribute attribute)
    {
        if (!DerText.IsString(attribute.Value))
        {
            return null;
        }

        // No character takes less than one octet.
        int octets = attribute.Value.Content.Length;
        int characters = octets == 0 || octets > attribute.MaxCharacters ? new DerText(attribute.Value).CountCharacters() : 1;
        return characters == 0 || characters > attribute.MaxCharacters ? $"has {characters} characters" : null;
    }
}

internal sealed class NameUtf8 : NameRule
{
    public override string Id => "name-utf8";

    public override string Source => "RFC 5280 §4.1.2.4, RFC 3629 §3";

    public override string Demand => "A UTF8String is UTF-8.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        attribute.Value.Tag == DerTag.Utf8String && !Utf8.IsValid(attribute.Value.Content) ? "is not" : null;
}

internal sealed class NamePrintableCharacters : NameRule
{
    public override string Id => "name-printable-characters";

    public override string Source => "X.680 §41.4";

    public override string Demand => "A PrintableString has only the characters of its type.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        attribute.Value.Tag == DerTag.PrintableString && !DerText.IsPrintable(attribute.Value.Content) ? "has another character" : null;
}

internal sealed class NameIa5Characters : NameRule
{
    public override string Id => "name-ia5-characters";

    public override string Source => "X.680 §41.2";

    public override string Demand => "An IA5String has only the characters of its type.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        attribute.Value.Tag == DerTag.Ia5String && !DerText.IsAscii(attribute.Value.Content) ? "has another character" : null;
}

internal sealed class NameHidden : NameRule
{
    public override string Id => "name-hidden-characters";

    public override string Source => "RFC 4518 §2.2, §2.4";

    public override string Demand => "A name has no control, format or other invisible characters and none that turn the direction of writing.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        DerText.IsString(attribute.Value) && new DerText(attribute.Value).FindHidden() is { } rune ? $"has U+{rune.Value:X4}" : null;
}

internal sealed class NameNormalized : NameRule
{
    public override string Id => "name-normalized";

    public override string Source => "RFC 5280 §7.1, RFC 5198 §3";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "A text is in Unicode Normalization Form C.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        DerText.IsString(attribute.Value) && !new DerText(attribute.Value).IsNormalized() ? "is not" : null;
}

internal sealed class NameSpaces : NameRule
{
    public override string Id => "name-spaces";

    public override string Source => "RFC 4518 §2.6.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "A text neither begins nor ends with a space.";

    private protected override string? FindFault(in NameAttribute attribute) =>
        DerText.IsString(attribute.Value) && attribute.Value.Tag is not (DerTag.BmpString or DerTag.UniversalString)
            && (attribute.Value.Content is [(byte)' ', ..] || attribute.Value.Content is [.., (byte)' ']) ? "does" : null;
}

/// <summary>A rule of every attribute of issuer and subject.</summary>
internal abstract class NameRule : CertificateRule
{
    public sealed override string? Check(CertificateView certificate, LintContext context) =>
        Find(certificate.Issuer, "issuer") ?? (certificate.IsSelfIssued ? null : Find(certificate.Subject, "subject"));

    /// <returns>What is wrong, without the text; null: nothing.</returns>
    private protected abstract string? FindFault(in NameAttribute attribute);

    private string? Find(DerNode name, string which)
    {
        foreach (NameAttribute attribute in NameAttribute.Of(name))
        {
            if (FindFault(in attribute) is { } fault)
            {
                return $"{which}: {KnownOid.Name(attribute.Type) ?? "an attribute"} {fault}";
            }
        }

        return null;
    }
}
