using System.Data.Common;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Tests.Audit;

/// <summary>The log's rows, attacked with SQL.</summary>
public sealed class TamperTests
{
    private static readonly string[] Tables = ["audit_event", "audit_search", "log_leaf", "log_node", "log_checkpoint"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind, string> Changes => [.. KindsHere.SelectMany(kind => new[]
    {
        "UPDATE audit_event SET leaf = event_id",
        "UPDATE audit_search SET action = 'nothing.happened'",
        "DELETE FROM audit_search",
        "UPDATE log_leaf SET log_index = log_index + 100",
        "UPDATE log_node SET level = 7",
        "UPDATE log_checkpoint SET epoch = 7",
        "DELETE FROM log_leaf",
        "DELETE FROM log_node",
        "DELETE FROM log_checkpoint",
        "DELETE FROM audit_event",
    }.Select(sql => (kind, sql)))];

    /// <summary>What somebody who may drop triggers does, and what the check says to it.</summary>
    public static TheoryData<DatabaseKind, string, string> Alterations => [.. KindsHere.SelectMany(kind => new[]
    {
        ("UPDATE audit_event SET leaf = (SELECT leaf FROM audit_event WHERE event_id = (SELECT event_id FROM log_leaf WHERE log_index = 1))"
            + " WHERE event_id = (SELECT event_id FROM log_leaf WHERE log_index = 2)", "is not the one that was logged"),
        ("UPDATE audit_search SET actor = 'somebody' WHERE object_id = '0003'", "is listed under another"),
        ("UPDATE log_leaf SET leaf_hash = (SELECT leaf_hash FROM log_leaf WHERE log_index = 4) WHERE log_index = 5", "is not the one that was logged"),
        ("UPDATE log_node SET hash = (SELECT hash FROM log_node WHERE level = 1 AND node_index = 0) WHERE level = 1 AND node_index = 1", "Level 1 of the tree"),
        ("DELETE FROM log_leaf WHERE log_index = 30", "Place 30 of the log is empty"),
        ("DELETE FROM log_leaf WHERE log_index = 30", "is neither in the log nor waiting for it"),
        ("INSERT INTO log_pending (event_id) SELECT event_id FROM log_leaf WHERE log_index = 3", "is in the log and waits for it"),
        ("INSERT INTO log_pending (event_id) SELECT SUBSTRING(leaf_hash, 1, 16) FROM log_leaf WHERE log_index = 3", "is no event"),
        ("DELETE FROM log_checkpoint WHERE checkpoint_number = 1", "Before checkpoint 2 there is none"),
        ("UPDATE log_checkpoint SET checkpoint_number = 4 WHERE checkpoint_number = 1", "Checkpoint 4 goes back"),
        ("DELETE FROM log_leaf WHERE log_index >= 38", "tells of more events than the log has"),
    }.Select(each => (kind, each.Item1, each.Item2)))];

    private static IEnumerable<DatabaseKind> KindsHere => Enum.GetValues<DatabaseKind>().Where(TestDatabase.IsHere);

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task Rows_cannot_be_changed_or_deleted(DatabaseKind kind, string sql)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        byte[][] ids = await log.LogAsync(40);
        DbException refused = await Assert.ThrowsAnyAsync<DbException>(() => log.Database.WriteAsync(transaction => transaction.ExecuteAsync(sql), Token));
        Assert.Contains("insert-only", refused.Message, StringComparison.Ordinal);
        await log.CheckAsync(ids);
    }

    [Theory]
    [MemberData(nameof(Alterations))]
    public async Task What_was_altered_behind_the_triggers_is_found(DatabaseKind kind, string sql, string finding)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        await log.LogAsync(20);
        await log.LogAsync(20);
        Assert.Empty((await new LogCheck(log.Database, log.Options).RunAsync(Token)).Findings);
        await DropTriggersAsync(log, kind);
        await log.Database.WriteAsync(transaction => transaction.ExecuteAsync(sql), Token);
        LogCheckReport report = await new LogCheck(log.Database, log.Options).RunAsync(Token);
        Assert.Contains(report.Findings, each => each.Contains(finding, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task An_altered_event_is_not_proven(DatabaseKind kind)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        byte[][] ids = await log.LogAsync(3);
        await DropTriggersAsync(log, kind);
        await log.Database.WriteAsync(
            transaction => transaction.ExecuteAsync("UPDATE audit_event SET leaf = (SELECT leaf FROM audit_event WHERE event_id = @Other) WHERE event_id = @Id", new { Id = ids[0], Other = ids[1] }),
            Token);
        ProvenEvent proven = (await log.Proofs.FindAsync(ids[0], Token))!;
        Assert.Throws<LogNotProvenException>(() => log.Verifier.VerifyInclusion(proven.Leaf, proven.Proof, proven.Checkpoint));
    }

    private static Task DropTriggersAsync(LogFixture log, DatabaseKind kind) => log.Database.WriteAsync(
        async transaction =>
        {
            foreach (string table in Tables)
            {
                string[] drops = kind switch
                {
                    DatabaseKind.Sqlite => [$"DROP TRIGGER {table}_no_update", $"DROP TRIGGER {table}_no_delete"],
                    DatabaseKind.PostgreSql => [$"DROP TRIGGER {table}_insert_only ON {table}"],
                    _ => [$"DROP TRIGGER {table}_insert_only"],
                };
                foreach (string drop in drops)
                {
                    await transaction.ExecuteAsync(drop);
                }
            }
        },
        Token);
}
