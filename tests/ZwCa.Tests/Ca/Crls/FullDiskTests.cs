using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZwCa.Ca.Crls;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>
/// No file of the CA, which is a process of its own, may grow beyond a few bytes, as on a full disk: what is being written breaks off in the middle. The old CRL is served whole, readiness
/// says why, and when there is room again the next one leaves.
/// </summary>
public sealed class FullDiskTests
{
    /// <summary>Less than a CRL has.</summary>
    private const int Room = 100;

    private const int KilledBySignal = 137;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>With SQLite the database is on the disk too, and no run is even begun.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task While_a_crl_is_made(DatabaseKind kind)
    {
        RequireLimits();
        using var folder = new TemporaryFolder();
        await using TestDatabase test = await TestDatabase.CreateAsync(kind);
        await using CaProcess ca = await CreateAsync(folder, test);
        await ca.StartAsync();
        await CrlCrashTests.SettleAsync(test.Database);
        string file = FileOf(folder, ca);
        byte[] before = await File.ReadAllBytesAsync(file, Token);

        await ca.LimitFilesAsync(Room);
        await CrlCrashTests.OrderAsync(test.Database, "WHERE shard = 'all' AND authority_id = 1");
        if (kind == DatabaseKind.Sqlite)
        {
            await Task.Delay(TimeSpan.FromSeconds(3), Token);
            Assert.Equal(1, await CountAsync(test, "shard = 'all' AND authority_id = 1"));
        }
        else
        {
            await UntilAsync(folder, "did not leave");
            CrlRow row = Assert.Single(await test.Database.QueryAsync<CrlRow>($"SELECT {CrlRow.Columns} FROM crl WHERE state <> 3", cancellationToken: Token));
            Assert.Equal(CrlState.GivenUp, row.State);
            Assert.NotEqual(MakeCrl.BrokenOff, row.Detail);
            Assert.Null(row.Hash);
        }

        // Half a file is left nowhere.
        Assert.Equal(before, await File.ReadAllBytesAsync(file, Token));
        Assert.Empty(Directory.EnumerateFiles(folder.File("work"), "*.crl", SearchOption.AllDirectories));

        await ca.LimitFilesAsync(null);
        await CrlCrashTests.OrderAsync(test.Database, "WHERE shard = 'all' AND authority_id = 1");
        await CrlCrashTests.SettleAsync(test.Database);
        Check(before, await File.ReadAllBytesAsync(file, Token), ca);
        Assert.Equal(0, await ca.StopAsync());
    }

    [Fact]
    public async Task While_a_crl_is_published()
    {
        RequireLimits();
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "PostgreSQL");
        using var folder = new TemporaryFolder();
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        await using CaProcess ca = await CreateAsync(folder, test);
        await ca.StartAsync();
        await CrlCrashTests.SettleAsync(test.Database);
        Assert.Equal(0, await ca.StopAsync());
        string file = FileOf(folder, ca);
        byte[] before = await File.ReadAllBytesAsync(file, Token);

        // One is judged, and the process dies before it is published.
        await CrlCrashTests.OrderAsync(test.Database, "WHERE shard = 'all' AND authority_id = 1");
        ca.Launch("crl-ended");
        Assert.True(await ca.WaitForExitAsync() == KilledBySignal, ca.Log);
        Assert.Equal(1, await CountAsync(test, "state = 2"));

        // The next one has no folder to write to until there is no room either.
        string place = folder.File("published/crl"), kept = folder.File("published/kept");
        Directory.Move(place, kept);
        await File.WriteAllTextAsync(place, "", Token);
        ca.Launch();
        await UntilAsync(folder, place);
        await ca.LimitFilesAsync(Room);
        await SignalAsync(ca, "STOP");
        File.Delete(place);
        Directory.Move(kept, place);
        int said = ca.Log.Length;
        await SignalAsync(ca, "CONT");
        await UntilSaidAsync(ca, said);
        Assert.Equal(before, await File.ReadAllBytesAsync(file, Token));
        Assert.Equal(1, await CountAsync(test, "state = 2"));
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(file)!, ".*.new"));

        await ca.LimitFilesAsync(null);
        await CrlCrashTests.SettleAsync(test.Database);
        byte[] after = await File.ReadAllBytesAsync(file, Token);
        Check(before, after, ca);
        CrlRow row = (await test.Database.QueryAsync<CrlRow>($"SELECT {CrlRow.Columns} FROM crl WHERE state = 3 ORDER BY crl_id", cancellationToken: Token))[^1];
        Assert.Equal(row.Hash, Sm3.HashData(after));
        Assert.Equal(0, await ca.StopAsync());
    }

    private static void RequireLimits() => Requires.Condition(OperatingSystem.IsLinux() && File.Exists("/usr/bin/prlimit"), "prlimit");

    private static Task<CaProcess> CreateAsync(TemporaryFolder folder, TestDatabase test)
    {
        Dictionary<string, string?> settings = CrlCrashTests.Settings(folder);
        settings["Service:Database:Kind"] = test.Options.Kind.ToString();
        settings["Service:Database:ConnectionString"] = test.Options.ConnectionString;
        return CaProcess.CreateAsync(new CaProcessSetup { Folder = folder.File("ca"), Settings = settings });
    }

    private static string FileOf(TemporaryFolder folder, CaProcess ca) =>
        Path.Combine(folder.File("published"), $"crl/{Convert.ToHexStringLower(ca.Issuers.Subscribers.KeyIdentifier.Span)}/all.crl");

    private static void Check(byte[] before, byte[] after, CaProcess ca)
    {
        var crl = CrlFile.Read(after);
        Assert.True(crl.IsSignedBy(ca.Issuers.Subscribers.Certificate!));
        Assert.True(crl.Number > CrlFile.Read(before).Number);
    }

    private static async Task<long> CountAsync(TestDatabase test, string where) => await test.Database.FindAsync<long>($"SELECT COUNT(*) FROM crl WHERE {where}", cancellationToken: Token);

    private static async Task SignalAsync(CaProcess ca, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", ca.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Token);
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Until its log has an error of what publishes, behind that place.</summary>
    private static async Task UntilSaidAsync(CaProcess ca, int from)
    {
        var clock = Stopwatch.StartNew();
        while (!ca.Log[from..].Contains("published; it is tried again", StringComparison.Ordinal))
        {
            Assert.True(clock.Elapsed < Patience, ca.Log[from..]);
            await Task.Delay(100, Token);
        }
    }

    /// <summary>Until readiness of CRLs is red for that reason.</summary>
    private static async Task UntilAsync(TemporaryFolder folder, string because)
    {
        string address = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder.File("ca"), "ca.json"), Token))!["Service:Management"]!.GetValue<string>();
        using var http = new HttpClient { BaseAddress = new Uri($"http://{address}") };
        var clock = Stopwatch.StartNew();
        string found = "";
        while (clock.Elapsed < Patience)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync("/health/ready", Token);
                using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token));
                JsonElement check = json.RootElement.GetProperty("checks").EnumerateArray().Single(each => each.GetProperty("name").GetString() == CrlStory.Health);
                found = check.ToString();
                if (check.GetProperty("status").GetString() == "unhealthy" && check.GetProperty("reason").GetString()!.Contains(because, StringComparison.Ordinal))
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(100, Token);
        }

        Assert.Fail($"Not \"{because}\", but {found}");
    }
}
