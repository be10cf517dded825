using System.Text.Json.Serialization;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// What a ceremony makes, as it was written, reviewed and printed before: docs/CEREMONY.md. Everything that the ceremony does follows from this and from the
/// files that it names. Paths begin at the plan's folder; ids are lower-case words with hyphens.
/// </summary>
internal sealed record CeremonyPlan
{
    public required string Name { get; init; }

    /// <summary>Everything made is marked as a demonstration's, and only then are marked devices taken.</summary>
    public bool Demo { get; init; }

    /// <summary>Of CRLs, CA certificates and OCSP: <c>http://pki.example.gov.cn</c>.</summary>
    public required string BaseUrl { get; init; }

    /// <summary>Dotted OID under which the certificate policies are; of a demonstration left out.</summary>
    public string? PolicyArc { get; init; }

    /// <summary>SM3 of the transcript of the ceremony that this one continues, hexadecimal.</summary>
    public string? Basis { get; init; }

    public required IReadOnlyList<WitnessPlan> Witnesses { get; init; }

    /// <summary>How many of them have to sign the transcript.</summary>
    public required int WitnessThreshold { get; init; }

    public required IReadOnlyList<DevicePlan> Devices { get; init; }

    /// <summary>Profiles besides the shipped ones.</summary>
    public IReadOnlyList<ProfilePlan> Profiles { get; init; } = [];

    /// <summary>A file with the persons that become officers, by the names that certificates give them. It holds ID numbers: it is not copied to the output.</summary>
    public string? Persons { get; init; }

    public IReadOnlyList<KeyPlan> Keys { get; init; } = [];

    /// <summary>In the order in which they are made: an issuer before what it issues.</summary>
    public IReadOnlyList<CertificatePlan> Certificates { get; init; } = [];

    public IReadOnlyList<CrlPlan> Crls { get; init; } = [];

    public IReadOnlyList<ServicePlan> Services { get; init; } = [];

    public IReadOnlyList<PolicyPlan> Policies { get; init; } = [];

    [JsonIgnore]
    public IEnumerable<RequestPlan> Requests => Certificates.Select(certificate => certificate.Request).OfType<RequestPlan>();

    /// <summary>Whether the plan makes a CRL in this one's place.</summary>
    public bool Supersedes(InventoryCrl known) => Crls.Any(crl => crl.Issuer == known.Issuer && crl.Kind == known.Kind);
}

internal sealed record ProfilePlan
{
    public required string File { get; init; }

    /// <summary>The profile's hash, hexadecimal: what was reviewed.</summary>
    public required string Sm3 { get; init; }
}

internal sealed record WitnessPlan
{
    public required string Name { get; init; }

    /// <summary>SM2, 04‖X‖Y in lower-case hexadecimal.</summary>
    public required string PublicKey { get; init; }
}

/// <summary>A partition of hsm-sim.</summary>
internal sealed record DevicePlan
{
    public required string Id { get; init; }

    /// <summary>HOST:PORT.</summary>
    public required string Endpoint { get; init; }

    public required string Partition { get; init; }

    /// <summary>The partition's id, 32 hexadecimal digits: another partition of the same name is refused.</summary>
    public required string Serial { get; init; }

    /// <summary>Folder with the client's certificate and secret.</summary>
    public required string Client { get; init; }

    /// <summary>Folder with the console's certificate, where a policy is installed.</summary>
    public string? Console { get; init; }
}

internal sealed record KeyPlan
{
    public required string Id { get; init; }

    public required string Device { get; init; }

    public required string Label { get; init; }

    public required HsmKeyKind Kind { get; init; }
}

internal sealed record CertificatePlan
{
    public required string Id { get; init; }

    /// <summary>Name of a profile.</summary>
    public required string Profile { get; init; }

    /// <summary>Id of the issuer's certificate; its own: self-signed.</summary>
    public required string Issuer { get; init; }

    /// <summary>From now.</summary>
    public required int Days { get; init; }

    /// <summary>Where the certificate goes in the output (PEM).</summary>
    public required string File { get; init; }

