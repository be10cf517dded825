using ZwCa.Data;

namespace ZwCa.Jobs;

/// <summary>
/// Notices that the clock is wrong: what is dated ahead is not believed by relying parties, and everything after it would have to be dated later still. The clock and the count of the
/// processor's ticks have to advance alike; and where the database has a clock of its own, both have to say the same. A paused virtual machine counts no ticks: what the database then says
/// of the clock is believed, and the ticks are counted anew. Safe for concurrent use.
/// </summary>
public sealed class ClockWatch(TimeProvider time, DatabaseClock witness)
{
    /// <summary>What a clock may be set by, in all, while a service runs; and what it may differ by from the database's.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    /// <summary>The database is asked no more often.</summary>
    public static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(5);

    /// <summary>An answer that took longer says nothing of the time.</summary>
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(10);

    private volatile Reading _since = Reading.Of(time);
    private volatile Reading? _asked;
    private volatile string? _contradiction;

    /// <summary>By what is known since the last <see cref="RefreshAsync"/>.</summary>
    /// <returns>What is wrong, in English; null: nothing.</returns>
    public string? FindFault() => _contradiction ?? FindJump();

    /// <summary>Asks the database what time it is, where it has a clock of its own and was not asked just now.</summary>
    /// <exception cref="System.Data.Common.DbException">It does not answer: what was known stays.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var before = Reading.Of(time);
        if (_asked is { } asked && (before.Clock - asked.Clock).Duration() < AskEvery && time.GetElapsedTime(asked.Ticks) < AskEvery)
        {
            return;
        }

        _asked = before;
        if (await witness.AskAsync(cancellationToken) is not { } there)
        {
            return;
        }

        var after = Reading.Of(time);
        if ((after.Clock - before.Clock).Duration() > Prompt)
        {
            _asked = null;
            return;
        }

        if (there < before.Clock - Tolerance || there > after.Clock + Tolerance)
        {
            _contradiction = $"It is {after.Clock:u} here, and {there:u} by the clock of the database: one of them is wrong. Set it right.";
            return;
        }

        _since = after;
        _contradiction = null;
    }

    private string? FindJump()
    {
        Reading since = _since;
        TimeSpan jump = time.GetUtcNow() - since.Clock - time.GetElapsedTime(since.Ticks);
        return jump.Duration() <= Tolerance
            ? null
            : $"The clock was set {(jump > TimeSpan.Zero ? "forward" : "back")} by {jump.Duration():d\\.hh\\:mm\\:ss} since {since.Clock:u}, or the machine was paused. Set it right; if it is right now, restart the service.";
    }

    private sealed record Reading(DateTimeOffset Clock, long Ticks)
    {
        public static Reading Of(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp());
    }
}

/// <summary>What time it is for the database: where it is a server, the clock of another machine. Safe for concurrent use.</summary>
/// <param name="ask">Null: it has no clock of its own.</param>
public sealed class DatabaseClock(Func<CancellationToken, Task<DateTimeOffset>>? ask)
{
    public static DatabaseClock Of(Database database) => new(
        database.Dialect.Clock is { } sql ? async cancellationToken => DateTimeOffset.FromUnixTimeMilliseconds(await database.FindAsync<long>(sql, cancellationToken: cancellationToken)) : null);

    /// <returns>Null: there is none.</returns>
    /// <exception cref="System.Data.Common.DbException">It does not answer.</exception>
    public async Task<DateTimeOffset?> AskAsync(CancellationToken cancellationToken) => ask is null ? null : await ask(cancellationToken);
}
