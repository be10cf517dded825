using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.Issuance;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>What went wrong with CRLs at real CAs, told of this one.</summary>
public sealed class CrlIncidentTests
{
    private const string NextLabel = "sub-ca-2";
    private const string NextName = "issuing-s1-2";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The job had stopped, and a CRL ended before anybody knew.</summary>
    [Fact]
    public async Task Incident4_AJobThatStandsStill_IsTold_BeforeHalfOfTheValidity_AndAnotherNodeTakesOver()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        using var node = new CrlNode(story.Services.GetRequiredService<CrlOptions>());
        TimeSpan validity = story.Services.GetRequiredService<CrlOptions>().Validity;
        await MakeAllAsync(story.Services.GetRequiredService<MakeCrl>());
        Assert.Equal(("healthy", ""), await story.ReadinessAsync());

        story.Clock.Pass(0.44 * validity);
        await story.ReadyAsync("degraded", "has not been begun");
        story.Clock.Pass(0.03 * validity);
        await story.ReadyAsync("degraded", "has no successor");
        story.Clock.Pass(0.34 * validity);
        await story.ReadyAsync("unhealthy", "has no successor");

        await MakeAllAsync(StaleDataTests.Over(story, story.Stage.Database, node));
        Assert.Equal(("healthy", ""), await story.ReadinessAsync());
        Assert.Equal(new Dictionary<string, RevocationReason> { [story.Held.Serial] = RevocationReason.CertificateHold, [story.Revoked.Serial] = RevocationReason.KeyCompromise }, story.Entries());

