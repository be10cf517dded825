using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>Whether it is a CRL at all, and whether it is DER.</summary>
internal sealed class CrlStructure : CrlFieldRule
{
    public override string Id => "crl-structure";

    public override string Source => "RFC 5280 §5.1";

    public override string Demand => "The bytes are one CertificateList with its fields in their places.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Fault;
}

internal sealed class CrlLengthMinimal : CrlFieldRule
{
    public override string Id => "crl-length-minimal";

    public override string Source => "X.690 §10.1, RFC 5280 §5.1.1.3";

    public override string Demand => "Every length outside the entries takes the fewest octets.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        if (crl.LongLength is { } offset)
        {
            return $"at offset {offset}";
        }

        foreach (DerFault fault in crl.Tree.Faults)
        {
            if (fault.Kind == DerFaultKind.LengthNotMinimal)
            {
                return $"at offset {crl.OffsetOf(fault.Offset)}";
            }
        }

        return null;
    }
}

internal sealed class CrlValuesCanonical : CrlFieldRule
{
    public override string Id => "crl-der-values";

    public override string Source => "X.690 §8.1.2.4, §8.3.2, §10.2, §11.1, §11.2.1, §11.6, RFC 5280 §5.1.1.3";

    public override string Demand => "Outside the entries every tag, INTEGER, BOOLEAN, BIT STRING, string and SET has its one form of DER.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        foreach (DerFault fault in crl.Tree.Faults)
        {
            if (fault.Kind != DerFaultKind.LengthNotMinimal)
            {
                return $"{fault.Kind} at offset {crl.OffsetOf(fault.Offset)}";
            }
        }

        return null;
    }
}

internal sealed class CrlVersion : CrlFieldRule
{
    public override string Id => "crl-version-2";

    public override string Source => "RFC 5280 §5.1.2.1, GM/T 0015-2012 §5.3";

    public override string Demand => "The version is v2, the INTEGER 1.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        !crl.Version.Exists ? "there is none, which means v1" : crl.Version.Content.SequenceEqual<byte>([1]) ? null : "another version";
}

internal sealed class CrlAlgorithmsAgree : CrlFieldRule
{
    public override string Id => "crl-algorithms-agree";

    public override string Source => "RFC 5280 §5.1.1.2";

    public override string Demand => "The signature field inside and the signatureAlgorithm outside are the same octets.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        crl.InnerAlgorithm.Encoded.SequenceEqual(crl.OuterAlgorithm.Encoded) ? null : "they differ";
}

internal sealed class CrlSm2Parameters : CrlFieldRule
{
    public override string Id => "crl-sm2-parameters-absent";

    public override string Source => "GM/T 0015-2012 §5.2.2";

    public override string Demand => "SM2 with SM3 has no parameters, not even NULL.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        crl.SignatureAlgorithm == Oids.Sm3WithSm2 && crl.InnerAlgorithm.First.Next.Exists ? "there are parameters" : null;
}

internal sealed class CrlRsaParameters : CrlFieldRule
{
    public override string Id => "crl-rsa-parameters-null";

    public override string Source => "RFC 4055 §5";

    public override string Demand => "The parameters of a PKCS #1 v1.5 signature algorithm are NULL.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        crl.SignatureAlgorithm is Oids.Sha256WithRsa or Oids.Sha384WithRsa or Oids.Sha512WithRsa
        && !crl.InnerAlgorithm.First.Next.Encoded.SequenceEqual<byte>([DerTag.Null, 0]) ? "they are not" : null;
}

internal sealed class CrlWeakHash : CrlFieldRule
{
    // RFC 3279 §2.2: the signature algorithms with MD2, MD5 and SHA-1.
    private static readonly HashSet<string> Weak =
    [
        "1.2.840.113549.1.1.2", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.2.840.10040.4.3", "1.3.14.3.2.29",
    ];

    public override string Id => "crl-weak-hash";

    public override string Source => "RFC 6194 §3, RFC 6151 §2";

    public override string Demand => "The signature is over a hash other than MD2, MD5 and SHA-1.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        if (crl.SignatureAlgorithm is not { } algorithm)
        {
            return null;
        }

        // RFC 4055 §3.1: SHA-1 is what RSASSA-PSS means where it does not say otherwise.
        if (algorithm == Oids.RsaPss)
        {
            DerNode hash = crl.InnerAlgorithm.First.Next.First;
            return !hash.Is(DerTag.ContextConstructed(0)) || KnownOid.Name(hash.Only.First) == Oids.Sha1 ? "RSASSA-PSS with SHA-1" : null;
        }

        return Weak.Contains(algorithm) ? algorithm : null;
    }
}

internal sealed class CrlSignatureForm : CrlFieldRule
{
    private const int MinRsaOctets = 256;
    private const int MaxIntegerOctets = 33;

    public override string Id => "crl-signature-form";

    public override string Source => "GM/T 0009-2012 §7.3, RFC 3279 §2.2, RFC 8017 §8";

    public override string Demand => "The signature is whole octets: for SM2 and ECDSA the DER of two positive INTEGERs below 2^256, for RSA 256 octets or more.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        ReadOnlySpan<byte> bits = crl.Signature.Content;
        if (bits is not [0, _, ..])
        {
            return "no whole octets";
        }

