using System.Diagnostics;
using System.Globalization;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Tests.Asn1.Audit;
using ZwCa.Tests.Asn1.Custody;

namespace ZwCa.Tests.Audit;

/// <summary>SIGKILL between leaf, tree, checkpoint and anchor, and anywhere else.</summary>
public sealed class SequencerCrashTests
{
    private const string LogVariable = "ZWCA_TEST_CRASH_LOG";
    private const int KilledBySignal = 137;

    private static readonly string[] Points = ["log.leaves", "log.nodes", "log.sequenced", "log.signed", "log.stored", "log.anchored"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TestRandom _random = new();

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>By itself a story with a good end; with the variable set it is what the test below kills.</summary>
    [Fact]
    public async Task Events_are_appended_and_sequenced_side_by_side()
    {
        if (Environment.GetEnvironmentVariable(LogVariable) is { } given)
        {
            string[] parts = given.Split('|');
            await using var database = new Database(
                new DatabaseOptions { Kind = Enum.Parse<DatabaseKind>(parts[0]), ConnectionString = parts[1] });
            await RunAsync(database, parts[2], int.MaxValue);
            return;
        }

        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, MigrationSet.Data, AuditLog.Migrations);
        using var folder = new TemporaryFolder();
        await RunAsync(test.Database, folder.Path, 10);
        await CheckAsync(test.Database, folder.Path);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Process_killed_Every_committed_event_is_in_the_log_once_and_all_checkpoints_agree(DatabaseKind kind)
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        Assert.Null(Environment.GetEnvironmentVariable(LogVariable));

        // Each log of its own dies so often: what is checked after each death grows with it.
        const int deaths = 20;
        for (int log = 0; log < (TestRandom.Long ? 10 : 1); log++)
        {
            await using TestDatabase test = await TestDatabase.CreateAsync(kind, MigrationSet.Data, AuditLog.Migrations);
            using var folder = new TemporaryFolder();
            long before = 0;
            for (int death = 0; death < deaths; death++)
            {
                string? point = death % (Points.Length + 1) < Points.Length
                    ? string.Create(CultureInfo.InvariantCulture, $"{Points[death % (Points.Length + 1)]}:{_random.Next(1, 6)}")
                    : null;
                await DieAsync(test, folder.Path, point);
                long there = await CheckAsync(test.Database, folder.Path);
                Assert.True(there >= before, $"log {log}, death {death} at {point ?? "random"}: {before} then {there}");
                before = there;
            }

            Assert.True(before > 0);
        }
    }

    private static string AnswersOf(string folder) => Path.Combine(folder, "answered");

    private static LogOptions Options(string folder) => new()
    {
        Origin = AuditSamples.Origin,
        Key = CustodySamples.PublicKey(1),
        Anchors = [new Anchor(Path.Combine(folder, "one")), new Anchor(Path.Combine(folder, "two"))],
        MinInterval = TimeSpan.Zero,
        MaxInterval = TimeSpan.Zero,
        PollInterval = TimeSpan.FromMilliseconds(1),
        LeaseDuration = TimeSpan.FromMilliseconds(50),
        BatchSize = 20,
    };

    private static Sequencer Sequencer(Database database, MemoryHsm hsm, string folder) =>
        new(database, new HsmSigner(hsm, hsm.AddSm2Key(new KeyLabel("log"), CustodySamples.PrivateKey(1))), Options(folder), TimeProvider.System);

