using System.Diagnostics;
using System.Globalization;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Benchmarks;

/// <summary>
/// The log with its key in memory: how fast it takes events in when it is long already, and what a proof costs when it is short and when it is long. On SQLite, and
/// on PostgreSQL where ZWCA_TEST_POSTGRES holds a connection string.
/// </summary>
internal static class LogBenchmark
{
    private const int Long = 1_000_000;
    private const int Short = 1_000;
    private const int Measured = 100_000;
    private const int Proofs = 2_000;
    private const int Rounds = 5;
    private const double Bar = 20_000;
    private const int AppendedAtOnce = 2_000;

    private static readonly AuditActor Actor = new(AuditActorKind.Officer, "7f3a9c");

    /// <param name="size">Events in the log before the measurement.</param>
    public static async Task<int> RunAsync(int size = Long)
    {
        Machine.Print("one sequencer; proofs one after the other");
        if (size < Long)
        {
            Console.WriteLine($"SMALLER DATA: {size:N0} events instead of {Long:N0}; these figures are no result.");
        }

        using var folder = new TemporaryFolder();
        await MeasureAsync("sqlite", new DatabaseOptions { ConnectionString = $"Data Source={folder.File("log.db")}" }, folder, size);
        if (Environment.GetEnvironmentVariable("ZWCA_TEST_POSTGRES") is { } server)
        {
            await MeasureOnPostgreSqlAsync(server, folder, size);
        }
        else
        {
            Console.WriteLine("not run here: postgresql (ZWCA_TEST_POSTGRES)");
        }

        return 0;
    }

    private static async Task MeasureOnPostgreSqlAsync(string server, TemporaryFolder folder, int size)
    {
        const string schema = "zwca_log_benchmark";
        await using var source = Npgsql.NpgsqlDataSource.Create(server);
        await ExecuteAsync(source, $"DROP SCHEMA IF EXISTS {schema} CASCADE");
        await ExecuteAsync(source, $"CREATE SCHEMA {schema}");
        try
        {
            await MeasureAsync("postgresql", new DatabaseOptions { Kind = DatabaseKind.PostgreSql, ConnectionString = $"{server};Search Path={schema}" }, folder, size);
        }
        finally
        {
            await ExecuteAsync(source, $"DROP SCHEMA {schema} CASCADE");
        }
    }

