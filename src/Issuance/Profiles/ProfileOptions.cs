using System.Text.Json.Serialization;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>What kind of certificate a profile makes.</summary>
public enum ProfileKind
{
    EndEntity,

    /// <summary>A CA below another.</summary>
    Authority,

    /// <summary>Self-signed.</summary>
    Root,

    /// <summary>
    /// For a CA that has a certificate already: name, key and key identifier are those of that one. Cross-certificates, OldWithNew and NewWithOld.
    /// </summary>
    Cross,
}

/// <summary>The two certificates of the dual-certificate system.</summary>
public enum PairHalf
{
    /// <summary>The certificate stands alone.</summary>
    None,

    Signing,

    Encryption,
}

/// <summary>Where the text of an attribute comes from.</summary>
public enum AttributeSource
{
    /// <summary>The application.</summary>
    Request,

    /// <summary>The registration of the RA and the region of the application: never the applicant.</summary>
    Place,

    /// <summary>The profile itself.</summary>
    Fixed,
}

public enum KeyAlgorithm
{
    Sm2,
    Rsa,
    P256,
}

/// <summary>Alternatives of GeneralName that may stand in SubjectAltName.</summary>
public enum AlternativeNameKind
{
    Dns,
    Ip,
    Email,
    Uri,
}

/// <summary>How an identity number is encoded.</summary>
public enum IdentityForm
{
    /// <summary>PrintableString, the value alone.</summary>
    Printable,

    /// <summary>Alternative [0] of IdentifyCode, EXPLICIT (GM/T 0015-2012).</summary>
    ResidenterCard,

    /// <summary>Alternative [1] of IdentifyCode.</summary>
    MilitaryOfficerCard,

    /// <summary>Alternative [2] of IdentifyCode.</summary>
    Passport,
}

/// <summary>What an identity number has to be besides a text of its form.</summary>
public enum IdentityCheck
{
    None,

    /// <summary>GB 11643: 18 digits with check character.</summary>
    ResidentId,

    /// <summary>GB 32100: unified social credit code with check character.</summary>
    UnifiedSocialCreditCode,
}

/// <summary>
/// A profile as it is written in JSON: docs/PROFILES.md. What may be left out has its default here. <see cref="Profile.Parse"/> makes the profile.
/// </summary>
public sealed record ProfileOptions
{
    /// <summary>Lower-case words with hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>For people, in Chinese.</summary>
    public required string Title { get; init; }

    /// <summary>"2012" or "2023" of GM/T 0015: told by the lint which table of extensions is meant. The OIDs themselves are data of <see cref="Identities"/>.</summary>
    public required string Edition { get; init; }

    public ProfileKind Kind { get; init; }

    public PairHalf Half { get; init; }

    /// <summary>Of one half of a pair: whether it may be revoked, suspended and resumed without the other.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool StatusAlone { get; init; }

    /// <summary>Of an encryption certificate: whether the subscriber keeps its key when the signing key changes; else he gets a new one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool KeepsKey { get; init; }

    /// <summary>In the order of the DN. Of a <see cref="ProfileKind.Cross"/> none: the name is given.</summary>
    public IReadOnlyList<AttributeOptions> Subject { get; init; } = [];

    public required IReadOnlyList<KeyOptions> Keys { get; init; }

    public required ValidityOptions Validity { get; init; }

    public required KeyUsageOptions KeyUsage { get; init; }

    public ExtendedKeyUsageOptions? ExtendedKeyUsage { get; init; }

    /// <summary>Null: no such extension.</summary>
    public BasicConstraintsOptions? BasicConstraints { get; init; }

    /// <summary>Templates of OIDs: <c>{policyArc}.1</c>. Empty: no such extension.</summary>
    public IReadOnlyList<string> Policies { get; init; } = [];

    /// <summary>Templates of URLs. Empty: no such extension.</summary>
    public IReadOnlyList<string> CrlDistributionPoints { get; init; } = [];

