using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Data;

namespace ZwCa.Ca.Pairs;

/// <summary>Envelopes that nobody took until the certificate of their recipient ended are given to nobody any more. Safe to run on several nodes.</summary>
internal sealed class WithdrawEnvelopes(Database database, AuditLog log, AuthorityList authorities, TimeProvider time)
{
    public const string WithdrawAction = "pair.withdraw";

    private const int Batch = 100;

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "withdraw");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            DateTimeOffset now = time.GetUtcNow();
            IReadOnlyList<PairRow> pairs = await database.ReadAsync(transaction => PairStore.ListExpiredAsync(transaction, now, Batch), cancellationToken);
            foreach (PairRow pair in pairs)
            {
                await database.WriteAsync(transaction => WithdrawAsync(transaction, pair, now), cancellationToken);
            }

            if (pairs.Count < Batch)
            {
                return;
            }
        }
    }

    private async Task WithdrawAsync(Transaction transaction, PairRow pair, DateTimeOffset now)
    {
        if (await PairStore.WithdrawAsync(transaction, pair, now))
        {
            CertificateRow encryption = (await CertificateStore.FindAsync(transaction, pair.EncryptionId))!;
            await log.AppendAsync(transaction, new AuditEvent(Actor, WithdrawAction, encryption.ObjectOf(authorities), AuditOutcome.Done));
        }
    }
}
