using System.Security.Cryptography;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

/// <summary>A store in a folder of its own with the holders' keys at hand; closed, unless a test opens it.</summary>
internal sealed class TestStore : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("zwca-store-").FullName;

    public Sm2PrivateKey[] HolderKeys { get; } = [.. Enumerable.Range(0, 3).Select(_ => Sm2PrivateKey.Generate())];

    public string Path => System.IO.Path.Combine(_root, "store");

    public string Anchors => Path + ".anchor";

    public List<string> Notices { get; } = [];

    public static FaultKnobs NoFaults => new(enabled: false);

    public static PartitionPolicy Policy(ReadOnlyMemory<byte> id, int version = 0) =>
        new(id, version, [new ClientCredential(new byte[32], new byte[32])], false, [], [], null);

    public string Elsewhere(string name) => System.IO.Path.Combine(_root, name);

    /// <summary>2 of 3.</summary>
    public NewPartition Plan(string name, StoreMarks marks = StoreMarks.None, int threshold = 2) =>
        new(name, [.. HolderKeys.Select((key, i) => ($"holder {i + 1}", (ReadOnlyMemory<byte>)key.PublicKey.ToBytes()))], threshold)
        {
            Marks = marks,
            Policy = id => Policy(id),
        };

    /// <summary>Makes a partition and closes the store again.</summary>
    public PartitionFolder Make(string name = "p", StoreMarks marks = StoreMarks.None)
    {
        using StoreFolder store = StoreFolder.Create(Path);
        return store.CreatePartition(Plan(name, marks), TimeProvider.System);
    }

    public byte[] ShareOf(PartitionHeader header, int holder) => HolderKeys[holder - 1].Decrypt(header.Holders[holder - 1].EncryptedShare.Span);

    /// <summary>As the holders 1 and 3 give it.</summary>
    public MasterKey MasterOf(PartitionHeader header)
    {
        byte[] secret = new byte[MasterKey.Length];
        SecretSharing.Combine([1, 3], [ShareOf(header, 1), ShareOf(header, 3)], secret);
        return new MasterKey(secret);
    }

    public OpenedPartition Open(PartitionFolder folder, FaultKnobs? faults = null, long growthLimit = PartitionStore.DefaultGrowthLimit)
    {
        MasterKey master = MasterOf(folder.ReadHeader());
        try
        {
            return folder.Open(master, faults ?? NoFaults, TimeProvider.System, Notices.Add, growthLimit);
        }
        catch
        {
            master.Dispose();
            throw;
        }
    }

    public static async Task Close(OpenedPartition opened)
    {
        await opened.Store.DisposeAsync();
        opened.Master.Dispose();
    }

    /// <summary>Opens, describes, closes.</summary>
    public async Task<string> ReadAsync(PartitionFolder folder)
    {
        OpenedPartition opened = Open(folder);
        string described = Describe(opened.Store);
        await Close(opened);
        return described;
    }

    public static long Append(PartitionStore store, StoreRecord record)
    {
        lock (store.Gate)
        {
            return store.Append(record);
        }
    }

    public static async Task WriteAsync(PartitionStore store, params StoreRecord[] records)
    {
        long position = 0;
        foreach (StoreRecord record in records)
        {
            position = Append(store, record);
        }

        await store.WaitDurableAsync(position);
    }

    public static string Describe(PartitionStore store)
    {
        lock (store.Gate)
        {
            return Describe(store.State);
        }
    }

    /// <summary>All that a state has, as text that is the same for the same state.</summary>
    public static string Describe(PartitionState state) => string.Join("\n", state.Snapshot().Select(ToHex).Order(StringComparer.Ordinal));

    public static StoreRecord Key(string label) => new StoreRecord.KeyAdded(new KeyLabel(label), HsmKeyKind.Sm2, new byte[] { 1 }, new byte[] { 2, 3 });

    public static StoreRecord Signed(string label, long count) => new StoreRecord.SignaturesMade(new KeyLabel(label), count);

    public static StoreRecord Bound() => new StoreRecord.KeyBound(RandomNumberGenerator.GetBytes(16), RandomNumberGenerator.GetBytes(32));

    public static void Copy(string from, string to)
    {
        if (Directory.Exists(to))
        {
            Directory.Delete(to, recursive: true);
        }

        Directory.CreateDirectory(to);
        foreach (string folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        }

        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
        }
    }

    /// <summary>Every file of the store and of the anchors, by name.</summary>
    public SortedDictionary<string, string> Fingerprint() => new(
        new[] { Path, Anchors }
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .ToDictionary(file => file, file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))));

    public void Dispose()
    {
        Array.ForEach(HolderKeys, key => key.Dispose());
        Directory.Delete(_root, recursive: true);
    }

    private static string ToHex(StoreRecord record)
    {
        using var writer = new WireWriter();
        record.Write(writer);
        return Convert.ToHexString(writer.Written.Span);
    }
}
