using System.Globalization;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;

namespace ZwCa.Ra.CertificationAuthority;

/// <summary>
/// Keeps the highest checkpoint of the CA's log, for all nodes: each that takes the place of another is proven to follow from it, as docs/AUDIT-FORMAT.md says. So a log that was set back, or that
/// shows this RA something else than before, is found out. Safe for concurrent use.
/// </summary>
internal sealed partial class KeepCheckpoint(Database database, CaClient ca, Checkpoints checkpoints, AuditVerifier verifier, TimeProvider time, ILogger<KeepCheckpoint> logger) : IDisposable
{
    /// <summary>Decisions of two officers to let the log go on from an older state: more than one is a rare misfortune.</summary>
    private const long MaxEpochs = 16;

    private const int Tries = 3;

    private readonly SemaphoreSlim _one = new(1);
    private Checkpoint? _proven;

    /// <summary>Keeps the highest that this node has heard of, where it is higher than what is kept.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: the CA is away.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (await LoadAsync(cancellationToken) is { } kept)
        {
            checkpoints.Know(kept);
        }

        if (checkpoints.Highest is { } highest)
        {
            await TryAsync(highest, cancellationToken);
        }
    }

    /// <summary>Whether a checkpoint, whose signature was verified, is of the log that this RA knows. A higher one is kept.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: the CA is away.</exception>
    public async Task<bool> TryAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        // One after the other: many events are proven against the same checkpoint, and one question is enough.
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_proven is { } proven && Agree(proven.Tbs, checkpoint.Tbs))
            {
                return true;
            }

            await ProveAsync(checkpoint, cancellationToken);
            _proven = checkpoint;
            if (checkpoints.Highest is not { } highest || Checkpoints.Compare(checkpoint.Tbs, highest.Tbs) >= 0)
            {
                checkpoints.Judge(null);
            }

            return true;
        }
        catch (Exception e) when (e is LogNotProvenException or DerException || (e is RefusalException { FromPeer: true, Kind: Refusal.NotFound or Refusal.Malformed }))
        {
            checkpoints.Judge(e is LogNotProvenException ? e.Message : $"The CA does not prove that its log of {checkpoint.Tbs.TreeSize} events follows from what was kept.");
            return false;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private static bool Agree(TbsCheckpoint first, TbsCheckpoint second) =>
        first.Epoch == second.Epoch && first.TreeSize == second.TreeSize && first.RootHash.Span.SequenceEqual(second.RootHash.Span);

    private async Task<Checkpoint?> LoadAsync(CancellationToken cancellationToken) =>
        await database.FindAsync<byte[]>("SELECT checkpoint FROM ca_checkpoint WHERE checkpoint_number = 1", cancellationToken: cancellationToken) is { } bytes
            ? Der.Decode<Checkpoint>(bytes)
            : null;

    /// <exception cref="LogNotProvenException">It is not of the log that was kept.</exception>
    private async Task ProveAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        for (int i = 0; i < Tries; i++)
        {
            // Step 1: the first one is believed, like the key.
            Checkpoint? kept = await LoadAsync(cancellationToken);
            if (kept is null)
            {
                if (await KeepAsync(null, checkpoint, cancellationToken))
                {
                    return;
                }

                continue;
            }

            // Step 2: epochs that two officers began since.
            if (checkpoint.Tbs.Epoch < kept.Tbs.Epoch || checkpoint.Tbs.Epoch > kept.Tbs.Epoch + MaxEpochs)
            {
                throw new LogNotProvenException($"The CA's log is in epoch {checkpoint.Tbs.Epoch}, and was in epoch {kept.Tbs.Epoch}.");
            }

            if (checkpoint.Tbs.Epoch > kept.Tbs.Epoch)
            {
                EpochAnswer answer = await ca.GetAsync<EpochAnswer>(string.Create(CultureInfo.InvariantCulture, $"/log/epochs/{kept.Tbs.Epoch + 1}"), cancellationToken);
                Checkpoint first = Der.Decode<Checkpoint>(answer.Checkpoint);
                LogOverride decided = verifier.VerifyOverride(kept, first);
                if (await KeepAsync(kept, first, cancellationToken))
                {
                    LogSetBack(logger, first.Tbs.Epoch, decided.AbandonedSize, first.Tbs.TreeSize, Convert.ToHexStringLower(decided.Decision.Span));
                }

                // Each epoch is its own round, and no try that failed.
                i = -1;
                continue;
            }

            // Step 3: within an epoch, whichever is the larger one begins with the other.
            (Checkpoint smaller, Checkpoint larger) = checkpoint.Tbs.TreeSize < kept.Tbs.TreeSize ? (checkpoint, kept) : (kept, checkpoint);
            verifier.VerifyConsistency(smaller, larger, await ProofAsync(smaller, larger, cancellationToken));

            // Step 4: the higher one is kept; where another node has kept one meanwhile, against that.
            if (Checkpoints.Compare(checkpoint.Tbs, kept.Tbs) <= 0 || await KeepAsync(kept, checkpoint, cancellationToken))
            {
                return;
            }
        }

        throw new RefusalException(Refusal.Unavailable, "日志检查点正在由其他节点更新，请稍后重试。", Checkpoints.TellEvery);
    }

    private async Task<ConsistencyProof> ProofAsync(Checkpoint smaller, Checkpoint larger, CancellationToken cancellationToken) =>
        smaller.Tbs.TreeSize == larger.Tbs.TreeSize || smaller.Tbs.TreeSize == 0
            ? new ConsistencyProof(smaller.Tbs.TreeSize, larger.Tbs.TreeSize, [])
            : Der.Decode<ConsistencyProof>((await ca.GetAsync<ConsistencyAnswer>(
                string.Create(CultureInfo.InvariantCulture, $"/log/consistency?first={smaller.Tbs.TreeSize}&second={larger.Tbs.TreeSize}"), cancellationToken)).Proof);

    /// <returns>False: another node was faster.</returns>
    private Task<bool> KeepAsync(Checkpoint? before, Checkpoint now, CancellationToken cancellationToken)
    {
        var row = new { Size = now.Tbs.TreeSize, Checkpoint = Der.Encode(now), Before = before is null ? null : Der.Encode(before), Now = time.GetUtcNow() };
        return database.WriteAsync(
            async transaction =>
            {
                bool isKept = before is null
                    ? await transaction.TryInsertAsync("INSERT INTO ca_checkpoint (checkpoint_number, tree_size, checkpoint, seen_at) VALUES (1, @Size, @Checkpoint, @Now)", row)
                    : await transaction.ExecuteAsync(
                        "UPDATE ca_checkpoint SET tree_size = @Size, checkpoint = @Checkpoint, seen_at = @Now WHERE checkpoint_number = 1 AND checkpoint = @Before", row) == 1;

                // What was in the log that was given up may not be in the one that goes on: all of it is to be proven again.
                if (isKept && before is not null && before.Tbs.Epoch != now.Tbs.Epoch)
                {
                    await transaction.ExecuteAsync("UPDATE certificate SET proven_at = NULL WHERE proven_at IS NOT NULL");
                }

                return isKept;
            },
            cancellationToken);
    }

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "Two officers of the CA let its log go on from an older state: epoch {Epoch} began with {Size} events, and {Abandoned} were given up, by decision {Decision}. What the CA did since may be lost")]
    private static partial void LogSetBack(ILogger logger, long epoch, long abandoned, long size, string decision);
}
