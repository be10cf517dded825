using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>Of a CRL; in the database, never changes its meaning.</summary>
internal enum CrlState : short
{
    /// <summary>Has its number, which no other CRL of the scope gets.</summary>
    Begun = 0,

    /// <summary>Its bytes are fixed: it may be signed.</summary>
    Intended = 1,

    /// <summary>Signed, and has passed the gate.</summary>
    Judged = 2,

    Published = 3,

    /// <summary>By the gate; never leaves.</summary>
    Refused = 4,

    /// <summary>Broken off.</summary>
    GivenUp = 5,
}

/// <summary>A row of the table <c>crl</c>. What is null is not known in that state.</summary>
internal sealed record CrlRow
{
    public const string Columns =
        "crl_id, authority_id, shard, crl_number, state, this_update, next_update, entries, log_size, length, hash, detail, begun_at, changed_at";

    public required byte[] CrlId { get; init; }

    public required short AuthorityId { get; init; }

    public required string Shard { get; init; }

    public required long CrlNumber { get; init; }

    public required CrlState State { get; init; }

    public DateTimeOffset? ThisUpdate { get; init; }

    public DateTimeOffset? NextUpdate { get; init; }

    public long? Entries { get; init; }

    public long? LogSize { get; init; }

    public long? Length { get; init; }

    /// <summary>SM3 of the file.</summary>
    public byte[]? Hash { get; init; }

    public string? Detail { get; init; }

    public required DateTimeOffset BegunAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }
}

/// <summary>The rows of CRLs, inside one unit of work.</summary>
internal static class CrlStore
{
    /// <summary>Of a stored file, but for the last.</summary>
    public const int PartLength = 1 << 20;

    /// <returns>The published one with the greatest number; null: none was published by this service.</returns>
    public static Task<CrlRow?> FindPublishedAsync(Transaction transaction, CrlScope scope) => FindLastAsync(transaction, scope, CrlState.Published);

    /// <returns>The one with the greatest number in that state.</returns>
    public static async Task<CrlRow?> FindLastAsync(Transaction transaction, CrlScope scope, CrlState? state = null) => (await transaction.QueryAsync<CrlRow>(
        $"""
         SELECT {CrlRow.Columns} FROM crl WHERE authority_id = @Authority AND shard = @Shard {(state is null ? "" : "AND state = @State")}
         ORDER BY crl_number DESC {transaction.Dialect.Limit(1)}
         """,
        new { Authority = scope.Authority.Id, scope.Shard, State = (short?)state })).FirstOrDefault();

    /// <returns>The last that ended, well or not. One that broke off says nothing: its successor does.</returns>
    public static async Task<CrlRow?> FindLastEndedAsync(Transaction transaction, CrlScope scope) => (await transaction.QueryAsync<CrlRow>(
        $"""
         SELECT {CrlRow.Columns} FROM crl
         WHERE authority_id = @Authority AND shard = @Shard AND (state IN (2, 3, 4) OR (state = 5 AND detail <> @BrokenOff))
         ORDER BY crl_number DESC {transaction.Dialect.Limit(1)}
         """,
        new { Authority = scope.Authority.Id, scope.Shard, MakeCrl.BrokenOff })).FirstOrDefault();

    /// <returns>Null: no CRL of the scope has that number.</returns>
    public static Task<CrlRow?> FindNumberAsync(Transaction transaction, CrlScope scope, long number) => transaction.FindAsync<CrlRow>(
        $"SELECT {CrlRow.Columns} FROM crl WHERE authority_id = @Authority AND shard = @Shard AND crl_number = @Number",
        new { Authority = scope.Authority.Id, scope.Shard, Number = number });

    /// <returns>Those of all scopes in that state, oldest first.</returns>
    public static Task<IReadOnlyList<CrlRow>> ListAsync(Transaction transaction, CrlState state) =>
        transaction.QueryAsync<CrlRow>($"SELECT {CrlRow.Columns} FROM crl WHERE state = @State ORDER BY crl_id", new { State = (short)state });

