using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Device;

/// <summary>A partition from the start of the process on: locked until enough of its holders have entered their shares.</summary>
internal sealed class Partition
{
    public required string Name { get; init; }

    /// <summary>16 bytes.</summary>
    public required ReadOnlyMemory<byte> Id { get; init; }

    public bool IsOpen => throw new NotImplementedException();

    /// <exception cref="HsmException"><see cref="HsmFailure.Locked"/>: shares are missing; says how many.</exception>
    public OpenPartition Open => throw new NotImplementedException();

    /// <exception cref="HsmException"><see cref="HsmFailure.KeyNotFound"/>: nobody with that key is a holder.</exception>
    public EncryptedShare GetShare(ReadOnlyMemory<byte> holderKey) => throw new NotImplementedException();

    /// <summary>Takes a share; the one that completes them opens the partition.</summary>
    /// <returns>How many are still missing.</returns>
    /// <exception cref="HsmException">The share is wrong (its holder is named), or the store cannot be opened (the reason is given).</exception>
    public Task<int> EnterShareAsync(int index, ReadOnlyMemory<byte> share) => throw new NotImplementedException();

    public PartitionStatus Status() => throw new NotImplementedException();
}
