using ZwCa.Data;

namespace ZwCa.Ra.Outbox;

/// <summary>What the CA is asked or told; in the database, never changes its meaning.</summary>
internal enum OutboxPurpose : short
{
    /// <summary>The application.</summary>
    Decision = 1,

    /// <summary>What follows from it: the revocation of the certificate that was replaced.</summary>
    Following = 2,

    /// <summary>A token's receipt.</summary>
    Receipt = 3,
}

/// <summary>In the database, never changes its meaning.</summary>
internal enum OutboxState : short
{
    Waiting = 0,

    /// <summary>Until the new certificate is delivered.</summary>
    HeldBack = 1,

    Answered = 2,

    Refused = 3,

    /// <summary>What it follows from did not come about.</summary>
    GivenUp = 4,
}

/// <summary>A row of the table <c>outbox</c>: id and body never change, so that a retry is the same request at the CA.</summary>
internal sealed record OutboxRow
{
    public const string Columns =
        """
        outbox_id, enrollment_id, purpose, round, review_number, review_outcome, request_id, path, body_sealed, data_key_id, state, tries, try_after, claimed_until, refusal, detail, added_at, ended_at
        """;

    public required byte[] OutboxId { get; init; }

    public required byte[] EnrollmentId { get; init; }

    public required OutboxPurpose Purpose { get; init; }

    public required short Round { get; init; }

    /// <summary>The approval by which it is asked: the row refers to it.</summary>
    public required short ReviewNumber { get; init; }

    public short ReviewOutcome { get; init; } = 1;

    public required string RequestId { get; init; }

    public required string Path { get; init; }

    /// <summary>JSON.</summary>
    public required byte[] BodySealed { get; init; }

    public required byte[] DataKeyId { get; init; }

    public OutboxState State { get; init; }

    /// <summary>How often it was claimed: the number of the last claim.</summary>
    public long Tries { get; init; }

    public required DateTimeOffset TryAfter { get; init; }

    public DateTimeOffset ClaimedUntil { get; init; } = DateTimeOffset.UnixEpoch;

    public string? Refusal { get; init; }

    public string? Detail { get; init; }

    public required DateTimeOffset AddedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>The rows, inside one unit of work.</summary>
internal static class OutboxStore
{
    public static Task AddAsync(Transaction transaction, OutboxRow row) => transaction.ExecuteAsync(
        """
        INSERT INTO outbox (
            outbox_id, enrollment_id, purpose, round, review_number, review_outcome, request_id, path, body_sealed, data_key_id, state, tries, try_after, claimed_until, added_at)
        VALUES (
            @OutboxId, @EnrollmentId, @Purpose, @Round, @ReviewNumber, @ReviewOutcome, @RequestId, @Path, @BodySealed, @DataKeyId, @State, 0, @TryAfter, @ClaimedUntil, @AddedAt)
        """,
        row);

    /// <returns>Those that are due and that nobody is at, oldest first.</returns>
    public static Task<IReadOnlyList<OutboxRow>> ListDueAsync(Transaction transaction, DateTimeOffset now, int rows) => transaction.QueryAsync<OutboxRow>(
        $"""
         SELECT {OutboxRow.Columns} FROM outbox WHERE state = 0 AND try_after <= @Now AND claimed_until <= @Now ORDER BY try_after, outbox_id {transaction.Dialect.Limit(rows)}
         """,
        new { Now = now });

    /// <returns>Those of the given that this node is at now, under the claims that they are in.</returns>
    public static async Task<IReadOnlyList<OutboxRow>> ClaimAsync(Transaction transaction, IReadOnlyList<OutboxRow> rows, DateTimeOffset now, DateTimeOffset until)
    {
        // In one order on all nodes: none waits for another that waits for it.
        var claimed = new List<OutboxRow>(rows.Count);
        foreach (OutboxRow row in rows.OrderBy(row => Convert.ToHexStringLower(row.OutboxId), StringComparer.Ordinal))
        {
            if (await transaction.ExecuteAsync(
                "UPDATE outbox SET claimed_until = @Until, tries = tries + 1 WHERE outbox_id = @OutboxId AND state = 0 AND tries = @Tries AND claimed_until <= @Now",
                new { row.OutboxId, row.Tries, Now = now, Until = until }) == 1)
            {
                claimed.Add(row with { Tries = row.Tries + 1, ClaimedUntil = until });
            }
        }

        return claimed;
    }

    /// <summary>It is tried again later, by whatever node. Where another node has claimed it meanwhile, nothing is changed: that one says how it goes on.</summary>
    public static Task<int> PostponeAsync(Transaction transaction, OutboxRow row, DateTimeOffset after, string? refusal, string? detail) => transaction.ExecuteAsync(
        "UPDATE outbox SET claimed_until = 0, try_after = @After, refusal = @Refusal, detail = @Detail WHERE outbox_id = @OutboxId AND state = 0 AND tries = @Tries",
        new { row.OutboxId, row.Tries, After = after, Refusal = refusal, Detail = detail });

    /// <summary>What waits for a time that no node sets was put off, or claimed, by a clock that was wrong: it is due.</summary>
    public static Task<int> FreeAsync(Transaction transaction, DateTimeOffset now, DateTimeOffset latest) => transaction.ExecuteAsync(
        """
        UPDATE outbox SET try_after = CASE WHEN try_after > @Latest THEN @Now ELSE try_after END, claimed_until = CASE WHEN claimed_until > @Latest THEN @Now ELSE claimed_until END
        WHERE state = 0 AND (try_after > @Latest OR claimed_until > @Latest)
        """,
        new { Now = now, Latest = latest });

    /// <returns>False: it has ended already.</returns>
    public static async Task<bool> EndAsync(Transaction transaction, OutboxRow row, OutboxState state, DateTimeOffset now, string? refusal = null, string? detail = null) =>
        await transaction.ExecuteAsync(
            "UPDATE outbox SET state = @State, claimed_until = 0, refusal = @Refusal, detail = @Detail, ended_at = @Now WHERE outbox_id = @OutboxId AND state = 0",
            new { row.OutboxId, State = state, Refusal = refusal, Detail = detail, Now = now }) == 1;

    /// <returns>What the CA said last to a request that waits. Null: nothing waits, or it has not said anything.</returns>
    public static Task<string?> FindTroubleAsync(Transaction transaction, byte[] enrollmentId) =>
        transaction.FindAsync<string>("SELECT MAX(detail) FROM outbox WHERE enrollment_id = @Id AND state = 0", new { Id = enrollmentId });

    /// <summary>What was held back may go, or is given up; with it a receipt that has not been sent.</summary>
    public static Task<int> LetGoAsync(Transaction transaction, byte[] enrollmentId, OutboxState to, DateTimeOffset now) => transaction.ExecuteAsync(
        "UPDATE outbox SET state = @To, try_after = @Now, ended_at = @EndedAt WHERE enrollment_id = @Id AND (state = 1 OR (state = 0 AND purpose = 3 AND @To = 4))",
        new { Id = enrollmentId, To = to, Now = now, EndedAt = to == OutboxState.GivenUp ? now : (DateTimeOffset?)null });
}

/// <summary>There is something to send.</summary>
internal sealed class OutboxSignal : Signal;
