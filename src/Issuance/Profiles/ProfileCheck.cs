using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>Whether a profile can make proper certificates at all, so that a mistake is told to whoever activates it and not to the first applicant.</summary>
internal static class ProfileCheck
{
    /// <summary>JSON may have a null where an element of a list belongs.</summary>
    /// <exception cref="ProfileException">It has.</exception>
    public static void RequireNoNull(ProfileOptions options)
    {
        IEnumerable<object?>[] lists =
        [
            options.Subject, options.Keys, options.Policies, options.CrlDistributionPoints, options.CaIssuers, options.Ocsp, options.Identities,
            options.ExtendedKeyUsage?.Purposes ?? [],
        ];
        Require(lists.All(list => list.All(element => element is not null)), "A list has no null.");
    }

    /// <exception cref="ProfileException">It cannot.</exception>
    public static void Require(Profile profile)
    {
        ProfileOptions options = profile.Options;
        Require(options.Name.Length is > 0 and <= 64 && options.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'),
            "A profile's name has 1 to 64 lower-case letters, digits and hyphens.");
        Require(options.Title.Length is > 0 and <= 64, "A profile has a title of 1 to 64 characters.");
        Require(options.Edition is "2012" or "2023", "The edition is 2012 or 2023.");
        Require(options.Keys.Count > 0, "A profile takes a key of some kind.");
        Require(options.Keys.Select(key => key.Algorithm).Distinct().Count() == options.Keys.Count, "A kind of key occurs twice.");
        Require(options.Keys.All(key => key.Algorithm == KeyAlgorithm.Rsa || (key.MinimumBits is null && key.MaximumBits is null)), "Only RSA keys have bounds.");
        Require(options.Keys.All(key => key.Algorithm != KeyAlgorithm.Rsa || (key.MinimumBits ?? 2048, key.MaximumBits ?? 4096) is (>= 2048, <= 8192) bounds && bounds.Item1 <= bounds.Item2),
            "RSA keys have 2048 to 8192 bits, and the minimum is not above the maximum.");
        Require(options.Validity.MaximumDays is > 0 and <= 18_262, "The validity is 1 day to 50 years.");
        Require(options.Validity.BackdateSeconds is >= 0 and <= 3600, "A certificate is dated back by an hour at most.");
        Require(options.CrlShards is >= 1 and <= 4096, "A profile has 1 to 4096 CRL shards.");
        RequireSubject(profile);
        RequireUsage(profile);
        RequireAlternativeNames(options.SubjectAltName);
        RequireTemplates(options);
        RequireIdentities(options.Identities);
    }

    private static void RequireIdentities(IReadOnlyList<IdentityOptions> identities)
    {
        Require(identities.All(each => AttributeNames.Find(each.Oid) == each.Oid), "An identity number has a dotted OID.");
        Require(identities.All(each => !ExtensionForms.IsKnown(each.Oid) && each.Oid != Oids.OfficerIdentity), "An identity number has an OID of its own, not that of another extension.");
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
            Require(!isFixed || (options.Minimum == 1 && options.Maximum == 1 && options.MaxLength is null && attribute.Pattern is null), $"{options.Type}: a fixed attribute has no other rules.");
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
        IReadOnlyList<KeyUsages> named = profile.Options.KeyUsage.Usages;
        Require(named.All(usage => int.IsPow2((int)usage)) && named.Distinct().Count() == named.Count, "Each key usage stands by itself and once.");
        Require(((usages & Authority) != 0) == profile.IsAuthority, "keyCertSign is for authorities, and they have it.");
        Require((usages & KeyUsages.CrlSign) == 0 || profile.IsAuthority, "crlSign is for authorities.");

        // GM/T 0015-2012 table A.3: critical in certificates of CAs, and there only.
        BasicConstraintsOptions? constraints = profile.Options.BasicConstraints;
        Require(constraints is { Authority: true, Critical: true } == profile.IsAuthority && (profile.IsAuthority || constraints is null or { Authority: false, Critical: false }),
            "An authority has critical basicConstraints with authority, and nobody else has.");
        Require(constraints?.PathLength is null || (profile.IsAuthority && constraints.PathLength is >= 0 and <= 16), "An authority's path length is 0 to 16, and others have none.");
        Require(profile.Kind != ProfileKind.Root || profile.Options is { CrlDistributionPoints.Count: 0, CaIssuers.Count: 0, Ocsp.Count: 0 },
            "A root has no URLs of revocation and issuer: nobody can revoke it but who trusts it.");
        Require(profile.Options.ExtendedKeyUsage is null || profile.Purposes.Count > 0, "ExtendedKeyUsage names a purpose.");
        Require(profile.Purposes.Distinct().Count() == profile.Purposes.Count, "A key purpose occurs twice.");

        // GM/T 0015-2012 §5.2.4.2, key usage: any of bits 2, 3, 4, 8 makes it an encryption certificate, any of 0, 1 a signing one; never both in the dual system.
        Require(profile.Half != PairHalf.Signing || ((usages & Signing) != 0 && (usages & Encryption) == 0), "A signing certificate of a pair signs and does not encrypt.");
        Require(profile.Half != PairHalf.Encryption || ((usages & Encryption) != 0 && (usages & Signing) == 0), "An encryption certificate of a pair encrypts and does not sign.");
        Require(profile.Half == PairHalf.None || profile.Kind == ProfileKind.EndEntity, "Pairs are of end entities.");
        Require(profile.Half != PairHalf.None || !profile.Options.StatusAlone, "statusAlone is of the halves of pairs.");
        Require(profile.Half == PairHalf.Encryption || !profile.Options.KeepsKey, "keepsKey is of encryption certificates of pairs.");
        Require(profile.Half == PairHalf.None || profile.Options.KeyUsage.Critical, "Key usage is critical in the dual-certificate system.");
        bool stamps = profile.Purposes.Contains(Oids.TimeStamping);
        Require(!stamps || (profile.Purposes.Count == 1 && profile.Options.ExtendedKeyUsage!.Critical), "timeStamping is critical and stands alone (RFC 3161 §2.3).");
        Require(profile.Options.OcspNoCheck == profile.Purposes.Contains(Oids.OcspSigning), "ocsp-nocheck belongs to OCSP responders, and they have it.");
        Require(!profile.IsAuthority || !profile.Purposes.Contains(Oids.OcspSigning), "An authority has no other job: OCSP is its responders'.");
        Require(!profile.Purposes.Contains("2.5.29.37.0"), "anyExtendedKeyUsage is no purpose of ours.");
    }

    private static void RequireAlternativeNames(SubjectAltNameOptions? options) => Require(
        options is null || (options.Kinds.Count > 0 && options.Kinds.Distinct().Count() == options.Kinds.Count
            && options.Minimum >= 0 && options.Maximum >= Math.Max(1, options.Minimum) && options.Maximum <= 100),
        "SubjectAltName names its kinds, each once; minimum and maximum do not fit otherwise.");

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
