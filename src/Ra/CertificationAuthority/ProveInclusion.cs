using Microsoft.Extensions.Logging;
using Quartz;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Ra.CertificationAuthority;

/// <summary>
/// Has the CA prove that the issue of each certificate is in its log, once, soon after it was stored: what the log does not have, nobody could account for (trust.md §6). Safe for concurrent use.
/// </summary>
internal sealed partial class ProveInclusion(
    Database database, CaClient ca, Checkpoints checkpoints, KeepCheckpoint kept, AuditVerifier verifier, TimeProvider time, ILogger<ProveInclusion> logger)
{
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>The log takes an event within about a second, and signs.</summary>
    private static readonly TimeSpan After = TimeSpan.FromSeconds(5);

    /// <summary>What is not proven by then is an alarm.</summary>
    private static readonly TimeSpan Until = TimeSpan.FromSeconds(60);

    private const int PageRows = 100;
    private const int MaxPages = 20;
    private const int AtOnce = 4;
    private const string IssueAction = "certificate.issue";

    private static readonly Row First = new() { Issuer = "", Serial = "", Certificate = [], StoredAt = DateTimeOffset.UnixEpoch };

    private Row _last = First;
    private DateTimeOffset _toldAt = DateTimeOffset.MinValue;

    /// <summary>How many certificates should be proven and are not.</summary>
    public Task<long> CountMissingAsync(CancellationToken cancellationToken) => database.FindAsync<long>(
        "SELECT COUNT(*) FROM certificate WHERE proven_at IS NULL AND stored_at < @Before", new { Before = time.GetUtcNow() - Until }, cancellationToken);

    /// <summary>Goes on where the run before ended, so that what is never proven, or never answered, holds nothing else up.</summary>
    /// <returns>How many were proven.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        int proven = 0;
        try
        {
            await kept.RunAsync(cancellationToken);
            for (int i = 0; i < MaxPages; i++)
            {
                IReadOnlyList<Row> page = await database.QueryAsync<Row>(
                    $"""
                     SELECT issuer, serial, certificate, stored_at FROM certificate
                     WHERE proven_at IS NULL AND stored_at <= @Before
                         AND (stored_at > @StoredAt OR (stored_at = @StoredAt AND (issuer > @Issuer OR (issuer = @Issuer AND serial > @Serial))))
                     ORDER BY stored_at, issuer, serial {database.Dialect.Limit(PageRows)}
                     """,
                    new { Before = time.GetUtcNow() - After, _last.StoredAt, _last.Issuer, _last.Serial },
                    cancellationToken);
                int answered = 0;
                await Parallel.ForEachAsync(page, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (row, cancellation) =>
                {
                    bool? isProven = await ProveAsync(row, cancellation);
                    Interlocked.Add(ref answered, isProven is null ? 0 : 1);
                    Interlocked.Add(ref proven, isProven == true ? 1 : 0);
                });
                _last = page.Count == PageRows ? page[^1] : First;
                if (answered < page.Count)
                {
                    LogUnanswered(logger, page.Count - answered);
                }

                if (page.Count < PageRows || answered == 0)
                {
                    break;
                }
            }
        }
        catch (RefusalException e) when (e.Kind == Refusal.Unavailable)
        {
            LogAway(logger);
        }

        await AlarmAsync(cancellationToken);
        return proven;
    }

    /// <returns>Null: the CA did not answer.</returns>
    private async Task<bool?> ProveAsync(Row row, CancellationToken cancellationToken)
    {
        try
        {
            // Step 1: which event it is, and its proof.
            string path = $"/certificates/{row.Issuer}/{row.Serial}/history";
            CertificateHistory history = await ca.GetAsync<CertificateHistory>(path, cancellationToken);
            CertificateEvent issued = history.Events.FirstOrDefault(each => each is { Action: IssueAction, Outcome: "done" })
                ?? throw new LogNotProvenException("The CA names no event of its issue.");
            EventProof proof = await ca.GetAsync<EventProof>($"{path}/{issued.Id}/proof", cancellationToken);

            // Step 2: the event is in the log that the checkpoint is of, and is about this certificate.
            Checkpoint checkpoint = Der.Decode<Checkpoint>(proof.Checkpoint);
            AuditLeaf leaf = verifier.VerifyInclusion(proof.Leaf, Der.Decode<InclusionProof>(proof.Proof), checkpoint);
            byte[] digest = Sm3.HashData(row.Certificate);
            bool isIts = leaf is { Action: IssueAction, Outcome: AuditOutcome.Done }
                && leaf.Object == new AuditObject("certificate", $"{row.Issuer}/{row.Serial}")
                && leaf.Fields.OfType<AuditField.Octets>().Any(each => each.Name == "certificate" && each.Value.Span.SequenceEqual(digest));
            if (!isIts)
            {
                throw new LogNotProvenException("The event is not of the issue of this certificate.");
            }

            // Step 3: the checkpoint is of the log that this RA has known so far.
            checkpoints.See(Convert.ToBase64String(proof.Checkpoint));
            if (!await kept.TryAsync(checkpoint, cancellationToken))
            {
                return false;
            }

            return await database.WriteAsync(
                async transaction => await transaction.ExecuteAsync(
                    "UPDATE certificate SET proven_at = @Now WHERE issuer = @Issuer AND serial = @Serial AND proven_at IS NULL",
                    new { Now = time.GetUtcNow(), row.Issuer, row.Serial }) == 1,
                cancellationToken);
        }
        catch (Exception e) when (e is LogNotProvenException or DerException or RefusalException { Kind: not Refusal.Unavailable and not Refusal.InProgress })
        {
            LogNotProven(logger, row.Issuer, row.Serial, e.Message);
            return false;
        }
        catch (RefusalException e) when (e.Kind == Refusal.InProgress)
        {
            // No checkpoint covers it yet.
            return false;
        }
        catch (RefusalException e) when (e.Kind == Refusal.Unavailable)
        {
            return null;
        }
    }

    private async Task AlarmAsync(CancellationToken cancellationToken)
    {
        long missing = await CountMissingAsync(cancellationToken);
        DateTimeOffset now = time.GetUtcNow();
        if (missing > 0 && (now - _toldAt >= Checkpoints.TellEvery || now < _toldAt))
        {
            _toldAt = now;
            LogMissing(logger, missing);
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Missing} certificates that the CA has issued are not proven to be in its log, after more than a minute")]
    private static partial void LogMissing(ILogger logger, long missing);

    [LoggerMessage(Level = LogLevel.Error, Message = "The issue of certificate {Issuer}/{Serial} is not proven: {Reason}")]
    private static partial void LogNotProven(ILogger logger, string issuer, string serial, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The CA is away: what it has issued is proven later")]
    private static partial void LogAway(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The CA did not answer about {Count} certificates: they are proven later")]
    private static partial void LogUnanswered(ILogger logger, int count);

    private sealed record Row
    {
        public required string Issuer { get; init; }

        public required string Serial { get; init; }

        public required byte[] Certificate { get; init; }

        public required DateTimeOffset StoredAt { get; init; }
    }
}

/// <summary>Most runs find little.</summary>
[DisallowConcurrentExecution]
internal sealed class InclusionJob(ProveInclusion inclusion) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await inclusion.RunAsync(cancellationToken);
}
