using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Store;

/// <summary>What m holders have opened. The device that is made of it disposes of <see cref="Store"/> first, then of <see cref="Master"/>.</summary>
/// <param name="Id">16 bytes.</param>
/// <param name="Threshold">m: how many holders must agree.</param>
internal sealed record OpenedPartition(
    string Name,
    ReadOnlyMemory<byte> Id,
    int Threshold,
    IReadOnlyList<Holder> Holders,
    MasterKey Master,
    PartitionStore Store,
    FaultKnobs Faults)
{
    /// <summary>Names id, threshold and holders: a backup begins with it.</summary>
    public required PartitionHeader Header { get; init; }

    /// <summary>A backup file: only m holders of this partition open it again.</summary>
    /// <param name="records">Of <see cref="PartitionState.SnapshotForBackup"/>, taken under the gate and with the mark of this backup in it.</param>
    public byte[] SealBackup(IEnumerable<StoreRecord> records) => BackupFile.Seal(Header, Master, records);
}
