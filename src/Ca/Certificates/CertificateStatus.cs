using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Ca.Certificates;

/// <summary>Changes the state of certificates, inside one unit of work.</summary>
internal static class CertificateStatus
{
    /// <returns>False: it is revoked already.</returns>
    internal static async Task<bool> RevokeAsync(Transaction transaction, AuditLog log, CertificateRow row, RevocationReason reason, AuditActor actor, DateTimeOffset now)
    {
        bool revoked = await transaction.ExecuteAsync(
            "UPDATE certificate SET state = 3, state_version = state_version + 1, changed_at = @Now WHERE certificate_id = @Id AND state IN (2, 4)",
            new { Id = row.CertificateId, Now = now }) == 1;
        if (revoked)
        {
            await transaction.ExecuteAsync("DELETE FROM revocation WHERE authority_id = @AuthorityId AND shard = @Shard AND serial = @Serial", row);
            await CertificateStore.InsertRevocationAsync(transaction, row, reason, now);
            string issuer = await transaction.GetAsync<string>("SELECT key_identifier FROM authority WHERE authority_id = @AuthorityId", row);
            await log.AppendAsync(transaction, new AuditEvent(actor, "certificate.revoke", new AuditObject("certificate", $"{issuer}/{row.Serial}"), AuditOutcome.Done)
            {
                Fields = [new AuditField.Text("reason", reason.ToString())],
            });
        }

        return revoked;
    }
}
