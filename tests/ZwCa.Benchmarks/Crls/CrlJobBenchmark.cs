using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Benchmarks;

/// <summary>
/// The whole CRL job of the CA as a process, with a million revoked certificates: reading, writing, lint, signing in hsm-sim, the gate, storing, publishing. One complete CRL, and the same
/// entries in 64 partitions. Beside it <c>openssl ca -gencrl</c> alone, which writes a CRL of as many entries from a text file, and signs it.
/// </summary>
internal static class CrlJobBenchmark
{
    public const int RevokedByDefault = 1_000_000;

    private const int Rounds = 3;
    private const int Shards = 64;
    private const int Batch = 10_000;
    private const double Bar = 4;
    private const double MemoryBar = 150;
    private const double MiB = 1 << 20;
    private const string ShardedProfile = "bench-64";

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly string[] Steps = ["read", "prepare", "intend", "sign", "gate", "keep"];

    private static readonly string[] CertificateColumns =
    [
        "certificate_id", "authority_id", "serial", "state", "state_version", "owner", "region", "profile_hash", "shard", "tbs", "subject_hash", "key_hash", "not_before", "not_after",
        "reserved_at", "changed_at",
    ];

    private static readonly string[] RevocationColumns = ["authority_id", "shard", "serial", "reason", "revoked_at", "not_after"];

