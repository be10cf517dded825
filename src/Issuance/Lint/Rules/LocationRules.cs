using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class GmCdpPresent : CertificateRule
{
    public override string Id => "gm-cdp-present";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "A user's certificate has CRLDistributionPoints.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IsGmUser(certificate, context) && certificate.Find(Oids.CrlDistributionPoints) is null ? "it has not" : null;
}

internal sealed class CaCdpPresent : CertificateRule
{
    public override string Id => "ca-cdp-present";

    public override string Source => "RFC 5280 §4.2.1.13, CA/Browser Forum BR §7.1.2.10";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "A certificate of a CA that another CA issued has CRLDistributionPoints.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsCa && !certificate.IsSelfIssued && certificate.Find(Oids.CrlDistributionPoints) is null
            && (context.Profile is not { } profile || profile.Options.CrlDistributionPoints.Count > 0)
            ? "it has not" : null;
}

internal sealed class CdpNotEmpty : CertificateRule
{
    public override string Id => "cdp-not-empty";

    public override string Source => "RFC 5280 §4.2.1.13";

    public override string Demand => "CRLDistributionPoints has a point, and each point names a place or an issuer of CRLs.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        DerNode points = certificate.Value(Oids.CrlDistributionPoints);
        if (points.Tag == DerTag.Sequence && !points.First.Exists)
        {
            return "it has none";
        }

        foreach (DerNode point in points)
        {
            if (point.First.Tag is not (0xa0 or 0xa2) && point.First.Next.Tag != 0xa2)
            {
                return "one does not";
            }
        }

        return null;
    }
}

internal sealed class CdpUri : CertificateRule
{
    public override string Id => "cdp-uri";

    public override string Source => "RFC 5280 §4.2.1.13, §4.2.1.6, GM/T 0015-2012 annex C";

    public override string Demand => "Places of CRLs are absolute http or ldap URIs, or names of a directory.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Uris.Find(certificate.Value(Oids.CrlDistributionPoints), static uri => !Uris.IsAbsolute(uri.Content)
            || !(Uris.HasScheme(uri, "http") || Uris.HasScheme(uri, "https") || Uris.HasScheme(uri, "ldap"))) ? "one is not" : null;
}

internal sealed class CdpPlain : CertificateRule
{
    public override string Id => "cdp-plain-http";

    public override string Source => "RFC 5280 §8";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "Places of CRLs are not https URIs, of which the certificate would have to be checked first.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Uris.Find(certificate.Value(Oids.CrlDistributionPoints), static uri => Uris.HasScheme(uri, "https")) ? "one is" : null;
}

internal sealed class CdpNoReasons : CertificateRule
{
    public override string Id => "cdp-no-reasons";

    public override string Source => "RFC 5280 §4.2.1.13";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "Distribution points are not divided by reasons.";

    public override string? Check(CertificateView certificate, LintContext context) => Uris.HasField(certificate, 0x81) ? "one is" : null;
}

internal sealed class CdpNoCrlIssuer : CertificateRule
{
    public override string Id => "cdp-no-crl-issuer";

    public override string Source => "RFC 5280 §4.2.1.13, GM/T 0015-2012 §5.3";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The issuer of the certificate issues its CRL.";

    public override string? Check(CertificateView certificate, LintContext context) => Uris.HasField(certificate, 0xa2) ? "another does" : null;
}

internal sealed class ProfileCdp : CertificateRule
{
    public override string Id => "profile-cdp";

    public override string Source => "GM/T 0015-2012 annex C, RFC 5280 §4.2.1.13";

    public override string Demand => "CRLDistributionPoints is one point with the places of the profile for this issuer and serial number.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context is not { Profile: { } profile, Issuer: { } issuer })
        {
            return null;
        }

        DerNode point = certificate.Value(Oids.CrlDistributionPoints).First;
        DerNode names = point.First.First;
        byte[][] expected = Expected.Of(issuer, profile).Points(certificate.SerialNumber.Content);
        if (expected.Length == 0)
        {
            return certificate.Find(Oids.CrlDistributionPoints) is null ? null : "there should be none";
        }

