using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Evidence;

/// <summary>Puts evidence to an enrollment and takes it away, as long as nobody decides about it: what officers sign has the hashes in it.</summary>
internal sealed class ChangeEvidence(Database database, AuditLog log, EvidenceStore store, TimeProvider time)
{
    private const int MaxTitleLength = 128;

    /// <param name="declared">The Content-Type that it came with.</param>
    /// <param name="keepAnswer">Run in the transaction with the file's hash.</param>
    /// <returns>The file's SM3.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotAllowed"/>, <see cref="Refusal.Malformed"/>, <see cref="Refusal.TooLarge"/>; <see cref="Refusal.NotFound"/>: no such enrollment in the officer's region;
    /// <see cref="Refusal.WrongState"/>: it is submitted; <see cref="Refusal.Duplicate"/>.
    /// </exception>
    public async Task<byte[]> AddAsync(
        Officer officer, byte[] enrollmentId, string? title, ReadOnlyMemory<byte> file, string? declared, Func<Transaction, byte[], Task> keepAnswer, CancellationToken cancellationToken)
    {
        // Step 1: who brings what, and to what. The rows decide again in the transaction; nothing is sealed for nothing.
        SubscriberRules.RequireEntry(officer);
        string shown = VisibleText.Find(title, MaxTitleLength) ?? throw new RefusalException(Refusal.Malformed, $"证明材料的名称有误：应为1至{MaxTitleLength}个可见字符。");
        string mediaType = EvidenceFile.Judge(file.Span, declared);
        Enrollment enrollment = await database.ReadAsync(transaction => EvidenceStore.GetEnrollmentAsync(transaction, officer, enrollmentId), cancellationToken);
        if (!enrollment.IsChangeable)
        {
            throw EvidenceStore.NotChangeable();
        }

        // Step 2: its name, and its bytes as they are stored.
        byte[] hash = Sm3.HashData(file.Span);
        (byte[] keyId, byte[][] parts) = store.Seal(hash, file);
        DateTimeOffset now = time.GetUtcNow();
        await database.WriteAsync(
            async transaction =>
            {
                // Step 3: the enrollment first, so that nobody submits it meanwhile; then the file, once for all who have it.
                await EvidenceStore.ChangeEnrollmentAsync(transaction, officer, enrollmentId, "添加证明材料", now);
                await EvidenceStore.InsertAsync(transaction, hash, mediaType, file.Length, keyId, parts, now);
                await EvidenceStore.AttachAsync(transaction, enrollmentId, hash, shown, now);
                await log.AppendAsync(
                    transaction,
                    new AuditEvent(officer.Actor, "evidence.add", EvidenceStore.ObjectOf(enrollmentId), AuditOutcome.Done)
                    {
                        Fields = [new AuditField.Octets("hash", hash), new AuditField.Text("mediaType", mediaType), new AuditField.Number("length", file.Length)],
                    });
                await keepAnswer(transaction, hash);
            },
            cancellationToken);
        return hash;
    }

    /// <param name="keepAnswer">Run in the transaction.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>; <see cref="Refusal.NotFound"/>: no such enrollment, or no such evidence of it; <see cref="Refusal.WrongState"/>.</exception>
    public async Task RemoveAsync(Officer officer, byte[] enrollmentId, byte[] hash, Func<Transaction, Task> keepAnswer, CancellationToken cancellationToken)
    {
        SubscriberRules.RequireEntry(officer);
        DateTimeOffset now = time.GetUtcNow();
        await database.WriteAsync(
            async transaction =>
            {
                Enrollment enrollment = await EvidenceStore.ChangeEnrollmentAsync(transaction, officer, enrollmentId, "删除证明材料", now);
                if (!await EvidenceStore.DetachAsync(transaction, enrollmentId, hash, wasSubmitted: enrollment.Round > 0))
                {
                    throw EvidenceStore.NotFound();
                }

                await log.AppendAsync(
                    transaction,
                    new AuditEvent(officer.Actor, "evidence.remove", EvidenceStore.ObjectOf(enrollmentId), AuditOutcome.Done) { Fields = [new AuditField.Octets("hash", hash)] });
                await keepAnswer(transaction);
            },
            cancellationToken);
    }
}
