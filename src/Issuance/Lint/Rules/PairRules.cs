using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

internal sealed class PairSubject : CertificateRule
{
    public override string Id => "pair-subject";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "The two certificates of a pair have the same subject.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Other is { } other && !certificate.Subject.Encoded.SequenceEqual(other.Subject.Encoded) ? "they differ" : null;
}

internal sealed class PairIssuer : CertificateRule
{
    public override string Id => "pair-issuer";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "The two certificates of a pair have the same issuer.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Other is { } other && !certificate.Issuer.Encoded.SequenceEqual(other.Issuer.Encoded) ? "they differ" : null;
}

internal sealed class PairValidity : CertificateRule
{
    public override string Id => "pair-validity";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "The two certificates of a pair have the same validity.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Other is { } other && !(certificate.NotBefore.Encoded.SequenceEqual(other.NotBefore.Encoded)
            && certificate.NotAfter.Encoded.SequenceEqual(other.NotAfter.Encoded)) ? "they differ" : null;
}

internal sealed class PairSerial : CertificateRule
{
    public override string Id => "pair-serial";

    public override string Source => "RFC 5280 §4.1.2.2";

    public override string Demand => "The two certificates of a pair have different serial numbers.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Other is { } other && certificate.SerialNumber.Content.SequenceEqual(other.SerialNumber.Content) ? "they are the same" : null;
}

internal sealed class PairKey : CertificateRule
{
    public override string Id => "pair-key";

    public override string Source => "GM/T 0015-2012 §5.2.4.2";

    public override string Demand => "The two certificates of a pair have different keys.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Other is { } other && certificate.PublicKey.Content.SequenceEqual(other.PublicKey.Content) ? "they are the same" : null;
}

internal sealed class PairAlgorithm : CertificateRule
{
    public override string Id => "pair-algorithm";

    public override string Source => "GB/T 38636-2020 §6.4.4";

    public override string Demand => "The two certificates of a pair have keys and signatures of the same kind.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Other is { } other && !(certificate.SubjectPublicKeyInfo.First.Encoded.SequenceEqual(other.SubjectPublicKeyInfo.First.Encoded) && certificate.OuterAlgorithm.Encoded.SequenceEqual(other.OuterAlgorithm.Encoded)) ? "they differ" : null;
}

internal sealed class PairUsages : CertificateRule
{
    public override string Id => "pair-usages";

    public override string Source => "GM/T 0015-2012 §5.2.4.2";

    public override string Demand => "Of the two certificates of a pair one is for signatures and the other for encryption.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Other is { } other && !((IsFor(certificate, Usages.Signing) && IsFor(other, Usages.Encryption))
            || (IsFor(certificate, Usages.Encryption) && IsFor(other, Usages.Signing)))
            ? "it is not so" : null;

    private static bool IsFor(CertificateView certificate, KeyUsages usages) =>
        certificate.KeyUsage is { } own && (own & usages) != 0 && (own & (Usages.Signing | Usages.Encryption) & ~usages) == 0;
}
