using ZwCa.Contracts.Ca;

namespace ZwCa.Contracts.Ra;

/// <summary>What is applied for: <c>POST /enrollments</c>, and <c>PUT /enrollments/{id}</c> as long as nobody has submitted it. Bytes are base64 in JSON.</summary>
public sealed record EnrollmentRequest
{
    /// <summary>new, renew, rekey, change (of data), replace (a lost token), revoke, suspend, resume, recovery (of the encryption key).</summary>
    public required string Kind { get; init; }

    /// <summary>GB/T 2260: where it is taken in.</summary>
    public required string Region { get; init; }

    /// <summary>Name of what is applied for, as <c>GET /profiles</c> lists it. Of a decision about a certificate that is there: null.</summary>
    public string? Profile { get; init; }

    /// <summary>Id of the subscriber.</summary>
    public required string Subscriber { get; init; }

    /// <summary>Who handles it for the subscriber (经办人). Null: the person himself.</summary>
    public AgentRequest? Agent { get; init; }

    /// <summary>DER of a PKCS #10 request with the key of the token: its key counts and nothing else. Null: it comes by <c>PUT /enrollments/{id}/csr</c>, before it is submitted; and for revoke, suspend, resume, recovery.</summary>
    public byte[]? Csr { get; init; }

    /// <summary>Null: as long as the profile says.</summary>
    public int? Days { get; init; }

    /// <summary>Within the organisation (OU), up to four, the highest first. Null is none: so generated clients write it.</summary>
    public IReadOnlyList<string> Departments { get; init => field = value ?? []; } = [];

    /// <summary>Into the subject's alternative names, as the CA's profile allows: <c>DNS:www.example.gov.cn</c>, <c>email:…</c>, <c>IP:…</c>.</summary>
    public IReadOnlyList<string> AlternativeNames { get; init => field = value ?? []; } = [];

    /// <summary>Signing certificate, or the only one, that is followed, or that is decided about. Null: new.</summary>
    public CertificateName? Certificate { get; init; }

    /// <summary>Of a revocation: a CRLReason by its name of RFC 5280 §5.3.1. Null: it needs none.</summary>
    public string? RevocationReason { get; init; }

    /// <summary>Of a recovery: the subscriber's signing certificate to whose key his encryption key shall come. Null otherwise.</summary>
    public CertificateName? Recipient { get; init; }

    /// <summary>Of a change: as the enrollment was shown. 0: it is new.</summary>
    public long Version { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(EnrollmentRequest);
}

/// <summary>A person who acts for another.</summary>
public sealed record AgentRequest
{
    public required string Name { get; init; }

    /// <summary>18 characters, GB 11643.</summary>
    public required string IdNumber { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(AgentRequest);
}

/// <summary>What an officer decides about, byte by byte: <c>GET /enrollments/{id}/application</c>. He signs the digests of both.</summary>
public sealed record ApplicationAnswer
{
    /// <summary>Of the enrollment: to be named when it is submitted or reviewed.</summary>
    public required long Version { get; init; }

    /// <summary>DER of Application.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of a second Application that follows from the first: the revocation of the certificate that was replaced. Null: none.</summary>
    public byte[]? Following { get; init; }
}

/// <summary><c>POST /enrollments/{id}/submission</c>: who enters it answers for it.</summary>
public sealed record SubmissionRequest
{
    public required long Version { get; init; }

    /// <summary>DER of Approval, of step entry, over the digests of the applications.</summary>
    public required byte[] Approval { get; init; }
}

/// <summary><c>POST /enrollments/{id}/review</c></summary>
public sealed record ReviewRequest
{
    public required long Version { get; init; }

    /// <summary>approved, returned, rejected.</summary>
    public required string Outcome { get; init; }

    /// <summary>DER of Approval, of step review, over the digests of the applications. Null unless approved.</summary>
    public byte[]? Approval { get; init; }

    /// <summary>For the clerk and the applicant, up to 512 characters; without personal data. Null only where it is approved.</summary>
    public string? Reason { get; init; }
}

/// <summary><c>POST /enrollments/{id}/cancellation</c>, <c>/archiving</c></summary>
public sealed record StepRequest
{
    public required long Version { get; init; }

