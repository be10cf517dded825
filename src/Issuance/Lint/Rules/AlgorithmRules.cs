using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class AlgorithmsAgree : CertificateRule
{
    public override string Id => "algorithms-agree";

    public override string Source => "RFC 5280 §4.1.1.2";

    public override string Demand => "signature and signatureAlgorithm are the same octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.InnerAlgorithm.Encoded.SequenceEqual(certificate.OuterAlgorithm.Encoded) ? null : "they differ";
}

internal sealed class AlgorithmForm : CertificateRule
{
    public override string Id => "algorithm-form";

    public override string Source => "RFC 5280 §4.1.1.2";

    public override string Demand => "Each AlgorithmIdentifier is an OBJECT IDENTIFIER and at most one element of parameters.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        IsAlgorithm(certificate.InnerAlgorithm) && IsAlgorithm(certificate.OuterAlgorithm) ? null : "one is not";

    private static bool IsAlgorithm(DerNode node) => node.First.Is(DerTag.ObjectIdentifier) && !node.First.Next.Next.Exists;
}

internal sealed class Sm2SignatureParameters : CertificateRule
{
    public override string Id => "sm2-signature-parameters";

    public override string Source => "GM/T 0015-2012 §5.2.2, RFC 8998 §3.2.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The AlgorithmIdentifier of an SM2 signature has no parameters.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsSm2Signed && certificate.InnerAlgorithm.First.Next.Exists ? "there are some" : null;
}

internal sealed class RsaSignatureParameters : CertificateRule
{
    public override string Id => "rsa-signature-parameters";

    public override string Source => "RFC 4055 §5";

    public override string Demand => "The parameters of an RSA PKCS #1 signature are NULL.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        SignatureAlgorithms.IsRsaPkcs1(certificate) && !certificate.InnerAlgorithm.First.Next.Is(DerTag.Null) ? "they are not" : null;
}

internal sealed class RsaPssParameters : CertificateRule
{
    public override string Id => "rsa-pss-parameters";

    public override string Source => "RFC 4055 §3.1";

    public override string Demand => "The parameters of an RSASSA-PSS signature are there.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.SignatureAlgorithm == Oids.RsaPss && !certificate.InnerAlgorithm.First.Next.Is(DerTag.Sequence) ? "they are not" : null;
}

internal sealed class EcdsaSignatureParameters : CertificateRule
{
    public override string Id => "ecdsa-signature-parameters";

    public override string Source => "RFC 5758 §3.2";

    public override string Demand => "The AlgorithmIdentifier of an ECDSA signature has no parameters.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsEcdsaSigned && certificate.InnerAlgorithm.First.Next.Exists ? "there are some" : null;
}

internal sealed class SignatureNotWeak : CertificateRule
{
    public override string Id => "signature-not-weak";

    public override string Source => "CA/Browser Forum BR §7.1.3.2, GM/T 0015-2012 §5.2.2";

    public override string Demand => "A certificate that somebody else signed is not signed with MD2, MD5 or SHA-1.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !certificate.IsSelfIssued && SignatureAlgorithms.IsWeak(certificate.SignatureAlgorithm) ? "it is" : null;
}

internal sealed class SignatureKnown : CertificateRule
{
    public override string Id => "signature-algorithm-known";

    public override string Source => "GM/T 0015-2012 §5.2.2, RFC 5280 §4.1.1.2";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The signature algorithm is SM2, ECDSA, RSA or EdDSA with a hash that is in use.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        SignatureAlgorithms.IsKnown(certificate) ? null : "it is another";
}

internal sealed class Sm2SignatureForm : CertificateRule
{
    public override string Id => "sm2-signature-form";

    public override string Source => "GM/T 0009-2012 §7.3";

    public override string Demand => "An SM2 signature is a SEQUENCE of two positive INTEGERs of at most 32 octets and a sign.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsSm2Signed && !SignatureAlgorithms.IsPair(certificate.SignaturePair, 33) ? "it is not" : null;
}

internal sealed class EcdsaSignatureForm : CertificateRule
{
    public override string Id => "ecdsa-signature-form";

    public override string Source => "RFC 3279 §2.2.3, RFC 5758 §3.2";

