using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class NameForm : CertificateRule
{
    public override string Id => "name-form";

    public override string Source => "RFC 5280 §4.1.2.4";

    public override string Demand => "A Name is a SEQUENCE OF SET OF SEQUENCE of type and value, and no SET is empty.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        IsName(certificate.Issuer) && IsName(certificate.Subject) ? null : "one is not";

    private static bool IsName(DerNode name)
    {
        foreach (DerNode rdn in name)
        {
            if (!rdn.Is(DerTag.Set) || !rdn.First.Exists)
            {
                return false;
            }

            foreach (DerNode attribute in rdn)
            {
                DerNode type = attribute.First;
                if (!attribute.Is(DerTag.Sequence) || !type.Is(DerTag.ObjectIdentifier) || !type.Next.Exists || type.Next.Next.Exists)
                {
                    return false;
                }
            }
        }

        return true;
    }
}

internal sealed class IssuerPresent : CertificateRule
{
    public override string Id => "issuer-present";

    public override string Source => "RFC 5280 §4.1.2.4";

    public override string Demand => "The issuer is not empty.";

    public override string? Check(CertificateView certificate, LintContext context) => certificate.Issuer.First.Exists ? null : "it is";
}

internal sealed class SubjectPresent : CertificateRule
{
    public override string Id => "subject-present";

    public override string Source => "RFC 5280 §4.1.2.6, §4.2.1.6";

    public override string Demand => "The subject is not empty, except in an end entity's certificate with critical subjectAltName.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Subject.First.Exists || (!certificate.IsCa && certificate.Find(Oids.SubjectAltName) is { Critical: true }) ? null : "it is";
}

internal sealed class SingleAttribute : CertificateRule
{
    public override string Id => "name-single-attribute";

    public override string Source => "GM/T 0015-2012 annex B, X.501 §9.3";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "Each RelativeDistinguishedName has one attribute.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        IsSingle(certificate.Issuer) && IsSingle(certificate.Subject) ? null : "one has more";

    private static bool IsSingle(DerNode name)
    {
        foreach (DerNode rdn in name)
        {
            if (rdn.First.Next.Exists)
            {
                return false;
            }
        }

        return true;
    }
}

internal sealed class AttributeTwice : CertificateRule
{
    public override string Id => "name-attribute-twice";

    public override string Source => "X.520 §6.2.9, §6.3.1, CA/Browser Forum BR §7.1.4.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The subject has at most one countryName, one commonName and one serialNumber.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        int countries = 0, commonNames = 0, serialNumbers = 0;
        foreach (NameAttribute attribute in NameAttribute.Of(certificate.Subject))
        {
            countries += attribute.IsCountry ? 1 : 0;
            commonNames += attribute.IsCommonName ? 1 : 0;
            serialNumbers += attribute.IsSerialNumber ? 1 : 0;
        }

        return countries > 1 || commonNames > 1 || serialNumbers > 1 ? "one occurs twice" : null;
    }
}

internal sealed class IssuerMatches : CertificateRule
{
    public override string Id => "issuer-name-matches";

    public override string Source => "RFC 5280 §4.1.2.4, §6.1.3 (a) (4), GM/T 0015-2012 §5.2.3";

    public override string Demand => "The issuer is, octet for octet, the subject of the issuer's certificate.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IssuerName(context) is { IsEmpty: false } name && !name.SequenceEqual(certificate.Issuer.Encoded) ? "it is not" : null;
}

internal sealed class SubjectNotIssuer : CertificateRule
{
    public override string Id => "subject-not-issuer";

    public override string Source => "RFC 5280 §4.1.2.6, §6.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "An end entity has another name than its issuer.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsSelfIssued && !certificate.IsCa && certificate.Issuer.First.Exists ? "they are the same" : null;
}

internal sealed class ProfileSubject : CertificateRule
{
    public override string Id => "profile-subject";

    public override string Source => "GM/T 0015-2012 annex B";

    public override string Demand => "The attributes of the subject are those of the profile, as often as it says and in its order.";

    public override string? Check(CertificateView certificate, LintContext context) => ProfileName.Compare(certificate, context, texts: false);
}

internal sealed class ProfileSubjectText : CertificateRule
{
    public override string Id => "profile-subject-text";

    public override string Source => "GM/T 0015-2012 annex B";

    public override string Demand => "The texts of the subject are fixed, as long and of the pattern as the profile says.";

    public override string? Check(CertificateView certificate, LintContext context) => ProfileName.Compare(certificate, context, texts: true);
}
