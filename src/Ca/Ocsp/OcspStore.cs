using ZwCa.Data;

namespace ZwCa.Ca.Ocsp;

/// <summary>The rows of what has to be told and signed, inside one unit of work.</summary>
internal static class OcspStore
{
    /// <summary>Of one statement's list: a short one is filled up with its last, so that the text stays the same. (<c>IN @Ids</c> is not the same text on the three databases.)</summary>
    private const int ListLength = 50;

    /// <summary>Below every id.</summary>
    private static readonly byte[] FirstId = new byte[Ulid.Length];

    /// <summary>Above every id.</summary>
    private static readonly byte[] LastId = [.. Enumerable.Repeat((byte)0xFF, Ulid.Length)];

    private static readonly string List = string.Join(", ", Enumerable.Range(0, ListLength).Select(i => $"@I{i}"));

    /// <summary>In the transaction that has changed the certificate's status.</summary>
    public static Task AddChangeAsync(Transaction transaction, byte[] certificateId, DateTimeOffset now) => transaction.ExecuteAsync(
        "INSERT INTO ocsp_change (change_id, certificate_id) VALUES (@ChangeId, @CertificateId)", new { ChangeId = Ulid.Create(now), CertificateId = certificateId });

    /// <param name="after">Null: from the oldest on.</param>
    /// <returns>A page, in their order.</returns>
    public static Task<IReadOnlyList<ChangeRow>> ListChangesAsync(Transaction transaction, byte[]? after, int rows) => transaction.QueryAsync<ChangeRow>(
        $"""
         SELECT h.change_id, {StatusRow.Columns}
         FROM ocsp_change h JOIN certificate c ON c.certificate_id = h.certificate_id {StatusRow.Entry}
         WHERE h.change_id > @After ORDER BY h.change_id {transaction.Dialect.Limit(rows)}
         """,
        new { After = after ?? FirstId });

    /// <param name="broken">Ids of certificates of which nothing can be told: they hold nobody else back.</param>
    /// <param name="rows">Of a page.</param>
    /// <returns>Since when the oldest change waits; null: none does.</returns>
    public static async Task<DateTimeOffset?> FindWaitingSinceAsync(Transaction transaction, IReadOnlySet<string> broken, int rows)
    {
        IReadOnlyList<WaitingChange> page;
        byte[] after = FirstId;
        do
        {
            page = await transaction.QueryAsync<WaitingChange>(
                $"SELECT change_id, certificate_id FROM ocsp_change WHERE change_id > @After ORDER BY change_id {transaction.Dialect.Limit(rows)}", new { After = after });
            if (page.FirstOrDefault(each => !broken.Contains(Convert.ToHexString(each.CertificateId))) is { } oldest)
            {
                return Ulid.TimeOf(oldest.ChangeId);
            }

            after = page.Count > 0 ? page[^1].ChangeId : after;
        }
        while (page.Count == rows);
        return null;
    }

    /// <returns>Null: nothing waits.</returns>
    public static async Task<byte[]?> FindOldestChangeAsync(Transaction transaction) =>
        (await transaction.QueryAsync<byte[]>($"SELECT change_id FROM ocsp_change ORDER BY change_id {transaction.Dialect.Limit(1)}")).FirstOrDefault();

    /// <summary>One by one, by their ids: what was added meanwhile stays, wherever it stands in the order.</summary>
    /// <returns>How many there were.</returns>
    public static async Task<int> DeleteChangesAsync(Transaction transaction, IReadOnlyList<byte[]> changeIds)
    {
        int deleted = 0;
        foreach (Dictionary<string, object> ids in Lists(changeIds))
        {
            deleted += await transaction.ExecuteAsync($"DELETE FROM ocsp_change WHERE change_id IN ({List})", ids);
        }

        return deleted;
    }

    /// <summary>As they are now.</summary>
    public static async Task<IReadOnlyList<StatusRow>> ListAsync(Transaction transaction, IReadOnlyList<byte[]> certificateIds)
    {
        var rows = new List<StatusRow>(certificateIds.Count);
        foreach (Dictionary<string, object> ids in Lists(certificateIds))
        {
            rows.AddRange(await transaction.QueryAsync<StatusRow>($"SELECT {StatusRow.Columns} FROM certificate c {StatusRow.Entry} WHERE c.certificate_id IN ({List})", ids));
        }

        return rows;
    }

