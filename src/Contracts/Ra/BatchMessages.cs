namespace ZwCa.Contracts.Ra;

/// <summary>Many applications at once: <c>POST /batches</c>. What comes of it are enrollments like all others, each decided about by two officers.</summary>
public sealed record BatchRequest
{
    /// <summary>import (of applicants, from a file that follows), renewal (of what expires soon), revocation (of all that an organisation has).</summary>
    public required string Kind { get; init; }

    /// <summary>GB/T 2260: all of it lies there or below.</summary>
    public required string Region { get; init; }

    /// <summary>For those who look for it, 1 to 128 visible characters.</summary>
    public required string Title { get; init; }

    /// <summary>Of an import: so many rows the file has, besides the heading. Null: nobody has counted.</summary>
    public int? Rows { get; init; }

    /// <summary>Of a renewal: what expires within so many days, 1 to 366.</summary>
    public int? WithinDays { get; init; }

    /// <summary>Of a renewal: of this profile only. Null: of all.</summary>
    public string? Profile { get; init; }

    /// <summary>Of a renewal, a revocation: of this organisation only, with its devices and who works there. Id. A revocation needs one.</summary>
    public string? Organization { get; init; }

    /// <summary>Of a revocation: a CRLReason by its name of RFC 5280 §5.3.1.</summary>
    public string? RevocationReason { get; init; }

    /// <summary>Of a renewal, a revocation: who handles it for organisations and devices (经办人). Null: what is theirs is left out, and said so.</summary>
    public AgentRequest? Agent { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(BatchRequest);
}

/// <summary><c>POST /batches/{id}/submission</c>, <c>/review</c>: one signature over what was read by <c>GET /batches/{id}/applications</c>.</summary>
public sealed record BatchDecisionRequest
{
    /// <summary>DER of Approval, over 1 to 10,000 digests. What of the batch it covers is submitted, or approved; nothing else is touched.</summary>
    public required byte[] Approval { get; init; }
}

/// <summary>A batch as an RA shows it.</summary>
public sealed record BatchAnswer
{
    /// <summary>32 lower-case hexadecimal digits.</summary>
    public required string Id { get; init; }

    public required string Kind { get; init; }

    public required string Region { get; init; }

    public required string Title { get; init; }

    /// <summary>Serial number of the officer's certificate.</summary>
    public required string CreatedBy { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Of an import: SM3 of its file, 64 lower-case hexadecimal digits. Null: none has come.</summary>
    public string? File { get; init; }

    /// <summary>When that file was deleted, because it was kept long enough. Null: it was not.</summary>
    public DateTimeOffset? FileDeletedAt { get; init; }

    /// <summary>When it was given up. Null: it was not.</summary>
    public DateTimeOffset? CancelledAt { get; init; }

    /// <summary>What was done with it so far, the latest last.</summary>
    public IReadOnlyList<BatchTaskAnswer> Tasks { get; init; } = [];

    /// <summary>Its enrollments by their states; which have none, there are none of. Of a batch that is shown by itself: a list has none.</summary>
    public IReadOnlyDictionary<string, long> States { get; init; } = new Dictionary<string, long>();
}

/// <summary>Work on a batch, which goes on after the request for it was answered.</summary>
public sealed record BatchTaskAnswer
{
    public required int Number { get; init; }

    /// <summary>checking (a dry run: nothing is changed), making (of drafts), submission, review, cancellation.</summary>
    public required string Kind { get; init; }

    /// <summary>running, done, refused (as a whole).</summary>
    public required string State { get; init; }

    /// <summary>Rows that it is through with.</summary>
    public required long Reached { get; init; }

    /// <summary>Rows that there are. Null: not known yet.</summary>
    public long? Rows { get; init; }

    /// <summary>Of them good: what can be made, was made, was decided about.</summary>
    public required long Done { get; init; }

    /// <summary>Of them refused: <c>GET /batches/{id}/rows?task=</c> says why.</summary>
    public required long Refused { get; init; }

    /// <summary>Why it was refused as a whole; of a cancellation, why it is cancelled; of a making that is done, that there is more than a batch takes.</summary>
    public string? Reason { get; init; }

    /// <summary>Why it does not go on at this moment; it is tried again by itself. Null: it does, or has ended.</summary>
    public string? Waiting { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary><c>GET /batches?region=&amp;after=&amp;rows=</c>, the latest first.</summary>
public sealed record BatchPage
{
    public required IReadOnlyList<BatchAnswer> Batches { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}

/// <summary>A row of a batch.</summary>
public sealed record BatchRowAnswer
{
    /// <summary>From 1 on, without the heading.</summary>
    public required long Row { get; init; }

    /// <summary>Id; null: none has come of it.</summary>
    public string? Enrollment { get; init; }

    /// <summary>Of the enrollment.</summary>
    public string? State { get; init; }

    /// <summary>Why the task refused it.</summary>
    public string? Reason { get; init; }
}

/// <summary>
/// <c>GET /batches/{id}/rows?task=&amp;after=&amp;rows=</c>: those that the task refused; without a task those that have an enrollment. In the order of rows.
/// </summary>
public sealed record BatchRowPage
{
    public required IReadOnlyList<BatchRowAnswer> Rows { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public long? Next { get; init; }
}

/// <summary>What waits for this officer's signature: of an enrollment what <see cref="ApplicationAnswer"/> is.</summary>
public sealed record BatchApplicationAnswer
{
    public required long Row { get; init; }

    public required string Enrollment { get; init; }

    /// <summary>DER of Application.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of a second Application that follows from the first. Null: none.</summary>
    public byte[]? Following { get; init; }
}

/// <summary><c>GET /batches/{id}/applications?step=&amp;after=&amp;rows=</c> (entry, review), in the order of rows: what can be signed now. A draft without a key, or short of evidence, is left out.</summary>
public sealed record BatchApplicationPage
{
    public required IReadOnlyList<BatchApplicationAnswer> Applications { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public long? Next { get; init; }
}

/// <summary><c>PUT /enrollments/{id}/csr</c>: the token's key of an application that was taken in without one.</summary>
public sealed record CsrRequest
{
    public required long Version { get; init; }

    /// <summary>DER of a PKCS #10 request: its key counts and nothing else.</summary>
    public required byte[] Csr { get; init; }
}
