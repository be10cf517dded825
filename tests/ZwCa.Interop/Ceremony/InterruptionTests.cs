using System.Text;
using ZwCa.Admin.Ceremony;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Tests;

namespace ZwCa.Interop.Ceremony;

/// <summary>The program is killed and started again: it goes on with what there is, and makes nothing twice.</summary>
public sealed class InterruptionTests
{
    // In the order in which a run comes to them.
    private static readonly string[] FaultPoints =
    [
        "key-intent", "key-made", "key-intent:3", "key-made:4", "person", "person:5", "certificate-intent", "certificate-signed", "certificate-journaled", "certificate-signed:3", "link-key",
        "certificate-intent:2", "crl-intent", "crl-signed", "crl-journaled", "crl-signed:2", "service-initialised", "service-clients",
    ];

    private static readonly string[] LastFaultPoints = ["policy-installed", "inventory", "end", "transcript"];

    [Fact]
    public async Task KilledAtEveryPoint_ItGoesOn()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Sm2Only);
        int kills = 0;
        foreach (string point in FaultPoints)
        {
            await KillAsync(point);
        }

        (int exitCode, string output, string error) = await stage.RunProgramAsync();
        Assert.True(exitCode == 3, output + error);
        stage.SignPolicy();
        foreach (string point in LastFaultPoints)
        {
            await KillAsync(point);
        }

        await AssertCompleteAsync(stage, kills);

        async Task KillAsync(string point)
        {
            byte[] before = JournalOf(stage);
            (int code, string said, string wrong) = await stage.RunProgramAsync(point);
            Assert.True(code > 128 || code < 0, $"{point}: {code}\n{said}{wrong}");
            kills++;
            Assert.NotEmpty(JournalOf(stage));
            Assert.True(JournalOf(stage).AsSpan().StartsWith(before), point);
        }
    }

    [Fact]
    public async Task KilledAtRandom_ItGoesOn()
    {
        var random = new TestRandom();
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);

        // Begun, so that no life is spent on the rehearsal.
        await stage.RunProgramAsync("key-intent");
        Assert.NotEmpty(JournalOf(stage));
        int kills = 1;
        for (int i = 0; i < (TestRandom.Long ? 200 : 20); i++)
        {
            byte[] before = JournalOf(stage);
            (int code, string said, string wrong) = await stage.RunProgramAsync(killAfter: TimeSpan.FromMilliseconds(random.Next(300, 3000)));
            byte[] after = JournalOf(stage);
            Assert.True(after.AsSpan().StartsWith(before.AsSpan(0, before.AsSpan().LastIndexOf((byte)'\n') + 1)));
            if (code == 0)
            {
                break;
            }

            Assert.True(code > 128 || code < 0, $"{code}\n{said}{wrong}");
            kills++;
        }

        await AssertCompleteAsync(stage, kills);
    }

    [Fact]
    public async Task ATornLastLine_IsDropped()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await stage.RunProgramAsync("certificate-signed:2");
        byte[] journal = JournalOf(stage);
        await File.WriteAllBytesAsync(Path.Combine(stage.Output, CeremonyFolder.JournalFile), [.. journal, .. "{\"number\":"u8], TestContext.Current.CancellationToken);

        await AssertCompleteAsync(stage, kills: 1);

        Assert.True(JournalOf(stage).AsSpan().StartsWith(journal));
    }

    [Fact]
    public async Task AnotherLineOfTheJournal_StopsIt()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        await stage.RunProgramAsync("crl-intent");
        string path = Path.Combine(stage.Output, CeremonyFolder.JournalFile);
        string journal = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(path, journal.Replace("issuing-s1", "issuing-s2", StringComparison.Ordinal), new UTF8Encoding(false), TestContext.Current.CancellationToken);

        CeremonyException e = await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync());

        Assert.Contains("is not the one that was written", e.Message);
    }

    [Fact]
    public async Task TwoAtOnce_TheSecondIsRefused()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Small);
        Directory.CreateDirectory(stage.Output);
        using (Journal.Open(Path.Combine(stage.Output, CeremonyFolder.JournalFile), TimeProvider.System))
        {
            (int exitCode, _, string error) = await stage.RunProgramAsync();
            Assert.Equal(1, exitCode);
            Assert.Contains("does another ceremony run in this folder?", error);
        }

        await AssertCompleteAsync(stage, kills: 0);
    }

    [Fact]
    public async Task WhatWasMadeAndIsGoneOrChanged_StopsIt()
    {
        await using CeremonyStage stage = await CeremonyStage.CreateAsync(CeremonyStage.Sm2Only);
        await stage.RunProgramAsync("crl-intent");
        string key = Path.Combine(stage.Output, "ca/link.key");
        byte[] content = await File.ReadAllBytesAsync(key, TestContext.Current.CancellationToken);
        File.Delete(key);
        Assert.Contains("link.key is gone", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
        await File.WriteAllBytesAsync(key, content, TestContext.Current.CancellationToken);
        string root = Path.Combine(stage.Output, "trust/root-s1.pem");
        string pem = await File.ReadAllTextAsync(root, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(root, pem.Replace("-----\nM", "-----\nN", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Contains("another content", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
        File.Delete(root);
        File.CreateSymbolicLink(root, "/dev/null");
        Assert.Contains("is a link", (await Assert.ThrowsAsync<CeremonyException>(() => stage.RunAsync())).Message);
    }

    private static byte[] JournalOf(CeremonyStage stage)
    {
        string path = Path.Combine(stage.Output, CeremonyFolder.JournalFile);
        return File.Exists(path) ? File.ReadAllBytes(path) : [];
    }

    private static async Task AssertCompleteAsync(CeremonyStage stage, int kills)
    {
        await stage.CompleteAsync();
        Assert.Empty(CeremonyVerification.Check(stage.Output).Faults);

        // Each key has signed what there is, and at most once more for each time that the program died before it could write that down.
        Inventory inventory = Made.Inventory(stage.Output);
        long twice = 0;
        foreach (InventoryKey key in inventory.Keys.Where(key => key.Signatures is not null))
        {
            string[] authorities = [.. inventory.Certificates.Where(certificate => certificate.Key == key.Id).Select(certificate => certificate.Id)];
            int made = inventory.Certificates.Count(certificate => authorities.Contains(certificate.Issuer)) + inventory.Crls.Count(crl => authorities.Contains(crl.Issuer));
            Assert.True(key.Signatures >= made, key.Id);
            twice += key.Signatures!.Value - made;
        }

        Assert.InRange(twice, 0, kills);
        Assert.Equal(inventory.Certificates.Count, inventory.Certificates.Select(entry => Made.Certificate(stage.Output, entry.Id).Tbs.SerialNumber).Distinct().Count());
        foreach (InventoryKey key in inventory.Keys)
        {
            DevicePlan device = inventory.Devices.First(each => each.Serial == key.Partition);
            await using SimulatorHsm hsm = await stage.ConnectAsync(device.Partition);
            HsmKey? found = await hsm.FindKeyAsync(new KeyLabel(key.Label), TestContext.Current.CancellationToken);
            Assert.Equal(key.Decode(), found!.PublicKey);
        }
    }
}
