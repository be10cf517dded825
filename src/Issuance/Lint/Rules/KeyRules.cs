using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

internal sealed class KeyForm : CertificateRule
{
    public override string Id => "key-form";

    public override string Source => "RFC 5280 §4.1.2.7";

    public override string Demand => "SubjectPublicKeyInfo is an AlgorithmIdentifier and a BIT STRING.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        DerNode algorithm = certificate.SubjectPublicKeyInfo.First;
        return algorithm.Is(DerTag.Sequence) && algorithm.First.Is(DerTag.ObjectIdentifier) && !algorithm.First.Next.Next.Exists
            && certificate.PublicKey.Exists && !certificate.PublicKey.Next.Exists
            ? null : "it is not";
    }
}

internal sealed class KeyOctets : CertificateRule
{
    public override string Id => "key-octets";

    public override string Source => "RFC 3279 §2.3.1, RFC 5480 §2.2";

    public override string Demand => "The BIT STRING of the key has whole octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.PublicKey.Exists && certificate.PublicKey.Content is not [0, ..] ? "it has unused bits" : null;
}

internal sealed class KeyAlgorithmKnown : CertificateRule
{
    public override string Id => "key-algorithm-known";

    public override string Source => "GM/T 0015-2012 §5.2.3, RFC 3279 §2.3, RFC 5480 §2, RFC 8410 §3";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "The key is one of SM2, RSA, a NIST curve or EdDSA.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.KeyAlgorithm switch
        {
            Oids.RsaEncryption or "1.3.101.112" or "1.3.101.113" or Oids.Sm2 => null,
            Oids.EcPublicKey => certificate.NamedCurve is null or Oids.Sm2 or Oids.P256 or "1.3.132.0.34" or "1.3.132.0.35"
                ? null : "its curve is another",
            _ => "it is another",
        };
}

internal sealed class Sm2KeyAlgorithm : CertificateRule
{
    public override string Id => "sm2-key-algorithm";

    public override string Source => "GM/T 0015-2012 annex D, GM/T 0006-2012";

    public override string Demand => "An SM2 key is id-ecPublicKey with the curve as parameter, and not an algorithm of its own.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.KeyAlgorithm is Oids.Sm2 or Oids.Sm2Sign or Oids.Sm2Encrypt ? "it is" : null;
}

internal sealed class NamedCurve : CertificateRule
{
    public override string Id => "key-named-curve";

    public override string Source => "RFC 5480 §2.1.1";

    public override string Demand => "The curve of an elliptic-curve key is named.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.KeyAlgorithm == Oids.EcPublicKey && certificate.NamedCurve is null ? "it is implied or written out" : null;
}

internal sealed class RsaKeyParameters : CertificateRule
{
    public override string Id => "rsa-key-parameters";

    public override string Source => "RFC 3279 §2.3.1";

    public override string Demand => "The parameters of an RSA key are NULL.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsRsaKey && !certificate.SubjectPublicKeyInfo.First.First.Next.Is(DerTag.Null) ? "they are not" : null;
}

internal sealed class Sm2PointForm : CertificateRule
{
    public override string Id => "sm2-point-form";

    public override string Source => "GM/T 0009-2012 §7.1";

    public override string Demand => "An SM2 key has 65 octets: 04, X and Y.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsSm2Key && !KeyBits.IsUncompressed(certificate.PublicKey, 32) ? "it has another form" : null;
}

internal sealed class Sm2PointOnCurve : CertificateRule
{
    public override string Id => "sm2-point-on-curve";

    public override string Source => "GM/T 0003.1-2012 §6.2";

    public override string Demand => "An SM2 key is a point of the curve.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsSm2Key && KeyBits.IsUncompressed(certificate.PublicKey, 32)
            && !Sm2PublicKey.TryFromBytes(certificate.PublicKey.Content[1..], out _) ? "it is not" : null;
}

internal sealed class EcPointForm : CertificateRule
{
    public override string Id => "ec-point-form";

    public override string Source => "RFC 5480 §2.2, SEC 1 §2.3.3";

    public override string Demand => "A key on a NIST curve is a point, uncompressed or compressed, of the curve's size.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        KeyBits.CoordinateLength(certificate.NamedCurve) is { } length && !KeyBits.IsUncompressed(certificate.PublicKey, length)
            && !(certificate.PublicKey.Content is [0, 2 or 3, ..] && certificate.PublicKey.Content.Length == 2 + length) ? "it is not" : null;
}

