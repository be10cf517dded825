using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class GmPoliciesPresent : CertificateRule
{
    public override string Id => "gm-policies-present";

    public override string Source => "GM/T 0015-2012 annex C.3, C.4";

    public override string Demand => "A user's certificate has certificatePolicies.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        Scope.IsGmUser(certificate, context) && certificate.Find(Oids.CertificatePolicies) is null ? "it has not" : null;
}

internal sealed class PoliciesNotEmpty : CertificateRule
{
    public override string Id => "policies-not-empty";

    public override string Source => "RFC 5280 §4.2.1.4";

    public override string Demand => "certificatePolicies has at least one policy.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        certificate.Value(Oids.CertificatePolicies) is { Tag: DerTag.Sequence } policies && !policies.First.Exists ? "it has none" : null;
}

internal sealed class PoliciesUnique : CertificateRule
{
    public override string Id => "policies-unique";

    public override string Source => "RFC 5280 §4.2.1.4";

    public override string Demand => "No policy occurs twice.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        SequenceFaults.HasTwice(certificate.Value(Oids.CertificatePolicies), static policy => policy.First) ? "one does" : null;
}

internal sealed class AnyPolicyOfCa : CertificateRule
{
    public override string Id => "policies-any";

    public override string Source => "GM/T 0015-2012 §5.2.4.2, CA/Browser Forum BR §7.1.2.7.9";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "anyPolicy is not in certificates of end entities.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (!certificate.IsCa)
        {
            foreach (DerNode policy in certificate.Value(Oids.CertificatePolicies))
            {
                if (policy.First.IsOid(PolicyIds.Any))
                {
                    return "it is";
                }
            }
        }

        return null;
    }
}

internal sealed class PolicyQualifiers : CertificateRule
{
    public override string Id => "policies-qualifiers";

    public override string Source => "RFC 5280 §4.2.1.4";

    public override Severity Severity => Severity.Warning;

    public override Severity OwnSeverity => Severity.Error;

    public override string Demand => "Qualifiers of policies are CPS pointers and user notices.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        foreach (DerNode policy in certificate.Value(Oids.CertificatePolicies))
        {
            foreach (DerNode qualifier in policy.First.Next)
            {
                if (!qualifier.First.IsOid(PolicyIds.Cps) && !qualifier.First.IsOid(PolicyIds.UserNotice))
                {
                    return "one is another";
                }
            }
        }

        return null;
    }
}

internal sealed class GmNoQualifiers : CertificateRule
{
    public override string Id => "gm-policies-no-qualifiers";

    public override string Source => "GM/T 0015-2012 §5.2.4.2";

    public override Severity Severity => Severity.Notice;

    public override string Demand => "Policies have no qualifiers.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (Scope.IsGmUser(certificate, context))
        {
            foreach (DerNode policy in certificate.Value(Oids.CertificatePolicies))
            {
                if (policy.First.Next.Exists)
                {
                    return "one has";
                }
            }
        }

        return null;
    }
}

internal sealed class PolicyMappingsAny : CertificateRule
{
    public override string Id => "policy-mappings-any";

    public override string Source => "RFC 5280 §4.2.1.5";

    public override string Demand => "No policy is mapped to or from anyPolicy.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        foreach (DerNode mapping in certificate.Value(Oids.PolicyMappings))
        {
            if (mapping.First.IsOid(PolicyIds.Any) || mapping.First.Next.IsOid(PolicyIds.Any))
            {
                return "one is";
            }
        }

        return null;
    }
}

internal sealed class ProfilePolicies : CertificateRule
{
    public override string Id => "profile-policies";

    public override string Source => "GM/T 0015-2012 annex C";

    public override string Demand => "The policies are those of the profile, in its order and without qualifiers.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (context is not { Profile: { } profile, Issuer: { } issuer })
        {
            return null;
        }

        DerNode policy = certificate.Value(Oids.CertificatePolicies).First;
        foreach (byte[] expected in Expected.Of(issuer, profile).Policies)
        {
            if (!policy.First.IsOid(expected) || policy.First.Next.Exists)
            {
                return "they are others";
            }

            policy = policy.Next;
        }

        return policy.Exists ? "there are more" : null;
    }
}

internal sealed class DemoMarked : CertificateRule
{
    public override string Id => "demo-marked";

    public override string Source => "docs/LINT.md";

    public override string Demand => "A certificate under the policy arc of demonstrations names 演示 DEMO as issuer or subject.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        PolicyIds.IsDemo(certificate) && !PolicyIds.IsNamedDemo(certificate) ? "it does not" : null;
}

internal sealed class DemoPolicy : CertificateRule
{
    public override string Id => "demo-policy";

    public override string Source => "docs/LINT.md";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "An end entity's certificate with policies that names 演示 DEMO as issuer or subject is under the policy arc of demonstrations.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        !certificate.IsCa && certificate.Find(Oids.CertificatePolicies) is not null && PolicyIds.IsNamedDemo(certificate)
            && !PolicyIds.IsDemo(certificate) ? "it is not" : null;
}

internal static class PolicyIds
{
    private static readonly byte[] DemoArc = KnownOid.Content(Oids.DemoPolicyArc);

    public static byte[] Any { get; } = KnownOid.Content(Oids.AnyPolicy);

    public static byte[] Cps { get; } = KnownOid.Content(Oids.CpsQualifier);

    public static byte[] UserNotice { get; } = KnownOid.Content("1.3.6.1.5.5.7.2.2");

    public static bool IsDemo(CertificateView certificate)
    {
        foreach (DerNode policy in certificate.Value(Oids.CertificatePolicies))
        {
            if (policy.First.Tag == DerTag.ObjectIdentifier && policy.First.Content.StartsWith(DemoArc))
            {
                return true;
            }
        }

        return false;
    }

    public static bool IsNamedDemo(CertificateView certificate) => IsNamedDemo(certificate.Issuer) || IsNamedDemo(certificate.Subject);

    private static bool IsNamedDemo(DerNode name)
    {
        foreach (NameAttribute attribute in NameAttribute.Of(name))
        {
            if (attribute.Value.Tag == DerTag.Utf8String && attribute.Value.Content.IndexOf("演示 DEMO"u8) >= 0)
            {
                return true;
            }
        }

        return false;
    }
}
