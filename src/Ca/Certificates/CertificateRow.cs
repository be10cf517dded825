using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;

namespace ZwCa.Ca.Certificates;

/// <summary>Where a certificate is in its life. The number is in the database.</summary>
internal enum CertificateState
{
    /// <summary>A serial number, and nothing that says what shall be signed.</summary>
    Reserved = 0,

    /// <summary>It is recorded what shall be signed, and may have been.</summary>
    Intended = 1,

    Valid = 2,

    /// <summary>For good; also what was given up after its intention.</summary>
    Revoked = 3,

    /// <summary>certificateHold.</summary>
    Held = 4,

    /// <summary>Reserved, and closed before any intention: nothing was signed.</summary>
    Unused = 5,
}

/// <summary>A row of the table of certificates: one for each serial number that was ever reserved.</summary>
internal sealed record CertificateRow
{
    /// <summary>The columns, for queries.</summary>
    public const string Columns =
        "certificate_id, authority_id, serial, state, state_version, owner, region, ra_name, profile_hash, shard, tbs, signature, subject_hash, key_hash, not_before, not_after, "
        + "replaces, reserved_at, changed_at";

    /// <summary>A ULID: in the order of the reservations.</summary>
    public required byte[] CertificateId { get; init; }

    public required short AuthorityId { get; init; }

    /// <summary>Lower-case hexadecimal.</summary>
    public required string Serial { get; init; }

    public required CertificateState State { get; init; }

    /// <summary>Grows with each change of state.</summary>
    public required long StateVersion { get; init; }

    /// <summary>Of whom it is: the RA's name and its entity, or <c>system</c> and the entity of an order.</summary>
    public required string Owner { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    /// <summary>Null: ordered by officers, or a link.</summary>
    public string? RaName { get; init; }

    public required byte[] ProfileHash { get; init; }

    /// <summary>Name of the CRL that it is on once revoked.</summary>
    public required string Shard { get; init; }

    /// <summary>DER of the TBSCertificate: the intention. Null: there is none.</summary>
    public byte[]? Tbs { get; init; }

    /// <summary>As in signatureValue. Null: none that was stored, and none has left.</summary>
    public byte[]? Signature { get; init; }

    /// <summary>SM3 of the subject's DER.</summary>
    public byte[]? SubjectHash { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo's DER.</summary>
    public byte[]? KeyHash { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? NotAfter { get; init; }

    /// <summary>The certificate that this one renews or re-keys.</summary>
    public byte[]? Replaces { get; init; }

    public required DateTimeOffset ReservedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>The certificate: what was intended, and the signature over it. Null: nothing was signed, or no signature was stored.</summary>
    public Certificate? FindCertificate() => Tbs is null || Signature is null ? null : Certificate.Assemble(Tbs, Signature);

    /// <summary>What the log knows it by: the issuer's key identifier and the serial number.</summary>
    public AuditObject ObjectOf(AuthorityList authorities) => ObjectOf(authorities[AuthorityId], Serial);

    public static AuditObject ObjectOf(Authority authority, string serial) => new("certificate", $"{authority.KeyIdentifier}/{serial}");

    /// <summary>No names in logs.</summary>
    public override string ToString() => $"{AuthorityId}/{Serial} {State}";
}
