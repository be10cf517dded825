using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit.Tree;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Audit.Sequencing;

/// <summary>The clock stands before the log's last checkpoint: nothing is signed until it has come up again.</summary>
public sealed class ClockSetBackException(string message) : Exception(message);

/// <param name="Sequenced">Events that got their place in the log; none where another node does the work.</param>
/// <param name="Signed">The checkpoint that this round made, if any.</param>
public sealed record SequencerRound(int Sequenced, Checkpoint? Signed);

/// <summary>A log that is older than its anchors.</summary>
/// <param name="Abandoned">The highest checkpoint that is known.</param>
/// <param name="KeptSize">Events that the database has.</param>
public sealed record RolledBackLog(TbsCheckpoint Abandoned, long KeptSize);

/// <summary>
/// Gives each event its place in the log, once; signs checkpoints and anchors them. Any number of nodes may run one on the same database: a lease says which works,
/// and where two believe that they hold it, primary keys let one through. One instance is for one caller at a time.
/// </summary>
public sealed class Sequencer
{
    private const string LeaseName = "log-sequencer";
    private const string AnotherNode = "Another node works on the log: stop it first.";
    private const int RetryFactor = 5;

    private static readonly string[] LeafColumns = ["log_index", "event_id", "leaf_hash"];
    private static readonly string[] SearchColumns = ["event_id", "action", "actor", "object_kind", "object_id"];
    private static readonly string[] NodeColumns = ["level", "node_index", "hash"];

    private readonly Database _database;
    private readonly HsmSigner _signer;
    private readonly LogOptions _options;
    private readonly TimeProvider _time;
    private readonly LogGuard _guard;
    private readonly Lease _lease;
    private readonly byte[] _keyId;

    /// <summary>What each anchor was given last by this instance.</summary>
    private readonly Dictionary<Anchor, Checkpoint> _appended = [];

    /// <summary>The highest checkpoint in an anchor, once that was read and the database compared with it.</summary>
    private Checkpoint? _anchored;
    private bool _guarded;

