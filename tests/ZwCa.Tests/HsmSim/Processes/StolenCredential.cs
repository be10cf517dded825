using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.Tests.HsmSim.Server;

namespace ZwCa.Tests.HsmSim.Processes;

/// <summary>A device of a key management centre, in a process of its own, and a thief who has the centre's credential. One for all the tests.</summary>
public sealed class StolenCredential : IAsyncLifetime
{
    private readonly HsmSimStore _store = new();
    private HsmSimProcess? _device;
    private SimulatorHsm? _hsm;

    internal EscrowStory Story { get; } = new();

    /// <summary>The driver with the stolen credential.</summary>
    internal SimulatorHsm Hsm => _hsm!;

    internal HsmKey Kek { get; private set; } = null!;

    internal HsmKey DataKek { get; private set; } = null!;

    internal HsmKey Signer { get; private set; } = null!;

    internal HsmKey Hmac { get; private set; } = null!;

    internal HsmKey Decryption { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _device = await _store.StartAsync();
        await _store.InstallPolicyAsync(_device, Story.Policy);
        _hsm = await _store.ConnectAsync(_device);
        Kek = await _hsm.GenerateKeyAsync(new KeyLabel("escrow"), HsmKeyKind.EscrowKek);
        DataKek = await _hsm.GenerateKeyAsync(new KeyLabel("data"), HsmKeyKind.DataKek);
        Signer = await _hsm.GenerateKeyAsync(new KeyLabel("kmc-sign"), HsmKeyKind.Sm2);
        Hmac = await _hsm.GenerateKeyAsync(new KeyLabel("mac"), HsmKeyKind.HmacSm3);
        Decryption = await _hsm.GenerateKeyAsync(new KeyLabel("decrypt"), HsmKeyKind.Sm2Decryption);
    }

    /// <summary>A connection with the stolen certificate and secret that sends what no driver would.</summary>
    internal async Task<RawClient> DialAsync()
    {
        string folder = Path.Combine(_store.Path, "clients", HsmSimStore.Partition);
        using var certificate = X509Certificate2.CreateFromPemFile(Path.Combine(folder, ClientFolder.CertificateFile));
        RawClient client = await RawClient.DialAsync(_device!.Endpoint, certificate);
        byte[] secret = ClientFolder.ReadSecret(Path.Combine(folder, ClientFolder.SecretFile));
        (await client.AskAsync(Operation.Hello, new Hello(Frame.ProtocolVersion, HsmSimStore.Partition, secret))).Read<Welcome>();
        return client;
    }

    /// <summary>Two holders have a backup made and open what is restored of it.</summary>
    internal async Task<(HsmSimProcess Device, SimulatorHsm Hsm)> RestoreAsync(TemporaryFolder folder)
    {
        string file = folder.File("backup");
        string store = folder.File("restored");
        await using (ConsoleClient console = await _store.OpenConsoleAsync(_device!))
        {
            byte[] order = Der.Encode(new BackupStatement(Story.PartitionId, new(Story.Now.AddDays(1))));
            Bytes backup = await console.AskAsync<Command, Bytes>(Operation.Backup, new Command(HsmSimStore.Partition, Der.Encode(_store.Sign(order))));
            await File.WriteAllBytesAsync(file, backup.Value);
        }

        HsmSimProcess.Do("restore", "--store", store, "--partition", HsmSimStore.Partition, "--backup", file);
        HsmSimProcess device = await HsmSimProcess.StartAsync(store);
        string clients = Path.Combine(store, "clients");
        await using (ConsoleClient console = await ConsoleClient.ConnectAsync(device.Endpoint, Path.Combine(clients, "console")))
        {
            foreach (Sm2PrivateKey holder in _store.Holders.Take(2))
            {
                EncryptedShare share = await console.AskAsync<ShareRequest, EncryptedShare>(
                    Operation.GetShare, new ShareRequest(HsmSimStore.Partition, holder.PublicKey.ToBytes()));
                await console.AskAsync<OpenShare, Number>(
                    Operation.EnterShare, new OpenShare(HsmSimStore.Partition, share.Index, holder.Decrypt(share.Ciphertext.Span)));
            }
        }

        // The restored policy names the same client; only the device is another.
        string client = Path.Combine(clients, HsmSimStore.Partition);
        foreach (string name in (string[])[ClientFolder.CertificateFile, ClientFolder.SecretFile])
        {
            File.Copy(Path.Combine(_store.Path, "clients", HsmSimStore.Partition, name), Path.Combine(client, name));
        }

        return (device, await SimulatorHsm.ConnectAsync(SimulatorOptions.FromFolder(device.Endpoint, HsmSimStore.Partition, client)));
    }

    public async ValueTask DisposeAsync()
    {
        if (_hsm is not null)
        {
            await _hsm.DisposeAsync();
        }

        if (_device is not null)
        {
            await _device.DisposeAsync();
        }

        Story.Dispose();
        _store.Dispose();
    }
}