    /// <param name="revoked">Certificates, all of them revoked.</param>
    public static async Task<int> RunAsync(int revoked)
    {
        Machine.Print("the CA and hsm-sim are processes of their own; openssl runs in turns with them");
        using var folder = new TemporaryFolder();
        string publication = Directory.CreateDirectory(folder.File("publication")).FullName;
        string profiles = Directory.CreateDirectory(folder.File("profiles")).FullName;
        await File.WriteAllTextAsync(Path.Combine(profiles, $"{ShardedProfile}.json"), Sharded());
        Row[] rows = Make(revoked + 1);
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Settings = new Dictionary<string, string?>
            {
                ["Ca:Crls:Look"] = "00:00:00.200", ["Ca:Crls:PublicationFolders:0"] = publication, ["Ca:ProfileFolder"] = profiles,
            },
            Fill = async (_, services) => await FillAsync(services, rows.AsMemory(0, revoked)),
        });
        await ca.StartAsync();
        await using Database database = ca.OpenDatabase();
        short authority = await database.FindAsync<short>("SELECT authority_id FROM authority WHERE name = 'issuing-s1'");
        var run = new Run(ca, database, authority);
        Console.WriteLine("waiting until the first CRL of every scope is published …");
        await run.WaitForAllAsync();
        double first = await run.FirstAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"first    {first:0.00} s for the complete one, of which all {revoked:N0} entries are new to the gate"));

        using var key = Sm2PrivateKey.Generate();
        var theirs = new OpenSslCa(Directory.CreateDirectory(folder.File("openssl")).FullName, key);
        CrlIndex.Write(theirs.IndexPath, revoked);
        double[] complete = new double[Rounds], partitions = new double[Rounds], openssl = new double[Rounds];
        using Process process = Process.GetProcessById(ca.Id);
        await Task.Delay(TimeSpan.FromSeconds(5));
        process.Refresh();
        long idle = process.WorkingSet64;
        IReadOnlyDictionary<string, double> before = await run.StepsAsync();
        using var memory = new PeakMemory(process);
        for (int round = 0; round < Rounds; round++)
        {
            complete[round] = await run.OrderAsync("shard = 'all'");
            openssl[round] = theirs.GenerateCrl().Seconds;
        }

        IReadOnlyDictionary<string, double> steps = await run.StepsAsync();
        for (int round = 0; round < Rounds; round++)
        {
            partitions[round] = await run.OrderAsync($"shard LIKE '{Shards}-%'");
        }

        memory.Dispose();
        await database.WriteAsync(transaction => InsertAsync(transaction, authority, rows.AsMemory(revoked)));
        double oneMore = await run.OrderAsync("shard = 'all'");
        double oneMoreShard = await run.OrderAsync($"shard = '{rows[revoked].Shard}'");

        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{$"{revoked:N0} revoked",-52} {"median s",10} {"lowest",10} {"highest",10}"));
        Print("the job: one complete CRL, until it is published", complete);
        Print($"the job: {Shards} partitions, until the last is published", partitions);
        Print("openssl ca -gencrl", openssl);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"one more revocation: {oneMore:0.00} s for the complete CRL, {oneMoreShard:0.00} s for its partition"));
        Console.WriteLine("of one complete CRL, seconds: " + string.Join(", ", Steps.Select(step => string.Create(CultureInfo.InvariantCulture, $"{step} {(steps[step] - before[step]) / Rounds:0.00}"))));
        double above = (memory.Bytes - idle) / MiB;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"memory: {above:0} MiB above the {idle / MiB:0} MiB of the idle service (bar {MemoryBar}; working set, sampled every 5 ms)"));
        if (revoked != RevokedByDefault)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"not with {RevokedByDefault:N0} revoked, but with {revoked:N0}:"));
        }

        SideBySide.PrintRatio("crl-job.vs.openssl", SideBySide.Median([.. openssl.Zip(complete, (their, our) => their / our)]), Bar);
        return 0;
    }

    /// <summary>The shipped profile of TLS servers with 64 partitions.</summary>
    private static string Sharded() => ProfileCatalogue.Shipped["tls-server"].CanonicalJson
        .Replace("\"tls-server\"", $"\"{ShardedProfile}\"", StringComparison.Ordinal).Replace("\"crlShards\":32", $"\"crlShards\":{Shards}", StringComparison.Ordinal);

    private static Row[] Make(int count)
    {
        var rows = new Row[count];
        for (int i = 0; i < count; i++)
        {
            SerialNumber serial = SerialNumbers.Create();
            rows[i] = new Row(serial.ToString(), UrlTemplate.ShardName(serial, Shards));
        }

        return rows;
    }

    private static async Task FillAsync(IServiceProvider services, ReadOnlyMemory<Row> rows)
    {
        Database database = services.GetRequiredService<Database>();
        short authority = services.GetRequiredService<AuthorityList>()["issuing-s1"].Id;
        for (int done = 0; done < rows.Length; done += Batch)
        {
            await database.WriteAsync(transaction => InsertAsync(transaction, authority, rows.Slice(done, Math.Min(Batch, rows.Length - done))));
        }
    }

    /// <summary>What CRLs are made of; the certificates' bytes, which they do not need, are short.</summary>
    private static async Task InsertAsync(Transaction transaction, short authority, ReadOnlyMemory<Row> rows)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        DateTimeOffset end = now.AddDays(365);
        byte[] nothing = new byte[32];
        byte[] profile = await transaction.GetAsync<byte[]>("SELECT profile_hash FROM profile_version WHERE name = @Name", new { Name = ShardedProfile });
        await transaction.BulkInsertAsync("certificate", CertificateColumns, [.. rows.ToArray().Select(row => (object?[])
        [
            Ulid.Create(now), authority, row.Serial, CertificateState.Revoked, 3L, "bench", "350100", profile, row.Shard, nothing, nothing, nothing, now, end, now, now,
        ])]);
        await transaction.BulkInsertAsync("revocation", RevocationColumns, [.. rows.ToArray().Select(row => (object?[])
        [
            authority, row.Shard, row.Serial, RevocationReason.Superseded, now, end,
        ])]);
    }

    private static void Print(string name, double[] seconds) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{name,-52} {SideBySide.Median(seconds),10:0.00} {seconds.Min(),10:0.00} {seconds.Max(),10:0.00}"));

    private sealed record Row(string Serial, string Shard);

    /// <summary>Orders CRLs of a running CA and waits for them.</summary>
    private sealed class Run(CaProcess ca, Database database, short authority)
    {
        public Task WaitForAllAsync() => WaitAsync("SELECT COUNT(*) FROM crl_scope s WHERE NOT EXISTS (SELECT 1 FROM crl c WHERE c.authority_id = s.authority_id AND c.shard = s.shard AND c.state = 3)", 0);

        /// <returns>Seconds from the beginning to the publication of the first complete CRL.</returns>
        public async Task<double> FirstAsync() => await database.FindAsync<long>(
            "SELECT changed_at - begun_at FROM crl WHERE authority_id = @Authority AND shard = 'all' AND state = 3 ORDER BY crl_number LIMIT 1", new { Authority = authority }) / 1000.0;

        /// <param name="which">Scopes of the CA.</param>
        /// <returns>Seconds until the last of them is published.</returns>
        public async Task<double> OrderAsync(string which)
        {
            // Of two CRLs of a scope the later one has a later second.
            await Task.Delay(TimeSpan.FromSeconds(1.1));
            long scopes = await database.FindAsync<long>($"SELECT COUNT(*) FROM crl_scope WHERE authority_id = @Authority AND {which}", new { Authority = authority });
            long published = await database.FindAsync<long>($"SELECT COUNT(*) FROM crl WHERE authority_id = @Authority AND state = 3 AND {which}", new { Authority = authority });
            var clock = Stopwatch.StartNew();
            await database.WriteAsync(transaction => transaction.ExecuteAsync($"UPDATE crl_scope SET due_at = 0 WHERE authority_id = @Authority AND {which}", new { Authority = authority }));
            await WaitAsync($"SELECT COUNT(*) FROM crl WHERE authority_id = @Authority AND state = 3 AND {which}", published + scopes);
            return clock.Elapsed.TotalSeconds;
        }

        public async Task<IReadOnlyDictionary<string, double>> StepsAsync()
        {
            string[] lines = (await ca.ReadMetricsAsync()).Split('\n');
            return Steps.ToDictionary(step => step, step => lines.Where(line => line.StartsWith($"zwca_crl_step_seconds_sum{{step=\"{step}\"}}", StringComparison.Ordinal))
                .Select(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture)).Sum());
        }

        private async Task WaitAsync(string sql, long wanted)
        {
            var clock = Stopwatch.StartNew();
            while (await database.FindAsync<long>(sql, new { Authority = authority }) != wanted)
            {
                if (clock.Elapsed > Patience)
                {
                    throw new TimeoutException($"The CRLs did not come.\n{ca.Log}");
                }

                await Task.Delay(LookAgain);
            }
        }
    }
}
