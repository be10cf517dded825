using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Data;

namespace ZwCa.Interop.Ca;

/// <summary>
/// The CA as a process whose machine's time zone changes between its lives, on one database: what its CRLs say of times is UTC all the same, openssl being the judge, each is later than the
/// one before, and what is due stays due when it was.
/// </summary>
public sealed class TimeZoneTests
{
    private static readonly string[] Zones = ["Asia/Shanghai", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Shanghai"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhateverTheTimeZone_CrlsAreInUtc_AndWhatIsDueDoesNotShift()
    {
        Requires.Condition(OperatingSystem.IsLinux() && Zones.All(zone => File.Exists($"/usr/share/zoneinfo/{zone}")), "time zones (tzdata)");
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Folder = folder.File("ca"),
            Settings = new Dictionary<string, string?>
            {
                ["Ca:Crls:Look"] = "00:00:00.3",
                ["Ca:Crls:WorkFolder"] = folder.File("work"),
                ["Ca:Crls:PublicationFolders:0"] = Directory.CreateDirectory(folder.File("published")).FullName,
            },
        });
        await using Database database = ca.OpenDatabase();
        var numbers = new Dictionary<string, long>();
        var revocations = new Dictionary<string, DateTimeOffset>();
        foreach (string zone in Zones)
        {
            await database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE crl_scope SET due_at = 0"), Token);
            DateTimeOffset from = Seconds(DateTimeOffset.UtcNow);
            using Process process = Start(folder, zone);
            try
            {
                // Whose date is an entry's, too. One that is made at once may be of before: it is ordered anew.
                await SettleAsync(database, process);
                (string serial, DateTimeOffset revokedAt) = await RevokeAsync(ca);
                revocations.Add(serial, revokedAt);
                await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
                await database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE crl_scope SET due_at = 0 WHERE shard = 'all'"), Token);
                await SettleAsync(database, process);
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }

            DateTimeOffset until = DateTimeOffset.UtcNow;
            await CheckAsync(database, openssl, folder.File("published"), numbers, revocations, from, until);
            await CheckJobsAsync(folder, zone, until);
        }

