using ZwCa.Data;

namespace ZwCa.Ra.Evidence;

internal sealed class EvidenceStore
{
    public static Task<IReadOnlyList<ZwCa.Contracts.Ra.EvidenceAnswer>> ListAsync(Transaction transaction, byte[] enrollmentId) => Task.FromResult<IReadOnlyList<ZwCa.Contracts.Ra.EvidenceAnswer>>([]);

    public static Task<IReadOnlyList<byte[]>> ListHashesAsync(Transaction transaction, byte[] enrollmentId) => transaction.QueryAsync<byte[]>(
        "SELECT evidence_hash FROM enrollment_evidence WHERE enrollment_id = @Id ORDER BY position", new { Id = enrollmentId });
}
