using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Crls;
using ZwCa.Data;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>A CRL is never made of older data than the last one: not of a copy that lags behind, nor of a database that was put back, nor of one whose log was cut.</summary>
public sealed class StaleDataTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What a replica answers, and a backup: they have all that there was, and none of what came later.</summary>
    [Fact]
    public async Task ADatabaseOfYesterday_MakesNone()
    {
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync();
        await SettleAsync(story);
        await story.Stage.RawAsync("UPDATE crl_scope SET due_at = 0");
        await CopyAsync(story, folder.File("yesterday.db"));
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Revoke);
        await SettleAsync(story);
        byte[] served = story.Served();

        await using var old = new Database(new DatabaseOptions { ConnectionString = $"Data Source={folder.File("yesterday.db")};Pooling=False" });
        using var node = new CrlNode(story.Services.GetRequiredService<CrlOptions>());
        MakeCrl making = Over(story, old, node);
        story.Clock.Pass(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<LogRolledBackException>(() => making.RunAsync(story.Scope, Token));

        CrlRow row = (await old.ReadAsync(transaction => CrlStore.FindLastAsync(transaction, story.Scope), Token))!;
        Assert.Equal(CrlState.GivenUp, row.State);
        Assert.Contains("it is older than they are", row.Detail, StringComparison.Ordinal);
        await story.Stage.PublishAsync();
        Assert.Equal(served, story.Served());

        // The right one has it.
        await story.HealedAsync();
        Assert.Contains(story.Valid.Serial, story.Entries().Keys);
    }

    /// <summary>Leaves of the log and its checkpoints are gone, in the database that the service has open.</summary>
    [Fact]
    public async Task ALogThatWasCut_MakesNone_UntilItIsWholeAgain()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await SettleAsync(story);
        string[] tables = ["log_leaf", "log_checkpoint"];
        foreach (string table in tables)
        {
            await story.Stage.RawAsync($"CREATE TABLE kept_{table} AS SELECT * FROM {table}");
            await story.Stage.RawAsync($"DROP TRIGGER {table}_no_delete");
        }

        await story.Stage.RawAsync("DELETE FROM log_leaf WHERE log_index > 10");
        await story.Stage.RawAsync("DELETE FROM log_checkpoint");
        await story.RefusedAsync("it is older than they are");

        foreach (string table in tables)
        {
            await story.Stage.RawAsync($"DELETE FROM {table}");
            await story.Stage.RawAsync($"INSERT INTO {table} SELECT * FROM kept_{table}");
        }

        await story.HealedAsync();
    }

    /// <summary>Even where the anchors would let it pass: what the last CRL knew, the next one knows.</summary>
    [Fact]
    public async Task DataOlderThanTheLastRuns_DoNotPassTheGate()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await story.Stage.RawAsync("UPDATE crl SET log_size = log_size + 1000");
        await story.RefusedAsync("they are older");
        await story.Stage.RawAsync("UPDATE crl SET log_size = log_size - 1000");
        await story.HealedAsync();
    }

    /// <summary>The making of CRLs over another database, with the service's folders, keys and anchors.</summary>
    internal static MakeCrl Over(CrlStory story, Database database, CrlNode node)
    {
        T Make<T>(params object[] parts) => ActivatorUtilities.CreateInstance<T>(story.Services, parts);
        return Make<MakeCrl>(
            database, node, Make<CrlScopes>(database), new LogGuard(database, story.Services.GetRequiredService<LogOptions>()), Make<CrlGate>(database, node, Make<CrlEvidence>(database, Make<EventList>(database))));
    }

    /// <summary>Until every event has its place in the log, and the anchors know of it.</summary>
    internal static async Task SettleAsync(CrlStory story)
    {
        var proofs = new LogProofs(story.Stage.Database);
        while (((await proofs.FindLatestCheckpointAsync(Token))?.Tbs.TreeSize ?? 0) < await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", cancellationToken: Token)
            || story.Services.GetRequiredService<LogGuard>().ReadAnchors()?.Tbs.TreeSize < (await proofs.FindLatestCheckpointAsync(Token))!.Tbs.TreeSize)
        {
            await Task.Delay(50, Token);
        }
    }

    internal static async Task CopyAsync(CrlStory story, string path)
    {
        await using var source = new SqliteConnection($"{story.Database.ConnectionString};Pooling=False");
        await source.OpenAsync(Token);
        await using SqliteCommand copy = source.CreateCommand();
        copy.CommandText = "VACUUM INTO @Path";
        copy.Parameters.AddWithValue("@Path", path);
        await copy.ExecuteNonQueryAsync(Token);
    }
}