        Assert.Equal(0, await database.FindAsync<long>("SELECT COUNT(*) FROM crl WHERE state <> 3", cancellationToken: Token));
    }

    private static async Task CheckAsync(
        Database database, OpenSsl openssl, string published, Dictionary<string, long> numbers, Dictionary<string, DateTimeOffset> revocations, DateTimeOffset from, DateTimeOffset until)
    {
        string[] files = Directory.GetFiles(Path.Combine(published, "crl"), "*.crl", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            OpenSsl.Output said = openssl.Run("crl", "-inform", "DER", "-in", file, "-noout", "-lastupdate", "-nextupdate", "-crlnumber");
            DateTimeOffset thisUpdate = TimeOf(said, "lastUpdate"), nextUpdate = TimeOf(said, "nextUpdate");
            Assert.InRange(thisUpdate, from, until);
            Assert.Equal(TimeSpan.FromDays(7), nextUpdate - thisUpdate);
            long number = long.Parse(ValueOf(said, "crlNumber")[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            Assert.True(number > numbers.GetValueOrDefault(file), file);
            numbers[file] = number;
        }

        // The complete CRL of that CA has all of them, each at its time.
        string complete = files.Single(file => Path.GetFileName(file) == "all.crl" && openssl.Run("crl", "-inform", "DER", "-in", file, "-noout", "-text").Says("Serial Number: "));
        string[] lines = [.. openssl.Run("crl", "-inform", "DER", "-in", complete, "-noout", "-text").Lines];
        foreach ((string serial, DateTimeOffset revokedAt) in revocations)
        {
            int line = Array.IndexOf(lines, $"Serial Number: {serial.ToUpperInvariant()}");
            Assert.True(line >= 0, serial);
            DateTimeOffset date = Parse(lines[line + 1]["Revocation Date: ".Length..]);
            Assert.InRange(date, revokedAt.AddSeconds(-5), revokedAt.AddSeconds(1));
        }

        // What the next start goes by.
        Assert.Equal(0, await database.FindAsync<long>(
            """
            SELECT COUNT(*) FROM crl_scope s WHERE s.due_at <>
                (SELECT MAX(c.this_update) FROM crl c WHERE c.authority_id = s.authority_id AND c.shard = s.shard AND c.state = 3) + 43200000
            """,
            cancellationToken: Token));
    }

    /// <summary>Intervals go on as before; what has an hour of the day has that of the machine.</summary>
    private static async Task CheckJobsAsync(TemporaryFolder folder, string zone, DateTimeOffset now)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.File("ca"), "ca.jobs.db")};Pooling=False");
        await connection.OpenAsync(Token);
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT trigger_name, next_fire_time FROM qrtz_triggers WHERE trigger_name IN ('crl', 'recovery', 'reaudit')";
        var next = new Dictionary<string, DateTimeOffset>();
        await using SqliteDataReader reader = await command.ExecuteReaderAsync(Token);
        while (await reader.ReadAsync(Token))
        {
            next.Add(reader.GetString(0), new DateTimeOffset(reader.GetInt64(1), TimeSpan.Zero));
        }

        Assert.InRange(next["crl"], now.AddSeconds(-30), now.AddSeconds(5));
        Assert.InRange(next["recovery"], now.AddSeconds(-30), now.AddSeconds(60));
        Assert.InRange(next["reaudit"], now, now.AddDays(1));
        Assert.Equal(new TimeSpan(2, 30, 0), TimeZoneInfo.ConvertTime(next["reaudit"], TimeZoneInfo.FindSystemTimeZoneById(zone)).TimeOfDay);
    }

    private static Process Start(TemporaryFolder folder, string zone)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "zwca-ca.dll"), "--config", Path.Combine(folder.File("ca"), "ca.json")])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["TZ"] = zone;
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    private static async Task<(string Serial, DateTimeOffset At)> RevokeAsync(CaProcess ca)
    {
        CertificateAnswer certificate = await SignedCalls.UntilAnsweredAsync(() => ca.Scene.Ra.PostAsync<CertificateAnswer>("/certificates", ca.Scene.NewRequest()), Token);
        var body = new StatusBody(new CertificateReference(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial)), RevocationReason.KeyCompromise);
        var application = new Application(DecisionKind.Revoke, CaScene.Name, CaScene.RaName, CaScene.City, CaScene.NewEntity(), Der.Encode(body));
        await ca.Scene.Ra.PostAsync<CertificateAnswer>($"/certificates/{certificate.Issuer}/{certificate.Serial}/revocation", ca.Scene.Decide(application));
        return (certificate.Serial, DateTimeOffset.UtcNow);
    }

    /// <summary>Until nothing is due, and nothing begun or to be published.</summary>
    private static async Task SettleAsync(Database database, Process process)
    {
        var clock = Stopwatch.StartNew();
        while (await database.FindAsync<long>(
            "SELECT (SELECT COUNT(*) FROM crl_scope WHERE due_at <= @Soon) + (SELECT COUNT(*) FROM crl WHERE state IN (0, 1, 2))", new { Soon = DateTimeOffset.UtcNow.AddHours(1) }, Token) > 0)
        {
            Assert.False(process.HasExited);
            Assert.True(clock.Elapsed < Patience);
            await Task.Delay(100, Token);
        }
    }

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private static string ValueOf(OpenSsl.Output output, string name) => Assert.Single(output.Lines, line => line.StartsWith($"{name}=", StringComparison.Ordinal))[(name.Length + 1)..];

    private static DateTimeOffset TimeOf(OpenSsl.Output output, string name) => Parse(ValueOf(output, name));

    /// <summary>"Nov  1 02:03:04 2026 GMT".</summary>
    private static DateTimeOffset Parse(string text) => DateTimeOffset.ParseExact(
        text, "MMM d HH:mm:ss yyyy 'GMT'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowInnerWhite | DateTimeStyles.AdjustToUniversal);
}