        return crl.SignatureAlgorithm switch
        {
            Oids.Sm3WithSm2 or Oids.EcdsaWithSha256 => IsPair(bits[1..]) ? null : "not two positive INTEGERs below 2^256",
            Oids.Sha256WithRsa or Oids.Sha384WithRsa or Oids.Sha512WithRsa or Oids.RsaPss => bits.Length > MinRsaOctets ? null : $"{bits.Length - 1} octets",
            _ => null,
        };
    }

    private static bool IsPair(ReadOnlySpan<byte> octets)
    {
        var outer = new DerCursor(octets);
        if (!outer.Next(DerTag.Sequence) || !outer.IsMinimal || !outer.AtEnd)
        {
            return false;
        }

        var pair = new DerCursor(outer.Content);
        return IsInteger(ref pair) && IsInteger(ref pair) && pair.AtEnd;
    }

    private static bool IsInteger(ref DerCursor pair) =>
        pair.Next(DerTag.Integer) && pair.IsMinimal && CrlInteger.IsPositive(pair.Content)
        && (pair.Content.Length < MaxIntegerOctets || (pair.Content.Length == MaxIntegerOctets && pair.Content[0] == 0));
}

internal sealed class CrlIssuerPresent : CrlFieldRule
{
    public override string Id => "crl-issuer-not-empty";

    public override string Source => "RFC 5280 §5.1.2.3";

    public override string Demand => "The issuer has a name.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Issuer.First.Exists ? null : "it is empty";
}

internal sealed class CrlIssuerIsSubject : CrlFieldRule
{
    public override string Id => "crl-issuer-equals-subject";

    public override string Source => "RFC 5280 §5.1.2.3, §6.3.3 (b)";

    public override string Demand => "The issuer is the subject of the CA's certificate, octet for octet.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        context.Issuer is { } issuer && !crl.Issuer.Encoded.SequenceEqual(issuer.Tbs.Subject.Encoded.Span) ? "another name" : null;
}

internal sealed class CrlIssuerKeyUsage : CrlFieldRule
{
    public override string Id => "crl-issuer-may-sign";

    public override string Source => "RFC 5280 §4.2.1.3, §6.3.3 (f)";

    public override string Demand => "The key usage of the CA's certificate has cRLSign.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        context.Issuer is { } issuer && issuer.Tbs.Extensions?.Find<KeyUsage>()?.Usages.HasFlag(KeyUsages.CrlSign) != true ? "it has not" : null;
}

internal sealed class CrlThisUpdateForm : CrlFieldRule
{
    public override string Id => "crl-this-update-form";

    public override string Source => "RFC 5280 §5.1.2.4";

    public override string Demand => "thisUpdate is UTCTime through 2049 and GeneralizedTime from 2050, with seconds, without fraction, in Z.";

    public override string? Check(CrlView crl, CrlLintContext context) => CrlTime.Fault(crl.ThisUpdate.Tag, crl.ThisUpdate.Content);
}

internal sealed class CrlNextUpdatePresent : CrlFieldRule
{
    public override string Id => "crl-next-update-present";

    public override string Source => "RFC 5280 §5.1.2.5, GM/T 0015-2012 §5.3";

    public override string Demand => "nextUpdate is there.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.NextUpdate.Exists ? null : "it is missing";
}

internal sealed class CrlNextUpdateForm : CrlFieldRule
{
    public override string Id => "crl-next-update-form";

    public override string Source => "RFC 5280 §5.1.2.5";

    public override string Demand => "nextUpdate has the form of thisUpdate.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.NextUpdate.Exists ? CrlTime.Fault(crl.NextUpdate.Tag, crl.NextUpdate.Content) : null;
}

internal sealed class CrlNextUpdateLater : CrlFieldRule
{
    public override string Id => "crl-next-update-later";

    public override string Source => "RFC 5280 §5.1.2.5";

    public override string Demand => "nextUpdate is after thisUpdate.";

    public override string? Check(CrlView crl, CrlLintContext context) => CrlTime.Read(crl.NextUpdate) <= CrlTime.Read(crl.ThisUpdate) ? "it is not" : null;
}

internal sealed class CrlValidityBound : CrlFieldRule
{
    public override string Id => "crl-validity-bound";

    public override string Source => "RFC 5280 §5.1.2.5";

    public override string Demand => "From thisUpdate to nextUpdate it is no longer than was agreed.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        CrlTime.Read(crl.NextUpdate) - CrlTime.Read(crl.ThisUpdate) is { } validity && validity > context.MaximumValidity
            ? $"{validity} is longer than {context.MaximumValidity}"
            : null;
}

internal sealed class CrlWithinIssuer : CrlFieldRule
{
    public override string Id => "crl-within-issuer";

    public override string Source => "RFC 5280 §6.3.3 (f)";

    public override string Demand => "thisUpdate lies in the validity of the CA's certificate.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        context.Issuer?.Tbs.Validity is { } validity && CrlTime.Read(crl.ThisUpdate) is { } time
        && (time < validity.NotBefore.Value.UtcDateTime || time > validity.NotAfter.Value.UtcDateTime) ? "it does not" : null;
}

internal sealed class CrlEntriesNotEmpty : CrlFieldRule
{
    public override string Id => "crl-entries-not-empty";

    public override string Source => "RFC 5280 §5.1.2.6, GM/T 0015-2012 §5.3";

    public override string Demand => "Where nothing is revoked, revokedCertificates is absent.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.HasEntriesField && crl.EntriesLength == 0 ? "it is there and empty" : null;
}

/// <summary>Content octets of INTEGERs.</summary>
internal static class CrlInteger
{
    public const int MaxOctets = 20;

    public static bool IsMinimal(ReadOnlySpan<byte> content) => content switch
    {
        [] => false,
        [0x00, < 0x80, ..] or [0xff, >= 0x80, ..] => false,
        _ => true,
    };

    public static bool IsPositive(ReadOnlySpan<byte> content) => IsMinimal(content) && content[0] < 0x80 && content is not [0];
}
