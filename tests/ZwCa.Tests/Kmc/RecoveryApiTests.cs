using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Requests;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Admin.Commands;
using ZwCa.Tests.HsmSim;
using Officer = ZwCa.Tests.HsmSim.Officer;
using Person = ZwCa.Tests.HsmSim.Person;

namespace ZwCa.Tests.Kmc;

/// <summary>Both ways to another key through the KMC's API: over the links of CAs and officers, the device behind it.</summary>
public sealed class RecoveryApiTests
{
    private const string Link = "ca";
    private const string OtherLink = "other-ca";

    private static readonly byte[] Letter = "给丢失的令牌"u8.ToArray();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task JudicialRecovery_ByThreeOfFive_AndRefusedWithTwo()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        X509Certificate2 link = await stage.RegisterAsync(stage.Story.Ca, Link);
        (SerialNumber serial, _, byte[] letter) = await ApplyAsync(stage, link);
        var court = new Person();

        // What the recovery officers have to write into the case; nobody else's links get it.
        string query = $"/escrowed-keys?ca={Uri.EscapeDataString(stage.Story.Ca.Name)}&serial={serial}";
        EscrowedKeyAnswer key = await stage.First.GetAsync<EscrowedKeyAnswer>(query);
        Assert.Equal((Convert.ToHexStringLower(stage.Story.PartitionId), nameof(KeyState.InUse)), (key.Partition, key.State));
        await KmcStage.RefusedAsync(Refusal.NotFound, () => stage.First.GetAsync<EscrowedKeyAnswer>($"/escrowed-keys?ca={Uri.EscapeDataString(stage.Story.OtherCa.Name)}&serial={serial}"));
        using (HttpClient ca = Signing(stage, link, stage.Story.Ca))
        {
            await KmcStage.RefusedAsync(Refusal.NotAllowed, () => SignedCalls.SendAsync<EscrowedKeyAnswer>(ca, HttpMethod.Get, query, null, null));
        }

        RecoveryCase recoveryCase = stage.Story.Case(Convert.FromHexString(key.KeyId), court.PublicKey);
        JudicialRecoveryAnswer refused = await OrderAsync(stage, serial, EscrowStory.Signed(recoveryCase, stage.Judges.Take(2)));
        Assert.Equal(("Refused", null), (refused.State, refused.Envelope));
        Assert.Contains("3 recovery officers must sign, 2 did", refused.Detail, StringComparison.Ordinal);

        JudicialRecoveryAnswer delivered = await OrderAsync(stage, serial, EscrowStory.Signed(recoveryCase, stage.Judges.Take(3)));
        Assert.Equal("Delivered", delivered.State);
        Assert.Equal(Sm3.HashData(delivered.Envelope!), delivered.EnvelopeHash);
        using Sm2PrivateKey opened = PairScene.Open(delivered.Envelope!, court.Key);
        Assert.Equal(key.PublicKey, Der.Encode(PairScene.Of(opened)));
        Assert.Equal(Letter, opened.Decrypt(letter));

        // The auditor sees that it was, not what it was.
        Assert.Null((await stage.Audit.GetAsync<JudicialRecoveryAnswer>($"/judicial-recoveries/{delivered.Id}")).Envelope);
        await KmcStage.RefusedAsync(Refusal.NotFound, () => stage.First.GetAsync<JudicialRecoveryAnswer>($"/judicial-recoveries/{new string('0', 32)}"));
        await KmcStage.RefusedAsync(Refusal.Malformed, () => stage.First.PostAsync<JudicialDraftAnswer>(
            "/judicial-recoveries", new JudicialDraft { CaName = stage.Story.Ca.Name, Serial = serial.ToString(), Statement = [0x30, 0x00] }));

        await AtATerminalAsync(stage, serial, key, delivered);