    /// <param name="signer">Of <see cref="LogOptions.Key"/>.</param>
    /// <exception cref="ArgumentException">The signer has another key, or one that is not SM2; there is no anchor.</exception>
    public Sequencer(Database database, HsmSigner signer, LogOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(time);
        _guard = new LogGuard(database, options);
        _database = database;
        _options = options;
        _signer = signer;
        _time = time;
        _keyId = Checkpoint.KeyIdOf(options.Key);
        if (signer.AlgorithmIdentifier != AlgorithmIdentifier.Sm3WithSm2 || !Checkpoint.KeyIdOf(signer.SubjectPublicKeyInfo).AsSpan().SequenceEqual(_keyId))
        {
            throw new ArgumentException("The signer's key is not the log's SM2 key.", nameof(signer));
        }

        // Of this instance alone: two on one machine are two.
        _lease = new Lease(LeaseName, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), options.LeaseDuration);
    }

    /// <summary>Works until it is told to stop. Whatever fails is reported and tried again.</summary>
    /// <param name="report">Gets every failure; returns soon and does not throw.</param>
    public async Task RunAsync(Action<Exception> report, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(report);
        while (!cancellationToken.IsCancellationRequested)
        {
            TimeSpan pause = _options.PollInterval;
            try
            {
                SequencerRound round = await RunOnceAsync(cancellationToken);
                pause = round.Sequenced == _options.BatchSize ? TimeSpan.Zero : pause;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
#pragma warning disable CA1031 // Whatever it is, the operator hears of it; the log has to go on when it is over.
            catch (Exception e)
#pragma warning restore CA1031
            {
                report(e);
                pause *= RetryFactor;
            }

            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        try
        {
            await _database.WriteAsync(_lease.ReleaseAsync, CancellationToken.None);
        }
#pragma warning disable CA1031 // The lease runs out by itself.
        catch (Exception e)
#pragma warning restore CA1031
        {
            report(e);
        }
    }

    /// <summary>One round: a batch of events, a checkpoint if one is due, the anchors.</summary>
    /// <exception cref="LogDamagedException">The database is older than the anchors, or contradicts itself: nothing was done.</exception>
    /// <exception cref="ClockSetBackException">A checkpoint was due; the events are in the log.</exception>
    /// <exception cref="AnchorException">An anchor cannot be read or written; the other anchors have the checkpoint. Without any nothing more is signed.</exception>
    /// <exception cref="HsmException">The log key cannot sign; the events are in the log.</exception>
    public async Task<SequencerRound> RunOnceAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            // Step 1: an older database would get new leaves where others have been promised. What a crash kept from the anchors gets there.
            if (!_guarded)
            {
                _anchored = _guard.ReadAnchors();
                _appended.Clear();
                await AnchorAsync(cancellationToken);
                _guarded = true;
            }

            // Step 2: what is pending gets its place. Leaves and tree are committed before anything is signed over them.
            int? sequenced = await SequenceAsync(cancellationToken);

            // Step 3: sign, and store.
            Checkpoint? signed = sequenced is null ? null : await SignIfDueAsync(cancellationToken);

            // Step 4: whoever signed, this node's anchors get it.
            await AnchorAsync(cancellationToken);
            return new SequencerRound(sequenced ?? 0, signed);
        }
        catch (LogDamagedException)
        {
            // Perhaps somebody puts it right: then the anchors are read again.
            _guarded = false;
            throw;
        }
    }

    /// <summary>
    /// Lets a log go on that <see cref="LogGuard"/> refuses, because two officers decided so: a new epoch begins, with a checkpoint that says what was given up.
    /// That the two approvals hold, the caller has verified.
    /// </summary>
    /// <param name="decision">SM3 of what they signed.</param>
    /// <param name="actor">Who carries it out.</param>
    /// <exception cref="InvalidOperationException">The log is not behind its anchors.</exception>
    /// <exception cref="LogDamagedException">The database contradicts itself: going on would not help.</exception>
    public async Task<Checkpoint> OverrideAsync(ReadOnlyMemory<byte> decision, AuditActor actor, CancellationToken cancellationToken = default)
    {
        // Step 1: what is given up.
        (TbsCheckpoint abandoned, long keptSize) = await FindRollbackAsync(cancellationToken)
            ?? throw new InvalidOperationException("The log is not behind its anchors: there is nothing to decide.");
        var decided = new LogOverride(decision, abandoned.TreeSize, abandoned.RootHash);

        // Step 2: the event, and its place in the log; those that waited come before it or after it.
        var log = new AuditLog(_time);
        byte[] id = await _database.WriteAsync(
            transaction => log.AppendAsync(transaction, LogEvents.Overridden(actor, _options.Origin, decided, keptSize)), cancellationToken);
        while (await _database.FindAsync<long>("SELECT COUNT(*) FROM log_leaf WHERE event_id = @Id", new { Id = id }, cancellationToken) == 0)
        {
            _ = await SequenceAsync(cancellationToken) ?? throw new InvalidOperationException(AnotherNode);
        }

        // Step 3: the checkpoint that shows the break to everybody.
        Checkpoint signed = await SignAsync(new Break(abandoned, decided), cancellationToken)
            ?? throw new InvalidOperationException(AnotherNode);
        _anchored = signed;
        _guarded = true;
        await AnchorAsync(cancellationToken);
        return signed;
    }

    /// <summary>What two officers have to decide about, where <see cref="LogGuard"/> refuses the database as older than its anchors.</summary>
    /// <returns>Null where there is nothing to decide.</returns>
    /// <exception cref="LogDamagedException">The database contradicts itself: going on would not help.</exception>
    /// <exception cref="AnchorException">An anchor cannot be read.</exception>
    public async Task<RolledBackLog?> FindRollbackAsync(CancellationToken cancellationToken = default)
    {
        Checkpoint? anchored = _guard.ReadAnchors();
        LogState state = await _database.ReadAsync(_guard.CheckItselfAsync, cancellationToken);
        return await IsRolledBackAsync(anchored, cancellationToken)
            ? new RolledBackLog(LogGuard.Highest(anchored, state.Last?.Checkpoint)!.Tbs, state.Size)
            : null;
    }

    private async Task<bool> IsRolledBackAsync(Checkpoint? anchored, CancellationToken cancellationToken)
    {
        try
        {
            await _database.ReadAsync(transaction => _guard.CheckAsync(transaction, anchored), cancellationToken);
            return false;
        }
        catch (LogRolledBackException)
        {
            return true;
        }
    }

    /// <returns>How many events got their place; null where another node does the work.</returns>
    private async Task<int?> SequenceAsync(CancellationToken cancellationToken)
    {
        // An idle log writes nothing.
        byte[]? oldest = await _database.FindAsync<byte[]>(
            $"SELECT event_id FROM log_pending ORDER BY event_id {_database.Dialect.Limit(1)}", cancellationToken: cancellationToken);
        return oldest is null ? 0 : await _database.WriteAsync(SequenceBatchAsync, cancellationToken);
    }

    private async Task<int?> SequenceBatchAsync(Transaction transaction)
    {
        if (!await _lease.TakeAsync(transaction, _time.GetUtcNow()))
        {
            return null;
        }

        // What is pending, never what is "greater than the last seen": an event with an older id may have been committed later.
        IReadOnlyList<PendingEvent> batch = await transaction.QueryAsync<PendingEvent>(
            $"""
             SELECT log_pending.event_id, audit_event.leaf
             FROM log_pending JOIN audit_event ON audit_event.event_id = log_pending.event_id
             ORDER BY log_pending.event_id {transaction.Dialect.Limit(_options.BatchSize)}
             """);
        if (batch.Count == 0)
        {
            return 0;
        }

        long size = await TreeReader.GetSizeAsync(transaction);
        if (await CheckpointStore.FindLatestAsync(transaction) is { } last && size < last.Checkpoint.Tbs.TreeSize)
        {
            throw new LogDamagedException($"The log has {size} leaves, its checkpoint {last.Number} tells of {last.Checkpoint.Tbs.TreeSize}.");
        }

        TreeBuilder tree = await TreeReader.GetBuilderAsync(transaction, size);
        var leaves = new object?[batch.Count][];
        var entries = new object?[batch.Count][];
        var nodes = new List<TreeNode>();
        for (int i = 0; i < leaves.Length; i++)
        {
            byte[] hash = MerkleHash.Leaf(batch[i].Leaf);
            tree.Append(hash, nodes);
            leaves[i] = [size + i, batch[i].EventId, hash];
            entries[i] = EntryOf(batch[i]);
        }

        await transaction.BulkInsertAsync("log_leaf", LeafColumns, leaves);
        await transaction.BulkInsertAsync("audit_search", SearchColumns, entries);
        FaultPoint.Reach("log.leaves");
        await transaction.BulkInsertAsync("log_node", NodeColumns, [.. nodes.Select(node => new object?[] { (short)node.Level, node.Index, node.Hash })]);
        FaultPoint.Reach("log.nodes");
        int taken = await transaction.ExecuteAsync(
            "DELETE FROM log_pending WHERE event_id IN (SELECT event_id FROM log_leaf WHERE log_index >= @Size)", new { Size = size });
        return taken == batch.Count
            ? taken
            : throw new LogDamagedException($"Of {batch.Count} events that got their place in the log, {taken} were pending.");
    }

    /// <exception cref="LogDamagedException">What was recorded is no event, or another one.</exception>
    private static object?[] EntryOf(PendingEvent pending)
    {
        AuditLeaf leaf;
        try
        {
            leaf = Der.Decode<AuditLeaf>(pending.Leaf);
        }
        catch (DerException e)
        {
            throw new LogDamagedException($"The event {Convert.ToHexStringLower(pending.EventId)} that waits for its place is none: {e.Message}");
        }

        return leaf.Id.Span.SequenceEqual(pending.EventId)
            ? [pending.EventId, leaf.Action, leaf.Actor.Id, leaf.Object.Kind, leaf.Object.Id]
            : throw new LogDamagedException($"The event {Convert.ToHexStringLower(pending.EventId)} that waits for its place says that it is {Convert.ToHexStringLower(leaf.Id.Span)}.");
    }

    private async Task<Checkpoint?> SignIfDueAsync(CancellationToken cancellationToken)
    {
        FaultPoint.Reach("log.sequenced");
        LogState state = await _database.ReadAsync(LogGuard.ReadStateAsync, cancellationToken);
        TbsCheckpoint? last = state.Last?.Checkpoint.Tbs;
        if (state.Last is { } stored && LogGuard.Highest(_anchored, stored.Checkpoint) != _anchored)
        {
            // No anchor has the last checkpoint: first that one. Otherwise nobody could tell what a rollback takes away, nor a crash from anchors that were deleted.
            return null;
        }

        DateTimeOffset now = _time.GetUtcNow();
        RequireClock(now, Latest(last?.Time, _anchored?.Tbs.Time));
        TimeSpan age = now - (last?.Time ?? DateTimeOffset.MinValue);
        bool isDue = age >= (state.Size > (last?.TreeSize ?? -1) ? _options.MinInterval : _options.MaxInterval);
        return isDue ? await SignAsync(null, cancellationToken) : null;
    }

    /// <param name="break">Where officers let the log go on from an older state.</param>
    /// <returns>The checkpoint, signed and stored; null where another node does that.</returns>
    private async Task<Checkpoint?> SignAsync(Break? @break, CancellationToken cancellationToken)
    {
        // Step 1: what is signed continues what was signed before.
        (LogState state, byte[] root) = await _database.ReadAsync(
            async transaction =>
            {
                LogState state = @break is null ? await _guard.CheckAsync(transaction, _anchored) : await _guard.CheckItselfAsync(transaction);
                return (state, await TreeReader.GetRootAsync(transaction, state.Size));
            },
            cancellationToken);
        TbsCheckpoint? last = state.Last?.Checkpoint.Tbs;
        if (last is not null && !last.KeyId.Span.SequenceEqual(_keyId))
        {
            await RequireAnnouncedKeyAsync(last, cancellationToken);
        }

        // Step 2: the times of checkpoints never decrease.
        DateTimeOffset now = _time.GetUtcNow();
        DateTimeOffset floor = Latest(Latest(last?.Time, _anchored?.Tbs.Time), @break?.Abandoned.Time);
        RequireClock(now, floor);
        if (!await _database.WriteAsync(transaction => _lease.TakeAsync(transaction, now), cancellationToken))
        {
            return null;
        }

        // Step 3: sign, outside any transaction.
        long epoch = @break is null ? last?.Epoch ?? 0 : Math.Max(@break.Abandoned.Epoch, last?.Epoch ?? 0) + 1;
        byte[] tbs = Der.Encode(new TbsCheckpoint(_options.Origin, epoch, state.Size, root, Latest(now, floor), _keyId, @break?.Decided));
        var checkpoint = Checkpoint.Assemble(tbs, Der.Decode<Sm2Signature>(await _signer.SignAsync(tbs, cancellationToken)));
        FaultPoint.Reach("log.signed");
        if (!checkpoint.IsSignedBy(_options.Key))
        {
            throw new HsmException(HsmFailure.DeviceError, "The device's signature of a checkpoint does not verify.");
        }

        // Step 4: another node may have signed meanwhile; the number has room for one of the two.
        bool stored = await _database.WriteAsync(
            transaction => CheckpointStore.TryInsertAsync(transaction, new NumberedCheckpoint((state.Last?.Number ?? 0) + 1, checkpoint)), cancellationToken);
        FaultPoint.Reach("log.stored");
        return stored ? checkpoint : null;
    }

    private static void RequireClock(DateTimeOffset now, DateTimeOffset floor)
    {
        if (floor - now > AuditReadiness.ClockTolerance)
        {
            throw new ClockSetBackException($"The clock says {now:O}, the log's last checkpoint was signed at {floor:O}: nothing is signed before that time comes.");
        }
    }

    /// <summary>A new key signs only once its announcement is under a checkpoint of the key before it: that is how others come to trust it.</summary>
    private async Task RequireAnnouncedKeyAsync(TbsCheckpoint last, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> leaves = await _database.QueryAsync<byte[]>(
            """
            SELECT audit_event.leaf FROM audit_search
            JOIN audit_event ON audit_event.event_id = audit_search.event_id
            JOIN log_leaf ON log_leaf.event_id = audit_search.event_id
            WHERE audit_search.action = @Action AND audit_search.object_id = @KeyId AND log_leaf.log_index < @Size
            """,
            new { Action = LogEvents.KeyAction, KeyId = Convert.ToHexStringLower(_keyId), Size = last.TreeSize },
            cancellationToken);
        if (!leaves.Any(leaf => LogEvents.Announces(Der.Decode<AuditLeaf>(leaf), _options.Key)))
        {
            throw new LogDamagedException(
                $"The log key {Convert.ToHexStringLower(_keyId)} was not announced under a checkpoint of the key before it ({LogEvents.KeyAction}); that one has to go on signing.");
        }
    }

    /// <summary>Gives each anchor the latest checkpoint that it has not got from here yet.</summary>
    private async Task AnchorAsync(CancellationToken cancellationToken)
    {
        Checkpoint? latest = (await _database.ReadAsync(CheckpointStore.FindLatestAsync, cancellationToken))?.Checkpoint;
        if (_guarded && (latest is null || _options.Anchors.All(anchor => Has(anchor, latest))))
        {
            return;
        }

        // Another node's checkpoint is looked at as closely as a backup's.
        LogState state = await _database.ReadAsync(transaction => _guard.CheckAsync(transaction, _anchored), cancellationToken);
        latest = state.Last?.Checkpoint;
        if (latest is null)
        {
            return;
        }

        var failures = new List<AnchorException>();
        foreach (Anchor anchor in _options.Anchors)
        {
            if (Has(anchor, latest))
            {
                continue;
            }

            try
            {
                anchor.Append(latest);
                _appended[anchor] = latest;
                _anchored = LogGuard.Highest(_anchored, latest);
                FaultPoint.Reach("log.anchored");
            }
            catch (AnchorException e)
            {
                failures.Add(e);
            }
        }

        if (failures.Count > 0)
        {
            throw new AnchorException(string.Join(" ", failures.Select(each => each.Message)), failures[0]);
        }
    }

    private bool Has(Anchor anchor, Checkpoint checkpoint) =>
        _appended.TryGetValue(anchor, out Checkpoint? last) && last.TbsBytes.Span.SequenceEqual(checkpoint.TbsBytes.Span);

    private static DateTimeOffset Latest(DateTimeOffset? one, DateTimeOffset? other) =>
        one is { } first && !(other > first) ? first : other ?? DateTimeOffset.MinValue;

    /// <param name="Abandoned">The highest that was known.</param>
    private sealed record Break(TbsCheckpoint Abandoned, LogOverride Decided);

    private sealed record PendingEvent
    {
        public required byte[] EventId { get; init; }

        public required byte[] Leaf { get; init; }
    }
}
