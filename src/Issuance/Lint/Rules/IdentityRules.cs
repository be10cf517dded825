using System.Text;
using System.Text.Unicode;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;

namespace ZwCa.Issuance;

internal sealed class IdentityNotCritical : CertificateRule
{
    public override string Id => "identity-not-critical";

    public override string Source => "GM/T 0015-2012 annex A table A.3";

    public override string Demand => "Identity numbers are in extensions that are not critical.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => extension.Critical && IdentityForms.IsIdentity(extension.Id));
}

internal sealed class IdentityPrintable : CertificateRule
{
    public override string Id => "identity-printable";

    public override string Source => "GM/T 0015-2012 §5.2.4.2";

    public override string Demand => "insuranceNumber, iCRegistrationNumber, organizationCode and taxationNumber are PrintableStrings.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => IdentityForms.IsIdentity(extension.Id) && extension.Id != Oids.IdentifyCode
            && !IdentityForms.IsPrintable(extension.Value));
}

internal sealed class IdentifyCodeForm : CertificateRule
{
    public override string Id => "identify-code-form";

    public override string Source => "GM/T 0015-2012 §5.2.4.2";

    public override string Demand => "identifyCode is one of residenterCardNumber [0], militaryOfficerCardNumber [1] and passportNumber [2].";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Find(Oids.IdentifyCode) is { Value: var code } && !IdentityForms.IsIdentifyCode(code) ? "it is not" : null;
}

internal sealed class ResidentIdCheck : CertificateRule
{
    public override string Id => "resident-id-check";

    public override string Source => "GB 11643-1999";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "A citizen's number has 18 characters, of which the last is the check character.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        DerNode code = certificate.Value(Oids.IdentifyCode);
        ReadOnlySpan<byte> number = code.Tag == 0x80 ? code.Content : code.Tag == 0xa0 ? code.First.Content : [];
        return number.IsEmpty || (DerText.IsAscii(number) && number.Length == 18
            && ResidentId.TryParse(Encoding.ASCII.GetString(number), out _)) ? null : "it is not";
    }
}

internal sealed class CreditCodeCheck : CertificateRule
{
    public override string Id => "credit-code-check";

    public override string Source => "GB 32100-2015";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "An organizationCode of 18 characters is a unified social credit code with its check characters.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Value(Oids.OrganizationCode) is { Content: { Length: 18 } code }
            && !(DerText.IsAscii(code) && UnifiedSocialCreditCode.TryParse(Encoding.ASCII.GetString(code), out _)) ? "it is not" : null;
}

internal sealed class OfficerIdentityPlace : CertificateRule
{
    public override string Id => "officer-identity";

    public override string Source => "docs/OFFICERS.md";

    public override string Demand => "The identity of an officer is there if, and only if, the profile says so.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { } profile && profile.Options.OfficerIdentity != certificate.Find(Oids.OfficerIdentity) is not null
            ? "it is not so" : null;
}

internal sealed class ProfileIdentities : CertificateRule
{
    public override string Id => "profile-identities";

    public override string Source => "GM/T 0015-2012 annex C, §5.2.4.2";

    public override string Demand => "The identity numbers that the profile demands are there, in the form and with the check character that it says.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context.Profile is not { } profile)
        {
            return null;
        }

        IReadOnlyList<IdentityOptions> identities = profile.Options.Identities;
        for (int i = 0; i < identities.Count; i++)
        {
            ExtensionView? extension = certificate.Find(identities[i].Oid);
            if (extension is null ? identities[i].Required : !IdentityForms.Fits(profile.Options, identities[i].Oid, extension.Value.Value))
            {
                return identities[i].Name;
            }
        }

        return null;
    }
}

internal static class IdentityForms
{
    /// <summary>GM/T 0015-2012 §5.2.4.2.</summary>
    public static bool IsIdentity(string id) =>
        id is Oids.IdentifyCode or Oids.InsuranceNumber or Oids.IcRegistrationNumber or Oids.OrganizationCode or Oids.TaxationNumber;

    public static IdentityOptions? Find(ProfileOptions options, string id)
    {
        for (int i = 0; i < options.Identities.Count; i++)
        {
            if (options.Identities[i].Oid == id)
            {
                return options.Identities[i];
            }
        }

        return null;
    }

    public static bool IsPrintable(DerNode value) => value.Tag == DerTag.PrintableString && !value.Content.IsEmpty && DerText.IsPrintable(value.Content);

    /// <summary>The text does not say whether the tags are IMPLICIT: deployed certificates have both.</summary>
    public static bool IsIdentifyCode(DerNode value) => value.Tag switch
    {
        0x80 or 0x82 => !value.Content.IsEmpty && DerText.IsPrintable(value.Content),
        0x81 => Utf8.IsValid(value.Content) && !value.Content.IsEmpty,
        0xa0 or 0xa2 => IsPrintable(value.Only),
        0xa1 => value.Only is { Tag: DerTag.Utf8String } text && Utf8.IsValid(text.Content) && !text.Content.IsEmpty,
        _ => false,
    };

    /// <summary>Several identities may share an OID: alternatives of IdentifyCode.</summary>
    public static bool Fits(ProfileOptions options, string id, DerNode value)
    {
        for (int i = 0; i < options.Identities.Count; i++)
        {
            IdentityOptions each = options.Identities[i];
            if (each.Oid == id && Fits(each.Form, value) && Passes(each.Check, each.Form == IdentityForm.Printable ? value.Content : value.Only.Content))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Passes(IdentityCheck check, ReadOnlySpan<byte> number) => check == IdentityCheck.None || (DerText.IsAscii(number) && number.Length == 18
        && (check == IdentityCheck.ResidentId ? ResidentId.TryParse(Encoding.ASCII.GetString(number), out _) : UnifiedSocialCreditCode.TryParse(Encoding.ASCII.GetString(number), out _)));

    private static bool Fits(IdentityForm form, DerNode value) => form switch
    {
        IdentityForm.Printable => IsPrintable(value),
        IdentityForm.ResidenterCard => value.Tag == 0xa0,
        IdentityForm.MilitaryOfficerCard => value.Tag == 0xa1,
        _ => value.Tag == 0xa2,
    };
}
