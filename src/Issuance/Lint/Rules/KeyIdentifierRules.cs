using System.Security.Cryptography;
using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class AkiPresent : CertificateRule
{
    public override string Id => "aki-present";

    public override string Source => "RFC 5280 §4.2.1.1, GM/T 0015-2012 annex C";

    public override string Demand => "authorityKeyIdentifier is there with a keyIdentifier, except in self-signed certificates.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsSelfIssued || certificate.Value(Oids.AuthorityKeyIdentifier).First.Tag == DerTag.Context(0) ? null : "it is not";
}

internal sealed class AkiOnlyKeyIdentifier : CertificateRule
{
    public override string Id => "aki-only-key-identifier";

    public override string Source => "GM/T 0015-2012 annex C, RFC 5280 §4.2.1.1";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "authorityKeyIdentifier names neither the issuer of the issuer nor its serial number.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        DerNode first = certificate.Value(Oids.AuthorityKeyIdentifier).First;
        return first.Tag is 0xa1 or 0x82 || first.Next.Exists ? "it does" : null;
    }
}

internal sealed class AkiMatches : CertificateRule
{
    public override string Id => "aki-matches";

    public override string Source => "RFC 5280 §4.2.1.1";

    public override string Demand => "keyIdentifier is the subjectKeyIdentifier of the issuer.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IssuerKeyIdentifier(context) is { IsEmpty: false } expected
            && certificate.Value(Oids.AuthorityKeyIdentifier).First is { Tag: 0x80 } identifier
            && !identifier.Content.SequenceEqual(expected) ? "it is another" : null;
}

internal sealed class SkiPresent : CertificateRule
{
    public override string Id => "ski-present";

    public override string Source => "RFC 5280 §4.2.1.2";

    public override string Demand => "A certificate of a CA has a subjectKeyIdentifier.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.IsCa && certificate.Find(Oids.SubjectKeyIdentifier) is null ? "it has none" : null;
}

internal sealed class GmSkiPresent : CertificateRule
{
    public override string Id => "gm-ski-present";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "A user's certificate has a subjectKeyIdentifier.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IsGmUser(certificate, context) && certificate.Find(Oids.SubjectKeyIdentifier) is null ? "it has none" : null;
}

internal sealed class SkiLength : CertificateRule
{
    public override string Id => "ski-length";

    public override string Source => "RFC 5280 §4.2.1.2";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "subjectKeyIdentifier has 20 octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Value(Oids.SubjectKeyIdentifier) is { Tag: DerTag.OctetString } identifier && identifier.Content.Length != 20
            ? $"it has {identifier.Content.Length}" : null;
}

internal sealed class SkiOfKey : CertificateRule
{
    public override string Id => "ski-of-key";

    public override string Source => "RFC 5280 §4.2.1.2 (1), GM/T 0015-2012 §5.2.4.2";

    public override Severity Severity => Severity.Notice;

    public override string Demand => "subjectKeyIdentifier is the SHA-1 of the key.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        DerNode identifier = certificate.Value(Oids.SubjectKeyIdentifier);
        if (identifier.Tag != DerTag.OctetString || identifier.Content.Length != SHA1.HashSizeInBytes
            || certificate.PublicKey.Content is not [_, .. var key])
        {
            return null;
        }

        // An identifier, not a protection: RFC 5280 and GM/T 0015 both take SHA-1 for it.
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(key, hash);
        return hash.SequenceEqual(identifier.Content) ? null : "it is another";
    }
}