    /// <summary>Templates of URLs.</summary>
    public IReadOnlyList<string> CaIssuers { get; init; } = [];

    /// <summary>Templates of URLs.</summary>
    public IReadOnlyList<string> Ocsp { get; init; } = [];

    public SubjectAltNameOptions? SubjectAltName { get; init; }

    public IReadOnlyList<IdentityOptions> Identities { get; init; } = [];

    /// <summary>The certificate carries id-pkix-ocsp-nocheck.</summary>
    public bool OcspNoCheck { get; init; }

    /// <summary>The certificate carries <see cref="Asn1.Decisions.OfficerIdentity"/>.</summary>
    public bool OfficerIdentity { get; init; }

    /// <summary>Into how many CRLs the issuer's certificates of this profile are divided, by serial number; 1: they are on its complete CRL.</summary>
    public int CrlShards { get; init; } = 1;

    /// <summary>A proof of possession made with the empty identity (openssl's default) is taken.</summary>
    public bool EmptyIdAllowed { get; init; }
}

public sealed record AttributeOptions
{
    /// <summary>Short name (C, ST, L, O, OU, CN, serialNumber, title, UID, …) or dotted OID.</summary>
    public required string Type { get; init; }

    public AttributeSource Source { get; init; }

    /// <summary>The text, of a fixed one.</summary>
    public string? Text { get; init; }

    /// <summary>How often at least; of a fixed one 1.</summary>
    public int Minimum { get; init; } = 1;

    public int Maximum { get; init; } = 1;

    /// <summary>In characters; null: the bound of RFC 5280.</summary>
    public int? MaxLength { get; init; }

    /// <summary>A .NET regular expression, non-backtracking, that the whole text has to match.</summary>
    public string? Pattern { get; init; }

    /// <summary>By this attribute the DN belongs to one entity and no other.</summary>
    public bool Unique { get; init; }
}

public sealed record KeyOptions
{
    public required KeyAlgorithm Algorithm { get; init; }

    /// <summary>RSA only, bits.</summary>
    public int? MinimumBits { get; init; }

    /// <summary>RSA only, bits.</summary>
    public int? MaximumBits { get; init; }
}

public sealed record ValidityOptions
{
    /// <summary>The longest, from notBefore to notAfter, in days.</summary>
    public required int MaximumDays { get; init; }

    /// <summary>How long before the intention notBefore may lie, in seconds.</summary>
    public int BackdateSeconds { get; init; } = 600;
}

public sealed record KeyUsageOptions
{
    public required IReadOnlyList<KeyUsages> Usages { get; init; }

    public bool Critical { get; init; } = true;
}

public sealed record ExtendedKeyUsageOptions
{
    /// <summary>serverAuth, clientAuth, emailProtection, timeStamping, ocspSigning, or dotted OIDs.</summary>
    public required IReadOnlyList<string> Purposes { get; init; }

    public bool Critical { get; init; }
}

public sealed record BasicConstraintsOptions
{
    public required bool Authority { get; init; }

    /// <summary>Of an authority; null: no limit.</summary>
    public int? PathLength { get; init; }

    public required bool Critical { get; init; }
}

public sealed record SubjectAltNameOptions
{
    public required IReadOnlyList<AlternativeNameKind> Kinds { get; init; }

    public int Minimum { get; init; }

    public int Maximum { get; init; } = 1;

    /// <summary>RFC 5280 §4.2.1.6 wants it critical where the subject is empty, and only there.</summary>
    public bool Critical { get; init; }
}

public sealed record IdentityOptions
{
    /// <summary>Under which name the application gives it.</summary>
    public required string Name { get; init; }

    /// <summary>Dotted OID of the extension.</summary>
    public required string Oid { get; init; }

    public IdentityForm Form { get; init; }

    public IdentityCheck Check { get; init; }

    public bool Required { get; init; }
}
