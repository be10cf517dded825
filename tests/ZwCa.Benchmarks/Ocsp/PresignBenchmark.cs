using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Benchmarks;

/// <summary>
/// OCSP responses signed ahead of time, one for each certificate of a CA that has many, all due at once: CA and hsm-sim as processes, SQLite with full durability, the gate, and the feed. Nothing
/// else is asked of the CA meanwhile.
/// </summary>
internal static class PresignBenchmark
{
    public const int CertificatesByDefault = 1_000_000;

    private const int Batch = 10_000;
    private const int RevokedOf = 10;
    private const double Bar = 12_000;
    private const double MiB = 1 << 20;
    private const string ProfileName = "tls-server";

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    private static readonly string[] CertificateColumns =
    [
        "certificate_id", "authority_id", "serial", "state", "state_version", "owner", "region", "profile_hash", "shard", "tbs", "signature", "subject_hash", "key_hash", "not_before", "not_after",
        "reserved_at", "changed_at",
    ];

    private static readonly string[] RevocationColumns = ["authority_id", "shard", "serial", "reason", "revoked_at", "not_after"];

    /// <param name="certificates">Of which every tenth is revoked.</param>
    public static async Task<int> RunAsync(int certificates)
    {
        Machine.Print("the CA and hsm-sim are processes of their own; this one looks into the database each second");
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Settings = new Dictionary<string, string?> { ["Ca:Ocsp:LookForDue"] = "00:00:01" },
            Fill = (_, services) => FillAsync(services, certificates),
        });
        await ca.StartAsync();
        using Process process = Process.GetProcessById(ca.Id);
        await using Database database = ca.OpenDatabase();
        var rates = new List<double>();
        var memory = new List<double>();
        var clock = Stopwatch.StartNew();
        TimeSpan begun = TimeSpan.Zero, last = TimeSpan.Zero;
        long before = await CountAsync(database), counted = before;
        for (long done = before; done < certificates;)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            done = await CountAsync(database);
            if (counted == before && done > counted)
            {
                // Dividing the one slice of the beginning into many is done once, and is not counted.
                (begun, last, counted) = (clock.Elapsed, clock.Elapsed, done);
            }
            else if (clock.Elapsed - last >= Window && done > counted)
            {
                rates.Add((done - counted) / (clock.Elapsed - last).TotalSeconds);
                (last, counted) = (clock.Elapsed, done);
                process.Refresh();
                memory.Add(process.WorkingSet64 / MiB);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"         {done:N0} after {clock.Elapsed.TotalSeconds:N0} s: {rates[^1]:N0}/s, {memory[^1]:N0} MiB"));
            }
        }

        if (rates.Count == 0)
        {
            Console.WriteLine("Too few certificates for a rate.");
            return 1;
        }

        process.Refresh();
        double median = SideBySide.Median([.. rates]);
        long bytes = await database.FindAsync<long>("SELECT SUM(length) FROM feed_segment");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"\n{certificates:N0} responses in {(clock.Elapsed - begun).TotalSeconds:N0} s; median of {rates.Count} windows of {Window.TotalSeconds:N0} s {median:N0}/s, lowest {rates.Min():N0}, highest {rates.Max():N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"working set of the CA {memory.First():N0} MiB in the first window, {memory.Last():N0} in the last, {memory.Max():N0} at most"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes / MiB:N0} MiB of feed, {bytes / (double)certificates:N0} bytes a certificate"));
        SideBySide.PrintRatio(
            "presign.vs.bar-of-12000", median / Bar, 1, certificates >= CertificatesByDefault ? null : string.Create(CultureInfo.InvariantCulture, $"with {certificates:N0} only: the bar is not met by this"));
        return 0;
    }

    private static Task<long> CountAsync(Database database) => database.FindAsync<long>("SELECT COALESCE(SUM(certificates), 0) FROM ocsp_slice WHERE signed_at > 0");

    /// <summary>Certificates whose bytes nobody reads: as long as real ones.</summary>
    private static async Task FillAsync(IServiceProvider services, int certificates)
    {
        Database database = services.GetRequiredService<Database>();
        short authority = services.GetRequiredService<AuthorityList>()["issuing-s1"].Id;
        for (int done = 0; done < certificates; done += Batch)
        {
            int first = done;
            await database.WriteAsync(transaction => InsertAsync(transaction, authority, first, Math.Min(Batch, certificates - first)));
        }
    }

    private static async Task InsertAsync(Transaction transaction, short authority, int first, int count)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        DateTimeOffset end = now.AddDays(365);
        byte[] tbs = new byte[900], signature = new byte[71], hash = new byte[32];
        Profile profile = ProfileCatalogue.Shipped[ProfileName];
        var rows = Enumerable.Range(first, count).Select(i => (Serial: SerialNumbers.Create(), IsRevoked: i % RevokedOf == 0)).Select(each => (
            each.IsRevoked, Serial: each.Serial.ToString(), Shard: UrlTemplate.ShardName(each.Serial, profile.Options.CrlShards))).ToArray();
        await transaction.BulkInsertAsync("certificate", CertificateColumns, [.. rows.Select(row => (object?[])
        [
            Ulid.Create(now), authority, row.Serial, row.IsRevoked ? CertificateState.Revoked : CertificateState.Valid, row.IsRevoked ? 4L : 3L, "bench", "350100", profile.Hash.ToArray(), row.Shard, tbs,
            signature, hash, hash, now, end, now, now,
        ])]);
        await transaction.BulkInsertAsync("revocation", RevocationColumns, [.. rows.Where(row => row.IsRevoked).Select(row => (object?[])
        [
            authority, row.Shard, row.Serial, RevocationReason.Superseded, now, end,
        ])]);
    }
}
