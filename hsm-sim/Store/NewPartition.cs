using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Store;

/// <summary>A partition to be made. The constructor refuses what could not be kept safe.</summary>
internal sealed class NewPartition
{
    public const int DefaultThreshold = 3;

    /// <param name="name">1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot.</param>
    /// <param name="holders">2 to 16 names and SM2 public keys (04‖X‖Y), each once.</param>
    /// <param name="threshold">m, from 2 to the number of holders.</param>
    /// <exception cref="StoreException">Anything else.</exception>
    public NewPartition(string name, IReadOnlyList<(string Name, ReadOnlyMemory<byte> PublicKey)> holders, int threshold = DefaultThreshold)
    {
        RequireName(name);
        if (threshold < PartitionHeader.MinThreshold || threshold > holders.Count || holders.Count > PartitionHeader.MaxHolders)
        {
            throw new StoreException(
                $"{threshold} of {holders.Count} holders cannot be: at least {PartitionHeader.MinThreshold} are needed to open a partition, and at most {PartitionHeader.MaxHolders} there may be.");
        }

        foreach ((string holder, ReadOnlyMemory<byte> key) in holders)
        {
            if (holder.Length is 0 or > 64 || holder.Any(char.IsControl) || holders.Count(h => h.Name == holder) > 1)
            {
                throw new StoreException($"The holder \"{holder}\" is named twice, or no name of 1 to 64 characters.");
            }

            if (!IsKey(key.Span) || holders.Count(h => h.PublicKey.Span.SequenceEqual(key.Span)) > 1)
            {
                throw new StoreException($"The public key of {holder} is not one of SM2, or another holder's too: each has a key of his own.");
            }
        }

        Name = name;
        Holders = holders;
        Threshold = threshold;
    }

    public string Name { get; }

    public IReadOnlyList<(string Name, ReadOnlyMemory<byte> PublicKey)> Holders { get; }

    public int Threshold { get; }

    /// <summary><see cref="StoreMarks.AutoUnlock"/> has the master key left beside the store.</summary>
    public StoreMarks Marks { get; init; }

    /// <summary>From the partition's id (16 bytes) its first policy, of version 0.</summary>
    public required Func<ReadOnlyMemory<byte>, PartitionPolicy> Policy { get; init; }

    /// <exception cref="StoreException">Not a name.</exception>
    public static void RequireName(string name)
    {
        if (!KeyLabel.IsLabel(name) || name[0] == '.')
        {
            throw new StoreException($"\"{name}\" is no name of a partition: 1 to 64 of A-Z a-z 0-9 . _ - are, without a dot at the beginning.");
        }
    }

    private static bool IsKey(ReadOnlySpan<byte> key)
    {
        try
        {
            return key.Length == Sm2.PublicKeySizeInBytes && Sm2PublicKey.FromBytes(key) is not null;
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return false;
        }
    }
}
