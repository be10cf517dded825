using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Hsm;

/// <summary>
/// Five holders, three of whom it takes: unlock, change of policy, backup, and after the loss of the device restore. All by the program's own
/// verbs, as the holders type them; openssl judges the CRL.
/// </summary>
public class HoldersStoryTests
{
    private const string Partition = "ca";
    private static readonly string[] Holders = ["zhao", "qian", "sun", "li", "zhou"];

    [Fact]
    public async Task DeviceIsLostAndThreeOfFiveHoldersRestoreIt_ItsCrlVerifiesWithTheOldChain()
    {
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        foreach (string holder in Holders)
        {
            HsmSimProcess.Do("holder", "new", "--out", folder.File(holder + ".pem"), "--no-password");
        }

        HsmSimProcess.Do(["init", "--store", folder.File("store"), "--partition", Partition, .. HolderOptions(folder)]);

        // The device is unlocked by three holders one by one, not by two, and not by one who comes twice.
        byte[] backup = [];
        Certificate root;
        await using (HsmSimProcess device = await HsmSimProcess.StartAsync(folder.File("store")))
        {
            string console = folder.File("store/clients/console");
            Unlock(device, console, folder, "zhao", "qian");
            Refused("qian", ["unlock", .. At(device, console), "--partition", Partition, "--key", folder.File("qian.pem")]);
            await AssertLockedAsync(device, folder.File("store/clients/ca"));
            HsmSimProcess.Do(["unlock", .. At(device, console), "--partition", Partition, "--key", folder.File("zhou.pem")]);

            await using SimulatorHsm hsm = await ConnectAsync(device, folder.File("store/clients/ca"));
            HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel("root-s1"), HsmKeyKind.Sm2, Cancel);
            root = await SelfSignAsync(hsm, key);

            // A policy is installed with three signatures, not with two, and not with three by two holders.
            File.WriteAllText(folder.File("policy.json"), """{ "allowSm2Decrypt": true }""");
            HsmSimProcess.Do(
                ["policy", "draft", .. At(device, console), "--partition", Partition, "--from", folder.File("policy.json"), "--out", folder.File("policy.der")]);
            string[] install = ["policy", "install", .. At(device, console), "--partition", Partition, "--statement", folder.File("policy.der")];
            Refused("2", [.. install, .. Signatures(folder, "policy.der", "zhao", "qian")]);
            Refused("2", [.. install, .. Signatures(folder, "policy.der", "zhao", "qian", "qian")]);
            Assert.False(hsm.Token.Can(HsmCapabilities.Sm2Decryption));
            HsmSimProcess.Do([.. install, .. Signatures(folder, "policy.der", "sun", "li", "zhou")]);

            // So is a backup made.
            HsmSimProcess.Do(["backup", "draft", .. At(device, console), "--partition", Partition, "--out", folder.File("backup.der")]);
            string[] make = ["backup", "make", .. At(device, console), "--partition", Partition, "--statement", folder.File("backup.der"), "--out", folder.File("backup")];
            Refused("2", [.. make, .. Signatures(folder, "backup.der", "zhao", "qian")]);
            Assert.False(File.Exists(folder.File("backup")));
            HsmSimProcess.Do([.. make, .. Signatures(folder, "backup.der", "qian", "sun", "zhou")]);
            backup = File.ReadAllBytes(folder.File("backup"));
            Assert.Equal(0, await device.StopAsync());
        }

        // The device is lost with all its disks. The backup is put into a new one and is as locked as the old one was. The client has kept its credential, which
        // the policy names, and learns the new device's pin.
        string[] credential = ["client.pem", "secret"];
        byte[][] kept = [.. credential.Select(name => File.ReadAllBytes(folder.File($"store/clients/ca/{name}")))];
        Directory.Delete(folder.File("store"), recursive: true);
        Directory.Delete(folder.File("store.anchor"), recursive: true);
        File.WriteAllBytes(folder.File("kept"), backup);
        HsmSimProcess.Do("restore", "--store", folder.File("new"), "--partition", Partition, "--backup", folder.File("kept"));
        for (int i = 0; i < kept.Length; i++)
        {
            File.WriteAllBytes(folder.File($"new/clients/ca/{credential[i]}"), kept[i]);
        }