    /// <summary>All of a slice that is stored, and has not ended then.</summary>
    public static Task<IReadOnlyList<StatusRow>> ListAsync(Transaction transaction, SliceRange slice, DateTimeOffset endsAfter) => transaction.QueryAsync<StatusRow>(
        $"""
         SELECT {StatusRow.Columns} FROM certificate c {StatusRow.Entry}
         WHERE c.certificate_id >= @First AND c.certificate_id < @Next AND c.state IN (2, 3, 4) AND c.not_after >= @EndsAfter ORDER BY c.certificate_id
         """,
        new { slice.First, slice.Next, EndsAfter = endsAfter });

    /// <summary>A page of all that is stored, and has not ended before that, in the order of the ids.</summary>
    /// <param name="after">Null: from the first on.</param>
    public static Task<IReadOnlyList<StatusRow>> ListAfterAsync(Transaction transaction, byte[]? after, DateTimeOffset endsAfter, int rows) => transaction.QueryAsync<StatusRow>(
        $"""
         SELECT {StatusRow.Columns} FROM certificate c {StatusRow.Entry}
         WHERE c.certificate_id > @After AND c.state IN (2, 3, 4) AND c.not_after >= @EndsAfter ORDER BY c.certificate_id {transaction.Dialect.Limit(rows)}
         """,
        new { After = after ?? FirstId, EndsAfter = endsAfter });

    /// <summary>The slice that has all certificates until it is divided. At the start: whatever was issued before there was OCSP is due.</summary>
    public static async Task InstallSlicesAsync(Transaction transaction, DateTimeOffset now)
    {
        if (await transaction.GetAsync<long>("SELECT COUNT(*) FROM ocsp_slice") == 0)
        {
            await transaction.TryInsertAsync(
                "INSERT INTO ocsp_slice (first_certificate, certificates, due_at, signed_at, leased_until, added_at) VALUES (@First, 0, 0, 0, 0, @Now)", new { First = FirstId, Now = now });
        }
    }

    /// <summary>Takes the slice that has been due for longest. What a node with a clock that was ahead has put off or leased beyond <paramref name="latest"/> is due, and free.</summary>
    /// <returns>Null: none is due, or another node is at it.</returns>
    public static async Task<SliceRange?> TakeDueAsync(Transaction transaction, DateTimeOffset now, DateTimeOffset leasedUntil, DateTimeOffset latest)
    {
        const string IsDue = "(due_at <= @Now OR due_at > @Latest) AND (leased_until < @Now OR leased_until > @Latest)";
        byte[]? first = (await transaction.QueryAsync<byte[]>(
            $"SELECT first_certificate FROM ocsp_slice WHERE {IsDue} ORDER BY due_at, first_certificate {transaction.Dialect.Limit(1)}", new { Now = now, Latest = latest })).FirstOrDefault();
        if (first is null || await transaction.ExecuteAsync(
            $"UPDATE ocsp_slice SET leased_until = @LeasedUntil WHERE first_certificate = @First AND {IsDue}",
            new { First = first, LeasedUntil = leasedUntil, Now = now, Latest = latest }) == 0)
        {
            return null;
        }

        byte[]? next = (await transaction.QueryAsync<byte[]>(
            $"SELECT first_certificate FROM ocsp_slice WHERE first_certificate > @First ORDER BY first_certificate {transaction.Dialect.Limit(1)}", new { First = first })).FirstOrDefault();
        return new SliceRange(first, next ?? LastId, leasedUntil);
    }

    /// <returns>Ids, each <paramref name="length"/> certificates after the one before, where a slice is at least twice that long; else none.</returns>
    public static async Task<IReadOnlyList<byte[]>> FindCutsAsync(Transaction transaction, SliceRange slice, int length)
    {
        var cuts = new List<byte[]>();
        long at = 0;
        await transaction.ReadEachAsync(
            "SELECT certificate_id FROM certificate WHERE certificate_id >= @First AND certificate_id < @Next ORDER BY certificate_id",
            new { slice.First, slice.Next },
            row =>
            {
                if (at > 0 && at % length == 0)
                {
                    cuts.Add(row.GetFieldValue<byte[]>(0));
                }

                at++;
            });
        return at < 2 * length ? [] : cuts;
    }

