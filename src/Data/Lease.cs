namespace ZwCa.Data;

/// <summary>
/// Who of several nodes does a job. Taken and renewed by a conditional UPDATE of one row: put the renewal into the transaction of the work, and two
/// nodes cannot both commit it. Clocks of the nodes may differ by much less than the duration; what is held for longer than any node may hold it was taken by a clock that was wrong, and is free.
/// </summary>
/// <param name="Name">Of the job, up to 64 characters.</param>
/// <param name="Holder">Of the node, up to 64 characters.</param>
/// <param name="Duration">How long a node that has died keeps others waiting.</param>
public sealed record Lease(string Name, string Holder, TimeSpan Duration)
{
    /// <summary>Takes or renews it.</summary>
    /// <returns>False while another holds it.</returns>
    public async Task<bool> TakeAsync(Transaction transaction, DateTimeOffset now)
    {
        var parameters = new { Name, Holder, Now = now, HeldUntil = now + Duration, Longest = now + (2 * Duration) };
        int taken = await transaction.ExecuteAsync(
            """
            UPDATE lease SET holder = @Holder, held_until = @HeldUntil
            WHERE name = @Name AND (holder = @Holder OR held_until < @Now OR held_until > @Longest)
            """,
            parameters);
        return taken == 1
            || await transaction.TryInsertAsync("INSERT INTO lease (name, holder, held_until) VALUES (@Name, @Holder, @HeldUntil)", parameters);
    }

    /// <summary>Lets others have it at once.</summary>
    public Task ReleaseAsync(Transaction transaction) =>
        transaction.ExecuteAsync("UPDATE lease SET held_until = 0 WHERE name = @Name AND holder = @Holder", new { Name, Holder });
}