    private static async Task ExecuteAsync(Npgsql.NpgsqlDataSource source, string statement)
    {
        await using Npgsql.NpgsqlCommand command = source.CreateCommand(statement);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task MeasureAsync(string name, DatabaseOptions options, TemporaryFolder folder, int size)
    {
        await using var database = new Database(options);
        await new Migrator(database, [MigrationSet.Data, AuditLog.Migrations], TimeProvider.System).MigrateAsync();
        await using var hsm = new MemoryHsm();
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("log"), HsmKeyKind.Sm2);
        var log = new LogOptions
        {
            Origin = "zwca/benchmark",
            Key = key.PublicKey!,
            Anchors = [new Anchor(folder.File(name + ".anchor"))],
            MinInterval = TimeSpan.Zero,
        };
        var sequencer = new Sequencer(database, new HsmSigner(hsm, key), log, TimeProvider.System);
        var verifier = new AuditVerifier(log.Origin, log.Key);

        Console.WriteLine();
        Console.WriteLine(name);
        await AppendAsync(database, Short);
        await SequenceAllAsync(sequencer);
        await MeasureProofsAsync(name, database, verifier);
        var filling = Stopwatch.StartNew();
        int batch = Math.Min(Measured, size);
        for (int filled = Short; filled < size; filled += batch)
        {
            await AppendAsync(database, Math.Min(batch, size - filled));
            await SequenceAllAsync(sequencer);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{size:N0} events appended and sequenced in {filling.Elapsed.TotalSeconds:N0} s"));
        await MeasureSequencingAsync(name, database, sequencer, batch);
        await MeasureProofsAsync(name, database, verifier);
    }

    private static async Task MeasureSequencingAsync(string name, Database database, Sequencer sequencer, int batch)
    {
        double[] rates = new double[Rounds];
        long peak = 0;
        for (int round = 0; round < Rounds; round++)
        {
            await AppendAsync(database, batch);
            using var self = Process.GetCurrentProcess();
            var memory = new PeakMemory(self);
            var clock = Stopwatch.StartNew();
            int sequenced = await SequenceAllAsync(sequencer);
            rates[round] = sequenced / clock.Elapsed.TotalSeconds;
            memory.Dispose();
            peak = Math.Max(peak, memory.Bytes);
            if (sequenced != batch)
            {
                throw new InvalidOperationException($"{sequenced} of {batch} events were sequenced.");
            }
        }

        double median = SideBySide.Median(rates);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"sequenced, {batch:N0} events at a time: median {median:N0}/s, lowest {rates.Min():N0}, highest {rates.Max():N0}; peak memory {peak / 1048576.0:N0} MiB"));
        SideBySide.PrintRatio($"log.sequenced.{name}.vs.bar-of-20000", median / Bar);
    }

    /// <summary>Made and verified, of random places.</summary>
    private static async Task MeasureProofsAsync(string name, Database database, AuditVerifier verifier)
    {
        var proofs = new LogProofs(database);
        Checkpoint latest = (await proofs.FindLatestCheckpointAsync())!;
        long size = latest.Tbs.TreeSize;
        byte[][] ids = new byte[Proofs][];
        for (int i = 0; i < Proofs; i++)
        {
            ids[i] = (await database.FindAsync<byte[]>("SELECT event_id FROM log_leaf WHERE log_index = @Index", new { Index = Random.Shared.NextInt64(size) }))!;
        }

        await TimeAsync(100, async i => await proofs.FindAsync(ids[i]));
        var found = new ProvenEvent[Proofs];
        double[] inclusion = await TimeAsync(Proofs, async i => found[i] = (await proofs.FindAsync(ids[i]))!);
        foreach (ProvenEvent each in found)
        {
            verifier.VerifyInclusion(each.Leaf, each.Proof, each.Checkpoint);
        }

        double[] consistency = await TimeAsync(Proofs, i => proofs.ProveConsistencyAsync(Random.Shared.NextInt64(1, size), size));
        Print($"{name}, {size:N0} leaves: inclusion", inclusion);
        Print($"{name}, {size:N0} leaves: consistency", consistency);
    }

    private static void Print(string what, double[] microseconds) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{what,-52} median {SideBySide.Median(microseconds),8:N0} µs, p99 {microseconds.Order().ElementAt(microseconds.Length * 99 / 100),8:N0} µs"));

    private static async Task<double[]> TimeAsync(int count, Func<int, Task> operation)
    {
        double[] microseconds = new double[count];
        for (int i = 0; i < count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await operation(i);
            microseconds[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        return microseconds;
    }

    private static async Task<int> SequenceAllAsync(Sequencer sequencer)
    {
        int all = 0;
        for (int last = -1; last != 0; all += last)
        {
            last = (await sequencer.RunOnceAsync()).Sequenced;
        }

        return all;
    }

    /// <summary>As a service appends them, but many in one transaction, and several of those at once: this is not what is measured.</summary>
    private static Task AppendAsync(Database database, int count)
    {
        var log = new AuditLog(TimeProvider.System);
        return Parallel.ForEachAsync(
            Enumerable.Range(0, count).Chunk(AppendedAtOnce),
            new ParallelOptions { MaxDegreeOfParallelism = 4 },
            async (numbers, cancellationToken) => await database.WriteAsync(
                async transaction =>
                {
                    foreach (int number in numbers)
                    {
                        await log.AppendAsync(transaction, Event(number));
                    }
                },
                cancellationToken));
    }

    private static AuditEvent Event(int number) =>
        new(Actor, "certificate.issue", new AuditObject("certificate", $"{number:x32}"), AuditOutcome.Done)
        {
            Fields = [new AuditField.Text("profile", "organisation-signing"), new AuditField.Octets("tbs", new byte[32]), new AuditField.Octets("csr", new byte[32])],
        };
}