        // And the subscriber has his key as before.
        Assert.Equal(nameof(KeyState.InUse), (await stage.First.GetAsync<EscrowedKeyAnswer>(query)).State);
    }

    [Fact]
    public async Task ALostToken_IsRecoveredToANewOne_AndAfterTheReceiptOfficersAreNeededAgain()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        X509Certificate2 link = await stage.RegisterAsync(stage.Story.Ca, Link);
        (SerialNumber serial, _, byte[] letter) = await ApplyAsync(stage, link);
        var fresh = new Person();
        KeyRecovery recovery = Papers(stage.Story, serial, fresh.PublicKey, stage.Story.Ca);

        KmRespond respond = await RecoverAsync(stage, link, recovery);
        AssertOpens(respond, fresh, letter);
        Assert.Equal(Der.Encode(respond), Der.Encode(await RecoverAsync(stage, link, recovery)));
        await KmcStage.RefusedAsync(Refusal.NotApproved, () => RecoverAsync(stage, link, recovery with { Message = Restore(stage.Story, serial, fresh.PublicKey, stage.Story.Ca) }));

        // Until the receipt the new token may have it again by the CA's message alone; then not.
        byte[] again = Restore(stage.Story, serial, fresh.PublicKey, stage.Story.Ca);
        AssertOpens(await stage.SendAsync(link, again), fresh, letter);
        using HttpClient ca = Signing(stage, link, stage.Story.Ca);
        foreach (byte[] message in (byte[][])[recovery.Message, again])
        {
            await ReceiveAsync(ca, message);
            await ReceiveAsync(ca, message);
        }

        await KmcStage.RefusedAsync(Refusal.WrongState, () => RecoverAsync(stage, link, recovery));
        Assert.Equal(KmcError.NotApproved, Error(await stage.SendAsync(link, Restore(stage.Story, serial, fresh.PublicKey, stage.Story.Ca))));
        AssertOpens(await RecoverAsync(stage, link, Papers(stage.Story, serial, fresh.PublicKey, stage.Story.Ca)), fresh, letter);
    }

    [Fact]
    public async Task OneCa_CannotRestoreAnothersKey()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        EscrowStory story = stage.Story;
        X509Certificate2 link = await stage.RegisterAsync(story.Ca, Link);
        X509Certificate2 other = await stage.RegisterAsync(story.OtherCa, OtherLink, serial: "4d2e");
        (SerialNumber serial, Person owner, _) = await ApplyAsync(stage, link);
        var thief = new Person();

        // As if there were no such key: by its own message, with papers for itself, and to the key's owner.
        foreach (Person recipient in (Person[])[thief, owner])
        {
            Assert.Equal(KmcError.NotFound, Error(await stage.SendAsync(other, Named(Restore(story, serial, recipient.PublicKey, story.OtherCa), story.OtherCa))));
            KeyRecovery own = Papers(story, serial, recipient.PublicKey, story.OtherCa);
            Assert.Equal(KmcError.NotFound, Error(await RecoverAsync(stage, other, own with { Message = Named(own.Message, story.OtherCa) })));
        }

        // With papers that were made out to the key's CA; and with its very message, over a link that is not its own.
        KeyRecovery papers = Papers(story, serial, owner.PublicKey, story.Ca);
        await KmcStage.RefusedAsync(Refusal.OutOfScope, () => RecoverAsync(stage, other, papers with { Message = Named(Restore(story, serial, owner.PublicKey, story.OtherCa), story.OtherCa) }));
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => RecoverAsync(stage, other, papers));
        Assert.Contains(refused.Kind, new[] { Refusal.NotAllowed, Refusal.BadSignature, Refusal.LinkNotTrusted });

        // Nor does it end a key, nor its delivery.
        Assert.Equal(KmcError.NotFound, Error(await stage.SendAsync(other, Named(story.Message(story.OtherCa, [new RevokeKeyReq(serial)]), story.OtherCa))));
        Assert.Equal(1, await stage.CountAsync(KeyState.InUse));

        // As it is registered.
        static byte[] Named(byte[] message, StoryCa ca)
        {
            KsRequest asked = Der.Decode<CaRequest>(message).KsRequest;
            byte[] bytes = Der.Encode(new KsRequest(asked.CaName with { SerialNumber = SerialNumber.Parse("4d2e") }, asked.RequestList, asked.RequestTime, asked.TaskNo));
            return Der.Encode(CaRequest.Assemble(bytes, AlgorithmIdentifier.Sm3WithSm2, ca.Signer.Sign(bytes)));
        }
    }

    private static async Task<(SerialNumber Serial, Person Owner, byte[] Letter)> ApplyAsync(KmcStage stage, X509Certificate2 link)
    {
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) > 0);
        SerialNumber serial = EscrowStory.NextSerialNumber();
        var owner = new Person();
        KmRespond respond = await stage.SendAsync(link, stage.Story.Message(stage.Story.Ca, [stage.Story.ApplyRequest(serial, owner.PublicKey)]));
        using Sm2PrivateKey key = KmcScene.Open(Assert.IsType<ApplyKeyRespond>(Assert.Single(respond.KsRespond.RespondList)).RetKeyRespond, owner);
        return (serial, owner, key.PublicKey.Encrypt(Letter));
    }

    private static byte[] Restore(EscrowStory story, SerialNumber serial, SubjectPublicKeyInfo recipient, StoryCa ca) => story.Message(ca, [RestoreKeyReq.Sm2(serial, recipient)]);

    private static KeyRecovery Papers(EscrowStory story, SerialNumber serial, SubjectPublicKeyInfo recipient, StoryCa ca)
    {
        Application application = story.RecoveryApplication(serial, recipient, ca.Name, enrollmentId: CaScene.NewEntity());
        return new KeyRecovery
        {
            Message = Restore(story, serial, recipient, ca),
            Application = Der.Encode(application),
            Entry = story.Approve(new Officer(), ApprovalStep.Entry, [application.Digest]),
            Review = story.Approve(new Officer(), ApprovalStep.Review, [application.Digest]),
            OfficerCrl = RecoveryStory.Crl(story),
        };
    }

    private static async Task<KmRespond> RecoverAsync(KmcStage stage, X509Certificate2 link, KeyRecovery recovery)
    {
        using HttpClient client = stage.CreateClient(link);
        using HttpResponseMessage answer = await client.PostAsJsonAsync("/recoveries", recovery, Token);
        await answer.ThrowIfRefusedAsync(Token);
        KmRespond respond = Der.Decode<KmRespond>((await answer.Content.ReadFromJsonAsync<KeyRecoveryReply>(Token))!.Reply);
        Assert.True(stage.Key.Verify(respond.KsRespondBytes.Span, respond.DecodeSm2Signature().Raw.Span));
        return respond;
    }

    /// <summary>As a CA signs what is no message of GM/T 0014.</summary>
    private static HttpClient Signing(KmcStage stage, X509Certificate2 link, StoryCa ca) => stage.CreateClient(link, new MessageSigner(SerialNumber.Parse("4d2f"), ca.Signer.Key));

    private static async Task ReceiveAsync(HttpClient ca, byte[] message)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/receipts")
        {
            Content = JsonContent.Create(new KeyReceipt { TaskNo = Der.Decode<CaRequest>(message).KsRequest.TaskNo.ToString() }),
        };
        MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));
        using HttpResponseMessage answer = await ca.SendAsync(request, Token);
        await answer.ThrowIfRefusedAsync(Token);
    }

    /// <summary>What the recovery officers need, and what came of it, by <c>zwca command</c>.</summary>
    private static async Task AtATerminalAsync(KmcStage stage, SerialNumber serial, EscrowedKeyAnswer key, JudicialRecoveryAnswer delivered)
    {
        using var first = new BorrowedDesk(stage.First.Client);
        (int exitCode, string said) = await first.RunAsync("escrowed-key", "--ca", stage.Story.Ca.Name, "--serial", serial.ToString());
        Assert.True(exitCode == 0, said);
        Assert.Contains(key.Partition, said, StringComparison.Ordinal);
        Assert.Contains(key.KeyId, said, StringComparison.Ordinal);
        (exitCode, said) = await first.RunAsync("judicial-recovery", delivered.Id, "--out", first.File("envelope.der"));
        Assert.True(exitCode == 0, said);
        Assert.Contains("已恢复", said, StringComparison.Ordinal);
        Assert.Equal(delivered.Envelope, await File.ReadAllBytesAsync(first.File("envelope.der"), Token));

        using var auditor = new BorrowedDesk(stage.Audit.Client);
        (exitCode, said) = await auditor.RunAsync("judicial-recovery", delivered.Id, "--out", auditor.File("envelope.der"));
        Assert.Equal(1, exitCode);
        Assert.Contains("没有信封", said, StringComparison.Ordinal);
        Assert.False(File.Exists(auditor.File("envelope.der")));
        Assert.Equal(1, (await first.RunAsync("escrowed-key", "--ca", "没有", "--serial", serial.ToString())).ExitCode);
    }

    /// <summary>By two officers of the KMC; then the device was asked.</summary>
    private static async Task<JudicialRecoveryAnswer> OrderAsync(KmcStage stage, SerialNumber serial, byte[] statement)
    {
        JudicialDraftAnswer draft = await stage.First.PostAsync<JudicialDraftAnswer>(
            "/judicial-recoveries", new JudicialDraft { CaName = stage.Story.Ca.Name, Serial = serial.ToString(), Statement = statement });
        Application application = Der.Decode<Application>(draft.Application);
        CommandAnswer proposed = await KmcStage.ProposeAsync(stage.First, application);
        Assert.Equal("proposed", proposed.State);
        await KmcStage.RefusedAsync(Refusal.NotFound, () => stage.First.GetAsync<JudicialRecoveryAnswer>($"/judicial-recoveries/{application.EnrollmentId}"));
        await KmcStage.RefusedAsync(Refusal.SecondOfficerRequired, () => KmcStage.ApproveAsync(stage.First, application));
        await KmcStage.ApproveAsync(stage.Second, application);
        JudicialRecoveryAnswer? answer = null;
        await KmcStage.UntilAsync(async () => (answer = await stage.First.GetAsync<JudicialRecoveryAnswer>($"/judicial-recoveries/{application.EnrollmentId}")).State != "Ordered");
        return answer!;
    }

    private static void AssertOpens(KmRespond respond, Person recipient, byte[] letter)
    {
        using Sm2PrivateKey key = KmcScene.Open(Assert.IsType<RestoreKeyRespond>(Assert.Single(respond.KsRespond.RespondList)).RetKeyRespond, recipient);
        Assert.Equal(Letter, key.Decrypt(letter));
    }

    private static KmcError Error(KmRespond respond) => (KmcError)Assert.IsType<ErrorPkgRespond>(Assert.Single(respond.KsRespond.RespondList)).ErrNo;
}