    /// <summary>One of four: a key of the plan …</summary>
    public string? Key { get; init; }

    /// <summary>… a certification request that somebody brought …</summary>
    public RequestPlan? Request { get; init; }

    /// <summary>… a file in the output, into which a new P-256 key goes (PKCS #8, encrypted) …</summary>
    public string? LinkKey { get; init; }

    /// <summary>… or the id of a CA's certificate, to be certified by another.</summary>
    public string? Of { get; init; }

    /// <summary>TYPE=text each.</summary>
    public IReadOnlyList<string> Subject { get; init; } = [];

    /// <summary>TYPE=text each: what belongs to the place (ST, L).</summary>
    public IReadOnlyList<string> Place { get; init; } = [];

    /// <summary>dns:NAME or ip:ADDRESS each.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    public OfficerPlan? Officer { get; init; }

    /// <summary>Of an officer's link certificate: his name in the file of persons. His id becomes the subject's serialNumber, as in the officer's certificate.</summary>
    public string? Person { get; init; }
}

internal sealed record RequestPlan
{
    /// <summary>PKCS #10, DER or PEM.</summary>
    public required string File { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo, hexadecimal: whose key it is was written down when he brought it.</summary>
    public required string Fingerprint { get; init; }
}

internal sealed record OfficerPlan
{
    /// <summary>His name in the file of persons.</summary>
    public required string Person { get; init; }

    public required string Role { get; init; }

    public string Region { get; init; } = "000000";
}

internal sealed record CrlPlan
{
    public required string Id { get; init; }

    /// <summary>Id of the issuer's certificate.</summary>
    public required string Issuer { get; init; }

    /// <summary>Complete, or of authorities (an ARL).</summary>
    public required CrlKind Kind { get; init; }

    public required int Days { get; init; }

    public required string File { get; init; }

    /// <summary>What it lists besides what the last one listed.</summary>
    public IReadOnlyList<RevocationPlan> Revoke { get; init; } = [];
}

internal sealed record RevocationPlan
{
    /// <summary>Id of a certificate of the issuer.</summary>
    public required string Certificate { get; init; }

    public required RevocationReason Reason { get; init; }
}

/// <summary>A service whose records begin: its highest officers and its first link clients.</summary>
internal sealed record ServicePlan
{
    public required string Id { get; init; }

    /// <summary>The CA's is the registry of persons: it comes first, and gives the ids.</summary>
    public bool IsRegistry { get; init; }

    public DatabaseKind Database { get; init; } = DatabaseKind.Sqlite;

    /// <summary>Environment variable with the connection string, for it may hold a password.</summary>
    public required string ConnectionVariable { get; init; }

    /// <summary>Id of an HMAC key: the index of ID numbers.</summary>
    public required string IndexKey { get; init; }

    /// <summary>Id of a key that wraps data keys.</summary>
    public required string DataKek { get; init; }

    /// <summary>Ids of the certificates of 超级管理员 and 审计管理员.</summary>
    public required string Super { get; init; }

    public required string Audit { get; init; }

    /// <summary>Until they have to be confirmed by another ceremony.</summary>
    public int CertifiedDays { get; init; } = 365;

    public IReadOnlyList<ClientPlan> Clients { get; init; } = [];
}

internal sealed record ClientPlan
{
    /// <summary>Id of a link certificate.</summary>
    public required string Certificate { get; init; }

    /// <summary>Of an officer: the id of his officer's certificate, whose person's id becomes the name.</summary>
    public required string Name { get; init; }

    public required ClientKind Kind { get; init; }
}

/// <summary>What a partition's policy gets besides what it has: m of its holders sign it.</summary>
internal sealed record PolicyPlan
{
    public required string Device { get; init; }

    /// <summary>Name of the CA whose messages open subscribers' keys.</summary>
    public required string CaName { get; init; }

    /// <summary>Ids of the keys that sign its messages.</summary>
    public required IReadOnlyList<string> CaKeys { get; init; }

    /// <summary>Ids of the certificates that issue officers' certificates.</summary>
    public required IReadOnlyList<string> OfficerIssuers { get; init; }
}
