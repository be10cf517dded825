namespace ZwCa.Contracts.Ca;

/// <summary>Answer of <c>GET /certificates</c>: certificates in the order of their reservation.</summary>
public sealed record CertificatePage
{
    public required IReadOnlyList<CertificateSummary> Certificates { get; init; }

    /// <summary>Where the next page begins: <c>after=</c>. Null: this is the last one. A page may have few rows, or none, and yet not be the last.</summary>
    public string? Next { get; init; }
}

/// <summary>A certificate in a list.</summary>
public sealed record CertificateSummary
{
    /// <summary>Lower-case hexadecimal.</summary>
    public required string Serial { get; init; }

    /// <summary>The SubjectKeyIdentifier of its CA, lower-case hexadecimal.</summary>
    public required string Issuer { get; init; }

    /// <summary>Name of the profile.</summary>
    public required string Profile { get; init; }

    /// <summary>intended, valid, revoked, held.</summary>
    public required string State { get; init; }

    /// <summary>Of whom it is: the RA's name, a slash, its entity; or <c>system/</c> and the entity.</summary>
    public required string Owner { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>Null: valid.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>A CRLReason by its name of RFC 5280 §5.3.1. Null: valid.</summary>
    public string? Reason { get; init; }
}

/// <summary>Answer of <c>GET /certificates/{issuer}/{serial}/history</c>: all that is recorded about a certificate.</summary>
public sealed record CertificateHistory
{
    /// <summary>As it is now.</summary>
    public required CertificateAnswer Certificate { get; init; }

    /// <summary>Of whom it is.</summary>
    public required string Owner { get; init; }

    public required DateTimeOffset ReservedAt { get; init; }

    /// <summary>When its state changed last.</summary>
    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>Why it was issued. Empty: it was not intended yet.</summary>
    public required IReadOnlyList<DecisionEntry> Decisions { get; init; }

    /// <summary>Calls to the device after the first one.</summary>
    public required IReadOnlyList<SigningAttempt> SigningAttempts { get; init; }

    /// <summary>Decisions of the RA about its status.</summary>
    public required IReadOnlyList<DecisionEntry> StatusDecisions { get; init; }

    /// <summary>Serial numbers of certificates that renew or re-key this one, with their issuers.</summary>
    public required IReadOnlyList<CertificateName> ReplacedBy { get; init; }

    /// <summary>What the log tells of it, in order. An event of the last second may be missing.</summary>
    public required IReadOnlyList<CertificateEvent> Events { get; init; }
}

/// <param name="Issuer">SubjectKeyIdentifier, lower-case hexadecimal.</param>
/// <param name="Serial">Lower-case hexadecimal.</param>
public sealed record CertificateName(string Issuer, string Serial);

/// <param name="Number">2 and up.</param>
public sealed record SigningAttempt(int Number, DateTimeOffset At);

/// <summary>What somebody decided, with what he signed.</summary>
public sealed record DecisionEntry
{
    /// <summary>The RA's name; <c>command</c> (of officers of the CA) or <c>link</c> (a link that renewed itself).</summary>
    public required string Requester { get; init; }

    /// <summary>The enrollment's id, the command's, or the link's.</summary>
    public required string Reference { get; init; }

    /// <summary>Number of the kind of decision, as in an Application; 0: the renewal of a link.</summary>
    public required int Kind { get; init; }

    public required string RequestId { get; init; }

    public required DateTimeOffset DecidedAt { get; init; }

    /// <summary>DER of Application; of a link's renewal of CertificateBody.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of Approval. Null: no RA decided; a command has its approvals with itself.</summary>
    public byte[]? Entry { get; init; }

    /// <summary>DER of Approval. Null as for the entry.</summary>
    public byte[]? Review { get; init; }
}

/// <summary>An event of the log about a certificate.</summary>
public sealed record CertificateEvent
{
    /// <summary>32 hexadecimal digits: <c>GET /certificates/{issuer}/{serial}/history/{event}/proof</c>.</summary>
    public required string Id { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required string Action { get; init; }

    /// <summary>Who: the serial number of an officer's certificate, an RA's name, a job's.</summary>
    public required string Actor { get; init; }

    /// <summary>done, refused, failed, intended.</summary>
    public required string Outcome { get; init; }

    /// <summary>DER of AuditLeaf.</summary>
    public required byte[] Leaf { get; init; }
}

/// <summary>That an event is in the log: docs/AUDIT-FORMAT.md says how to verify it.</summary>
public sealed record EventProof
{
    /// <summary>DER of AuditLeaf.</summary>
    public required byte[] Leaf { get; init; }

    /// <summary>DER of InclusionProof.</summary>
    public required byte[] Proof { get; init; }

    /// <summary>DER of the Checkpoint that it is proven against.</summary>
    public required byte[] Checkpoint { get; init; }
}
