using System.Diagnostics;
using System.Text.Json.Nodes;
using ZwCa.Ca.Crls;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>SIGKILL at each step of making and publishing, the CA being a process; and two of them, of which one is killed.</summary>
public sealed class CrlCrashTests
{
    private const int KilledBySignal = 137;

    private static readonly string[] Points =
    [
        "crl-begun", "crl-read", "crl-prepared", "crl-intended", "crl-signed", "crl-judged", "crl-ended", "publication-written", "crl-in-folder", "crl-published",
    ];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_at_each_step_The_old_one_or_the_new_one_is_served_whole_and_each_number_is_used_once()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        using var folder = new TemporaryFolder();
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { Folder = folder.File("ca"), Settings = Settings(folder) });
        await using Database database = ca.OpenDatabase();
        await ca.StartAsync();
        await SettleAsync(database);
        Assert.Equal(0, await ca.StopAsync());

        string file = Path.Combine(folder.File("published"), $"crl/{Convert.ToHexStringLower(ca.Issuers.Subscribers.KeyIdentifier.Span)}/all.crl");
        foreach (string point in Points)
        {
            byte[] before = await File.ReadAllBytesAsync(file, Token);
            await OrderAsync(database, "WHERE shard = 'all'");
            ca.Launch(point);
            Assert.True(await ca.WaitForExitAsync() == KilledBySignal, $"{point}: {ca.Log}");
            byte[] after = await File.ReadAllBytesAsync(file, Token);
            var crl = CrlFile.Read(after);
            Assert.True(crl.IsSignedBy(ca.Issuers.Subscribers.Certificate!));
            Assert.True(crl.Number >= CrlFile.Read(before).Number, point);
        }

        // What each of them was at takes no room for ever.
        Assert.NotEmpty(Directory.EnumerateDirectories(folder.File("work")));
        await ca.StartAsync();
        await SettleAsync(database);
        Assert.Equal(0, await ca.StopAsync());
        Assert.Empty(Directory.EnumerateDirectories(folder.File("work")));
        await CheckAsync(database, folder.File("published"), ca);
    }

    [Fact]
    public async Task Two_nodes_and_one_is_killed_in_the_middle_The_other_makes_its_crl_once()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "PostgreSQL");
        using var folder = new TemporaryFolder();
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        await using CaProcess one = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Folder = folder.File("ca"),
            Settings = new Dictionary<string, string?>(Settings(folder))
            {
                ["Service:Database:Kind"] = nameof(DatabaseKind.PostgreSql), ["Service:Database:ConnectionString"] = test.Options.ConnectionString,
            },
        });
        await one.StartAsync();
        await SettleAsync(test.Database);
        Assert.Equal(0, await one.StopAsync());
        long published = await CountAsync(test.Database, "state = 3");
        long scopes = await test.Database.FindAsync<long>("SELECT COUNT(*) FROM crl_scope", cancellationToken: Token);
        Assert.Equal(scopes, published);

        // Every CRL is due, again and again until it is the first one that is at it: it dies between signing and the gate.
        int rounds = 1;
        await OrderAsync(test.Database, "");
        one.Launch("crl-signed:3");
        using Process other = Start(folder, "other.json");
        try
        {
            Task<int> end = one.WaitForExitAsync();
            while (true)
            {
                Task settled = SettleAsync(test.Database);
                bool isDead = await Task.WhenAny(end, settled) == end;
                await settled;
                if (isDead)
                {
                    break;
                }

                // The next one has to be of another second.
                await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
                await OrderAsync(test.Database, "");
                rounds++;
            }

            Assert.True(await end == KilledBySignal, one.Log);
            Assert.False(other.HasExited);
        }
        finally
        {
            other.Kill();
            await other.WaitForExitAsync(CancellationToken.None);
        }

        Assert.Equal((1 + rounds) * scopes, await CountAsync(test.Database, "state = 3"));
        Assert.Equal(1, await CountAsync(test.Database, $"state = 5 AND detail = '{MakeCrl.BrokenOff}' AND this_update IS NOT NULL"));
        await CheckAsync(test.Database, folder.File("published"), one);
    }

    internal static Dictionary<string, string?> Settings(TemporaryFolder folder)
    {
        Directory.CreateDirectory(folder.File("published"));
        return new Dictionary<string, string?>
        {
            ["Ca:Crls:Look"] = "00:00:00.3",
            ["Ca:Crls:LeaseFor"] = "00:00:02",
            ["Ca:Crls:WorkFolder"] = folder.File("work"),
            ["Ca:Crls:PublicationFolders:0"] = folder.File("published"),
        };
    }

    /// <summary>Another node with the configuration of the first, but for its ports.</summary>
    private static Process Start(TemporaryFolder folder, string name)
    {
        JsonObject settings = JsonNode.Parse(File.ReadAllText(Path.Combine(folder.File("ca"), "ca.json")))!.AsObject();
        settings["Service:Listen"] = $"127.0.0.1:{CaProcess.FreePort()}";
        settings["Service:Management"] = $"127.0.0.1:{CaProcess.FreePort()}";
        File.WriteAllText(folder.File(name), settings.ToJsonString());
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "zwca-ca.dll"), "--config", folder.File(name)]);
        start.Environment[FaultPoint.Variable] = "";
        return Process.Start(start)!;
    }

    internal static Task OrderAsync(Database database, string where) => database.WriteAsync(transaction => transaction.ExecuteAsync($"UPDATE crl_scope SET due_at = 0 {where}"), Token);

    /// <summary>Until nothing is due, and nothing begun or to be published.</summary>
    internal static async Task SettleAsync(Database database)
    {
        var clock = Stopwatch.StartNew();
        while (await database.FindAsync<long>("SELECT COUNT(*) FROM crl_scope WHERE due_at <= @Soon", new { Soon = DateTimeOffset.UtcNow.AddHours(1) }, Token) > 0
            || await CountAsync(database, "state IN (0, 1, 2)") > 0)
        {
            if (clock.Elapsed > Patience)
            {
                IReadOnlyList<CrlRow> rows = await database.QueryAsync<CrlRow>($"SELECT {CrlRow.Columns} FROM crl WHERE state <> 3", cancellationToken: Token);
                Assert.Fail(string.Join("; ", rows.Select(row => $"{row.Shard} {row.CrlNumber} {row.State}: {row.Detail}")));
            }

            await Task.Delay(100, Token);
        }
    }

    private static async Task<long> CountAsync(Database database, string where) => await database.FindAsync<long>($"SELECT COUNT(*) FROM crl WHERE {where}", cancellationToken: Token);

    /// <summary>Nothing was refused; each CRL was published once, under a number of its own; and the last one is what is served.</summary>
    private static async Task CheckAsync(Database database, string folder, CaProcess ca)
    {
        IReadOnlyList<CrlRow> rows = await database.QueryAsync<CrlRow>($"SELECT {CrlRow.Columns} FROM crl ORDER BY crl_number", cancellationToken: Token);
        Assert.All(rows, row => Assert.True(row.State == CrlState.Published || (row.State == CrlState.GivenUp && row.Detail == MakeCrl.BrokenOff), $"{row.State}: {row.Detail}"));
        long events = await database.FindAsync<long>("SELECT COUNT(*) FROM audit_search WHERE action = 'crl.publish'", cancellationToken: Token);
        Assert.InRange(events, 1, rows.Count(row => row.State == CrlState.Published));
        foreach (IGrouping<(short AuthorityId, string Shard), CrlRow> scope in rows.GroupBy(row => (row.AuthorityId, row.Shard)))
        {
            Assert.Equal(scope.Count(), scope.Select(row => row.CrlNumber).Distinct().Count());
            string identifier = (await database.FindAsync<string>("SELECT key_identifier FROM authority WHERE authority_id = @AuthorityId", new { scope.Key.AuthorityId }, Token))!;
            byte[] served = await File.ReadAllBytesAsync(Path.Combine(folder, $"crl/{identifier}/{scope.Key.Shard}.crl"), Token);
            CrlRow last = scope.Last(row => row.State == CrlState.Published);
            Assert.Equal(last.Hash, Sm3.HashData(served));
            Assert.Equal(last.CrlNumber, CrlFile.Read(served).Number);
            Assert.Contains(ca.Issuers.All, each => CrlFile.Read(served).IsSignedBy(each.Issuer.Certificate!));
        }
    }
}
