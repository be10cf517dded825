using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class SanNotEmpty : CertificateRule
{
    public override string Id => "san-not-empty";

    public override string Source => "RFC 5280 §4.2.1.6";

    public override string Demand => "subjectAltName has at least one name, and none is empty.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        AlternativeNames.HasEmpty(certificate.Value(Oids.SubjectAltName)) ? "it has not" : null;
}

internal sealed class IanNotEmpty : CertificateRule
{
    public override string Id => "ian-not-empty";

    public override string Source => "RFC 5280 §4.2.1.7";

    public override string Demand => "issuerAltName has at least one name, and none is empty.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        AlternativeNames.HasEmpty(certificate.Value(Oids.IssuerAltName)) ? "it has not" : null;
}

internal sealed class SanUnique : CertificateRule
{
    public override string Id => "san-unique";

    public override string Source => "RFC 5280 §4.2.1.6";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "No name occurs twice in subjectAltName.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        SequenceFaults.HasTwice(certificate.Value(Oids.SubjectAltName), static name => name) ? "one does" : null;
}

internal sealed class SanDns : CertificateRule
{
    public override string Id => "san-dns";

    public override string Source => "RFC 5280 §4.2.1.6, RFC 1034 §3.5, RFC 1123 §2.1, RFC 9525 §6.3";

    public override string Demand => "A dNSName is made of labels of letters, digits and inner hyphens; only the whole first label may be an asterisk.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        AlternativeNames.Find(certificate, 0x82, static name => !HostNames.IsDnsName(name)) ? "one is not" : null;
}

internal sealed class SanIp : CertificateRule
{
    public override string Id => "san-ip";

    public override string Source => "RFC 5280 §4.2.1.6";

    public override string Demand => "An iPAddress has 4 or 16 octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        AlternativeNames.Find(certificate, 0x87, static name => name.Length is not (4 or 16)) ? "one has not" : null;
}

internal sealed class SanEmail : CertificateRule
{
    public override string Id => "san-email";

    public override string Source => "RFC 5280 §4.2.1.6, RFC 5321 §4.1.2";

    public override string Demand => "An rfc822Name is an ASCII mailbox, LOCAL@DOMAIN.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        AlternativeNames.Find(certificate, 0x81, static name => !HostNames.IsMailbox(name)) ? "one is not" : null;
}

internal sealed class SanUri : CertificateRule
{
    public override string Id => "san-uri";

    public override string Source => "RFC 5280 §4.2.1.6";

    public override string Demand => "A uniformResourceIdentifier is absolute.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        AlternativeNames.Find(certificate, 0x86, static name => !Uris.IsAbsolute(name)) ? "one is not" : null;
}

internal sealed class ServerAuthNeedsSan : CertificateRule
{
    public override string Id => "server-auth-san";

    public override string Source => "RFC 9525 §6.1, CA/Browser Forum BR §7.1.2.7.12";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "A TLS server's certificate has its names in subjectAltName.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !certificate.IsCa && Scope.Has(certificate, Oids.ServerAuth) && !AlternativeNames.Find(certificate, 0x82, static _ => true)
            && !AlternativeNames.Find(certificate, 0x87, static _ => true)
            ? "there is no dNSName or iPAddress" : null;
}

internal sealed class ProfileSan : CertificateRule
{
    public override string Id => "profile-san";

    public override string Source => "GM/T 0015-2012 annex C";

    public override string Demand => "subjectAltName has as many names as the profile says, of its kinds, and its criticality.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context.Profile is not { } profile)
        {
            return null;
        }

        // More than the profile names is told by profile-extensions.
        SubjectAltNameOptions? options = profile.Options.SubjectAltName;
        ExtensionView? extension = certificate.Find(Oids.SubjectAltName);
        if (options is null || extension is null)
        {
            return (options?.Minimum ?? 0) > 0 ? "there is none" : null;
        }

        int count = 0;
        foreach (DerNode name in certificate.Value(Oids.SubjectAltName))
        {
            AlternativeNameKind? kind = name.Tag switch
            {
                0x81 => AlternativeNameKind.Email,
                0x82 => AlternativeNameKind.Dns,
                0x86 => AlternativeNameKind.Uri,
                0x87 => AlternativeNameKind.Ip,
                _ => null,
            };
            if (kind is not { } known || !Takes(options.Kinds, known))
            {
                return "there is a name of another kind";
            }

            count++;
        }

        return count < options.Minimum || count > options.Maximum ? $"there are {count}" : extension.Value.Critical != options.Critical
            ? "it has the other criticality" : null;
    }

    private static bool Takes(IReadOnlyList<AlternativeNameKind> kinds, AlternativeNameKind kind)
    {
        for (int i = 0; i < kinds.Count; i++)
        {
            if (kinds[i] == kind)
            {
                return true;
            }
        }

        return false;
    }
}

internal static class AlternativeNames
{
    public delegate bool NameTest(ReadOnlySpan<byte> name);

    public static bool HasEmpty(DerNode names)
    {
        if (names.Tag != DerTag.Sequence)
        {
            return false;
        }

        foreach (DerNode name in names)
        {
            if (name.Content.IsEmpty)
            {
                return true;
            }
        }

        return !names.First.Exists;
    }

    /// <summary>Whether subjectAltName has such a name.</summary>
    /// <param name="tag">Of the alternative of GeneralName.</param>
    public static bool Find(CertificateView certificate, byte tag, NameTest isSuch)
    {
        foreach (DerNode name in certificate.Value(Oids.SubjectAltName))
        {
            if (name.Tag == tag && isSuch(name.Content))
            {
                return true;
            }
        }

        return false;
    }
}
