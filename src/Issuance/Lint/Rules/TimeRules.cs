namespace ZwCa.Issuance;

internal sealed class TimeForm : CertificateRule
{
    public override string Id => "time-form";

    public override string Source => "RFC 5280 §4.1.2.5.1, §4.1.2.5.2";

    public override string Demand => "A time is a UTCTime of 13 or a GeneralizedTime of 15 characters, with seconds, without fractions, in Z.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !DerTime.HasForm(certificate.NotBefore) ? "notBefore is not" : !DerTime.HasForm(certificate.NotAfter) ? "notAfter is not" : null;
}

internal sealed class TimeReal : CertificateRule
{
    public override string Id => "time-real";

    public override string Source => "RFC 5280 §4.1.2.5";

    public override string Demand => "A time is a day of the calendar and a time of the day.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        IsReal(certificate.NotBefore) && IsReal(certificate.NotAfter) ? null : "there is no such time";

    private static bool IsReal(DerNode time) => !DerTime.HasForm(time) || DerTime.TryRead(time, out _);
}

internal sealed class TimeAlternative : CertificateRule
{
    public override string Id => "time-alternative";

    public override string Source => "RFC 5280 §4.1.2.5, GM/T 0015-2012 §5.2.3";

    public override string Demand => "Times through 2049 are UTCTime.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        IsLate(certificate.NotBefore) && IsLate(certificate.NotAfter) ? null : "one is GeneralizedTime";

    private static bool IsLate(DerNode time) => time.Tag != DerTag.GeneralizedTime || !DerTime.TryRead(time, out DateTime value)
        || value.Year >= 2050;
}

internal sealed class ValidityOrder : CertificateRule
{
    public override string Id => "validity-order";

    public override string Source => "RFC 5280 §4.1.2.5";

    public override string Demand => "notBefore is not after notAfter.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        DerTime.TryRead(certificate.NotBefore, out DateTime first) && DerTime.TryRead(certificate.NotAfter, out DateTime last)
            && first > last ? "it is" : null;
}

internal sealed class ProfileValidity : CertificateRule
{
    public override string Id => "profile-validity";

    public override string Source => "GM/T 0015-2012 §5.2.3";

    public override string Demand => "The validity is not longer than the profile allows.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { } profile && DerTime.TryRead(certificate.NotBefore, out DateTime first)
            && DerTime.TryRead(certificate.NotAfter, out DateTime last)
            && last - first > TimeSpan.FromDays(profile.Options.Validity.MaximumDays)
            ? $"it is longer than {profile.Options.Validity.MaximumDays} days" : null;
}

internal sealed class ValidityWithinIssuer : CertificateRule
{
    public override string Id => "validity-within-issuer";

    public override string Source => "RFC 5280 §6.1.3 (a) (2)";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The validity lies within that of the issuer's certificate.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IssuerCertificate(context)?.Tbs.Validity is { } outer
            && DerTime.TryRead(certificate.NotBefore, out DateTime first) && DerTime.TryRead(certificate.NotAfter, out DateTime last)
            && (first < outer.NotBefore.Value.UtcDateTime || last > outer.NotAfter.Value.UtcDateTime) ? "it does not" : null;
}
