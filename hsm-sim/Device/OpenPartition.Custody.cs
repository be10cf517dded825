using ZwCa.Asn1.Custody;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <content>What m of n holders have done together, by statements that they signed.</content>
internal sealed partial class OpenPartition
{
    private static readonly TimeSpan LongestBackupStatement = TimeSpan.FromDays(7);

    /// <returns>DER of PartitionPolicy.</returns>
    public Bytes GetPolicy() => new(_policy.Encoded);

    /// <param name="statement">DER of SignedStatement.</param>
    public async Task InstallPolicyAsync(ReadOnlyMemory<byte> statement)
    {
        SignedStatement signed = ReadSigned(statement);
        PartitionPolicy policy = Refusal.Read<PartitionPolicy>(signed.Statement, "The policy");
        var next = new PolicyInForce(policy, _id.Span);
        long position;
        lock (_store.Gate)
        {
            int current = _store.State.Policy.Version;
            Refusal.Unless(policy.Version - 1 == current, $"The policy has the version {policy.Version}; that of the partition is {current}, the next is one more.");
            position = _store.Append(new StoreRecord.PolicyInstalled(signed.Statement.ToArray()));
        }

        await WaitDurableAsync(position);
        lock (_store.Gate)
        {
            // Two that follow each other may come here in the other order.
            if (policy.Version > _policy.Policy.Version)
            {
                _policy = next;
            }
        }
    }

    /// <param name="statement">DER of SignedStatement.</param>
    /// <returns>The backup file's content.</returns>
    public async Task<Bytes> BackUpAsync(ReadOnlyMemory<byte> statement)
    {
        SignedStatement signed = ReadSigned(statement);
        BackupStatement order = Refusal.Read<BackupStatement>(signed.Statement, "The backup statement");
        DateTimeOffset now = _time.GetUtcNow();
        Refusal.Unless(order.Partition.Span.SequenceEqual(_id.Span), "The backup statement is for another partition.");
        Refusal.Unless(now <= order.NotAfter.Value, "The backup statement has expired.");
        Refusal.Unless(order.NotAfter.Value <= now + LongestBackupStatement, "The backup statement holds for more than 7 days.");

        // The mark tells of a backup only once there is one, and of those keys only that are in it.
        StoreRecord.BackupMade made;
        List<StoreRecord> records;
        long position;
        lock (_store.Gate)
        {
            made = new StoreRecord.BackupMade(now.ToUnixTimeMilliseconds(), _store.State.Keys.Count);
            records = [.. _store.State.SnapshotForBackup(), made];
            position = _store.Position;
        }

        byte[] backup = _opened.SealBackup(records);
        await WaitDurableAsync(position);
        lock (_store.Gate)
        {
            position = _store.Append(made);
        }

        await WaitDurableAsync(position);
        return new Bytes(backup);
    }

    /// <exception cref="Hsm.HsmException"><see cref="Hsm.HsmFailure.Refused"/>: fewer than m holders signed.</exception>
    private SignedStatement ReadSigned(ReadOnlyMemory<byte> statement)
    {
        SignedStatement signed = Refusal.Read<SignedStatement>(statement, "The statement");
        int signers = signed.ValidSigners(_holders).Count;
        Refusal.Unless(signers >= _opened.Threshold, $"{_opened.Threshold} holders must sign, {signers} did.");
        return signed;
    }
}
