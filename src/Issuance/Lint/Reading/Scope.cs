using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>To which certificates a rule applies, and what is known of their issuer.</summary>
internal static class Scope
{
    /// <summary>GM/T 0015: SM2 anywhere in it, or a certificate of ours.</summary>
    public static bool IsGm(CertificateView certificate, LintContext context) => certificate.IsSm2Key || certificate.IsSm2Signed
        || context.Profile is not null;

    /// <summary>
    /// Annexes C.3 and C.4 of GM/T 0015: certificates of users. Where there is a profile, it says which of ours are one half of a pair; otherwise all that are
    /// neither a CA's, nor signed by themselves, nor of an OCSP responder.
    /// </summary>
    public static bool IsGmUser(CertificateView certificate, LintContext context) => !certificate.IsCa && (context.Profile is { } profile
        ? profile.Half != PairHalf.None
        : IsGm(certificate, context) && !certificate.IsSelfIssued && !Has(certificate, Oids.OcspSigning));

    public static bool Has(CertificateView certificate, string purpose)
    {
        IReadOnlyList<string> purposes = certificate.Purposes;
        for (int i = 0; i < purposes.Count; i++)
        {
            if (purposes[i] == purpose)
            {
                return true;
            }
        }

        return false;
    }

    /// <returns>True unless KeyUsage is there and has none of the usages.</returns>
    public static bool May(CertificateView certificate, KeyUsages usages) => certificate.KeyUsage is not { } own || (own & usages) != 0;

    /// <summary>DER of the issuer's subject; empty: not known.</summary>
    public static ReadOnlySpan<byte> IssuerName(LintContext context) =>
        (context.Issuer?.Name ?? context.IssuerCertificate?.Tbs.Subject) is { } name ? name.Encoded.Span : [];

    /// <summary>The issuer's SubjectKeyIdentifier; empty: not known, or it has none.</summary>
    public static ReadOnlySpan<byte> IssuerKeyIdentifier(LintContext context)
    {
        if (context.Issuer is { } issuer)
        {
            return issuer.KeyIdentifier.Span;
        }

        ReadOnlySpan<byte> value = context.IssuerCertificate?.Tbs.Extensions?.Find(Oids.SubjectKeyIdentifier) is { } extension
            ? extension.Value.Span : [];
        return value is [DerTag.OctetString, < 0x80, ..] && value[1] == value.Length - 2 ? value[2..] : [];
    }

    public static Certificate? IssuerCertificate(LintContext context) => context.Issuer?.Certificate ?? context.IssuerCertificate;
}
