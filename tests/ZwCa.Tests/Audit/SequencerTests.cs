using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;

namespace ZwCa.Tests.Audit;

/// <summary>From events to checkpoints.</summary>
public sealed class SequencerTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Every_event_gets_its_place_once_and_is_proven(DatabaseKind kind)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        Sequencer sequencer = log.Sequencer(log.Options with { BatchSize = 50 });
        Assert.Equal(0, (await sequencer.RunOnceAsync(Token)).Signed!.Tbs.TreeSize);
        byte[][] ids = await log.AppendAsync(120);
        log.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(50, (await sequencer.RunOnceAsync(Token)).Sequenced);
        Assert.Equal(50, (await sequencer.RunOnceAsync(Token)).Sequenced);
        Assert.Equal(20, (await sequencer.RunOnceAsync(Token)).Sequenced);
        log.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(120, (await sequencer.RunOnceAsync(Token)).Signed!.Tbs.TreeSize);
        await log.CheckAsync(ids);

        // Every size that a checkpoint tells of, and some others, is proven to begin the last one.
        Checkpoint latest = (await log.Proofs.FindLatestCheckpointAsync(Token))!;
        foreach (Checkpoint earlier in log.Anchors[0].Read())
        {
            log.Verifier.VerifyConsistency(earlier, latest, await log.Proofs.ProveConsistencyAsync(earlier.Tbs.TreeSize, 120, Token));
        }

        Assert.Null(await log.Proofs.ProveInclusionAsync(ids[^1], 1, Token));
        Assert.NotNull(await log.Proofs.ProveInclusionAsync((await FirstEventAsync(log))!, 1, Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => log.Proofs.ProveConsistencyAsync(1, 121, Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => log.Proofs.ProveInclusionAsync(ids[0], 121, Token));
        Assert.Null(await log.Proofs.FindAsync(new byte[16], Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_late_commit_with_an_older_id_gets_in(DatabaseKind kind)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        Sequencer sequencer = log.Sequencer();
        var earlier = new AuditLog(new HsmSim.Device.ManualClock(log.Clock.GetUtcNow().AddSeconds(-3)));
        byte[][] ids = await log.LogAsync(5, sequencer);
        byte[][] late = await log.AppendAsync(2, earlier);
        log.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, (await sequencer.RunOnceAsync(Token)).Sequenced);
        await log.CheckAsync([.. ids, .. late]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_event_whose_change_is_rolled_back_is_not_in_the_log(DatabaseKind kind)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        await Assert.ThrowsAsync<InvalidOperationException>(() => log.Database.WriteAsync(
            async transaction =>
            {
                await log.Log.AppendAsync(transaction, LogFixture.Event(1));
                throw new InvalidOperationException("The change failed.");
            },
            Token));
        await log.CheckAsync(await log.LogAsync(1));
        Assert.Equal(1, await log.Database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", cancellationToken: Token));
    }

    /// <param name="leaseMilliseconds">So short that both believe that they hold it.</param>
    [Theory]
    [MemberData(nameof(KindsAndLeases))]
    public async Task Two_sequencers_at_once_log_each_event_once(DatabaseKind kind, int leaseMilliseconds)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        LogOptions options = log.Options with
        {
            BatchSize = 7,
            MinInterval = TimeSpan.Zero,
            PollInterval = TimeSpan.FromMilliseconds(1),
            LeaseDuration = TimeSpan.FromMilliseconds(leaseMilliseconds),
        };
        await log.Sequencer(options).RunOnceAsync(Token);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var failures = new List<Exception>();
        Task[] running = [.. Enumerable.Range(0, 2).Select(i => Task.Run(
            () => new Sequencer(log.Database, new HsmSigner(log.Hsm, log.Key), options with { Anchors = [log.Anchors[i]] }, TimeProvider.System)
                .RunAsync(Report, stop.Token),
            Token))];
        await WaitForAnchorAsync(log, 1);
        byte[][] ids = await log.AppendAsync(300, new AuditLog(TimeProvider.System));
        while (await log.Database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: Token) > 0)
        {
            await Task.Delay(20, Token);
        }

        await Task.Delay(100, Token);
        await stop.CancelAsync();
        await Task.WhenAll(running);
        Assert.Empty(failures);
        Assert.Equal(0, await log.Database.FindAsync<long>("SELECT MAX(held_until) FROM lease", cancellationToken: Token));
        log.Clock.Advance(TimeProvider.System.GetUtcNow() - log.Clock.GetUtcNow() + TimeSpan.FromMinutes(2));
        await log.Sequencer(options).RunOnceAsync(Token);
        await log.CheckAsync(ids);

        void Report(Exception e)
        {
            lock (failures)
            {
                failures.Add(e);
            }
        }
    }

    public static TheoryData<DatabaseKind, int> KindsAndLeases => [.. Enum.GetValues<DatabaseKind>().Where(TestDatabase.IsHere).SelectMany(kind => new[] { (kind, 5000), (kind, 0) })];

    [Fact]
    public async Task Checkpoints_come_every_second_with_news_and_every_minute_without()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        Sequencer sequencer = log.Sequencer();
        Assert.NotNull((await sequencer.RunOnceAsync(Token)).Signed);
        await log.AppendAsync(1);
        Assert.Null(await AfterAsync(0.9));
        Assert.Equal(1, (await AfterAsync(0.1))!.Tbs.TreeSize);
        Assert.Null(await AfterAsync(59.9));
        Checkpoint again = (await AfterAsync(0.1))!;
        Assert.Equal(1, again.Tbs.TreeSize);
        Assert.Equal(log.Clock.GetUtcNow(), again.Tbs.Time);
        Assert.Equal(3, log.Anchors[0].Read().Count);
        Assert.Equal(3, log.Anchors[1].Read().Count);

        async Task<Checkpoint?> AfterAsync(double seconds)
        {
            log.Clock.Advance(TimeSpan.FromSeconds(seconds));
            return (await sequencer.RunOnceAsync(Token)).Signed;
        }
    }

    /// <summary>There is no time yet that the clock could stand before.</summary>
    [Fact]
    public async Task The_first_checkpoint_is_signed_whatever_the_clock_says()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        log.Clock.Advance(DateTimeOffset.UnixEpoch - log.Clock.GetUtcNow());
        Assert.Equal(AuditState.Ready, await new AuditReadiness(log.Database, log.Clock).CheckAsync(Token));
        Assert.Equal(DateTimeOffset.UnixEpoch, (await log.Sequencer().RunOnceAsync(Token)).Signed!.Tbs.Time);
    }

    [Fact]
    public async Task An_event_from_a_clock_that_was_ahead_does_not_count_as_young()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        var readiness = new AuditReadiness(log.Database, log.Clock);
        await log.AppendAsync(1, new AuditLog(new HsmSim.Device.ManualClock(log.Clock.GetUtcNow().AddHours(1))));
        Assert.Equal(AuditState.Behind, await readiness.CheckAsync(Token));
        await log.Sequencer().RunOnceAsync(Token);
        Assert.Equal(AuditState.Ready, await readiness.CheckAsync(Token));
    }

    [Fact]
    public async Task With_the_clock_set_back_nothing_is_signed_and_times_never_decrease()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        Sequencer sequencer = log.Sequencer(log.Options with { MinInterval = TimeSpan.FromSeconds(-60) });
        var readiness = new AuditReadiness(log.Database, log.Clock);
        await log.LogAsync(1, sequencer);
        DateTimeOffset signed = log.Clock.GetUtcNow();
        log.Clock.Advance(TimeSpan.FromSeconds(-5));
        await log.AppendAsync(1);
        Assert.Equal(AuditState.Ready, await readiness.CheckAsync(Token));
        Assert.Equal(signed, (await sequencer.RunOnceAsync(Token)).Signed!.Tbs.Time);

        log.Clock.Advance(TimeSpan.FromMilliseconds(-1));
        await log.AppendAsync(1);
        Assert.Equal(AuditState.ClockSetBack, await readiness.CheckAsync(Token));
        await Assert.ThrowsAsync<ClockSetBackException>(() => sequencer.RunOnceAsync(Token));
        await Assert.ThrowsAsync<ClockSetBackException>(() => log.Sequencer().RunOnceAsync(Token));
        Assert.Equal(2, log.Anchors[0].Read()[^1].Tbs.TreeSize);

        // The events have their places all the same.
        Assert.Equal(0, await log.Database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: Token));
        log.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(3, (await sequencer.RunOnceAsync(Token)).Signed!.Tbs.TreeSize);
        Assert.Equal(AuditState.Ready, await readiness.CheckAsync(Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_log_that_is_behind_is_not_ready(DatabaseKind kind)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        Sequencer sequencer = log.Sequencer();
        var readiness = new AuditReadiness(log.Database, log.Clock);
        Assert.Equal(AuditState.Ready, await readiness.CheckAsync(Token));
        await log.AppendAsync(1);
        log.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(AuditState.Ready, await readiness.CheckAsync(Token));
        log.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(AuditState.Behind, await readiness.CheckAsync(Token));

        // In the log, but not signed for: the key is away.
        log.Hsm.Fault = _ => throw new HsmException(HsmFailure.Unreachable, "The device is away.");
        await Assert.ThrowsAsync<HsmException>(() => sequencer.RunOnceAsync(Token));
        Assert.Equal(0, await log.Database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: Token));
        Assert.Equal(AuditState.Behind, await readiness.CheckAsync(Token));
        log.Hsm.Fault = signatures => signatures;
        await sequencer.RunOnceAsync(Token);
        Assert.Equal(AuditState.Ready, await readiness.CheckAsync(Token));
    }

    [Fact]
    public async Task A_signature_that_does_not_verify_is_not_stored()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        log.Hsm.Fault = signatures => [.. signatures[..^1], (byte)(signatures[^1] ^ 1)];
        await Assert.ThrowsAsync<HsmException>(() => log.Sequencer().RunOnceAsync(Token));
        log.Hsm.Fault = signatures => signatures;
        await log.CheckAsync(await log.LogAsync(1));
    }

    [Fact]
    public async Task The_loop_reports_what_fails_and_goes_on()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        log.Hsm.Fault = _ => throw new HsmException(HsmFailure.Unreachable, "The device is away.");
        var reported = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        LogOptions options = log.Options with { MinInterval = TimeSpan.Zero, PollInterval = TimeSpan.FromMilliseconds(1) };
        var sequencer = new Sequencer(log.Database, new HsmSigner(log.Hsm, log.Key), options, TimeProvider.System);
        var running = Task.Run(() => sequencer.RunAsync(e => reported.TrySetResult(e), stop.Token), Token);
        Assert.IsType<HsmException>(await reported.Task.WaitAsync(Token));
        log.Hsm.Fault = signatures => signatures;
        await log.AppendAsync(3, new AuditLog(TimeProvider.System));
        await WaitForAnchorAsync(log, 0, 3);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task The_device_has_signed_at_least_as_often_as_there_are_checkpoints()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        await log.LogAsync(1);
        await log.LogAsync(1);
        var check = new LogCheck(log.Database, log.Options);
        Assert.Equal((2, 2), await check.CompareSignaturesAsync(log.Hsm, log.Key, Token));

        // The same key in a device that never signed: the checkpoints were made elsewhere.
        await using var other = new MemoryHsm();
        HsmKey copy = other.AddSm2Key(log.Key.Label, Asn1.Custody.CustodySamples.PrivateKey(1));
        await Assert.ThrowsAsync<LogDamagedException>(() => check.CompareSignaturesAsync(other, copy, Token));
    }

    [Fact]
    public async Task The_key_may_lie_in_the_simulator()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        using var store = new HsmSimStore();
        await using HsmSimProcess device = await store.StartAsync();
        await using SimulatorHsm hsm = await store.ConnectAsync(device);
        HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("log"), HsmKeyKind.Sm2, Token);
        LogOptions options = log.Options with { Key = key.PublicKey! };
        var sequencer = new Sequencer(log.Database, new HsmSigner(hsm, key), options, log.Clock);
        await log.AppendAsync(3);
        Checkpoint signed = (await sequencer.RunOnceAsync(Token)).Signed!;
        new AuditVerifier(options.Origin, key.PublicKey!).VerifyCheckpoint(signed);
        Assert.Equal((1, 1), await new LogCheck(log.Database, options).CompareSignaturesAsync(hsm, key, Token));
        await device.StopAsync();
    }

    [Fact]
    public async Task A_key_that_is_not_the_logs_is_refused()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        HsmKey other = await log.Hsm.GenerateKeyAsync(new KeyLabel("other"), HsmKeyKind.Sm2, Token);
        HsmKey p256 = await log.Hsm.GenerateKeyAsync(new KeyLabel("p256"), HsmKeyKind.P256, Token);
        Assert.Throws<ArgumentException>(() => log.Sequencer(key: other));
        Assert.Throws<ArgumentException>(() => log.Sequencer(log.Options with { Key = p256.PublicKey! }, p256));
        Assert.Throws<ArgumentException>(() => log.Sequencer(log.Options with { Anchors = [] }));
    }

    private static Task<byte[]?> FirstEventAsync(LogFixture log) =>
        log.Database.FindAsync<byte[]>("SELECT event_id FROM log_leaf WHERE log_index = 0", cancellationToken: Token);

    private static async Task WaitForAnchorAsync(LogFixture log, int anchor, long size = 0)
    {
        while (log.Anchors[anchor].Read() is not [.., { } last] || last.Tbs.TreeSize < size)
        {
            await Task.Delay(10, Token);
        }
    }
}