    /// <summary>Divides a slice by whoever has leased it; its pieces are due as it is.</summary>
    /// <returns>False: the lease is over.</returns>
    public static async Task<bool> DivideAsync(Transaction transaction, SliceRange slice, IReadOnlyList<byte[]> cuts, DateTimeOffset now)
    {
        if (await transaction.ExecuteAsync("UPDATE ocsp_slice SET leased_until = leased_until WHERE first_certificate = @First AND leased_until = @LeasedUntil", slice) == 0)
        {
            return false;
        }

        foreach (byte[] cut in cuts)
        {
            await transaction.ExecuteAsync(
                """
                INSERT INTO ocsp_slice (first_certificate, certificates, due_at, signed_at, leased_until, added_at)
                SELECT @Cut, 0, due_at, signed_at, 0, @Now FROM ocsp_slice WHERE first_certificate = @First
                """,
                new { Cut = cut, slice.First, Now = now });
        }

        return true;
    }

    /// <returns>False: the lease is over, and another node has it, or had.</returns>
    public static async Task<bool> SetSignedAsync(Transaction transaction, SliceRange slice, long certificates, DateTimeOffset signedAt, DateTimeOffset due) =>
        await transaction.ExecuteAsync(
            """
            UPDATE ocsp_slice SET certificates = @Certificates, signed_at = @SignedAt, due_at = @Due, leased_until = 0
            WHERE first_certificate = @First AND leased_until = @LeasedUntil
            """,
            new { slice.First, slice.LeasedUntil, Certificates = certificates, SignedAt = signedAt, Due = due }) == 1;

    /// <summary>All slices are due then, or are already.</summary>
    public static Task BringForwardAsync(Transaction transaction, DateTimeOffset due) => transaction.ExecuteAsync("UPDATE ocsp_slice SET due_at = @Due WHERE due_at > @Due", new { Due = due });

    /// <summary>The slices of these certificates are due then, or are already.</summary>
    public static async Task BringForwardAsync(Transaction transaction, IReadOnlyList<byte[]> certificateIds, DateTimeOffset due)
    {
        foreach (byte[] id in certificateIds)
        {
            await transaction.ExecuteAsync(
                "UPDATE ocsp_slice SET due_at = @Due WHERE due_at > @Due AND first_certificate = (SELECT MAX(first_certificate) FROM ocsp_slice WHERE first_certificate <= @Id)",
                new { Due = due, Id = id });
        }
    }

    /// <summary>A batch that was refused is tried again then.</summary>
    public static Task SetDueAsync(Transaction transaction, SliceRange slice, DateTimeOffset due) => transaction.ExecuteAsync(
        "UPDATE ocsp_slice SET due_at = @Due, leased_until = 0 WHERE first_certificate = @First AND leased_until = @LeasedUntil", new { slice.First, slice.LeasedUntil, Due = due });

    private static IEnumerable<Dictionary<string, object>> Lists(IReadOnlyList<byte[]> ids)
    {
        foreach (byte[][] some in ids.Chunk(ListLength))
        {
            yield return Enumerable.Range(0, ListLength).ToDictionary(i => $"I{i}", i => (object)some[Math.Min(i, some.Length - 1)]);
        }
    }
}

/// <summary>A slice that this node has leased.</summary>
/// <param name="First">Id of its first certificate.</param>
/// <param name="Next">That of the next slice.</param>
/// <param name="LeasedUntil">By which the lease is known again.</param>
internal sealed record SliceRange(byte[] First, byte[] Next, DateTimeOffset LeasedUntil);

/// <summary>A change that the feed does not tell yet.</summary>
internal sealed record WaitingChange
{
    public required byte[] ChangeId { get; init; }

    public required byte[] CertificateId { get; init; }
}