    /// <returns>Those of the scope that were begun and neither ended nor judged.</returns>
    public static Task<IReadOnlyList<CrlRow>> ListBrokenOffAsync(Transaction transaction, CrlScope scope) => transaction.QueryAsync<CrlRow>(
        $"SELECT {CrlRow.Columns} FROM crl WHERE authority_id = @Authority AND shard = @Shard AND state IN (0, 1) ORDER BY crl_number",
        new { Authority = scope.Authority.Id, scope.Shard });

    /// <summary>The next number of the scope; no other CRL gets it, whatever becomes of this one.</summary>
    public static async Task<long> TakeNumberAsync(Transaction transaction, CrlScope scope)
    {
        var key = new { Authority = scope.Authority.Id, scope.Shard };
        int moved = await transaction.ExecuteAsync("UPDATE crl_number SET last_number = last_number + 1 WHERE authority_id = @Authority AND shard = @Shard", key);
        if (moved == 0)
        {
            await transaction.ExecuteAsync("INSERT INTO crl_number (authority_id, shard, last_number) VALUES (@Authority, @Shard, 1)", key);
        }

        return await transaction.GetAsync<long>("SELECT last_number FROM crl_number WHERE authority_id = @Authority AND shard = @Shard", key);
    }

    public static Task BeginAsync(Transaction transaction, CrlRow row) => transaction.ExecuteAsync(
        """
        INSERT INTO crl (crl_id, authority_id, shard, crl_number, state, begun_at, changed_at)
        VALUES (@CrlId, @AuthorityId, @Shard, @CrlNumber, 0, @BegunAt, @ChangedAt)
        """,
        row);

    /// <returns>False: it was given up meanwhile.</returns>
    public static async Task<bool> IntendAsync(Transaction transaction, CrlRow row) => await transaction.ExecuteAsync(
        """
        UPDATE crl SET state = 1, this_update = @ThisUpdate, next_update = @NextUpdate, entries = @Entries, log_size = @LogSize, changed_at = @ChangedAt
        WHERE crl_id = @CrlId AND state = 0
        """,
        row) == 1;

    /// <summary>What the gate said.</summary>
    /// <returns>False: it was given up meanwhile.</returns>
    public static async Task<bool> JudgeAsync(Transaction transaction, CrlRow row) => await transaction.ExecuteAsync(
        "UPDATE crl SET state = @State, length = @Length, hash = @Hash, detail = @Detail, changed_at = @ChangedAt WHERE crl_id = @CrlId AND state = 1", row) == 1;

    public static async Task<bool> PublishAsync(Transaction transaction, byte[] id, DateTimeOffset now) =>
        await transaction.ExecuteAsync("UPDATE crl SET state = 3, changed_at = @Now WHERE crl_id = @Id AND state = 2", new { Id = id, Now = now }) == 1;

    /// <returns>False: it has ended. What is judged is never given up: another node may have put it into a folder.</returns>
    public static async Task<bool> GiveUpAsync(Transaction transaction, byte[] id, string detail, DateTimeOffset now)
    {
        bool given = await transaction.ExecuteAsync(
            "UPDATE crl SET state = 5, detail = @Detail, changed_at = @Now WHERE crl_id = @Id AND state IN (0, 1)", new { Id = id, Detail = detail, Now = now }) == 1;
        if (given)
        {
            await transaction.ExecuteAsync("DELETE FROM crl_part WHERE crl_id = @Id", new { Id = id });
        }

        return given;
    }

    /// <summary>A run has begun that reads everything after this: what is ordered from now on (due_at 0) is not done by it.</summary>
    public static Task TakeOrderAsync(Transaction transaction, CrlScope scope) => transaction.ExecuteAsync(
        "UPDATE crl_scope SET due_at = 1 WHERE authority_id = @Authority AND shard = @Shard", new { Authority = scope.Authority.Id, scope.Shard });

    /// <summary>When the next of the scope is to be made; an order that came meanwhile stays.</summary>
    public static Task SetDueAsync(Transaction transaction, CrlScope scope, DateTimeOffset due) => transaction.ExecuteAsync(
        "UPDATE crl_scope SET due_at = @Due WHERE authority_id = @Authority AND shard = @Shard AND due_at <> 0", new { Authority = scope.Authority.Id, scope.Shard, Due = due });