        async Task MakeAllAsync(MakeCrl making)
        {
            story.Clock.Pass(TimeSpan.FromSeconds(2));
            await making.RunDueAsync(Token);
            await story.Stage.PublishAsync();
        }
    }

    /// <summary>Entries were removed before their certificates had ended. In depth: ExpiryTests, CrlFaultTests.</summary>
    [Fact]
    public async Task Incident5_AnEntryStays_UntilItsCertificateHasEnded_WhateverTheTableSays()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await story.KeepAsync();
        await story.Stage.RawAsync("DELETE FROM revocation WHERE serial = @Serial", new { story.Revoked.Serial });
        await story.RefusedAsync("vanished");
        Assert.Contains(story.Revoked.Serial, story.Entries().Keys);

        // A hold that officers end goes at once.
        await story.PutBackAsync();
        await story.Stage.ChangeAsync(story.Held, DecisionKind.Resume);
        await story.HealedAsync();
        Assert.Equal([story.Revoked.Serial], story.Entries().Keys);
    }

    /// <summary>During a rollover the CRL of one key came to the place of the other's.</summary>
    [Fact]
    public async Task Incident6_TwoKeysOfOneName_EachHasItsPlace_AndTheOldOnesCrlsGoOn()
    {
        using var files = new TemporaryFolder();
        await using SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();
        using var key = Sm2PrivateKey.Generate();
        byte[] secret = new byte[32];
        key.ExportBytes(secret);
        Certificate certificate = await hierarchy.Root.IssueAsync(hierarchy.Root.Prepare(hierarchy.Request("sub-ca") with
        {
            SerialNumber = SerialNumbers.Create(), SubjectPublicKeyInfo = SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
        }), Token);
        await File.WriteAllTextAsync(files.File("next.pem"), Pem.Encode(Pem.Certificate, Der.Encode(certificate)), Token);
        await using CrlStory story = await CrlStory.StartAsync(
            settings: new Dictionary<string, string?>
            {
                ["Ca:Authorities:3:Name"] = NextName,
                ["Ca:Authorities:3:CertificateFile"] = files.File("next.pem"),
                ["Ca:Authorities:3:KeyLabel"] = NextLabel,
                ["Ca:Authorities:3:ForSubscribers"] = "true",
            },
            prepare: hsm => hsm.AddSm2Key(new KeyLabel(NextLabel), Sm2PrivateKey.FromBytes(secret)));
        Authority next = story.Stage.Authorities[NextName];
        Assert.Equal(story.Scope.Authority.Certificate.Tbs.Subject, next.Certificate.Tbs.Subject);
        var scope = new CrlScope(next, CrlScope.Complete);
        Assert.NotEqual(story.Scope.Path, scope.Path);
        await story.GoOnAsync(scope);

        // What the old key has certified is on the old key's CRL alone.
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Revoke);
        await story.GoOnAsync();
        await story.GoOnAsync(scope);
        Assert.Contains(story.Valid.Serial, story.Entries().Keys);
        Assert.Empty(story.Entries(scope));

        // And what the new one certifies on the new one's.
        await story.Stage.RawAsync("INSERT INTO ra_scope (ra_name, profile, authority_id) VALUES (@RaName, 'tls-server', @Id)", new { CaStage.RaName, next.Id });
        CertificateAnswer issued = await SignedCalls.UntilAnsweredAsync(() => story.Stage.Ra.PostAsync<CertificateAnswer>("/certificates", story.Stage.Scene.NewRequest(issuer: next.Issuer)), Token);
        Assert.Equal(next.KeyIdentifier, issued.Issuer);
        await story.Stage.ChangeAsync(issued, DecisionKind.Revoke);
        await story.GoOnAsync();
        await story.GoOnAsync(scope);
        Assert.Equal([issued.Serial], story.Entries(scope).Keys);
        Assert.DoesNotContain(issued.Serial, story.Entries().Keys);

        // One at the place of the other is not taken for it, and is put right.
        byte[] old = story.Served();
        File.Copy(Path.Combine(story.Folder, scope.Path), story.File, overwrite: true);
        CrlRow row = (await story.TryMakeAsync())!;
        Assert.Equal(CrlState.Refused, row.State);
        Assert.Contains("another CA's CRL", row.Detail, StringComparison.Ordinal);
        await story.Stage.PublishAsync();
        Assert.Equal(old, story.Served());

        // Nor does the gate let one out that another key has signed.
        var gate = story.Services.GetRequiredService<CrlGate>();
        string wrong = Path.Combine(files.Path, "wrong.crl");
        await File.WriteAllBytesAsync(wrong, await File.ReadAllBytesAsync(Path.Combine(story.Folder, scope.Path), Token), Token);
        IReadOnlyList<string> reasons = await gate.JudgeAsync(new CrlCandidate(story.Scope, row, wrong, []), Token);
        Assert.Contains(reasons, reason => reason.StartsWith("Its issuer or key identifier is not that of", StringComparison.Ordinal));
        Assert.Contains(reasons, reason => reason.StartsWith("Its signature is not that of", StringComparison.Ordinal));
        await story.HealedAsync();
    }

    /// <summary>2009: the device was wiped, and there was no backup.</summary>
    [Fact]
    public async Task Incident8_TheDeviceIsDestroyed_TwoHoldersRestoreIt_AndTheNextCrlIsOfTheOldChain()
    {
        using var folder = new TemporaryFolder();
        string published = folder.File("published");
        Directory.CreateDirectory(published);
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Folder = folder.File("ca"),
            Settings = new Dictionary<string, string?> { ["Ca:Crls:Look"] = "00:00:00.3", ["Ca:Crls:PublicationFolders:0"] = published },
        });
        Certificate issuer = ca.Issuers.Subscribers.Certificate!;
        string file = Path.Combine(published, $"crl/{Convert.ToHexStringLower(ca.Issuers.Subscribers.KeyIdentifier.Span)}/all.crl");
        await ca.StartAsync();
        await UntilAsync(() => File.Exists(file));
        Assert.Equal(0, await ca.StopAsync());
        System.Numerics.BigInteger before = CrlFile.Read(await File.ReadAllBytesAsync(file, Token)).Number!.Value;

        // The backup; then nothing is left of the device but the client's own files.
        HsmSimStore store = ca.Store;
        byte[] backup = await BackUpAsync(ca);
        string client = Path.Combine(store.Path, "clients", CaProcess.Partition);
        string[] own = [ClientFolder.CertificateFile, ClientFolder.SecretFile];
        byte[][] kept = [.. own.Select(name => File.ReadAllBytes(Path.Combine(client, name)))];
        string address = ca.Device.Endpoint.ToString();
        await ca.Hsm.DisposeAsync();
        await ca.Device.DisposeAsync();
        Directory.Delete(store.Path, recursive: true);
        Directory.Delete(store.AnchorPath, recursive: true);

        await File.WriteAllBytesAsync(folder.File("ca.backup"), backup, Token);
        HsmSimProcess.Do("restore", "--store", store.Path, "--partition", CaProcess.Partition, "--backup", folder.File("ca.backup"));
        for (int i = 0; i < own.Length; i++)
        {
            await File.WriteAllBytesAsync(Path.Combine(client, own[i]), kept[i], Token);
        }

        ca.Device = await HsmSimProcess.StartAsync(store.Path, listen: address);
        await UnlockAsync(ca);
        await using Database database = ca.OpenDatabase();
        await database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE crl_scope SET due_at = 0"), Token);
        await ca.StartAsync();
        await UntilAsync(() => CrlFile.Read(File.ReadAllBytes(file)).Number > before);

        // The chain of before holds.
        var after = CrlFile.Read(await File.ReadAllBytesAsync(file, Token));
        Assert.True(after.IsOf(issuer) && after.IsSignedBy(issuer));
        Assert.True(after.ThisUpdate.Value > DateTimeOffset.UtcNow.AddMinutes(-5));
        Assert.Equal(0, await ca.StopAsync());
    }

    private static async Task<byte[]> BackUpAsync(CaProcess ca)
    {
        await using ConsoleClient console = await ca.Store.OpenConsoleAsync(ca.Device);
        Bytes policy = await console.AskAsync<PartitionName, Bytes>(Operation.GetPolicy, new PartitionName(CaProcess.Partition));
        byte[] order = Der.Encode(new BackupStatement(Der.Decode<PartitionPolicy>(policy.Value).Partition, Time.Truncate(DateTimeOffset.UtcNow.AddDays(1))));
        return (await console.AskAsync<Command, Bytes>(Operation.Backup, new Command(CaProcess.Partition, Der.Encode(ca.Store.Sign(order))))).Value.ToArray();
    }

    /// <summary>Two of the three holders enter their shares.</summary>
    private static async Task UnlockAsync(CaProcess ca)
    {
        await using ConsoleClient console = await ca.Store.OpenConsoleAsync(ca.Device);
        foreach (Sm2PrivateKey holder in ca.Store.Holders.Take(2))
        {
            EncryptedShare share = await console.AskAsync<ShareRequest, EncryptedShare>(Operation.GetShare, new ShareRequest(CaProcess.Partition, holder.PublicKey.ToBytes()));
            await console.AskAsync<OpenShare, Number>(Operation.EnterShare, new OpenShare(CaProcess.Partition, share.Index, holder.Decrypt(share.Ciphertext.Span)));
        }
    }

    private static async Task UntilAsync(Func<bool> done)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        while (!done())
        {
            await Task.Delay(100, patience.Token);
        }
    }
}
