using Microsoft.Data.Sqlite;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Tests.Audit;

/// <summary>A database that is older than what was said about it.</summary>
public sealed class RollbackTests
{
    private static readonly byte[] Decision = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Yesterdays_database_is_refused_until_two_officers_decide_and_the_break_stays_visible()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        await log.LogAsync(20);
        using var backup = new TemporaryFolder();
        BackUp(log, backup.File("yesterday.db"));
        await log.LogAsync(20);
        Checkpoint lost = log.Anchors[0].Read()[^1];

        await using var restored = new Database(new DatabaseOptions { ConnectionString = $"Data Source={backup.File("yesterday.db")}" });
        LogRolledBackException refused = await Assert.ThrowsAsync<LogRolledBackException>(() => new LogGuard(restored, log.Options).CheckAsync(Token));
        Assert.Equal((20, 40), (refused.DatabaseSize, refused.AnchoredSize));

        // Nor does the sequencer sign, or give new events the places of the lost ones.
        byte[] waiting = await restored.WriteAsync(transaction => log.Log.AppendAsync(transaction, LogFixture.Event(99)), Token);
        Sequencer sequencer = log.Sequencer(database: restored);
        await Assert.ThrowsAsync<LogRolledBackException>(() => sequencer.RunOnceAsync(Token));
        Assert.Equal(20, await restored.FindAsync<long>("SELECT COUNT(*) FROM log_leaf", cancellationToken: Token));

        Checkpoint broken = await sequencer.OverrideAsync(Decision, LogFixture.Actor, Token);
        LogOverride decided = log.Verifier.VerifyOverride(lost, broken);
        Assert.Equal((1L, 22L, 40L), (broken.Tbs.Epoch, broken.Tbs.TreeSize, decided.AbandonedSize));
        Assert.Equal(Decision, decided.Decision.ToArray());
        Assert.All(log.Anchors, anchor => Assert.NotNull(anchor.Read()[^1].Tbs.Override));
        await new LogGuard(restored, log.Options).CheckAsync(Token);

        // Whoever held the lost checkpoint is not shown a consistent log.
        var proofs = new LogProofs(restored);
        for (int i = 0; i < 30; i++)
        {
            await restored.WriteAsync(transaction => log.Log.AppendAsync(transaction, LogFixture.Event(i)), Token);
        }

        log.Clock.Advance(TimeSpan.FromSeconds(1));
        Checkpoint later = (await log.Sequencer(database: restored).RunOnceAsync(Token)).Signed!;
        Assert.Equal((1L, 52L), (later.Tbs.Epoch, later.Tbs.TreeSize));
        ConsistencyProof proof = await proofs.ProveConsistencyAsync(40, 52, Token);
        Assert.Throws<LogNotProvenException>(() => log.Verifier.VerifyConsistency(lost, later, proof));
        log.Verifier.VerifyConsistency(broken, later, await proofs.ProveConsistencyAsync(22, 52, Token));
        Assert.NotNull(await proofs.FindAsync(waiting, Token));
        Assert.Equal(decided, (await proofs.FindFirstCheckpointAsync(1, Token))!.Tbs.Override);
        ListedEvent told = Assert.Single(await new EventList(restored).ListAsync(new EventFilter { Action = LogEvents.OverrideAction }, cancellationToken: Token));
        Assert.Contains(told.Leaf.Fields, field => field is AuditField.Octets octets && octets.Value.Span.SequenceEqual(Decision));
        Assert.Empty((await new LogCheck(restored, log.Options).RunAsync(Token)).Findings);

