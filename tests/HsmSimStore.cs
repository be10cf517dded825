using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa;

/// <summary>
/// A store of hsm-sim in a folder of its own, with one partition that unlocks itself and three holders, of whom it takes two. Linked into the test
/// projects that need a device.
/// </summary>
internal sealed class HsmSimStore : IDisposable
{
    public const string Partition = "test";
    private const string Threshold = "2";

    private readonly TemporaryFolder? _folder;

    /// <param name="partitions">More partitions besides <see cref="Partition"/>, of the same holders.</param>
    public HsmSimStore(params string[] partitions)
    {
        _folder = new TemporaryFolder();
        Path = _folder.File("store");
        Initialise(partitions);
    }

    private HsmSimStore(string path) => Path = path;

    public string Path { get; }

    /// <summary>Beside the store.</summary>
    public string AnchorPath => Path + ".anchor";

    public IReadOnlyList<Sm2PrivateKey> Holders { get; } = [Sm2PrivateKey.Generate(), Sm2PrivateKey.Generate(), Sm2PrivateKey.Generate()];

    /// <summary>A store that stays where it is; if there is none, it is made. The holders of one that was there are others.</summary>
    public static HsmSimStore At(string path, params string[] partitions)
    {
        var store = new HsmSimStore(path);
        if (!Directory.Exists(path))
        {
            store.Initialise(partitions);
        }

        return store;
    }

    private void Initialise(string[] partitions)
    {
        string[] holders = [.. Holders.SelectMany((key, i) => (string[])["--holder", $"holder{i}={Convert.ToHexStringLower(key.PublicKey.ToBytes())}"])];
        foreach (string partition in (string[])[Partition, .. partitions])
        {
            HsmSimProcess.Do(["init", "--store", Path, "--partition", partition, "--threshold", Threshold, "--auto-unlock", .. holders]);
        }
    }

    /// <param name="listen">Port 0: any.</param>
    public Task<HsmSimProcess> StartAsync(string listen = "127.0.0.1:0", params string[] options) =>
        HsmSimProcess.StartAsync(Path, ["--auto-unlock", .. options], listen);

    public SimulatorOptions Options(HsmSimProcess device, string partition = Partition) =>
        SimulatorOptions.FromFolder(device.Endpoint, partition, System.IO.Path.Combine(Path, "clients", partition));

    public Task<SimulatorHsm> ConnectAsync(HsmSimProcess device, string partition = Partition) => SimulatorHsm.ConnectAsync(Options(device, partition));

    public Task<ConsoleClient> OpenConsoleAsync(HsmSimProcess device) =>
        ConsoleClient.ConnectAsync(device.Endpoint, System.IO.Path.Combine(Path, "clients", "console"));

    /// <summary>Installs a policy that two holders signed.</summary>
    /// <param name="change">From the one in force, whose version has been counted up already.</param>
    public async Task InstallPolicyAsync(HsmSimProcess device, Func<PartitionPolicy, PartitionPolicy> change, string partition = Partition)
    {
        await using ConsoleClient console = await OpenConsoleAsync(device);
        Bytes old = await console.AskAsync<PartitionName, Bytes>(Operation.GetPolicy, new PartitionName(partition));
        PartitionPolicy policy = Der.Decode<PartitionPolicy>(old.Value);
        var next = new PartitionPolicy(
            policy.Partition,
            policy.Version + 1,
            policy.Clients,
            policy.AllowSm2Decrypt,
            policy.AuthorizingCas,
            policy.OfficerIssuers,
            policy.Recovery);
        await console.AskAsync<Command, Nothing>(Operation.InstallPolicy, new Command(partition, Der.Encode(Sign(Der.Encode(change(next))))));
    }

    /// <summary>A statement with the signatures of two holders.</summary>
    public SignedStatement Sign(ReadOnlyMemory<byte> statement) =>
        new(statement, [.. Holders.Take(2).Select(holder => StatementSignature.Create(statement.Span, holder))]);

    public void Dispose()
    {
        _folder?.Dispose();
        foreach (Sm2PrivateKey holder in Holders)
        {
            holder.Dispose();
        }
    }
}