    /// <summary>Eight writers, each of whose answered events has its id in a file; and a sequencer.</summary>
    private static async Task RunAsync(Database database, string folder, int each)
    {
        await using var hsm = new MemoryHsm();
        using var stop = new CancellationTokenSource();
        var log = new AuditLog(TimeProvider.System);

        // Without a buffer of its own: the system has what a process that is killed has written.
        await using var answers = new FileStream(AnswersOf(folder), FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var gate = new Lock();
        Exception? failure = null;
        var sequencing = Task.Run(() => Sequencer(database, hsm, folder).RunAsync(e => failure ??= e, stop.Token));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < each && failure is null; i++)
            {
                byte[] id = await database.WriteAsync(transaction => log.AppendAsync(transaction, LogFixture.Event(i)));
                lock (gate)
                {
                    answers.Write(id);
                }
            }
        })));
        await stop.CancelAsync();
        await sequencing;
        Assert.Null(failure);
    }

    /// <summary>Starts again, and looks at everything.</summary>
    /// <returns>How many events there are.</returns>
    private static async Task<long> CheckAsync(Database database, string folder)
    {
        await using var hsm = new MemoryHsm();
        await new LogGuard(database, Options(folder)).CheckAsync(Token);
        Sequencer sequencer = Sequencer(database, hsm, folder);
        long pending;
        do
        {
            await sequencer.RunOnceAsync(Token);
            pending = await database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: Token);
        }
        while (pending > 0);
        LogCheckReport report = await new LogCheck(database, Options(folder)).RunAsync(Token);
        Assert.Empty(report.Findings);
        Assert.Equal(await database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", cancellationToken: Token), report.Leaves);
        HashSet<string> logged = [.. (await database.QueryAsync<byte[]>("SELECT event_id FROM log_leaf", cancellationToken: Token)).Select(Convert.ToHexStringLower)];
        Assert.Equal(report.Leaves, logged.Count);
        byte[] answered = File.Exists(AnswersOf(folder)) ? await File.ReadAllBytesAsync(AnswersOf(folder), Token) : [];
        Assert.All(answered.Chunk(Ulid.Length).Where(id => id.Length == Ulid.Length), id => Assert.Contains(Convert.ToHexStringLower(id), logged));

        // What an anchor got is what the log is.
        var verifier = new AuditVerifier(AuditSamples.Origin, CustodySamples.PublicKey(1));
        var proofs = new LogProofs(database);
        Checkpoint latest = (await proofs.FindLatestCheckpointAsync(Token))!;
        foreach (Checkpoint anchored in Options(folder).Anchors.SelectMany(anchor => anchor.Read()).TakeLast(20))
        {
            verifier.VerifyConsistency(anchored, latest, await proofs.ProveConsistencyAsync(anchored.Tbs.TreeSize, latest.Tbs.TreeSize, Token));
        }

        return report.Leaves;
    }

    private async Task DieAsync(TestDatabase test, string folder, string? faultPoint)
    {
        string program = Environment.ProcessPath!;
        string[] method = ["-method", $"{typeof(SequencerCrashTests).FullName}.{nameof(Events_are_appended_and_sequenced_side_by_side)}"];
        bool muxer = Path.GetFileNameWithoutExtension(program) == "dotnet";
        var start = new ProcessStartInfo(program, muxer ? [typeof(SequencerCrashTests).Assembly.Location, .. method] : method) { RedirectStandardOutput = true };
        start.Environment[LogVariable] = $"{test.Options.Kind}|{test.Options.ConnectionString}|{folder}";
        start.Environment[FaultPoint.Variable] = faultPoint ?? "";
        long answered = LengthOf(folder);
        using Process child = Process.Start(start)!;
        Task<string> said = child.StandardOutput.ReadToEndAsync(Token);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        try
        {
            if (faultPoint is null)
            {
                while (!child.HasExited && LengthOf(folder) == answered)
                {
                    await Task.Delay(5, patience.Token);
                }

                await Task.Delay(_random.Next(200), patience.Token);
                child.Kill();
            }

            await child.WaitForExitAsync(patience.Token);
        }
        finally
        {
            child.Kill();
        }

        Assert.True(child.ExitCode == KilledBySignal, $"{faultPoint}: {child.ExitCode}\n{await said}");
    }

    private static long LengthOf(string folder) => File.Exists(AnswersOf(folder)) ? new FileInfo(AnswersOf(folder)).Length : 0;
}
