using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class ExtensionsNotEmpty : CertificateRule
{
    public override string Id => "extensions-not-empty";

    public override string Source => "RFC 5280 §4.1.2.9";

    public override string Demand => "Where extensions are, there is at least one.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.ExtensionsField.Exists && certificate.ExtensionList.Count == 0 ? "there is none" : null;
}

internal sealed class ExtensionUnique : CertificateRule
{
    /// <summary>Above it, comparing each with each takes too long.</summary>
    private const int ManyExtensions = 32;

    public override string Id => "extension-unique";

    public override string Source => "RFC 5280 §4.2";

    public override string Demand => "No extension occurs twice.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        List<ExtensionView> extensions = certificate.ExtensionList;
        if (extensions.Count > ManyExtensions)
        {
            return new HashSet<string>(extensions.Select(extension => extension.Id)).Count == extensions.Count ? null : "one does";
        }

        for (int i = 1; i < extensions.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (extensions[i].Id == extensions[j].Id)
                {
                    return $"{extensions[i].Id} does";
                }
            }
        }

        return null;
    }
}

internal sealed class ExtensionValue : CertificateRule
{
    public override string Id => "extension-value";

    public override string Source => "RFC 5280 §4.2";

    public override string Demand => "The value of an extension is exactly one DER element.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => !extension.Value.Exists);
}

internal sealed class ExtensionForm : CertificateRule
{
    public override string Id => "extension-form";

    public override string Source => "RFC 5280 §4.2.1, §4.2.2, appendix A.2, RFC 6960 §4.2.2.2.1";

    public override string Demand => "The value of an extension has the form of its type.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => extension.Value.Exists && !ExtensionForms.Fits(extension.Id, extension.Value));
}

internal sealed class CriticalKnown : CertificateRule
{
    public override string Id => "extension-critical-known";

    public override string Source => "RFC 5280 §4.2";

    public override string Demand => "A critical extension is one that relying parties know.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => extension.Critical && !ExtensionForms.IsKnown(extension.Id));
}

internal sealed class NeverCritical : CertificateRule
{
    public override string Id => "extension-not-critical";

    public override string Source => "RFC 5280 §4.2.1.1, §4.2.1.2, §4.2.1.8, §4.2.1.15, §4.2.2.1, §4.2.2.2";

    public override string Demand => "AKI, SKI, subjectDirectoryAttributes, freshestCRL, AIA and SIA are not critical.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => extension.Critical
            && extension.Id is (Oids.AuthorityKeyIdentifier or Oids.SubjectKeyIdentifier
            or Oids.SubjectDirectoryAttributes or Oids.FreshestCrl or Oids.AuthorityInfoAccess or Oids.SubjectInfoAccess));
}

internal sealed class GmNeverCritical : CertificateRule
{
    public override string Id => "gm-extension-not-critical";

    public override string Source => "GM/T 0015-2012 annex A table A.3";

    public override string Demand => "certificatePolicies, CRLDistributionPoints, issuerAltName, privateKeyUsagePeriod, and subjectAltName beside a subject, are not critical.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !Scope.IsGm(certificate, context) ? null
            : certificate.Subject.First.Exists && certificate.Find(Oids.SubjectAltName) is { Critical: true } ? Oids.SubjectAltName
            : ExtensionFaults.Find(certificate, static extension => extension.Critical
                && extension.Id is (Oids.CertificatePolicies or Oids.CrlDistributionPoints or Oids.IssuerAltName or Oids.PrivateKeyUsagePeriod));
}

internal sealed class AlwaysCritical : CertificateRule
{
    public override string Id => "extension-critical";

    public override string Source => "RFC 5280 §4.2.1.10, §4.2.1.11, §4.2.1.14";

    public override string Demand => "nameConstraints, policyConstraints and inhibitAnyPolicy are critical.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => !extension.Critical
            && extension.Id is (Oids.NameConstraints or Oids.PolicyConstraints or Oids.InhibitAnyPolicy));
}

internal sealed class AuthorityControls : CertificateRule
{
    public override string Id => "authority-extensions";

    public override string Source => "RFC 5280 §4.2.1.5, §4.2.1.10, §4.2.1.11, §4.2.1.14";

    public override string Demand => "nameConstraints, policyMappings, policyConstraints and inhibitAnyPolicy are in certificates of CAs only.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsCa ? null
            : ExtensionFaults.Find(certificate, static extension =>
                extension.Id is Oids.NameConstraints or Oids.PolicyMappings or Oids.PolicyConstraints or Oids.InhibitAnyPolicy);
}

internal sealed class ConstraintsNotEmpty : CertificateRule
{
    public override string Id => "constraints-not-empty";

    public override string Source => "RFC 5280 §4.2.1.10, §4.2.1.11";

    public override string Demand => "Neither nameConstraints nor policyConstraints is an empty SEQUENCE.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        ExtensionFaults.Find(certificate, static extension => extension.Id is (Oids.NameConstraints or Oids.PolicyConstraints)
            && extension.Value.Is(DerTag.Sequence) && !extension.Value.First.Exists);
}

internal sealed class ProfileExtensions : CertificateRule
{
    public override string Id => "profile-extensions";

    public override string Source => "GM/T 0015-2012 annex C";

    public override string Demand => "There is no extension that the profile does not name.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context.Profile is not { } profile)
        {
            return null;
        }

        foreach (ExtensionView extension in certificate.ExtensionList)
        {
            if (!IsNamed(profile.Options, extension.Id))
            {
                return extension.Id;
            }
        }

        return null;
    }

    private static bool IsNamed(ProfileOptions options, string id) => id switch
    {
        Oids.AuthorityKeyIdentifier or Oids.SubjectKeyIdentifier or Oids.KeyUsage => true,
        Oids.CertificatePolicies => options.Policies.Count > 0,
        Oids.BasicConstraints => options.BasicConstraints is not null,
        Oids.ExtendedKeyUsage => options.ExtendedKeyUsage is { Purposes.Count: > 0 },
        Oids.SubjectAltName => options.SubjectAltName is not null,
        Oids.CrlDistributionPoints => options.CrlDistributionPoints.Count > 0,
        Oids.AuthorityInfoAccess => options.CaIssuers.Count + options.Ocsp.Count > 0,
        Oids.OcspNoCheck => options.OcspNoCheck,
        Oids.OfficerIdentity => options.OfficerIdentity,
        _ => IdentityForms.Find(options, id) is not null,
    };
}

internal static class ExtensionFaults
{
    /// <returns>The id of the first for which it holds.</returns>
    public static string? Find(CertificateView certificate, Func<ExtensionView, bool> isFault)
    {
        foreach (ExtensionView extension in certificate.ExtensionList)
        {
            if (isFault(extension))
            {
                return extension.Id;
            }
        }

        return null;
    }
}
