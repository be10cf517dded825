using ZwCa.Officers;

namespace ZwCa.Ra.Batches;

/// <summary>What a batch is of; in the database, never changes its meaning.</summary>
internal enum BatchKind : short
{
    /// <summary>Applicants from a file.</summary>
    Import = 1,

    /// <summary>What expires soon.</summary>
    Renewal = 2,

    /// <summary>All that an organisation has.</summary>
    Revocation = 3,
}

/// <summary>Work on a batch; in the database, never changes its meaning.</summary>
internal enum BatchTaskKind : short
{
    /// <summary>A dry run over the file: nothing is changed.</summary>
    Checking = 1,

    /// <summary>Makes drafts of the good rows.</summary>
    Making = 2,

    Submission = 3,

    Review = 4,

    /// <summary>Gives up what nobody has approved.</summary>
    Cancellation = 5,
}

/// <summary>In the database, never changes its meaning.</summary>
internal enum BatchTaskState : short
{
    Running = 0,

    Done = 1,

    /// <summary>As a whole; <see cref="BatchTask.Reason"/> says why.</summary>
    Refused = 2,
}

/// <summary>A row of the table <c>batch</c>.</summary>
internal sealed record Batch
{
    public const string Columns = "batch_id, kind, region, title, content_sealed, data_key_id, file_hash, file_length, file_deleted_at, created_by, created_at, cancelled_at";

    public required byte[] BatchId { get; init; }

    public required BatchKind Kind { get; init; }

    public required string Region { get; init; }

    public required string Title { get; init; }

    public required byte[] ContentSealed { get; init; }

    public required byte[] DataKeyId { get; init; }

    /// <summary>SM3 of an import's file; null: none has come.</summary>
    public byte[]? FileHash { get; init; }

    /// <summary>Bytes; null: likewise.</summary>
    public long? FileLength { get; init; }

    /// <summary>When it was kept long enough. Null: it is there, if one has come.</summary>
    public DateTimeOffset? FileDeletedAt { get; init; }

    public required string CreatedBy { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? CancelledAt { get; init; }

    public string Id => Convert.ToHexStringLower(BatchId);

    public RegionCode RegionCode => RegionCode.Parse(Region);
}

/// <summary>A row of the table <c>batch_task</c>.</summary>
internal sealed record BatchTask
{
    public const string Columns =
        "batch_id, number, kind, state, officer_serial, approval_hash, reached, position, row_count, done, refused, reason, claimed_until, failures, retry_at, started_at, ended_at";

    public required byte[] BatchId { get; init; }

    /// <summary>From 1 on.</summary>
    public required short Number { get; init; }

    public required BatchTaskKind Kind { get; init; }

    public BatchTaskState State { get; init; }

    /// <summary>Of the certificate of who asked for it.</summary>
    public required string OfficerSerial { get; init; }

    /// <summary>Of a decision.</summary>
    public byte[]? ApprovalHash { get; init; }

    /// <summary>The last row that it is through with.</summary>
    public long Reached { get; init; }

    /// <summary>Where that lies, as the work wrote it. Null: before the beginning.</summary>
    public string? Position { get; init; }

    /// <summary>Null: not known yet.</summary>
    public long? RowCount { get; init; }

    public long Done { get; init; }

    public long Refused { get; init; }

    /// <summary>Why it was refused as a whole; of a cancellation, why it is cancelled; of drafts that are not all that there are, that it is so.</summary>
    public string? Reason { get; init; }

    public DateTimeOffset ClaimedUntil { get; init; }

    /// <summary>How often it has failed since its last part.</summary>
    public long Failures { get; init; }

    /// <summary>Until then no node tries it again.</summary>
    public DateTimeOffset RetryAt { get; init; } = DateTimeOffset.UnixEpoch;

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>An enrollment of a batch, by its row.</summary>
internal sealed record BatchRow
{
    public required long RowNumber { get; init; }

    public required byte[] EnrollmentId { get; init; }
}

/// <summary>A row that a task refused.</summary>
internal sealed record BatchRefusal
{
    public required long RowNumber { get; init; }

    /// <summary>In Chinese, without personal data.</summary>
    public required string Reason { get; init; }
}
