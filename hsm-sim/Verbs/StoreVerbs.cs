using System.CommandLine;
using ZwCa.Asn1.Custody;
using ZwCa.Hsm;
using ZwCa.HsmSim.Server;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Verbs;

/// <summary>What is done to a store while no device runs on it.</summary>
internal static class StoreVerbs
{
    public static Command Init()
    {
        Option<DirectoryInfo> store = VerbOptions.Store();
        Option<DirectoryInfo?> anchor = VerbOptions.Anchor();
        Option<string> partition = VerbOptions.Partition();
        var holders = new Option<string[]>("--holder")
        {
            Description = "NAME=PUBKEY, once for each holder: an SM2 public key in hexadecimal (04, X, Y) or the name of a PEM file.",
            Required = true,
        };
        var threshold = new Option<int>("--threshold")
        {
            Description = "How many holders open the partition and change its policy.",
            DefaultValueFactory = _ => NewPartition.DefaultThreshold,
        };
        var autoUnlock = new Option<bool>("--auto-unlock")
        {
            Description = "For development: leaves the master key beside the store, which marks it for good as unfit for production.",
        };
        var demo = new Option<bool>("--demo") { Description = "Marks the store for good as made by a demonstration." };
        var command = new Command(
            "init",
            "Makes a partition, whose master key is shared among its holders, and credentials for its client; the first time also the device's and the console's.")
        {
            store, anchor, partition, holders, threshold, autoUnlock, demo,
        };
        command.SetAction(parsed => Init(
            parsed.GetRequiredValue(store),
            parsed.GetValue(anchor),
            parsed.GetRequiredValue(partition),
            [.. parsed.GetRequiredValue(holders).Select(ParseHolder)],
            parsed.GetRequiredValue(threshold),
            (parsed.GetValue(autoUnlock) ? StoreMarks.AutoUnlock : StoreMarks.None) | (parsed.GetValue(demo) ? StoreMarks.Demo : StoreMarks.None),
            parsed.InvocationConfiguration.Output));
        return command;
    }

    public static Command Restore()
    {
        Option<DirectoryInfo> store = VerbOptions.Store();
        Option<DirectoryInfo?> anchor = VerbOptions.Anchor();
        Option<string> partition = VerbOptions.Partition();
        Option<FileInfo> backup = VerbOptions.File("--backup", "The backup file.");
        var command = new Command(
            "restore",
            "Puts a backup into a store in which its partition is not. Its holders open it afterwards as ever; a new epoch of subscribers' keys begins then.")
        {
            store, anchor, partition, backup,
        };
        command.SetAction(parsed => Restore(
            parsed.GetRequiredValue(store),
            parsed.GetValue(anchor),
            parsed.GetRequiredValue(partition),
            parsed.GetRequiredValue(backup),
            parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Init(
        DirectoryInfo path,
        DirectoryInfo? anchor,
        string name,
        IReadOnlyList<(string Name, ReadOnlyMemory<byte> PublicKey)> holders,
        int threshold,
        StoreMarks marks,
        TextWriter output)
    {
        ClientCredential? client = null;
        var partition = new NewPartition(name, holders, threshold)
        {
            Marks = marks,
            Policy = id => new PartitionPolicy(id, 0, [client!], allowSm2Decrypt: false, [], [], null),
        };

        RequireName(name);
        using StoreFolder store = StoreFolder.Create(path.FullName, anchor?.FullName);
        if (store.Partitions.Any(each => each.Name == name))
        {
            throw new VerbException($"There is a partition {name} in this store already.");
        }

        bool isNew = Credentials.MakeDevice(store, TimeProvider.System);
        string clientFolder = Credentials.FolderOf(store, name);
        try
        {
            client = Credentials.MakeClient(store, name, TimeProvider.System);
            store.CreatePartition(partition, TimeProvider.System);
        }
        catch
        {
            if (Directory.Exists(clientFolder))
            {
                Directory.Delete(clientFolder, recursive: true);
            }

            throw;
        }

        if (isNew)
        {
            TellOfDevice(store, output);
        }

        output.WriteLine($"Partition {name}: {threshold} of {holders.Count} holders open it: {string.Join(", ", holders.Select(each => each.Name))}.");
        output.WriteLine($"Its client's certificate with private key, its secret and the pin of the device are in {clientFolder}. Move them to the client.");
        if (marks != StoreMarks.None)
        {
            output.WriteLine($"It is marked for good: {marks}. Nothing in production will use it.");
        }
    }

    private static void Restore(DirectoryInfo path, DirectoryInfo? anchor, string name, FileInfo backup, TextWriter output)
    {
        byte[] content = File.ReadAllBytes(backup.FullName);

        // Refused before there is a store that would be left behind.
        RequireName(name);
        _ = BackupFile.ReadHeader(content);
        using StoreFolder store = StoreFolder.Create(path.FullName, anchor?.FullName);
        store.Restore(content, name);
        if (Credentials.MakeDevice(store, TimeProvider.System))
        {
            TellOfDevice(store, output);
        }

        byte[] pin = Credentials.WritePin(store, name);
        output.WriteLine($"Partition {name} is restored. Run the device and let the holders unlock it; what its policy says of clients holds as before.");
        output.WriteLine($"Clients keep their certificate and secret and must pin this device: SHA-256 {Convert.ToHexStringLower(pin)}, also in {Credentials.FolderOf(store, name)}.");
        output.WriteLine("Signature counters are those of the backup, keys made after it are missing, and subscribers' keys that were not used yet are refused.");
        output.WriteLine("The policy is that of the backup: install the newest one as soon as the partition is open, or whom it removed is trusted again.");
    }

    private static void RequireName(string name)
    {
        NewPartition.RequireName(name);

        // The console's folder is beside the clients'.
        if (name == Credentials.ConsoleName)
        {
            throw new VerbException($"A partition cannot be called {name}.");
        }
    }

    private static void TellOfDevice(StoreFolder store, TextWriter output) => output.WriteLine(
        $"The device's certificate is made. The console's certificate with private key and the pin of the device are in {Credentials.FolderOf(store, Credentials.ConsoleName)}.");

    private static (string Name, ReadOnlyMemory<byte> PublicKey) ParseHolder(string text)
    {
        int equals = text.IndexOf('=');
        return equals > 0
            ? (text[..equals], KeyFile.ReadPublic(text[(equals + 1)..], Environment.CurrentDirectory).PublicKey)
            : throw new VerbException($"--holder takes NAME=PUBKEY, not \"{text}\".");
    }
}
