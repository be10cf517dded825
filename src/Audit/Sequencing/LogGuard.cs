using ZwCa.Asn1.Audit;
using ZwCa.Audit.Tree;
using ZwCa.Data;

namespace ZwCa.Audit.Sequencing;

/// <summary>
/// Refuses a database that is older than its anchors say, or has gone another way. A service asks before it starts; the sequencer asks before it goes on.
/// </summary>
public sealed class LogGuard
{
    private readonly Database _database;
    private readonly LogOptions _options;
    private readonly AuditVerifier _verifier;

    /// <exception cref="ArgumentException">There is no anchor.</exception>
    public LogGuard(Database database, LogOptions options)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Anchors.Count == 0)
        {
            throw new ArgumentException("A log needs an anchor outside its database.", nameof(options));
        }

        _database = database;
        _options = options;
        _verifier = new AuditVerifier(options.Origin, [options.Key, .. options.EarlierKeys]);
    }

    /// <summary>Compares the database with its anchors and with itself.</summary>
    /// <exception cref="LogRolledBackException">It is older than an anchor, has gone another way, or all anchors are gone.</exception>
    /// <exception cref="LogDamagedException">It contradicts its own last checkpoint.</exception>
    /// <exception cref="AnchorException">An anchor cannot be read.</exception>
    public Task CheckAsync(CancellationToken cancellationToken = default)
    {
        Checkpoint? anchored = ReadAnchors();
        return _database.ReadAsync<object?>(
            async transaction =>
            {
                await CheckAsync(transaction, anchored);
                return null;
            },
            cancellationToken);
    }

    /// <summary>As <see cref="CheckAsync(CancellationToken)"/>, of what one transaction sees: a copy that lags behind, or was put back, is older than the anchors.</summary>
    /// <param name="anchored">From <see cref="ReadAnchors"/>, read before the transaction began.</param>
    /// <returns>Leaves of the log that it sees.</returns>
    /// <exception cref="LogRolledBackException">As there.</exception>
    /// <exception cref="LogDamagedException">As there.</exception>
    public async Task<long> RequireNoneOlderAsync(Transaction transaction, Checkpoint? anchored)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return (await CheckAsync(transaction, anchored)).Size;
    }

    /// <summary>In epochs, then in size, then in time.</summary>
    internal static Checkpoint? Highest(Checkpoint? one, Checkpoint? other) =>
        one is null || (other is not null && Rank(other).CompareTo(Rank(one)) > 0) ? other : one;

    /// <returns>The highest checkpoint that an anchor holds; null where none holds any.</returns>
    /// <exception cref="AnchorException">An anchor cannot be read.</exception>
    public Checkpoint? ReadAnchors()
    {
        Checkpoint? highest = null;
        foreach (Anchor anchor in _options.Anchors)
        {
            foreach (Checkpoint checkpoint in anchor.Read())
            {
                try
                {
                    _verifier.VerifyCheckpoint(checkpoint);
                }
                catch (LogNotProvenException e)
                {
                    throw new AnchorException($"The anchor {anchor.Path} holds a checkpoint that does not hold: {e.Message}", e);
                }

                highest = Highest(highest, checkpoint);
            }
        }

        return highest;
    }

    /// <summary>Compares what the transaction sees with the highest anchored checkpoint and with its own last one.</summary>
    internal async Task<LogState> CheckAsync(Transaction transaction, Checkpoint? anchored)
    {
        LogState state = await CheckItselfAsync(transaction);
        long size = state.Size;
        if (anchored is null)
        {
            // With one checkpoint a crash may have come before its anchor: no more is lost than by beginning anew.
            return state.Last is not { Number: > 1 }
                ? state
                : throw new LogRolledBackException(
                    size, -1, $"The log has {size} events and {state.Last.Number} checkpoints, but no anchor holds any: put an anchor back, or let two officers decide.");
        }

        TbsCheckpoint known = anchored.Tbs;
        long epoch = state.Last?.Checkpoint.Tbs.Epoch ?? 0;
        if (epoch > known.Epoch)
        {
            // The decision was stored, and the anchor was not reached any more.
            Checkpoint? first = (await CheckpointStore.FindFirstAsync(transaction, known.Epoch + 1))?.Checkpoint;
            if (first is null)
            {
                throw new LogDamagedException($"The log is in epoch {epoch}, but has no checkpoint of epoch {known.Epoch + 1}.");
            }

            _ = Verified(() => _verifier.VerifyOverride(anchored, first));
            return state;
        }

        if (epoch < known.Epoch || size < known.TreeSize)
        {
            throw new LogRolledBackException(
                size, known.TreeSize, $"The database has {size} events in epoch {epoch}; the anchors know of {known.TreeSize} in epoch {known.Epoch}: it is older than they are.");
        }

        return (await TreeReader.GetRootAsync(transaction, known.TreeSize)).AsSpan().SequenceEqual(known.RootHash.Span)
            ? state
            : throw new LogRolledBackException(
                size, known.TreeSize, $"The database has {size} events, of which the first {known.TreeSize} are not those that the anchors know of.");
    }

    /// <summary>What the transaction sees is what its last checkpoint says, signed by a key of the log.</summary>
    internal async Task<LogState> CheckItselfAsync(Transaction transaction)
    {
        LogState state = await ReadStateAsync(transaction);
        (long size, NumberedCheckpoint? last) = state;
        if (last is not null)
        {
            TbsCheckpoint tbs = last.Checkpoint.Tbs;
            Verified(() =>
            {
                _verifier.VerifyCheckpoint(last.Checkpoint);
                return true;
            });
            if (size < tbs.TreeSize || !(await TreeReader.GetRootAsync(transaction, tbs.TreeSize)).AsSpan().SequenceEqual(tbs.RootHash.Span))
            {
                throw new LogDamagedException($"The log of {size} events is not the one that its checkpoint {last.Number} of {tbs.TreeSize} events tells of.");
            }
        }

        return state;
    }

    /// <summary>First the checkpoint: leaves that come between the two statements make the log larger than it says, never smaller.</summary>
    internal static async Task<LogState> ReadStateAsync(Transaction transaction)
    {
        NumberedCheckpoint? last = await CheckpointStore.FindLatestAsync(transaction);
        return new LogState(await TreeReader.GetSizeAsync(transaction), last);
    }

    private static (long Epoch, long Size, DateTimeOffset Time) Rank(Checkpoint checkpoint) => (checkpoint.Tbs.Epoch, checkpoint.Tbs.TreeSize, checkpoint.Tbs.Time);

    private static T Verified<T>(Func<T> verify)
    {
        try
        {
            return verify();
        }
        catch (LogNotProvenException e)
        {
            throw new LogDamagedException($"In the database: {e.Message}");
        }
    }
}

/// <param name="Size">Leaves there are.</param>
/// <param name="Last">Null before the first checkpoint.</param>
internal sealed record LogState(long Size, NumberedCheckpoint? Last);