        await using (HsmSimProcess device = await HsmSimProcess.StartAsync(folder.File("new")))
        {
            string console = folder.File("new/clients/console");
            Unlock(device, console, folder, "li", "zhou");
            await AssertLockedAsync(device, folder.File("new/clients/ca"));
            HsmSimProcess.Do(["unlock", .. At(device, console), "--partition", Partition, "--key", folder.File("zhao.pem")]);

            await using SimulatorHsm hsm = await ConnectAsync(device, folder.File("new/clients/ca"));
            Assert.True(hsm.Token.Can(HsmCapabilities.Sm2Decryption));
            HsmKey? key = await hsm.FindKeyAsync(new KeyLabel("root-s1"), Cancel);
            Assert.NotNull(key);
            Assert.Equal(root.Tbs.SubjectPublicKeyInfo, key.PublicKey);

            // The old chain: the root certificate that was issued before the loss.
            TestKey signer = hsm.ToTestKey(key, KeyKind.Sm2, SignatureScheme.Sm2);
            byte[] crl = TestCrls.Build(new Holder(signer, root), signer, CrlShape.Authorities, []);
            openssl.WritePem("root.pem", Pem.Certificate, root);
            openssl.Run(["verify", .. KeyKind.Sm2.VerifyOptions(), "-partial_chain", "-trusted", "root.pem", "root.pem"]);
            openssl.VerifiesSigned(KeyKind.Sm2, root.Tbs.SubjectPublicKeyInfo, crl);
            Assert.Equal(0, await device.StopAsync());
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static IEnumerable<string> HolderOptions(TemporaryFolder folder) =>
        Holders.SelectMany(name => (string[])["--holder", $"{name}={HsmSimProcess.Do("holder", "show", "--key", folder.File(name + ".pem")).Trim()}"]);

    private static string[] At(HsmSimProcess device, string console) => ["--connect", $"{device.Endpoint}", "--clients", console];

    private static Task<SimulatorHsm> ConnectAsync(HsmSimProcess device, string clients) =>
        SimulatorHsm.ConnectAsync(SimulatorOptions.FromFolder(device.Endpoint, Partition, clients));

    private static void Unlock(HsmSimProcess device, string console, TemporaryFolder folder, params string[] holders)
    {
        foreach (string holder in holders)
        {
            HsmSimProcess.Do(["unlock", .. At(device, console), "--partition", Partition, "--key", folder.File(holder + ".pem")]);
        }
    }

    private static async Task AssertLockedAsync(HsmSimProcess device, string clients)
    {
        HsmException e = await Assert.ThrowsAsync<HsmException>(async () => await (await ConnectAsync(device, clients)).DisposeAsync());
        Assert.Equal(HsmFailure.Locked, e.Failure);
    }

    /// <summary>Each holder signs at home.</summary>
    private static string[] Signatures(TemporaryFolder folder, string statement, params string[] holders)
    {
        var options = new List<string>();
        foreach (string holder in holders)
        {
            string signature = folder.File($"{Guid.NewGuid()}.sig");
            HsmSimProcess.Do("sign", "--key", folder.File(holder + ".pem"), "--in", folder.File(statement), "--out", signature);
            options.AddRange(["--signature", signature]);
        }

        return [.. options];
    }

    /// <summary>The verb fails with exit code 1 and says why.</summary>
    private static void Refused(string reason, params string[] arguments)
    {
        (int exitCode, string output, string error) = HsmSimProcess.Run(arguments);
        Assert.True(exitCode == 1, $"exit code {exitCode}\n{output}{error}");
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    private static async Task<Certificate> SelfSignAsync(SimulatorHsm hsm, HsmKey key)
    {
        var signer = new HsmSigner(hsm, key, SignatureScheme.Sm2);
        var tbs = new TbsCertificate(
            TestAuthority.NextSerialNumber(),
            signer.AlgorithmIdentifier,
            TestAuthority.RootName,
            new Validity(TestAuthority.In(TimeSpan.FromHours(-1)), TestAuthority.In(TimeSpan.FromDays(3650))),
            TestAuthority.RootName,
            key.PublicKey!,
            TestProfiles.Root(key.PublicKey!));
        byte[] tbsBytes = Der.Encode(tbs);
        return Certificate.Assemble(tbsBytes, await signer.SignAsync(tbsBytes));
    }
}
