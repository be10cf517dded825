using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

internal sealed class BasicConstraintsCritical : CertificateRule
{
    public override string Id => "basic-constraints-critical";

    public override string Source => "RFC 5280 §4.2.1.9, GM/T 0015-2012 annex A table A.3";

    public override string Demand => "basicConstraints of a CA is critical.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsCa && certificate.Find(Oids.BasicConstraints) is { Critical: false } ? "it is not" : null;
}

internal sealed class GmBasicConstraints : CertificateRule
{
    public override string Id => "gm-basic-constraints-not-critical";

    public override string Source => "GM/T 0015-2012 annex A table A.3";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "basicConstraints of an end entity is not critical.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        (certificate.IsSm2Key || certificate.IsSm2Signed) && !certificate.IsCa
            && certificate.Find(Oids.BasicConstraints) is { Critical: true } ? "it is" : null;
}

internal sealed class PathLengthOfCa : CertificateRule
{
    public override string Id => "path-length-of-ca";

    public override string Source => "RFC 5280 §4.2.1.9";

    public override string Demand => "pathLenConstraint stands beside cA TRUE and keyCertSign.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Constraints.PathLength(certificate).Exists && (!certificate.IsCa || !Scope.May(certificate, KeyUsages.KeyCertSign))
            ? "it stands alone" : null;
}

internal sealed class PathLengthNotNegative : CertificateRule
{
    public override string Id => "path-length-not-negative";

    public override string Source => "RFC 5280 §4.2.1.9";

    public override string Demand => "pathLenConstraint is not negative.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Constraints.PathLength(certificate).Content is [>= 0x80, ..] ? "it is" : null;
}

internal sealed class PathLengthBelowIssuer : CertificateRule
{
    public override string Id => "path-length-below-issuer";

    public override string Source => "RFC 5280 §6.1.4 (l), (m)";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "A CA below one with a pathLenConstraint has a smaller one, and no CA is below 0.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (!certificate.IsCa || certificate.IsSelfIssued
            || Scope.IssuerCertificate(context)?.Tbs.Extensions?.Find(Oids.BasicConstraints) is not { } outer)
        {
            return null;
        }

        DerNode outerLength = Constraints.PathLength(DerTree.Parse(outer.Value).Root);
        if (Constraints.Read(outerLength) is not { } limit)
        {
            return null;
        }

        return limit > 0 && Constraints.Read(Constraints.PathLength(certificate)) is { } length && length < limit ? null : $"the issuer has {limit}";
    }
}

internal sealed class ProfileBasicConstraints : CertificateRule
{
    public override string Id => "profile-basic-constraints";

    public override string Source => "GM/T 0015-2012 annex C";

    public override string Demand => "basicConstraints and its criticality are those of the profile.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context.Profile is not { } profile)
        {
            return null;
        }

        bool isSame = (certificate.Find(Oids.BasicConstraints), profile.Options.BasicConstraints) switch
        {
            (null, null) => true,
            ({ } extension, { } options) => extension.Critical == options.Critical && certificate.IsCa == options.Authority
                && Constraints.Read(Constraints.PathLength(certificate)) == options.PathLength
                && Constraints.PathLength(certificate).Exists == options.PathLength is not null,
            _ => false,
        };
        return isSame ? null : "they are others";
    }
}

internal static class Constraints
{
    /// <summary>The INTEGER of pathLenConstraint; missing: there is none.</summary>
    public static DerNode PathLength(CertificateView certificate) => PathLength(certificate.Value(Oids.BasicConstraints));

    /// <inheritdoc cref="PathLength(CertificateView)"/>
    public static DerNode PathLength(DerNode basicConstraints)
    {
        DerNode field = basicConstraints.First;
        field = field.Tag == DerTag.Boolean ? field.Next : field;
        return field.Tag == DerTag.Integer ? field : default;
    }

    /// <returns>Null: missing, negative or above 32767, which no path has.</returns>
    public static int? Read(DerNode integer) => integer.Content switch
    {
        [< 0x80 and var low] => low,
        [< 0x80 and var high, var low] => (high << 8) | low,
        _ => null,
    };
}