    /// <returns>False: it was given up meanwhile.</returns>
    public static async Task<bool> AddPartAsync(Transaction transaction, byte[] id, long part, byte[] content) => await transaction.ExecuteAsync(
        "INSERT INTO crl_part (crl_id, part, content) SELECT crl_id, @Part, @Content FROM crl WHERE crl_id = @Id AND state = 1", new { Id = id, Part = part, Content = content }) == 1;

    /// <returns>Those that were refused or given up since the last that was not.</returns>
    public static Task<long> CountFailedAsync(Transaction transaction, CrlScope scope) => transaction.GetAsync<long>(
        """
        SELECT COUNT(*) FROM crl c WHERE c.authority_id = @Authority AND c.shard = @Shard AND c.state IN (4, 5) AND c.crl_number >
            (SELECT COALESCE(MAX(d.crl_number), 0) FROM crl d WHERE d.authority_id = @Authority AND d.shard = @Shard AND d.state IN (2, 3))
        """,
        new { Authority = scope.Authority.Id, scope.Shard });

    /// <returns>Null: there is none of that number.</returns>
    public static Task<byte[]?> FindPartAsync(Transaction transaction, byte[] id, long part) =>
        transaction.FindAsync<byte[]>("SELECT content FROM crl_part WHERE crl_id = @Id AND part = @Part", new { Id = id, Part = part });

    /// <summary>The bytes of all of the scope but one.</summary>
    public static Task DropOtherPartsAsync(Transaction transaction, CrlRow kept) => transaction.ExecuteAsync(
        """
        DELETE FROM crl_part WHERE crl_id <> @CrlId AND crl_id IN
            (SELECT crl_id FROM crl WHERE authority_id = @AuthorityId AND shard = @Shard AND crl_number < @CrlNumber)
        """,
        kept);

    /// <returns>That of the scope whose file has that hash and has passed the gate, whatever became of it; null: there is none.</returns>
    public static async Task<CrlRow?> FindByHashAsync(Transaction transaction, CrlScope scope, byte[] hash) => (await transaction.QueryAsync<CrlRow>(
        $"SELECT {CrlRow.Columns} FROM crl WHERE authority_id = @Authority AND shard = @Shard AND hash = @Hash AND state IN (2, 3, 5)",
        new { Authority = scope.Authority.Id, scope.Shard, Hash = hash })).FirstOrDefault();

    /// <summary>Whether any that this CA's gate has let pass, of whatever scope, has that hash.</summary>
    public static async Task<bool> IsKnownAsync(Transaction transaction, short authority, byte[] hash) => await transaction.GetAsync<long>(
        "SELECT COUNT(*) FROM crl WHERE authority_id = @Authority AND hash = @Hash AND state IN (2, 3, 5)", new { Authority = authority, Hash = hash }) > 0;

    /// <summary>Whether none of the scope was published before that one.</summary>
    public static async Task<bool> IsFirstAsync(Transaction transaction, CrlRow row) => await transaction.GetAsync<long>(
        "SELECT COUNT(*) FROM crl WHERE authority_id = @AuthorityId AND shard = @Shard AND state = 3 AND crl_number < @CrlNumber", row) == 0;

    /// <summary>What has passed the gate and has expired while no folder could take it.</summary>
    /// <returns>False: it was published meanwhile, or given up.</returns>
    public static async Task<bool> GiveUpJudgedAsync(Transaction transaction, byte[] id, string detail, DateTimeOffset now)
    {
        bool given = await transaction.ExecuteAsync(
            "UPDATE crl SET state = 5, detail = @Detail, changed_at = @Now WHERE crl_id = @Id AND state = 2 AND next_update <= @Now", new { Id = id, Detail = detail, Now = now }) == 1;
        if (given)
        {
            await transaction.ExecuteAsync("DELETE FROM crl_part WHERE crl_id = @Id", new { Id = id });
        }

        return given;
    }
}