        if (point.Next.Exists || point.First.Next.Exists || names.Next.Exists || point.First.Tag != 0xa0 || names.Tag != 0xa0)
        {
            return "it is not one point with places only";
        }

        return Uris.AreThese(names.First, expected) ? null : "the places are others";
    }
}

internal sealed class CdpOfIssuerKey : CertificateRule
{
    public override string Id => "own-cdp-of-issuer-key";

    public override string Source => "docs/PROFILES.md, RFC 5280 §4.2.1.13";

    public override string Demand => "The place of a CRL of ours contains the issuer's key identifier.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context is not { Profile: { } profile, Issuer: { } issuer })
        {
            return null;
        }

        byte[] identifier = Expected.Of(issuer, profile).KeyIdentifier;
        return Uris.AllContain(certificate.Value(Oids.CrlDistributionPoints), identifier) ? null : "one does not";
    }
}

internal sealed class GmOcspPresent : CertificateRule
{
    public override string Id => "gm-aia-ocsp";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "authorityInfoAccess of a user's certificate names an OCSP service.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IsGmUser(certificate, context) && !Uris.HasAccess(certificate, Uris.Ocsp) ? "it does not" : null;
}

internal sealed class GmCaIssuersPresent : CertificateRule
{
    public override string Id => "gm-aia-ca-issuers";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "authorityInfoAccess of a user's certificate names the issuer's certificate.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IsGmUser(certificate, context) && !Uris.HasAccess(certificate, Uris.CaIssuers) ? "it does not" : null;
}

internal sealed class AiaNotEmpty : CertificateRule
{
    public override string Id => "aia-not-empty";

    public override string Source => "RFC 5280 §4.2.2.1";

    public override string Demand => "authorityInfoAccess has at least one description.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Value(Oids.AuthorityInfoAccess) is { Tag: DerTag.Sequence } accesses && !accesses.First.Exists ? "it has none" : null;
}

internal sealed class AiaUri : CertificateRule
{
    public override string Id => "aia-uri";

    public override string Source => "RFC 5280 §4.2.2.1, §4.2.1.6";

    public override string Demand => "URIs of authorityInfoAccess are absolute http or ldap URIs.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Uris.FindAccess(certificate, static uri => !Uris.IsAbsolute(uri.Content)
            || !(Uris.HasScheme(uri, "http") || Uris.HasScheme(uri, "https") || Uris.HasScheme(uri, "ldap"))) ? "one is not" : null;
}

internal sealed class AiaPlain : CertificateRule
{
    public override string Id => "aia-plain-http";

    public override string Source => "RFC 5280 §8, RFC 6960 §A.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "URIs of authorityInfoAccess are not https URIs, of which the certificate would have to be checked first.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Uris.FindAccess(certificate, static uri => Uris.HasScheme(uri, "https")) ? "one is" : null;
}

internal sealed class ProfileAia : CertificateRule
{
    public override string Id => "profile-aia";

    public override string Source => "GM/T 0015-2012 annex C, RFC 5280 §4.2.2.1";

    public override string Demand => "authorityInfoAccess has the OCSP services, then the issuer's certificates, of the profile for this issuer.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context is not { Profile: { } profile, Issuer: { } issuer })
        {
            return null;
        }

        var expected = Expected.Of(issuer, profile);
        DerNode access = certificate.Value(Oids.AuthorityInfoAccess).First;
        return Take(ref access, Uris.Ocsp, expected.Ocsp) && Take(ref access, Uris.CaIssuers, expected.CaIssuers) && !access.Exists
            ? null : "they are others";
    }

    private static bool Take(ref DerNode access, byte[] method, byte[][] places)
    {
        foreach (byte[] place in places)
        {
            DerNode uri = access.First.Next;
            if (!access.First.IsOid(method) || uri.Tag != 0x86 || !uri.Content.SequenceEqual(place))
            {
                return false;
            }

            access = access.Next;
        }

        return true;
    }
}