    /// <summary>Up to 512 characters; without personal data. A cancellation needs one.</summary>
    public string? Reason { get; init; }
}

/// <summary>An enrollment as an RA shows it.</summary>
public sealed record EnrollmentAnswer
{
    /// <summary>32 lower-case hexadecimal digits.</summary>
    public required string Id { get; init; }

    public required string TrackingNumber { get; init; }

    public required string Kind { get; init; }

    /// <summary>draft, submitted, reviewed (another review is due), returned, rejected, issuing, issued, delivered, archived, cancelled.</summary>
    public required string State { get; init; }

    public required long Version { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    public required string Profile { get; init; }

    public required SubscriberAnswer Subscriber { get; init; }

    /// <summary>Masked; null: none.</summary>
    public string? Agent { get; init; }

    public int? Days { get; init; }

    public IReadOnlyList<string> Departments { get; init; } = [];

    public IReadOnlyList<string> AlternativeNames { get; init; } = [];

    /// <summary>What is followed or decided about.</summary>
    public CertificateName? Certificate { get; init; }

    public string? RevocationReason { get; init; }

    /// <summary>Of a recovery.</summary>
    public CertificateName? Recipient { get; init; }

    /// <summary>Why it was returned, rejected or cancelled, or what the CA said.</summary>
    public string? Reason { get; init; }

    /// <summary>Why the CA has not answered yet, in its words. Null: it has, or nothing is known.</summary>
    public string? Waiting { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>Until when what it waits for should be done. Null: it waits for nothing.</summary>
    public DateTimeOffset? DueAt { get; init; }

    public IReadOnlyList<EvidenceAnswer> Evidence { get; init; } = [];

    public IReadOnlyList<StepAnswer> Steps { get; init; } = [];

    /// <summary>What came of it.</summary>
    public IReadOnlyList<CertificateName> Certificates { get; init; } = [];

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => Id;
}

/// <summary>Who moved an enrollment, and when.</summary>
public sealed record StepAnswer
{
    public required long Version { get; init; }

    public required string State { get; init; }

    /// <summary>Serial number of an officer's certificate, or the name of a job.</summary>
    public required string Actor { get; init; }

    public string? Reason { get; init; }

    public required DateTimeOffset At { get; init; }
}

/// <summary>An enrollment in a list.</summary>
public sealed record EnrollmentSummary
{
    public required string Id { get; init; }

    public required string TrackingNumber { get; init; }

    public required string Kind { get; init; }

    public required string State { get; init; }

    public required long Version { get; init; }

    public required string Region { get; init; }

    public required string Profile { get; init; }

    /// <summary>Id of the subscriber.</summary>
    public required string Subscriber { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    public DateTimeOffset? DueAt { get; init; }
}

/// <summary>A page of enrollments: <c>GET /enrollments?state=&amp;kind=&amp;region=&amp;subscriber=&amp;overdue=&amp;after=&amp;rows=</c>, in the order in which they were taken in.</summary>
public sealed record EnrollmentPage
{
    public required IReadOnlyList<EnrollmentSummary> Enrollments { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}

/// <summary>What can be applied for: <c>GET /profiles</c>.</summary>
public sealed record EnrollmentProfileAnswer
{
    public required string Name { get; init; }

    public required string Title { get; init; }

    /// <summary>person, organization, device.</summary>
    public required string Subscriber { get; init; }

    public required string Certificate { get; init; }

    /// <summary>Null: there is one certificate.</summary>
    public string? Encryption { get; init; }

    public required int Days { get; init; }

    /// <summary>city, province: who reviews it, one after the other.</summary>
    public required IReadOnlyList<string> Reviews { get; init; }

    /// <summary>So many pieces of evidence it needs.</summary>
    public required int Evidence { get; init; }

    /// <summary>Whether the CA has both profiles in use, for this RA.</summary>
    public required bool Available { get; init; }
}