    public override string Demand => "An ECDSA signature is a SEQUENCE of two positive INTEGERs of at most 66 octets and a sign.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsEcdsaSigned && !SignatureAlgorithms.IsPair(certificate.SignaturePair, 67) ? "it is not" : null;
}

internal sealed class RsaSignatureLength : CertificateRule
{
    public override string Id => "rsa-signature-length";

    public override string Source => "RFC 8017 §8.2.1, CA/Browser Forum BR §6.1.5";

    public override string Demand => "An RSA signature has at least 256 octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        (SignatureAlgorithms.IsRsaPkcs1(certificate) || certificate.SignatureAlgorithm == Oids.RsaPss)
            && certificate.Signature.Content.Length < 257 ? $"it has {certificate.Signature.Content.Length - 1}" : null;
}

internal sealed class SignatureOctets : CertificateRule
{
    public override string Id => "signature-octets";

    public override string Source => "RFC 5280 §4.1.1.3";

    public override string Demand => "The BIT STRING of the signature has whole octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Signature.Content is [0, ..] ? null : "it has unused bits";
}

internal sealed class SignatureFitsIssuer : CertificateRule
{
    public override string Id => "signature-fits-issuer";

    public override string Source => "GM/T 0015-2012 §5.2.2";

    public override string Demand => "The signature algorithm belongs to the kind of the issuer's key.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context.Issuer is { } issuer)
        {
            return certificate.SignatureAlgorithm == issuer.Algorithm.Algorithm ? null : "the issuer signs with another";
        }

        return context.IssuerCertificate?.Tbs.SubjectPublicKeyInfo.Algorithm is { } key && !SignatureAlgorithms.Fits(certificate, key)
            ? "the issuer's key is of another kind" : null;
    }
}

internal static class SignatureAlgorithms
{
    /// <summary>RFC 8017: the OIDs ending in WithRSAEncryption, and the one of GM/T 0006 with SM3.</summary>
    public static bool IsRsaPkcs1(CertificateView certificate) =>
        certificate.SignatureAlgorithm is Oids.Sha256WithRsa or Oids.Sha384WithRsa or Oids.Sha512WithRsa
        or "1.2.840.113549.1.1.14" or "1.2.840.113549.1.1.2" or "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5";

    /// <summary>MD2, MD5 and SHA-1, with RSA, DSA and ECDSA.</summary>
    public static bool IsWeak(string? algorithm) =>
        algorithm is "1.2.840.113549.1.1.2" or "1.2.840.113549.1.1.3" or "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5"
        or "1.3.14.3.2.29" or "1.2.840.10040.4.3" or "1.2.840.10045.4.1";

    public static bool IsKnown(CertificateView certificate) => certificate.IsSm2Signed || certificate.IsEcdsaSigned
        || certificate.SignatureAlgorithm == Oids.RsaPss
        || IsRsaPkcs1(certificate) || IsWeak(certificate.SignatureAlgorithm) || certificate.SignatureAlgorithm is "1.3.101.112" or "1.3.101.113";

    public static bool Fits(CertificateView certificate, Asn1.Pkix.AlgorithmIdentifier key) =>
        key == Asn1.Pkix.AlgorithmIdentifier.Sm2Key ? certificate.IsSm2Signed
        : key.Algorithm == Oids.EcPublicKey ? !certificate.IsSm2Signed && (certificate.IsEcdsaSigned || IsWeak(certificate.SignatureAlgorithm))
        : key.Algorithm != Oids.RsaEncryption || IsRsaPkcs1(certificate) || certificate.SignatureAlgorithm == Oids.RsaPss;

    /// <summary>SEQUENCE { r INTEGER, s INTEGER }, both above 0.</summary>
    public static bool IsPair(DerNode node, int maxOctets)
    {
        DerNode r = node.First;
        DerNode s = r.Next;
        return node.Is(DerTag.Sequence) && !s.Next.Exists && IsPositive(r, maxOctets) && IsPositive(s, maxOctets);
    }

    public static bool IsPositive(DerNode node, int maxOctets) =>
        node.Is(DerTag.Integer) && node.Content is [< 0x80, ..] && node.Content.Length <= maxOctets && node.Content.ContainsAnyExcept((byte)0);
}
