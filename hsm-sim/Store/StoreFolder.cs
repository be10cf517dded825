using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// A store on disk, this process's alone while it is open: device/ (TLS), partitions/NAME/, lock. The anchors lie outside, by default in
/// STORE.anchor/, so that a copy of the store that is put back does not bring its anchors along. They are this store's alone and have a lock of
/// their own: two copies of a store that run on the same anchors would both bind what may be bound once.
/// </summary>
internal sealed class StoreFolder : IDisposable
{
    private const string AnchorLockName = ".lock";

    private readonly FileStream _lock;
    private readonly FileStream _anchorLock;
    private readonly string _partitions;
    private readonly string _anchors;

    private StoreFolder(string path, string anchors)
    {
        Path = path;
        _partitions = System.IO.Path.Combine(path, "partitions");
        _anchors = anchors;
        _lock = Lock(System.IO.Path.Combine(path, "lock"), $"The store {path} is in use by another process. Only one may have it.");
        try
        {
            _anchorLock = Lock(
                System.IO.Path.Combine(anchors, AnchorLockName),
                $"The anchors' folder {anchors} is in use by another process. Each store has one of its own.");
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>What belongs to the device and to no partition.</summary>
    public string DevicePath => System.IO.Path.Combine(Path, "device");

    /// <summary>In the order of their names.</summary>
    public IReadOnlyList<PartitionFolder> Partitions =>
    [
        .. Directory.EnumerateDirectories(_partitions)
            .Select(folder => System.IO.Path.GetFileName(folder))
            .Where(name => name[0] != '.')
            .Order(StringComparer.Ordinal)
            .Select(FolderOf),
    ];

    /// <summary>Makes a store, or opens the one that is there to make more partitions in it.</summary>
    /// <param name="anchors">Null: STORE.anchor.</param>
    /// <exception cref="StoreException">In use, or the anchors would lie inside.</exception>
    public static StoreFolder Create(string path, string? anchors = null)
    {
        (path, anchors) = Resolve(path, anchors);
        // An anchors' folder that cannot be made leaves no store behind.
        Disk.MakeFolder(anchors);
        Disk.MakeFolder(path);
        var store = new StoreFolder(path, anchors);
        Disk.MakeFolder(store._partitions);
        Disk.MakeFolder(store.DevicePath);
        foreach (string folder in new[] { path, System.IO.Path.GetDirectoryName(path), System.IO.Path.GetDirectoryName(anchors) }.OfType<string>().Distinct())
        {
            Disk.FlushFolder(folder);
        }

        return store;
    }

    /// <exception cref="StoreException">There is none, or it is in use.</exception>
    public static StoreFolder Open(string path, string? anchors = null)
    {
        (path, anchors) = Resolve(path, anchors);
        if (!Directory.Exists(System.IO.Path.Combine(path, "partitions")))
        {
            throw new StoreException($"{path} is no store. Make one with init.");
        }

        return Directory.Exists(anchors)
            ? new StoreFolder(path, anchors)
            : throw new StoreException($"The anchors' folder {anchors} is missing, so nobody can tell whether the store is the newest. Put it back, or say where it is.");
    }

    /// <summary>Makes a partition, durably: wholly or not at all. Its master key is nowhere but in its holders' shares when this returns.</summary>
    /// <exception cref="StoreException">The name is taken.</exception>
    public PartitionFolder CreatePartition(NewPartition partition, TimeProvider clock)
    {
        PartitionFolder place = RequireFree(partition.Name);
        string folder = MakeUnfinished(partition.Name);
        byte[] secret = GC.AllocateArray<byte>(MasterKey.Length, pinned: true);
        byte[][] shares = [.. partition.Holders.Select(_ => GC.AllocateArray<byte>(MasterKey.Length, pinned: true))];
        try
        {
            // Step 1: master key and shares.
            RandomNumberGenerator.Fill(secret);
            using var master = new MasterKey(secret);
            SecretSharing.Split(secret, partition.Threshold, shares);
            byte[] id = RandomNumberGenerator.GetBytes(PartitionHeader.IdLength);
            Holder[] holders = [.. partition.Holders.Select((holder, i) => new Holder(
                holder.Name,
                holder.PublicKey,
                i + 1,
                Sm2PublicKey.FromBytes(holder.PublicKey.Span).Encrypt(shares[i]),
                PartitionHeader.Commit(id, i + 1, shares[i])))];
            PartitionHeader header = PartitionHeader.Make(master, id, partition.Threshold, holders, clock.GetUtcNow(), partition.Marks);

            // Step 2: everything is written under a name that no one reads.
            PartitionPolicy policy = partition.Policy(id);
            if (policy.Version != 0 || !policy.Partition.Span.SequenceEqual(id))
            {
                throw new ArgumentException("The first policy has version 0 and names the partition.", nameof(partition));
            }

            Disk.Replace(System.IO.Path.Combine(folder, System.IO.Path.GetFileName(place.HeaderPath)), header.Bytes.Span);
            if (partition.Marks.HasFlag(StoreMarks.AutoUnlock))
            {
                Disk.Replace(System.IO.Path.Combine(folder, System.IO.Path.GetFileName(place.AutoUnlockPath)), secret);
            }

            StoreRecord[] first =
            [
                new StoreRecord.EpochBegun(1, RandomNumberGenerator.GetBytes(StoreRecord.IdLength)),
                new StoreRecord.PolicyInstalled(Der.Encode(policy)),
                new StoreRecord.Marked(partition.Marks),
            ];
            using var journal = JournalWriter.Begin(folder, master, id, default, first, new FaultKnobs(enabled: false));
            using var anchor = Anchor.Make(place.AnchorPath, master, id, journal.Position);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            Array.ForEach(shares, share => CryptographicOperations.ZeroMemory(share));
        }

        // Step 3: it gets its name.
        Finish(folder, partition.Name);
        return place;
    }

    /// <summary>
    /// Puts a backup in a new place, without a secret. Its first opening, by m of the holders it was made of, begins a new epoch with it.
    /// Signature counters are those of the backup, and keys made after it are not there.
    /// </summary>
    /// <exception cref="StoreException">The name is taken, or the file is no backup.</exception>
    public PartitionFolder Restore(ReadOnlySpan<byte> backupFile, string name)
    {
        PartitionFolder place = RequireFree(name);
        PartitionHeader header = BackupFile.ReadHeader(backupFile.ToArray());
        if (Partitions.FirstOrDefault(other => HasId(other, header.Id.Span)) is { } twin)
        {
            throw new StoreException($"The backup is of the partition {twin.Name}, which is in this store. The same partition cannot be there twice.");
        }

        string folder = MakeUnfinished(name);
        Disk.Replace(System.IO.Path.Combine(folder, System.IO.Path.GetFileName(place.HeaderPath)), header.Bytes.Span);
        Disk.Replace(System.IO.Path.Combine(folder, System.IO.Path.GetFileName(place.RestorePath)), backupFile);
        Anchor.ExpectRestoration(place.AnchorPath, backupFile);
        Finish(folder, name);
        return place;
    }

    public void Dispose()
    {
        _anchorLock.Dispose();
        _lock.Dispose();
    }

    private static FileStream Lock(string file, string otherwise)
    {
        try
        {
            return Disk.Open(file, FileMode.OpenOrCreate, FileShare.None);
        }
        catch (IOException e)
        {
            throw new StoreException(otherwise, e);
        }
    }

    private static (string Path, string Anchors) Resolve(string path, string? anchors)
    {
        path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        anchors = anchors is null ? path + ".anchor" : System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(anchors));
        return (anchors + System.IO.Path.DirectorySeparatorChar).StartsWith(path + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? throw new StoreException($"The anchors' folder {anchors} lies in the store: it would be put back along with it. Choose one outside.")
            : (path, anchors);
    }

    // One whose header cannot be read will never be opened: it is nobody's twin.
    private static bool HasId(PartitionFolder partition, ReadOnlySpan<byte> id)
    {
        try
        {
            return partition.ReadHeader().Id.Span.SequenceEqual(id);
        }
        catch (StoreException)
        {
            return false;
        }
    }

    private PartitionFolder FolderOf(string name) =>
        new(name, System.IO.Path.Combine(_partitions, name), System.IO.Path.Combine(_anchors, name));

    private PartitionFolder RequireFree(string name)
    {
        NewPartition.RequireName(name);
        PartitionFolder place = FolderOf(name);
        if (Directory.Exists(System.IO.Path.Combine(_partitions, name)))
        {
            throw new StoreException($"There is a partition {name} in this store already. To replace it, move its folder and its anchor {place.AnchorPath} away first.");
        }

        // An attempt that failed leaves an anchor of no use; any other is of a partition that would be lost without it.
        return File.Exists(place.AnchorPath) && !Directory.Exists(Unfinished(name))
            ? throw new StoreException(
                $"There is an anchor {place.AnchorPath} already: another store's, or of a partition {name} that was moved away. Move it too; what it belongs to does not open without it.")
            : place;
    }

    private string Unfinished(string name) => System.IO.Path.Combine(_partitions, $".{name}.new");

    // What an earlier attempt left is of no use.
    private string MakeUnfinished(string name)
    {
        string folder = Unfinished(name);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Disk.MakeFolder(folder);
        return folder;
    }

    private void Finish(string folder, string name)
    {
        Disk.FlushFolder(folder);
        Directory.Move(folder, System.IO.Path.Combine(_partitions, name));
        Disk.FlushFolder(_partitions);
    }
}