        // The database that was thought lost has become the older one.
        await Assert.ThrowsAsync<LogRolledBackException>(() => new LogGuard(log.Database, log.Options).CheckAsync(Token));
        await Assert.ThrowsAsync<InvalidOperationException>(() => sequencer.OverrideAsync(Decision, LogFixture.Actor, Token));
    }

    /// <summary>A node that was away when it was decided, or died before its anchors had it, follows; unless it knows of more than was given up.</summary>
    [Fact]
    public async Task A_decision_counts_for_anchors_that_have_not_got_it_but_not_beyond_what_it_gives_up()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        using var aside = new TemporaryFolder();
        await log.LogAsync(2);
        BackUp(log, aside.File("yesterday.db"));
        await log.LogAsync(2);
        Anchor used = Copy("used"), behind = Copy("behind");
        await log.LogAsync(2);
        await using var restored = new Database(new DatabaseOptions { ConnectionString = $"Data Source={aside.File("yesterday.db")}" });
        Checkpoint broken = await log.Sequencer(log.Options with { Anchors = [used] }, database: restored).OverrideAsync(Decision, LogFixture.Actor, Token);
        Assert.Equal(4, broken.Tbs.Override!.AbandonedSize);
        await new LogGuard(restored, log.Options with { Anchors = [behind] }).CheckAsync(Token);
        Assert.Null((await log.Sequencer(log.Options with { Anchors = [behind] }, database: restored).RunOnceAsync(Token)).Signed);
        Assert.NotNull(behind.Read()[^1].Tbs.Override);

        LogDamagedException refused = await Assert.ThrowsAsync<LogDamagedException>(() => new LogGuard(restored, log.Options).CheckAsync(Token));
        Assert.Contains("that it does not speak of", refused.Message, StringComparison.Ordinal);

        Anchor Copy(string name)
        {
            File.Copy(log.Anchors[0].Path, aside.File(name));
            return new Anchor(aside.File(name));
        }
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task Another_database_as_large_is_refused(DatabaseKind kind)
    {
        await using LogFixture log = await LogFixture.CreateAsync(kind);
        await using LogFixture other = await LogFixture.CreateAsync(kind);
        await log.LogAsync(5);
        await other.LogAsync(9);
        LogOptions options = other.Options with { Anchors = log.Anchors };
        LogRolledBackException refused = await Assert.ThrowsAsync<LogRolledBackException>(() => new LogGuard(other.Database, options).CheckAsync(Token));
        Assert.Equal((9, 5), (refused.DatabaseSize, refused.AnchoredSize));
        await using LogFixture empty = await LogFixture.CreateAsync(kind);
        await Assert.ThrowsAsync<LogRolledBackException>(() => new LogGuard(empty.Database, options).CheckAsync(Token));
    }

    [Fact]
    public async Task A_running_sequencer_sees_that_the_database_under_it_was_changed()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        await using LogFixture other = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        Sequencer sequencer = log.Sequencer();
        await log.LogAsync(5, sequencer);
        await other.LogAsync(5);
        await log.Database.WriteAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync("DROP TRIGGER log_leaf_no_update");
                await transaction.ExecuteAsync("UPDATE log_leaf SET leaf_hash = zeroblob(32) WHERE log_index = 2");
            },
            Token);
        log.Clock.Advance(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<LogDamagedException>(() => sequencer.RunOnceAsync(Token));
        Assert.Equal(1, await log.Database.FindAsync<long>("SELECT COUNT(*) FROM log_checkpoint", cancellationToken: Token));
    }

    [Fact]
    public async Task With_all_anchors_deleted_the_log_is_refused_with_one_left_it_goes_on()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        await log.LogAsync(3);
        await log.LogAsync(3);
        File.Delete(log.Anchors[0].Path);
        await log.LogAsync(1);
        Assert.Equal(7, log.Anchors[0].Read()[^1].Tbs.TreeSize);

        File.Delete(log.Anchors[0].Path);
        File.Delete(log.Anchors[1].Path);
        LogRolledBackException refused = await Assert.ThrowsAsync<LogRolledBackException>(() => log.Sequencer().RunOnceAsync(Token));
        Assert.Equal((7, -1), (refused.DatabaseSize, refused.AnchoredSize));
        Checkpoint broken = await log.Sequencer().OverrideAsync(Decision, LogFixture.Actor, Token);
        Assert.Equal((7L, 8L), (broken.Tbs.Override!.AbandonedSize, broken.Tbs.TreeSize));
        await log.LogAsync(1);
        await log.CheckAsync([]);
    }

    [Fact]
    public async Task What_a_crash_kept_from_the_anchors_gets_there_at_the_next_start()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        await log.LogAsync(3);
        using var aside = new TemporaryFolder();
        File.Copy(log.Anchors[0].Path, aside.File("old"));
        await log.LogAsync(3);
        foreach (Anchor anchor in log.Anchors)
        {
            File.Copy(aside.File("old"), anchor.Path, overwrite: true);
        }

        Assert.Null((await log.Sequencer().RunOnceAsync(Token)).Signed);
        Assert.All(log.Anchors, anchor => Assert.Equal(6, anchor.Read()[^1].Tbs.TreeSize));
    }

    /// <summary>The first checkpoint has no anchor to lean on: neither a crash nor a full disk may end the log there.</summary>
    [Fact]
    public async Task The_first_checkpoint_waits_for_its_anchor()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        using var later = new TemporaryFolder();
        LogOptions options = log.Options with { Anchors = [new Anchor(Path.Combine(later.Path, "missing", "anchor"))], MinInterval = TimeSpan.Zero };
        Sequencer sequencer = log.Sequencer(options);
        for (int i = 0; i < 3; i++)
        {
            await log.AppendAsync(1);
            await Assert.ThrowsAsync<AnchorException>(() => sequencer.RunOnceAsync(Token));
            await Assert.ThrowsAsync<AnchorException>(() => log.Sequencer(options).RunOnceAsync(Token));
        }

        Assert.Equal(1, await log.Database.FindAsync<long>("SELECT COUNT(*) FROM log_checkpoint", cancellationToken: Token));
        Directory.CreateDirectory(Path.Combine(later.Path, "missing"));
        await log.Sequencer(options).RunOnceAsync(Token);
        Assert.Equal([1, 3], options.Anchors[0].Read().Select(each => each.Tbs.TreeSize));
    }

    /// <summary>What no anchor knows of, a rollback takes away unseen: more than one checkpoint of that there never is.</summary>
    [Fact]
    public async Task Without_any_anchor_nothing_more_is_signed_and_the_log_is_behind()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        Sequencer sequencer = log.Sequencer();
        await log.LogAsync(1, sequencer);
        foreach (Anchor anchor in log.Anchors)
        {
            File.Delete(anchor.Path);
            Directory.CreateDirectory(anchor.Path);
        }

        for (int i = 0; i < 3; i++)
        {
            await log.AppendAsync(1);
            log.Clock.Advance(TimeSpan.FromSeconds(6));
            await Assert.ThrowsAsync<AnchorException>(() => sequencer.RunOnceAsync(Token));
        }

        Assert.Equal(2, (await log.Proofs.FindLatestCheckpointAsync(Token))!.Tbs.TreeSize);
        Assert.Equal(AuditState.Behind, await new AuditReadiness(log.Database, log.Clock).CheckAsync(Token));
        Directory.Delete(log.Anchors[1].Path);
        await Assert.ThrowsAsync<AnchorException>(() => sequencer.RunOnceAsync(Token));
        await Assert.ThrowsAsync<AnchorException>(() => sequencer.RunOnceAsync(Token));
        Assert.Equal([2, 4], log.Anchors[1].Read().Select(each => each.Tbs.TreeSize));
        Assert.Equal(AuditState.Ready, await new AuditReadiness(log.Database, log.Clock).CheckAsync(Token));
    }

    [Fact]
    public async Task One_anchor_that_fails_is_told_and_the_other_goes_on()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        Sequencer sequencer = log.Sequencer();
        await log.LogAsync(1, sequencer);
        string path = log.Anchors[0].Path;
        File.Delete(path);
        Directory.CreateDirectory(path);
        await log.AppendAsync(1);
        log.Clock.Advance(TimeSpan.FromSeconds(1));
        AnchorException failed = await Assert.ThrowsAsync<AnchorException>(() => sequencer.RunOnceAsync(Token));
        Assert.Contains(path, failed.Message, StringComparison.Ordinal);
        Assert.Equal(2, log.Anchors[1].Read()[^1].Tbs.TreeSize);
        Directory.Delete(path);
        await sequencer.RunOnceAsync(Token);
        Assert.Equal(2, log.Anchors[0].Read()[^1].Tbs.TreeSize);
    }

    [Fact]
    public async Task A_new_key_signs_only_once_it_is_announced_and_verifiers_come_to_trust_it()
    {
        await using LogFixture log = await LogFixture.CreateAsync(DatabaseKind.Sqlite);
        HsmKey next = await log.Hsm.GenerateKeyAsync(new KeyLabel("next"), HsmKeyKind.Sm2, Token);
        LogOptions options = log.Options with { Key = next.PublicKey!, EarlierKeys = [log.Key.PublicKey!] };
        Sequencer successor = log.Sequencer(options, next);
        byte[] other = (await log.LogAsync(1))[0];
        log.Clock.Advance(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<LogDamagedException>(() => successor.RunOnceAsync(Token));

        // In the log, but under no checkpoint of the key before it.
        byte[] announced = await log.Database.WriteAsync(
            transaction => log.Log.AppendAsync(transaction, LogEvents.Key(LogFixture.Actor, next.PublicKey!)), Token);
        await Assert.ThrowsAsync<LogDamagedException>(() => successor.RunOnceAsync(Token));
        Assert.NotNull((await log.Sequencer().RunOnceAsync(Token)).Signed);
        ProvenEvent proven = (await log.Proofs.FindAsync(announced, Token))!;
        ProvenEvent unrelated = (await log.Proofs.FindAsync(other, Token))!;

        log.Clock.Advance(TimeSpan.FromMinutes(1));
        Checkpoint signed = (await successor.RunOnceAsync(Token)).Signed!;
        Assert.Throws<LogNotProvenException>(() => log.Verifier.VerifyCheckpoint(signed));
        log.Verifier.AcceptKey(next.PublicKey!, proven.Leaf, proven.Proof, proven.Checkpoint).VerifyCheckpoint(signed);
        Assert.Throws<LogNotProvenException>(() => log.Verifier.AcceptKey(next.PublicKey!, unrelated.Leaf, unrelated.Proof, unrelated.Checkpoint));
        Assert.Throws<LogNotProvenException>(() => log.Verifier.AcceptKey(log.Key.PublicKey!, proven.Leaf, proven.Proof, proven.Checkpoint));
        Assert.Empty((await new LogCheck(log.Database, options).RunAsync(Token)).Findings);
    }

    /// <summary>As an operator would: a consistent copy of the file.</summary>
    private static void BackUp(LogFixture log, string path)
    {
        using var source = new SqliteConnection(log.DatabaseOptions.ConnectionString);
        source.Open();
        using SqliteCommand copy = source.CreateCommand();
        copy.CommandText = "VACUUM INTO @Path";
        copy.Parameters.AddWithValue("@Path", path);
        copy.ExecuteNonQuery();
    }
}
