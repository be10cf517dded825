using System.Net;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Server;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Server;

/// <summary>A device in this process with the partitions "ca" and "kmc", of three holders of whom two are needed.</summary>
internal sealed class TestDevice : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>As generous as a busy machine needs; a test that is about one of them shortens it.</summary>
    public static readonly ServerLimits Limits = new()
    {
        Handshake = Patience,
        Frame = Patience,
        Write = Patience,
        WrongCredential = TimeSpan.Zero,
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("zwca-hsm-");
    private readonly LogLines _log = new();
    private readonly List<Partition> _partitions = [];
    private readonly List<IDisposable> _certificates = [];
    private readonly StoreFolder _store;
    private readonly DeviceServer _server;

    private TestDevice(ServerLimits limits, bool faults)
    {
        _store = StoreFolder.Create(Path.Combine(_folder.FullName, "store"));
        Credentials.MakeDevice(_store, TimeProvider.System);
        var knobs = new FaultKnobs(faults);
        foreach (string name in (string[])["ca", "kmc"])
        {
            ClientCredential client = Credentials.MakeClient(_store, name, TimeProvider.System);
            PartitionFolder folder = _store.CreatePartition(
                new NewPartition(name, [.. Holders.Select((key, i) => ($"holder {i}", (ReadOnlyMemory<byte>)key.PublicKey.ToBytes()))], threshold: 2)
                {
                    Marks = StoreMarks.AutoUnlock,
                    Policy = id => new PartitionPolicy(id, 0, [client], allowSm2Decrypt: false, [], [], null),
                },
                TimeProvider.System);
            _partitions.Add(new Partition(folder, knobs, TimeProvider.System, opened => new OpenPartition(opened, TimeProvider.System), _ => { }));
        }

        X509Certificate2 certificate = Keep(Credentials.LoadServer(_store));
        Pin = Credentials.HashOf(certificate);
        _server = new DeviceServer(certificate, Credentials.LoadConsoleHash(_store), _partitions, knobs, new DeviceLog(_log, TimeProvider.System), limits);
        Address = _server.Start(new IPEndPoint(IPAddress.Loopback, 0));
    }

    public Sm2PrivateKey[] Holders { get; } = [Sm2PrivateKey.Generate(), Sm2PrivateKey.Generate(), Sm2PrivateKey.Generate()];

    public IPEndPoint Address { get; }

    public byte[] Pin { get; }

    public int Connections => _server.Connections;

    /// <summary>Of requests and answers, of all connections.</summary>
    public long BytesInFlight => _server.Bytes.Taken;

    public string Log => _log.ToString();

    public static async Task<TestDevice> StartAsync(ServerLimits? limits = null, bool faults = false, bool locked = false)
    {
        var device = new TestDevice(limits ?? Limits, faults);
        foreach (Partition partition in locked ? [] : device._partitions)
        {
            Assert.True(await partition.TryAutoUnlockAsync());
        }

        return device;
    }

    public X509Certificate2 Certificate(string name) => Keep(Credentials.Load(Path.Combine(Credentials.FolderOf(_store, name), ClientFolder.CertificateFile)));

    public byte[] Secret(string partition) => ClientFolder.ReadSecret(Path.Combine(Credentials.FolderOf(_store, partition), ClientFolder.SecretFile));

    /// <summary>TLS and no more.</summary>
    public Task<RawClient> DialAsync(string certificateOf) => RawClient.DialAsync(Address, Certificate(certificateOf));

    /// <summary>With a good Hello.</summary>
    public async Task<RawClient> ConnectAsync(string partition = "ca")
    {
        RawClient client = await DialAsync(partition);
        Answered answer = await client.AskAsync(Operation.Hello, new Hello(Frame.ProtocolVersion, partition, Secret(partition)));
        Assert.Equal(Frame.Done, answer.Code);
        return client;
    }

    public Task<ConsoleClient> OpenConsoleAsync() => ConsoleClient.ConnectAsync(
        new TlsDialer(Address.Address.ToString(), Address.Port, Pin, Certificate(Credentials.ConsoleName)), Patience, Patience, CancellationToken.None);

    /// <summary>Puts a policy in force that two holders signed.</summary>
    public async Task InstallAsync(string partition, Func<PartitionPolicy, PartitionPolicy> change)
    {
        await using ConsoleClient console = await OpenConsoleAsync();
        Bytes installed = await console.AskAsync<PartitionName, Bytes>(Operation.GetPolicy, new PartitionName(partition));
        byte[] next = Der.Encode(change(Der.Decode<PartitionPolicy>(installed.Value)));
        var signed = new SignedStatement(next, [.. Holders.Take(2).Select(key => StatementSignature.Create(next, key))]);
        await console.AskAsync<Command, Nothing>(Operation.InstallPolicy, new Command(partition, Der.Encode(signed)));
    }

    /// <summary>Waits until a line of the log has the text.</summary>
    public Task SeeAsync(string text) => UntilAsync(() => Log.Contains(text, StringComparison.Ordinal), () => $"\"{text}\" is not in the log: {Log}");

    public static async Task UntilAsync(Func<bool> condition, Func<string> otherwise)
    {
        for (DateTime end = DateTime.UtcNow + Patience; !condition(); await Task.Delay(10, TestContext.Current.CancellationToken))
        {
            Assert.True(DateTime.UtcNow < end, otherwise());
        }
    }

    /// <summary>Somebody who does nothing wrong is served, whatever others did.</summary>
    public async Task AssertServesAsync()
    {
        await using RawClient client = await ConnectAsync();
        Assert.Equal(32, (await client.AskAsync(Operation.Random, new Number(32))).Read<Bytes>().Value.Length);
        Assert.DoesNotContain("internal error", Log, StringComparison.Ordinal);
    }

    /// <summary>As SIGTERM does.</summary>
    public ValueTask StopAsync() => _server.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        foreach (Partition partition in _partitions)
        {
            await partition.DisposeAsync();
        }

        _store.Dispose();
        _certificates.ForEach(each => each.Dispose());
        Array.ForEach(Holders, key => key.Dispose());
        _folder.Delete(recursive: true);
    }

    private X509Certificate2 Keep(X509Certificate2 certificate)
    {
        lock (_certificates)
        {
            _certificates.Add(certificate);
        }

        return certificate;
    }

    /// <summary>Read while it is written.</summary>
    private sealed class LogLines : StringWriter
    {
        private readonly Lock _gate = new();

        public override void WriteLine(string? value)
        {
            lock (_gate)
            {
                base.WriteLine(value);
            }
        }

        public override string ToString()
        {
            lock (_gate)
            {
                return base.ToString();
            }
        }
    }
}
