using ZwCa.Data;

namespace ZwCa.Ca.Reaudit;

/// <summary>What a re-audit does at present. The number is in the database.</summary>
internal enum ReauditPhase
{
    /// <summary>Each row of a certificate is compared with everything else.</summary>
    Certificates = 0,

    /// <summary>Each event of the log about an intention, an issue or an import has its certificate.</summary>
    Log = 1,

    /// <summary>Profiles in use, regions and RAs are what officers signed.</summary>
    Registers = 2,

    Ended = 3,
}

/// <summary>A re-audit and how far it is.</summary>
internal sealed record ReauditRun
{
    /// <summary>A ULID: in the order of their beginnings.</summary>
    public required byte[] RunId { get; init; }

    public required ReauditPhase Phase { get; init; }

    /// <summary>The last certificate that was looked at; of the log its place, as a big-endian number.</summary>
    public required byte[] Reached { get; init; }

    public required long Certificates { get; init; }

    public required long Events { get; init; }

    public required long Findings { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>What did not agree.</summary>
internal sealed record FindingRow
{
    public required byte[] FindingId { get; init; }

    public required string ObjectId { get; init; }

    public required string Kind { get; init; }

    public required string Detail { get; init; }

    public required DateTimeOffset FoundAt { get; init; }
}

/// <summary>The rows of re-audits, inside one unit of work.</summary>
internal static class ReauditStore
{
    private const string Columns = "run_id, phase, reached, certificates, events, findings, started_at, ended_at";

    /// <param name="rows">Newest first.</param>
    public static Task<IReadOnlyList<ReauditRun>> ListAsync(Transaction transaction, int rows) => transaction.QueryAsync<ReauditRun>(
        $"SELECT {Columns} FROM reaudit_run ORDER BY run_id DESC {transaction.Dialect.Limit(rows)}");

    /// <returns>Null: none of the id.</returns>
    public static Task<ReauditRun?> FindAsync(Transaction transaction, byte[] runId) =>
        transaction.FindAsync<ReauditRun>($"SELECT {Columns} FROM reaudit_run WHERE run_id = @Id", new { Id = runId });

    public static Task<bool> StartAsync(Transaction transaction, ReauditRun run) => transaction.TryInsertAsync(
        """
        INSERT INTO reaudit_run (run_id, phase, reached, certificates, events, findings, started_at)
        VALUES (@RunId, 0, @Reached, 0, 0, 0, @StartedAt)
        """,
        run);

    /// <summary>Moves on from where the run was.</summary>
    /// <returns>False: another node has moved it.</returns>
    public static async Task<bool> MoveAsync(Transaction transaction, ReauditRun from, ReauditRun to) =>
        await transaction.ExecuteAsync(
            """
            UPDATE reaudit_run SET phase = @Phase, reached = @Reached, certificates = @Certificates, events = @Events, findings = @Findings, ended_at = @EndedAt
            WHERE run_id = @RunId AND phase = @FromPhase AND reached = @FromReached
            """,
            new
            {
                from.RunId, Phase = (short)to.Phase, to.Reached, to.Certificates, to.Events, to.Findings, to.EndedAt, FromPhase = (short)from.Phase, FromReached = from.Reached,
            }) == 1;

    public static Task<bool> InsertFindingAsync(Transaction transaction, byte[] runId, FindingRow finding) => transaction.TryInsertAsync(
        """
        INSERT INTO reaudit_finding (finding_id, run_id, object_id, kind, detail, found_at)
        VALUES (@FindingId, @RunId, @ObjectId, @Kind, @Detail, @FoundAt)
        """,
        new { finding.FindingId, RunId = runId, finding.ObjectId, finding.Kind, finding.Detail, finding.FoundAt });

    public static Task<IReadOnlyList<FindingRow>> ListFindingsAsync(Transaction transaction, byte[] runId, byte[] after, int rows) => transaction.QueryAsync<FindingRow>(
        $"""
         SELECT finding_id, object_id, kind, detail, found_at FROM reaudit_finding
         WHERE run_id = @RunId AND finding_id > @After ORDER BY finding_id {transaction.Dialect.Limit(rows)}
         """,
        new { RunId = runId, After = after });
}
