using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Requests;
using ZwCa.Kmc.Reports;
using ZwCa.Officers;
using ZwCa.Tests.HsmSim;
using Person = ZwCa.Tests.HsmSim.Person;

namespace ZwCa.Tests.Kmc;

/// <summary>The KMC through its API: officers let CAs in, and those get keys.</summary>
public sealed class KmcServiceTests
{
    private const string Link = "ca";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ACaThatTwoOfficersRegistered_GetsKeys_UntilOneOfficerFreezesIt()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) == 8);
        EscrowStory story = stage.Story;
        var subscriber = new Person();
        SerialNumber serial = EscrowStory.NextSerialNumber();
        byte[] message = story.Message(story.Ca, [story.ApplyRequest(serial, subscriber.PublicKey)]);

        // A link that nobody has let in, and then one that has, of a CA that nobody has registered.
        X509Certificate2 link = stage.IssueLink(Link);
        await KmcStage.RefusedAsync(Refusal.LinkNotTrusted, () => stage.SendAsync(link, message));
        await stage.CommandAsync("client.admit", Der.Encode(KmcStage.Admission(Link, LinkKind.Ca, link)));
        await KmcStage.RefusedAsync(Refusal.BadSignature, () => stage.SendAsync(link, message));

        // By one officer nothing is registered.
        Application registration = KmcStage.Command(
            "ca.register", Der.Encode(new CaRegistration(story.Ca.Name, KmcStage.MessageCertificate(story.Ca), Link, SignedPart.Content, SignatureForm.Der)));
        Assert.Equal("proposed", (await KmcStage.ProposeAsync(stage.First, registration)).State);
        await KmcStage.RefusedAsync(Refusal.SecondOfficerRequired, () => KmcStage.ApproveAsync(stage.First, registration));
        await KmcStage.RefusedAsync(Refusal.BadSignature, () => stage.SendAsync(link, message));
        CommandAnswer done = await KmcStage.ApproveAsync(stage.Second, registration);
        Assert.Equal(("done", (OrderAnswer?)null), (done.State, done.Order));

        RetKeyRespond answer = Applied(await stage.SendAsync(link, message));
        KmcScene.Open(answer, subscriber).Dispose();
        Assert.Equal(Der.Encode(answer), Der.Encode(Applied(await stage.SendAsync(link, message))));
        await KmcStage.RefusedAsync(Refusal.BadSignature, () => stage.SendAsync(link, story.Message(story.UnknownCa, [story.ApplyRequest(serial, subscriber.PublicKey)])));
        await KmcStage.RefusedAsync(Refusal.Malformed, () => stage.SendAsync(link, [0x30, 0x00]));
        await KmcStage.RefusedAsync(Refusal.TooLarge, () => stage.SendAsync(link, new byte[(1 << 20) + 1]));
        await KmcStage.RefusedAsync(Refusal.NotAllowed, () => stage.SendAsync(stage.First.Link, message));

        // What it has.
        ServedCaAnswer ca = Assert.Single(await stage.Audit.GetAsync<IReadOnlyList<ServedCaAnswer>>("/cas"));
        Assert.Equal((story.Ca.Name, "served", Link, "content", "der", "4d2f"), (ca.Name, ca.State, ca.Link, ca.SignedPart, ca.SignatureForm, ca.Certificate));
        KeyPage page = await stage.First.GetAsync<KeyPage>($"/keys?ca={Uri.EscapeDataString(story.Ca.Name)}");
        KeyAnswer key = Assert.Single(page.Keys);
        Assert.Equal(("inuse", serial.ToString(), true, null), (key.State, key.Serial, key.Intact, page.Next));
        Assert.Equal(Convert.ToHexStringLower(Sm3.HashData(Der.Encode(subscriber.PublicKey))), key.Recipient);
        Assert.Equal(key.Id, (await stage.First.GetAsync<KeyPage>($"/keys?ca={Uri.EscapeDataString(story.Ca.Name)}&rows=1")).Next);
        Assert.Empty((await stage.First.GetAsync<KeyPage>($"/keys?ca={Uri.EscapeDataString(story.Ca.Name)}&after={key.Id}")).Keys);
        await KmcStage.RefusedAsync(Refusal.NotFound, () => stage.First.GetAsync<KeyPage>("/keys?ca=x"));
        KeyStatistics statistics = await stage.Audit.GetAsync<KeyStatistics>("/statistics");
        CaKeys keys = Assert.Single(statistics.Cas);
        Assert.Equal((7, 1, 0, 0), (statistics.Stock, keys.InUse, keys.History, statistics.PastRetention));
        MonthOfKeys month = Assert.Single(keys.Months);
        Assert.Equal((DateTimeOffset.UtcNow.ToString("yyyy-MM", System.Globalization.CultureInfo.InvariantCulture), 1, 0), (month.Month, month.Bound, month.Ended));

        // One officer takes it away at once; it takes two to give it back.
        byte[] change = Der.Encode(new CaSwitch(story.Ca.Name, "密钥疑似泄露"));
        Assert.Equal("done", (await KmcStage.ProposeAsync(stage.First, KmcStage.Command("ca.freeze", change))).State);
        await KmcStage.RefusedAsync(Refusal.NotAllowed, () => stage.SendAsync(link, message));
        await stage.RefusedAsync(Refusal.WrongState, "ca.freeze", change);
        await stage.CommandAsync("ca.unfreeze", change);
        Applied(await stage.SendAsync(link, message));

        // It gets another message certificate, of another key, and keeps its subscribers' keys: what it asks with the old one is refused.
        byte[] changed = Der.Encode(new CaRegistration(story.Ca.Name, KmcStage.MessageCertificate(story.UnknownCa, "4d40"), Link, SignedPart.Content, SignatureForm.Der));
        await stage.CommandAsync("ca.change", changed);
        await KmcStage.RefusedAsync(Refusal.BadSignature, () => stage.SendAsync(link, message));
        await stage.CommandAsync(
            "ca.change", Der.Encode(new CaRegistration(story.Ca.Name, KmcStage.MessageCertificate(story.Ca), Link, SignedPart.Content, SignatureForm.Der)));
        Applied(await stage.SendAsync(link, message));

        // So does a link.
        await KmcStage.ProposeAsync(stage.Second, KmcStage.Command("client.disable", Der.Encode(new ClientSwitch(SHA256.HashData(link.RawData), "更换服务器"))));
        await KmcStage.RefusedAsync(Refusal.LinkNotTrusted, () => stage.SendAsync(link, message));
        ClientPage clients = await stage.Super.GetAsync<ClientPage>("/clients");
        Assert.Equal(("disabled", "ca"), (clients.Clients.Single(each => each.Entity == Link).State, clients.Clients.Single(each => each.Entity == Link).Kind));
    }

    [Theory]
    [InlineData(SignedPart.Content, SignatureForm.Der)]
    [InlineData(SignedPart.Content, SignatureForm.Raw)]
    [InlineData(SignedPart.EncryptedContentInfo, SignatureForm.Der)]
    [InlineData(SignedPart.EncryptedContentInfo, SignatureForm.Raw)]
    public async Task EachCaHasTheSignatureThatItWants(SignedPart part, SignatureForm form)
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        X509Certificate2 link = await stage.RegisterAsync(stage.Story.Ca, Link, part, form);
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) > 0);
        var subscriber = new Person();
        byte[] message = stage.Story.Message(stage.Story.Ca, [stage.Story.ApplyRequest(EscrowStory.NextSerialNumber(), subscriber.PublicKey)]);
        RetKeyRespond answer = Applied(await stage.SendAsync(link, message));
        using Sm2PrivateKey opened = KmcScene.Open(answer, subscriber);
        SignerInfo signer = answer.RetPriKey.SignerInfos[0];
        Assert.Equal(form == SignatureForm.Raw, signer.EncryptedDigest.Length == Sm2.SignatureSizeInBytes);
        byte[] d = new byte[32];
        opened.ExportBytes(d);
        byte[] content = Der.Encode(answer.RetPriKey.EncryptedContentInfo);
        Assert.Equal(part == SignedPart.Content, stage.Key.Verify(d, signer.DecodeSm2Signature().Raw.Span));
        Assert.Equal(part == SignedPart.EncryptedContentInfo, stage.Key.Verify(content, signer.DecodeSm2Signature().Raw.Span));
    }

    [Fact]
    public async Task WhatOfficersMayNotRegister_IsRefused()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        EscrowStory story = stage.Story;
        X509Certificate2 link = await stage.RegisterAsync(story.Ca, Link);
        Certificate other = KmcStage.MessageCertificate(story.OtherCa, "4d30");
        using var stranger = new SystemCa("另一个系统CA");
        using X509Certificate2 strange = stranger.Issue("other-ca");
        X509Certificate2 second = stage.IssueLink("other-ca");
        string nobody = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        (Refusal Refusal, string Action, byte[] Parameters)[] refused =
        [
            (Refusal.Malformed, "ca.register", [0x30, 0x00]),
            (Refusal.NotFound, "ca.register", Register(story.OtherCa.Name, other, "other-ca")),
            (Refusal.Duplicate, "ca.register", Register(story.Ca.Name, other, Link)),
            (Refusal.Duplicate, "ca.register", Register(story.OtherCa.Name, KmcStage.MessageCertificate(story.OtherCa), Link)),
            (Refusal.Malformed, "ca.register", Register(new string('长', 65), other, Link)),
            (Refusal.BadPublicKey, "ca.register", Register(story.OtherCa.Name, Der.Decode<Certificate>(link.RawData), Link)),
            (Refusal.NotFound, "ca.freeze", Der.Encode(new CaSwitch("不明CA", "x"))),
            (Refusal.NotFound, "ca.change", Register("不明CA", other, Link)),
            (Refusal.Malformed, "client.admit", Der.Encode(KmcStage.Admission("Other CA", LinkKind.Ca, second))),
            (Refusal.NotAllowed, "client.admit", Der.Encode(KmcStage.Admission("other-ca", LinkKind.Ra, second))),
            (Refusal.SubjectNotAllowed, "client.admit", Der.Encode(KmcStage.Admission("third-ca", LinkKind.Ca, second))),
            (Refusal.LinkNotTrusted, "client.admit", Der.Encode(KmcStage.Admission("other-ca", LinkKind.Ca, strange))),
            (Refusal.LinkNotTrusted, "client.admit", Der.Encode(new ClientAdmission("kmc-message", LinkKind.Ca, Named("kmc-message", story)))),
            (Refusal.NotFound, "client.admit", Der.Encode(KmcStage.Admission(nobody, LinkKind.Officer, stage.IssueLink(nobody)))),
            (Refusal.NotFound, "client.disable", Der.Encode(new ClientSwitch(new byte[32], "x"))),
        ];
        foreach ((Refusal refusal, string action, byte[] parameters) in refused)
        {
            await stage.RefusedAsync(refusal, action, parameters);
        }

        await stage.RefusedAsync(Refusal.OutOfScope, "ca.freeze", Der.Encode(new CaSwitch(story.Ca.Name, "x")), region: "350000");

        // The same key under another name: found when it is done.
        Application twice = KmcStage.Command("ca.register", Register("另一名称", KmcStage.MessageCertificate(story.Ca, "4d31"), Link));
        await KmcStage.ProposeAsync(stage.First, twice);
        await KmcStage.RefusedAsync(Refusal.Duplicate, () => KmcStage.ApproveAsync(stage.Second, twice));

        // Auditors have to do with auditors.
        await KmcStage.RefusedAsync(
            Refusal.NotAllowed, () => KmcStage.ProposeAsync(stage.Audit, KmcStage.Command("client.admit", Der.Encode(KmcStage.Admission("other-ca", LinkKind.Ca, second)))));
        await KmcStage.RefusedAsync(Refusal.NotAllowed, () => KmcStage.ProposeAsync(stage.Audit, KmcStage.Command("ca.register", Register(story.OtherCa.Name, other, Link))));

        static byte[] Register(string name, Certificate certificate, string link) => Der.Encode(new CaRegistration(name, certificate, link, SignedPart.Content, SignatureForm.Der));

        static Certificate Named(string name, EscrowStory story) =>
            KmcScene.Certify(Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, name)), story.Ca.Signer.PublicKey, SerialNumber.Parse("05"), story.Ca.Signer);
    }

    /// <summary>The device has to know a CA too: officers of the KMC alone open no key.</summary>
    [Fact]
    public async Task ACaThatIsNotInTheDevicesPolicy_GetsNoKey()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        X509Certificate2 link = await stage.RegisterAsync(stage.Story.UnknownCa, Link);
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) > 0);
        byte[] message = stage.Story.Message(stage.Story.UnknownCa, [stage.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)]);
        ErrorPkgRespond refused = Assert.IsType<ErrorPkgRespond>(Assert.Single((await stage.SendAsync(link, message)).KsRespond.RespondList));
        Assert.Equal((int)KmcError.DeviceRefused, refused.ErrNo);

        // For good, and the key is nobody's from now on.
        Assert.IsType<ErrorPkgRespond>(Assert.Single((await stage.SendAsync(link, message)).KsRespond.RespondList));
        Assert.Equal((0, 1), (await stage.CountAsync(KeyState.InUse), await stage.CountAsync(KeyState.History)));
    }

    /// <summary>After a restored device all of it is worth nothing.</summary>
    [Fact]
    public async Task TheStock_IsThrownAwayByTwo_AndFilledAnew()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) == 8);
        IReadOnlyList<byte[]> before = await stage.Database.QueryAsync<byte[]>("SELECT key_id FROM escrowed_key", cancellationToken: TestContext.Current.CancellationToken);
        await stage.CommandAsync("stock.discard", Der.Encode(new StockDiscard("密码设备已从备份恢复")));
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) == 8);
        IReadOnlyList<byte[]> after = await stage.Database.QueryAsync<byte[]>("SELECT key_id FROM escrowed_key", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Empty(before.Select(Convert.ToHexString).Intersect(after.Select(Convert.ToHexString)));
    }

    [Fact]
    public async Task AnEmptyStock_IsRefusedForAWhile_AndFilledByTheJob()
    {
        await using KmcStage stage = await KmcStage.StartAsync(("Kmc:PoolLook", "00:00:02"), ("Kmc:Pool:Threshold", "1"), ("Kmc:Pool:Full", "2"));
        X509Certificate2 link = await stage.RegisterAsync(stage.Story.Ca, Link);
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) == 2);
        await KmcStage.UntilAsync(async () => await stage.HealthOfAsync("stock") == "healthy");

        // More at once than there are.
        var subscriber = new Person();
        byte[] message = stage.Story.Message(
            stage.Story.Ca, [.. Enumerable.Range(0, 3).Select(_ => stage.Story.ApplyRequest(EscrowStory.NextSerialNumber(), subscriber.PublicKey))]);
        RefusalException refused = await KmcStage.RefusedAsync(Refusal.Unavailable, () => stage.SendAsync(link, message));
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
        Assert.Contains("备用密钥", refused.Message, StringComparison.Ordinal);
        KmRespond? respond = null;
        await KmcStage.UntilAsync(async () =>
        {
            try
            {
                respond = await stage.SendAsync(link, message);
                return true;
            }
            catch (RefusalException e) when (e.Kind is Refusal.Unavailable)
            {
                return false;
            }
        });
        Assert.All(respond!.KsRespond.RespondList, each => KmcScene.Open(Assert.IsType<ApplyKeyRespond>(each).RetKeyRespond, subscriber).Dispose());
        Assert.Equal(3, await stage.CountAsync(KeyState.InUse));
    }

    [Fact]
    public async Task WhatTheNightlyCheckFinds_TurnsHealthRed_UntilARunFindsNothing()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        X509Certificate2 link = await stage.RegisterAsync(stage.Story.Ca, Link);
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) > 0);
        SerialNumber serial = EscrowStory.NextSerialNumber();
        Applied(await stage.SendAsync(link, stage.Story.Message(stage.Story.Ca, [stage.Story.ApplyRequest(serial, new Person().PublicKey)])));
        ReportRows report = stage.App.Services.GetRequiredService<ReportRows>();
        Assert.Equal(0, await report.RunAsync(Token));
        Assert.Equal("healthy", await stage.HealthOfAsync("rows"));

        await stage.RawAsync("UPDATE escrowed_key SET valid_until = valid_until + 1 WHERE serial = @Serial", new { Serial = serial.ToString() });
        Assert.Equal(1, await report.RunAsync(Token));
        await KmcStage.UntilAsync(async () => await stage.HealthOfAsync("rows") == "unhealthy");
        Assert.Contains("is not as it should be", stage.Logged, StringComparison.Ordinal);
        Assert.False(Assert.Single((await stage.Audit.GetAsync<KeyPage>($"/keys?ca={Uri.EscapeDataString(stage.Story.Ca.Name)}")).Keys).Intact);

        await stage.RawAsync("UPDATE escrowed_key SET valid_until = valid_until - 1 WHERE serial = @Serial", new { Serial = serial.ToString() });
        Assert.Equal(0, await report.RunAsync(Token));
        await KmcStage.UntilAsync(async () => await stage.HealthOfAsync("rows") == "healthy");
    }

    [Fact]
    public async Task AKeyWhoseTimeIsOver_GoesToHistory_AndIsReportedOnceItNeedNotBeKept_NeverDeleted()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        X509Certificate2 link = await stage.RegisterAsync(stage.Story.Ca, Link);
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.Stock) > 1);
        DateTimeOffset now = stage.Story.Now;
        Request[] requests =
        [
            .. new[] { now.AddSeconds(2), now.AddYears(1) }.Select(until =>
                ApplyKeyReq.Sm2(new AppUserInfo(EscrowStory.NextSerialNumber(), new Person().PublicKey, new Time(now), new Time(until), "张三", "330100"))),
        ];
        await stage.SendAsync(link, stage.Story.Message(stage.Story.Ca, requests));
        await KmcStage.UntilAsync(async () => await stage.CountAsync(KeyState.History) == 1);
        KeyPage page = await stage.Audit.GetAsync<KeyPage>($"/keys?ca={Uri.EscapeDataString(stage.Story.Ca.Name)}");
        Assert.Equal(["expired"], page.Keys.Where(each => each.State == "history").Select(each => each.EndReason));
        Assert.All(page.Keys, each => Assert.True(each.Intact));

        // The log has the move: the row is as the check wants it.
        await KmcStage.UntilAsync(async () => (await stage.App.Services.GetRequiredService<CheckRows>().RunAsync(Token)).Count == 0);

        ReportRetention retention = stage.App.Services.GetRequiredService<ReportRetention>();
        Assert.Equal(0, await retention.RunAsync(Token));
        await stage.RawAsync("UPDATE escrowed_key SET ended_at = @Then WHERE state = 3", new { Then = DateTimeOffset.UtcNow.AddYears(-11) });
        Assert.Equal(1, await retention.RunAsync(Token));
        Assert.Equal(1, (await stage.Audit.GetAsync<KeyStatistics>("/statistics")).PastRetention);
        Assert.Equal(1, await stage.CountAsync(KeyState.History));
    }

    [Fact]
    public async Task APersonComesWithTheIdThatTheCaGave_AndWhoIsDisabledIsHeardNoMore()
    {
        await using KmcStage stage = await KmcStage.StartAsync();
        byte[] id = RandomNumberGenerator.GetBytes(16);
        var known = new KnownPerson { PersonId = Convert.ToHexStringLower(id), Name = "李四", IdNumber = CaScene.NewIdNumber().Reveal() };
        Assert.Equal(known.PersonId, (await stage.First.PostAsync<PersonAnswer>("/persons", known)).PersonId);
        Assert.Equal(known.PersonId, (await stage.First.PostAsync<PersonAnswer>("/persons", known)).PersonId);
        await KmcStage.RefusedAsync(
            Refusal.Duplicate, () => stage.First.PostAsync<PersonAnswer>("/persons", known with { PersonId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)) }));
        await KmcStage.RefusedAsync(Refusal.Malformed, () => stage.First.PostAsync<PersonAnswer>("/persons", known with { PersonId = "1" }));

        StageOfficer officer = stage.Certify(RoleCatalogue.BusinessOperator, id);
        await stage.CommandAsync(OfficerActions.Create, Der.Encode(officer.Certificate));
        officer = stage.Connect(officer);
        await KmcStage.RefusedAsync(Refusal.LinkNotTrusted, () => officer.GetAsync<OfficerPage>("/officers"));
        await stage.CommandAsync("client.admit", Der.Encode(KmcStage.Admission(known.PersonId, LinkKind.Officer, officer.Link)));
        Assert.Equal(5, (await officer.GetAsync<OfficerPage>("/officers")).Officers.Count);
        await KmcStage.RefusedAsync(Refusal.NotAllowed, () => officer.PostAsync<PersonAnswer>("/persons", known));
        await KmcStage.RefusedAsync(Refusal.NotAllowed, () => officer.GetAsync<ClientPage>("/clients"));

        await KmcStage.ProposeAsync(stage.First, KmcStage.Command(OfficerActions.Disable, Der.Encode(new OfficerChange(officer.SerialNumber, "调离岗位"))));
        await KmcStage.RefusedAsync(Refusal.LinkNotTrusted, () => officer.GetAsync<OfficerPage>("/officers"));
    }

    private static RetKeyRespond Applied(KmRespond respond) => Assert.IsType<ApplyKeyRespond>(Assert.Single(respond.KsRespond.RespondList)).RetKeyRespond;
}
