namespace ZwCa.Issuance;

internal sealed class Version3 : CertificateRule
{
    public override string Id => "version-3";

    public override string Source => "RFC 5280 §4.1.2.1, GM/T 0015-2012 §5.2.3";

    public override string Demand => "The version is 3.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Version is { Tag: DerTag.Integer } version && version.Content is [2] ? null : "the version is another";
}

internal sealed class SerialPositive : CertificateRule
{
    public override string Id => "serial-positive";

    public override string Source => "RFC 5280 §4.1.2.2, GM/T 0015-2012 §5.2.3";

    public override string Demand => "The serial number is positive.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        ReadOnlySpan<byte> serial = certificate.SerialNumber.Content;
        return serial is [< 0x80, ..] && serial.ContainsAnyExcept((byte)0) ? null : "it is zero or negative";
    }
}

internal sealed class SerialLength : CertificateRule
{
    public override string Id => "serial-length";

    public override string Source => "RFC 5280 §4.1.2.2, GM/T 0015-2012 §5.2.3";

    public override string Demand => "The serial number has at most 20 octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.SerialNumber.Content.Length <= 20 ? null : $"it has {certificate.SerialNumber.Content.Length}";
}

/// <summary>
/// Anybody's can only be measured: fewer than eight octets cannot hold 64 random bits (incident 1 was eight octets with a sign bit: 63). A root is not signed by somebody who could
/// be given a prepared request, so its own serial number may be short.
/// </summary>
internal sealed class SerialEntropy : CertificateRule
{
    public override string Id => "serial-entropy";

    public override string Source => "CA/Browser Forum BR §7.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The serial number is long enough for 64 random bits.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.SerialNumber.Content.Length >= 8 || (context.Profile is null && certificate.IsSelfIssued)
            ? null : $"it has {certificate.SerialNumber.Content.Length} octets";
}

internal sealed class OwnSerial : CertificateRule
{
    public override string Id => "own-serial";

    public override string Source => "RFC 5280 §4.1.2.2";

    public override string Demand => "A serial number of ours has 16 octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is null || certificate.SerialNumber.Content.Length == SerialNumbers.Octets
            ? null : $"it has {certificate.SerialNumber.Content.Length}";
}

internal sealed class UniqueIdsAbsent : CertificateRule
{
    public override string Id => "unique-identifiers-absent";

    public override string Source => "RFC 5280 §4.1.2.8, GM/T 0015-2012 §5.2.3";

    public override string Demand => "There is neither issuerUniqueID nor subjectUniqueID.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IssuerUniqueId.Exists || certificate.SubjectUniqueId.Exists ? "there is one" : null;
}
