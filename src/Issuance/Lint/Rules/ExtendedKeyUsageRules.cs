using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

internal sealed class PurposesNotEmpty : CertificateRule
{
    public override string Id => "ext-key-usage-not-empty";

    public override string Source => "RFC 5280 §4.2.1.12";

    public override string Demand => "extKeyUsage has at least one purpose.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Value(Oids.ExtendedKeyUsage) is { Tag: DerTag.Sequence } purposes && !purposes.First.Exists ? "it has none" : null;
}

internal sealed class PurposesUnique : CertificateRule
{
    public override string Id => "ext-key-usage-unique";

    public override string Source => "RFC 5280 §4.2.1.12";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "No purpose occurs twice.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        SequenceFaults.HasTwice(certificate.Value(Oids.ExtendedKeyUsage), static purpose => purpose) ? "one does" : null;
}

internal sealed class AnyPurpose : CertificateRule
{
    public override string Id => "ext-key-usage-any";

    public override string Source => "CA/Browser Forum BR §7.1.2.7.10, RFC 5280 §4.2.1.12";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "anyExtendedKeyUsage is not there.";

    public override string? Check(CertificateView certificate, LintContext context) => Scope.Has(certificate, "2.5.29.37.0") ? "it is" : null;
}

internal sealed class ServerAuthUsage : CertificateRule
{
    public override string Id => "server-auth-usage";

    public override string Source => "RFC 5280 §4.2.1.12";

    public override string Demand => "Beside serverAuth stands digitalSignature, keyEncipherment or keyAgreement.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.Has(certificate, Oids.ServerAuth)
            && !Scope.May(certificate, KeyUsages.DigitalSignature | KeyUsages.KeyEncipherment | KeyUsages.KeyAgreement) ? "it has none" : null;
}

internal sealed class ClientAuthUsage : CertificateRule
{
    public override string Id => "client-auth-usage";

    public override string Source => "RFC 5280 §4.2.1.12, GB/T 38636-2020 §6.4";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "Beside clientAuth stands digitalSignature, keyEncipherment or keyAgreement.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.Has(certificate, Oids.ClientAuth)
            && !Scope.May(certificate, KeyUsages.DigitalSignature | KeyUsages.KeyEncipherment | KeyUsages.KeyAgreement) ? "it has none" : null;
}

internal sealed class EmailUsage : CertificateRule
{
    public override string Id => "email-protection-usage";

    public override string Source => "RFC 5280 §4.2.1.12";

    public override string Demand => "Beside emailProtection stands digitalSignature, nonRepudiation, keyEncipherment or keyAgreement.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.Has(certificate, Oids.EmailProtection)
            && !Scope.May(certificate, KeyUsages.DigitalSignature | KeyUsages.NonRepudiation | KeyUsages.KeyEncipherment | KeyUsages.KeyAgreement) ? "it has none" : null;
}

internal sealed class OcspSigningUsage : CertificateRule
{
    public override string Id => "ocsp-signing-usage";

    public override string Source => "RFC 5280 §4.2.1.12, RFC 6960 §4.2.2.2";

    public override string Demand => "Beside OCSPSigning stands digitalSignature or nonRepudiation.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.Has(certificate, Oids.OcspSigning) && !Scope.May(certificate, KeyUsages.DigitalSignature | KeyUsages.NonRepudiation)
            ? "it has none" : null;
}

internal sealed class TimeStampingUsage : CertificateRule
{
    public override string Id => "time-stamping-usage";

    public override string Source => "RFC 5280 §4.2.1.12, RFC 3161 §2.3";

    public override string Demand => "Beside timeStamping stands digitalSignature or nonRepudiation.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.Has(certificate, Oids.TimeStamping) && !Scope.May(certificate, KeyUsages.DigitalSignature | KeyUsages.NonRepudiation)
            ? "it has none" : null;
}

internal sealed class TimeStampingSole : CertificateRule
{
    public override string Id => "time-stamping-sole";

    public override string Source => "RFC 3161 §2.3";