internal sealed class KeyKnown : CertificateRule
{
    public override string Id => "key-not-published";

    public override string Source => "GB/T 32918.5-2017 annexes A and B, RFC 6979 §A.2.5";

    public override string Demand => "The private key is not one that standards print or that anybody would try first.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsSm2Key || certificate.NamedCurve == Oids.P256 ? IsKnown(certificate) ? "it is" : null : null;

    private static bool IsKnown(CertificateView certificate) => KeyBits.IsUncompressed(certificate.PublicKey, 32)
        && (certificate.IsSm2Key ? KnownPoints.Sm2 : KnownPoints.P256).Contains(certificate.PublicKey.Content.Slice(2, 32));
}

internal sealed class RsaKeyForm : CertificateRule
{
    public override string Id => "rsa-key-form";

    public override string Source => "RFC 3279 §2.3.1, RFC 8017 §A.1.1";

    public override string Demand => "An RSA key is a SEQUENCE of two positive INTEGERs, of at most 16384 bits.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsRsaKey && !SignatureAlgorithms.IsPair(certificate.RsaPublicKey, KeyBits.MaxOctets) ? "it is not" : null;
}

internal sealed class RsaModulusSize : CertificateRule
{
    public override string Id => "rsa-modulus-size";

    public override string Source => "GM/T 0015-2012 §5.2.3, CA/Browser Forum BR §6.1.5";

    public override string Demand => "An RSA modulus has at least 2048 bits.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        KeyBits.Modulus(certificate) is { IsEmpty: false } modulus && KeyBits.CountBits(modulus) < 2048
            ? $"it has {KeyBits.CountBits(modulus)}" : null;
}

internal sealed class RsaSmallFactor : CertificateRule
{
    public override string Id => "rsa-small-factor";

    public override string Source => "CA/Browser Forum BR §6.1.6";

    public override string Demand => "An RSA modulus has no factor below 752.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        KeyBits.Modulus(certificate) is { IsEmpty: false } modulus && KeyBits.HasSmallFactor(modulus) ? "it has one" : null;
}

internal sealed class RsaRoca : CertificateRule
{
    public override string Id => "rsa-not-roca";

    public override string Source => "CVE-2017-15361, CA/Browser Forum BR §6.1.1.3";

    public override string Demand => "The primes of an RSA modulus are not of the form that Infineon's library gave them.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        KeyBits.Modulus(certificate) is { IsEmpty: false } modulus && RocaFingerprint.Matches(new BigInteger(modulus, isUnsigned: true, isBigEndian: true))
            ? "they are" : null;
}

internal sealed class RsaExponentOdd : CertificateRule
{
    public override string Id => "rsa-exponent-odd";

    public override string Source => "RFC 8017 §3.1";

    public override string Demand => "An RSA exponent is odd and at least 3.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        KeyBits.Exponent(certificate) is { IsEmpty: false } exponent && ((exponent[^1] & 1) == 0 || exponent is [1]) ? "it is not" : null;
}

internal sealed class RsaExponentSize : CertificateRule
{
    public override string Id => "rsa-exponent-size";

    public override string Source => "CA/Browser Forum BR §6.1.6, FIPS 186-5 §5.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "An RSA exponent lies between 2^16 and 2^256.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        KeyBits.Exponent(certificate) is { IsEmpty: false } exponent && KeyBits.CountBits(exponent) is < 17 or > 256 ? "it does not" : null;
}

internal sealed class ProfileKey : CertificateRule
{
    public override string Id => "profile-key";

    public override string Source => "GM/T 0015-2012 §5.2.3";

    public override string Demand => "The key is of an algorithm and size that the profile takes.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        context.Profile is { } profile && !Takes(profile, certificate) ? "it is not" : null;

    private static bool Takes(Profile profile, CertificateView certificate)
    {
        IReadOnlyList<KeyOptions> keys = profile.Options.Keys;
        for (int i = 0; i < keys.Count; i++)
        {
            bool fits = keys[i].Algorithm switch
            {
                KeyAlgorithm.Sm2 => certificate.IsSm2Key,
                KeyAlgorithm.P256 => certificate.NamedCurve == Oids.P256,
                _ => KeyBits.Modulus(certificate) is { IsEmpty: false } modulus
                    && KeyBits.CountBits(modulus) is int bits && bits >= (keys[i].MinimumBits ?? 2048) && bits <= (keys[i].MaximumBits ?? 4096),
            };
            if (fits)
            {
                return true;
            }
        }

        return false;
    }
}
