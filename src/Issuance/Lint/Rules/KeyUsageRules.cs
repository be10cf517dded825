using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

internal sealed class KeyUsagePresent : CertificateRule
{
    public override string Id => "key-usage-present";

    public override string Source => "RFC 5280 §4.2.1.3, GM/T 0015-2012 annex C";

    public override string Demand => "keyUsage is there in certificates of CAs and in all of GM/T 0015.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        (certificate.IsCa || Scope.IsGm(certificate, context)) && certificate.Find(Oids.KeyUsage) is null ? "it is not" : null;
}

internal sealed class KeyUsageCritical : CertificateRule
{
    public override string Id => "key-usage-critical";

    public override string Source => "RFC 5280 §4.2.1.3, GM/T 0015-2012 annex A table A.3";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "keyUsage is critical.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Find(Oids.KeyUsage) is { Critical: false } ? "it is not" : null;
}

internal sealed class KeyUsageNotEmpty : CertificateRule
{
    public override string Id => "key-usage-not-empty";

    public override string Source => "RFC 5280 §4.2.1.3";

    public override string Demand => "keyUsage has at least one bit.";

    public override string? Check(CertificateView certificate, LintContext context) => certificate.KeyUsage is KeyUsages.None ? "it has none" : null;
}

internal sealed class KeyUsageKnownBits : CertificateRule
{
    public override string Id => "key-usage-known-bits";

    public override string Source => "RFC 5280 §4.2.1.3";

    public override string Demand => "keyUsage has only the nine bits that are defined.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.KeyUsage is { } usages && ((int)usages & ~0x1ff) != 0 ? "it has others" : null;
}

internal sealed class KeyUsageMinimal : CertificateRule
{
    public override string Id => "key-usage-minimal";

    public override string Source => "X.690 §11.2.2";

    public override string Demand => "The list of named bits ends with its last bit that is set.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Value(Oids.KeyUsage) is { Tag: DerTag.BitString } bits && bits.Content is [<= 7, .., var last]
            && (last & (1 << bits.Content[0])) == 0 ? "it goes on" : null;
}

internal sealed class CertSignNeedsCa : CertificateRule
{
    public override string Id => "cert-sign-needs-ca";

    public override string Source => "RFC 5280 §4.2.1.3, §4.2.1.9";

    public override string Demand => "keyCertSign is for CAs.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !certificate.IsCa && Has(certificate, KeyUsages.KeyCertSign) ? "cA is not TRUE" : null;

    private static bool Has(CertificateView certificate, KeyUsages usage) => ((certificate.KeyUsage ?? KeyUsages.None) & usage) != 0;
}

internal sealed class CaNeedsCertSign : CertificateRule
{
    public override string Id => "ca-needs-cert-sign";

    public override string Source => "GM/T 0015-2012 annex C.1, C.2, RFC 5280 §4.2.1.3";

    public override string Demand => "A CA has keyCertSign.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsCa && !Scope.May(certificate, KeyUsages.KeyCertSign) ? "it has not" : null;
}

internal sealed class GmUsageNotMixed : CertificateRule
{
    public override string Id => "gm-key-usage-not-mixed";

    public override string Source => "GM/T 0015-2012 §5.2.4.2";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "A user's certificate is for signatures or for encryption, and not for both.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        (certificate.IsSm2Key || certificate.IsSm2Signed) && !certificate.IsCa && certificate.KeyUsage is { } usages
            && (usages & Usages.Signing) != 0 && (usages & Usages.Encryption) != 0
            ? "it is for both" : null;
}

internal sealed class SigningUsage : CertificateRule
{
    public override string Id => "pair-signing-usage";

    public override string Source => "GM/T 0015-2012 annex C.3";

    public override string Demand => "keyUsage of a signing certificate of a pair is 03 02 06 C0: digitalSignature and nonRepudiation.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { Half: PairHalf.Signing }
            && !certificate.Value(Oids.KeyUsage).Encoded.SequenceEqual<byte>([0x03, 0x02, 0x06, 0xc0]) ? "it is not" : null;
}

internal sealed class EncryptionUsage : CertificateRule
{
    public override string Id => "pair-encryption-usage";

    public override string Source => "GM/T 0015-2012 annex C.4";

    public override string Demand => "keyUsage of an encryption certificate of a pair is 03 02 03 38: keyEncipherment, dataEncipherment and keyAgreement.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { Half: PairHalf.Encryption }
            && !certificate.Value(Oids.KeyUsage).Encoded.SequenceEqual<byte>([0x03, 0x02, 0x03, 0x38]) ? "it is not" : null;
}

internal sealed class OnlyWithAgreement : CertificateRule
{
    public override string Id => "key-usage-only-with-agreement";

    public override string Source => "RFC 5280 §4.2.1.3";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "encipherOnly and decipherOnly stand beside keyAgreement, and not both.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.KeyUsage is { } usages && (usages & (KeyUsages.EncipherOnly | KeyUsages.DecipherOnly)) is var only && only != 0
            && ((usages & KeyUsages.KeyAgreement) == 0 || only == (KeyUsages.EncipherOnly | KeyUsages.DecipherOnly)) ? "they do not" : null;
}

internal sealed class UsageFitsKey : CertificateRule
{
    public override string Id => "key-usage-fits-key";

    public override string Source => "RFC 3279 §2.3.1, RFC 8813 §3";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "An RSA key is not for keyAgreement, a key on a NIST curve not for keyEncipherment or dataEncipherment.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        (certificate.IsRsaKey && Has(certificate, KeyUsages.KeyAgreement))
            || (KeyBits.CoordinateLength(certificate.NamedCurve) is not null
            && Has(certificate, KeyUsages.KeyEncipherment | KeyUsages.DataEncipherment)) ? "it is" : null;

    private static bool Has(CertificateView certificate, KeyUsages usage) => ((certificate.KeyUsage ?? KeyUsages.None) & usage) != 0;
}

internal sealed class ProfileKeyUsage : CertificateRule
{
    public override string Id => "profile-key-usage";

    public override string Source => "GM/T 0015-2012 annex C";

    public override string Demand => "keyUsage and its criticality are those of the profile.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { } profile && (certificate.KeyUsage != profile.KeyUsage.Usages
            || certificate.Find(Oids.KeyUsage)?.Critical != profile.Options.KeyUsage.Critical) ? "they are others" : null;
}

/// <summary>GM/T 0015-2012 §5.2.4.2: by which bits a certificate is one for signatures or one for encryption.</summary>
internal static class Usages
{
    public const KeyUsages Signing = KeyUsages.DigitalSignature | KeyUsages.NonRepudiation;
    public const KeyUsages Encryption = KeyUsages.KeyEncipherment | KeyUsages.DataEncipherment | KeyUsages.KeyAgreement | KeyUsages.DecipherOnly;
}