    public override string Demand => "timeStamping is the only purpose, except of a CA.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !certificate.IsCa && certificate.Purposes.Count > 1 && Scope.Has(certificate, Oids.TimeStamping) ? "there are others" : null;
}

internal sealed class TimeStampingCritical : CertificateRule
{
    public override string Id => "time-stamping-critical";

    public override string Source => "RFC 3161 §2.3";

    public override string Demand => "extKeyUsage with timeStamping is critical, except of a CA.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !certificate.IsCa && Scope.Has(certificate, Oids.TimeStamping) && certificate.Find(Oids.ExtendedKeyUsage) is { Critical: false }
            ? "it is not" : null;
}

internal sealed class OcspNoCheckPresent : CertificateRule
{
    public override string Id => "ocsp-nocheck-present";

    public override string Source => "RFC 6960 §4.2.2.2.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The certificate of an OCSP responder has id-pkix-ocsp-nocheck.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !certificate.IsCa && Scope.Has(certificate, Oids.OcspSigning) && certificate.Find(Oids.OcspNoCheck) is null ? "it has not" : null;
}

internal sealed class OcspNoCheckPlace : CertificateRule
{
    public override string Id => "ocsp-nocheck-place";

    public override string Source => "RFC 6960 §4.2.2.2.1";

    public override string Demand => "id-pkix-ocsp-nocheck is in certificates of OCSP responders only.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Find(Oids.OcspNoCheck) is not null && !Scope.Has(certificate, Oids.OcspSigning) ? "the purpose is not OCSPSigning" : null;
}

internal sealed class CaPurposes : CertificateRule
{
    public override string Id => "ca-without-service-purposes";

    public override string Source => "RFC 6960 §4.2.2.2, CA/Browser Forum BR §7.1.2.10.6";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "A CA has no other job: its certificate is not for OCSPSigning.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsCa && Scope.Has(certificate, Oids.OcspSigning) ? "it is" : null;
}

internal sealed class ProfilePurposes : CertificateRule
{
    public override string Id => "profile-ext-key-usage";

    public override string Source => "GM/T 0015-2012 annex C";

    public override string Demand => "extKeyUsage and its criticality are those of the profile.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { } profile && !IsOf(profile, certificate) ? "they are others" : null;

    private static bool IsOf(Profile profile, CertificateView certificate)
    {
        if (certificate.Purposes.Count != profile.Purposes.Count
            || certificate.Find(Oids.ExtendedKeyUsage)?.Critical != profile.Options.ExtendedKeyUsage?.Critical)
        {
            return false;
        }

        for (int i = 0; i < profile.Purposes.Count; i++)
        {
            if (certificate.Purposes[i] != profile.Purposes[i])
            {
                return false;
            }
        }

        return true;
    }
}

internal sealed class ProfileNoCheck : CertificateRule
{
    public override string Id => "profile-ocsp-nocheck";

    public override string Source => "RFC 6960 §4.2.2.2.1";

    public override string Demand => "id-pkix-ocsp-nocheck is there if, and only if, the profile says so.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { } profile && profile.Options.OcspNoCheck != certificate.Find(Oids.OcspNoCheck) is not null ? "it is not so" : null;
}

internal static class SequenceFaults
{
    /// <summary>Above it, comparing each with each takes too long.</summary>
    private const int Many = 32;

    /// <summary>Whether two elements have the same key.</summary>
    public static bool HasTwice(DerNode list, Func<DerNode, DerNode> key)
    {
        int count = 0;
        foreach (DerNode each in list)
        {
            if (++count > Many)
            {
                return HasTwiceOfMany(list, key);
            }

            foreach (DerNode other in list)
            {
                if (other.Offset >= each.Offset)
                {
                    break;
                }

                if (key(other).Encoded.SequenceEqual(key(each).Encoded))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool HasTwiceOfMany(DerNode list, Func<DerNode, DerNode> key)
    {
        var seen = new HashSet<string>();
        foreach (DerNode each in list)
        {
            if (!seen.Add(Convert.ToHexString(key(each).Encoded)))
            {
                return true;
            }
        }

        return false;
    }
}
