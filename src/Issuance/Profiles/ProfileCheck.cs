using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>Whether a profile can make proper certificates at all, so that a mistake is told to whoever activates it and not to the first applicant.</summary>
internal static class ProfileCheck
{
    /// <exception cref="ProfileException">It cannot.</exception>
    public static void Require(Profile profile)
    {
        ProfileOptions options = profile.Options;
        Require(options.Name.Length is > 0 and <= 64 && options.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'),
            "A profile's name has 1 to 64 lower-case letters, digits and hyphens.");
        Require(options.Title.Length is > 0 and <= 64, "A profile has a title of 1 to 64 characters.");
        Require(options.Edition is "2012" or "2023", "The edition is 2012 or 2023.");
        Require(options.Keys.Count > 0, "A profile takes a key of some kind.");
        Require(options.Keys.All(key => key.Algorithm == KeyAlgorithm.Rsa || (key.MinimumBits is null && key.MaximumBits is null)), "Only RSA keys have bounds.");
        Require(options.Keys.All(key => key.Algorithm != KeyAlgorithm.Rsa || (key.MinimumBits ?? 2048, key.MaximumBits ?? 4096) is (>= 2048, <= 8192)), "RSA keys have 2048 to 8192 bits.");
        Require(options.Validity.MaximumDays is > 0 and <= 18_262, "The validity is 1 day to 50 years.");
        Require(options.Validity.BackdateSeconds is >= 0 and <= 3600, "A certificate is dated back by an hour at most.");
        Require(options.CrlShards is >= 1 and <= 4096, "A profile has 1 to 4096 CRL shards.");
        RequireSubject(profile);
        RequireUsage(profile);
        RequireTemplates(options);
        RequireIdentities(options.Identities);
    }

    private static void RequireIdentities(IReadOnlyList<IdentityOptions> identities)
    {
        Require(identities.All(each => AttributeNames.Find(each.Oid) == each.Oid), "An identity number has a dotted OID.");
        Require(identities.All(each => each.Name.Length is > 0 and <= 64), "An identity number has a name of 1 to 64 characters.");
        Require(identities.Select(each => each.Name).Distinct().Count() == identities.Count, "An identity number occurs twice.");

        // Alternatives: several may share an extension, and a certificate carries one of them at most. So none of them can be demanded.
        Require(identities.All(each => !each.Required || identities.Count(other => other.Oid == each.Oid) == 1), "An identity number that shares its OID with others is not required.");
    }

    private static void RequireSubject(Profile profile)
    {
        bool isCross = profile.Kind == ProfileKind.Cross;
        Require(isCross == (profile.Attributes.Count == 0), "A profile has subject attributes, but one for cross-certificates none: there the name is given.");
        Require(isCross || profile.Attributes.Count(attribute => attribute.Options.Unique) == 1, "Exactly one attribute makes the DN unique.");
        foreach (SubjectAttribute attribute in profile.Attributes)
        {
            AttributeOptions options = attribute.Options;
            bool isFixed = options.Source == AttributeSource.Fixed;
            Require(isFixed == options.Text is not null, $"{options.Type}: a fixed attribute has a text, and no other.");
            Require(options.Minimum >= 0 && options.Maximum >= Math.Max(1, options.Minimum) && options.Maximum <= 16, $"{options.Type}: minimum and maximum do not fit.");
            Require(!options.Unique || (options.Minimum == 1 && options.Maximum == 1 && !isFixed), $"{options.Type}: what makes the DN unique is there once and is not fixed.");
            Require(options.MaxLength is null or > 0, $"{options.Type}: the length is positive.");
            if (options.Text is { } text)
            {
                _ = AttributeTypeAndValue.Create(attribute.Type, text);
            }
        }

        Require(profile.Attributes.Select(attribute => (attribute.Type, attribute.Options.Source)).Distinct().Count() == profile.Attributes.Count,
            "A subject attribute occurs twice.");
    }

    private static void RequireUsage(Profile profile)
    {
        const KeyUsages Authority = KeyUsages.KeyCertSign;
        const KeyUsages Signing = KeyUsages.DigitalSignature | KeyUsages.NonRepudiation;
        const KeyUsages Encryption = KeyUsages.KeyEncipherment | KeyUsages.DataEncipherment | KeyUsages.KeyAgreement | KeyUsages.DecipherOnly;
        KeyUsages usages = profile.KeyUsage.Usages;
        Require(((usages & Authority) != 0) == profile.IsAuthority, "keyCertSign is for authorities, and they have it.");
        Require(profile.Options.BasicConstraints is { Authority: true, Critical: true } == profile.IsAuthority, "An authority has critical basicConstraints with cA, and nobody else has.");

        // GM/T 0015-2012 §5.2.4.2, key usage: any of bits 2, 3, 4, 8 makes it an encryption certificate, any of 0, 1 a signing one; never both in the dual system.
        Require(profile.Half != PairHalf.Signing || ((usages & Signing) != 0 && (usages & Encryption) == 0), "A signing certificate of a pair signs and does not encrypt.");
        Require(profile.Half != PairHalf.Encryption || ((usages & Encryption) != 0 && (usages & Signing) == 0), "An encryption certificate of a pair encrypts and does not sign.");
        Require(profile.Half == PairHalf.None || profile.Options.KeyUsage.Critical, "Key usage is critical in the dual-certificate system.");
        bool stamps = profile.Purposes.Contains(Oids.TimeStamping);
        Require(!stamps || (profile.Purposes.Count == 1 && profile.Options.ExtendedKeyUsage!.Critical), "timeStamping is critical and stands alone (RFC 3161 §2.3).");
        Require(!profile.Options.OcspNoCheck || profile.Purposes.Contains(Oids.OcspSigning), "ocsp-nocheck belongs to OCSP responders.");
    }

    private static void RequireTemplates(ProfileOptions options)
    {
        foreach (string template in (IEnumerable<string>)[.. options.CrlDistributionPoints, .. options.CaIssuers, .. options.Ocsp])
        {
            Require(UrlTemplate.Fault(template) is null, $"\"{template}\": {UrlTemplate.Fault(template)}");
        }

        // Every URL of revocation and of issuers contains the issuer's SKI, or a key rollover publishes two CRLs at one place (incident 6).
        Require(options.CrlDistributionPoints.Concat(options.CaIssuers).All(template => template.Contains(UrlTemplate.Ski, StringComparison.Ordinal)), $"CRL and issuer URLs contain {UrlTemplate.Ski}.");
        Require(options.CrlDistributionPoints.All(template => options.CrlShards == 1 || template.Contains(UrlTemplate.Shard, StringComparison.Ordinal)), $"With shards, CRL URLs contain {UrlTemplate.Shard}.");
        Require(options.CrlShards == 1 || options.CrlDistributionPoints.Count > 0, "Shards need a CRL URL.");
        Require(options.Policies.All(policy => UrlTemplate.PolicyFault(policy) is null), "A policy is a dotted OID or begins with {policyArc}.");
        Require(options.Policies.Distinct().Count() == options.Policies.Count, "A policy occurs twice.");
    }

    private static void Require(bool met, string demand)
    {
        if (!met)
        {
            throw new ProfileException(demand);
        }
    }
}
