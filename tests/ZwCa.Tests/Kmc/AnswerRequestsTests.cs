using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Recoveries;
using ZwCa.Kmc.Requests;
using ZwCa.Tests.HsmSim;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Kmc;

/// <summary>Messages of GM/T 0014, from the bytes that a CA signs to those that the KMC signs, with a real device and a real database.</summary>
public sealed class AnswerRequestsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AKeyThatIsAppliedFor_ComesToTheSubscriber_AndTheSameMessageGetsTheSameAnswer(DatabaseKind kind)
    {
        await using KmcScene scene = await KmcScene.StartAsync(kind);
        var subscriber = new Person();
        SerialNumber serial = EscrowStory.NextSerialNumber();
        byte[] message = scene.Story.Message(scene.Story.Ca, [scene.Story.ApplyRequest(serial, subscriber.PublicKey)]);

        RetKeyRespond answer = Applied(await scene.SendAsync(message));
        Assert.Equal(serial, answer.UserCertNo);
        KmcScene.Open(answer, subscriber).Dispose();
        Assert.Equal(1, await scene.CountAsync(KeyState.InUse));

        Assert.Equal(Der.Encode(answer), Der.Encode(Applied(await scene.SendAsync(message))));
        Assert.Equal(1, await scene.CountAsync(KeyState.InUse));

        // Restored: the same key, in another envelope.
        RetKeyRespond restored = Assert.IsType<RestoreKeyRespond>(Only(await scene.SendAsync(RestoreKeyReq.Sm2(serial, subscriber.PublicKey)))).RetKeyRespond;
        Assert.Equal(answer.RetPubKey, restored.RetPubKey);
        KmcScene.Open(restored, subscriber).Dispose();

        // Given up: in history, where no CA gets it from.
        Assert.Equal(serial, Assert.IsType<RevokeKeyRespond>(Only(await scene.SendAsync(new RevokeKeyReq(serial)))).UserCertNo);
        Assert.Equal((0, 1), (await scene.CountAsync(KeyState.InUse), await scene.CountAsync(KeyState.History)));
        Refused(KmcError.Ended, await scene.SendAsync(RestoreKeyReq.Sm2(serial, subscriber.PublicKey)));
        Assert.Equal(serial, Assert.IsType<RevokeKeyRespond>(Only(await scene.SendAsync(new RevokeKeyReq(serial)))).UserCertNo);
    }

    [Fact]
    public async Task OneRequestThatIsRefused_KeepsNoOtherOfItsMessage()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        (Person one, Person two) = (new Person(), new Person());
        (SerialNumber first, SerialNumber second) = (EscrowStory.NextSerialNumber(), EscrowStory.NextSerialNumber());
        KmRespond respond = await scene.SendAsync(
            scene.Story.ApplyRequest(first, one.PublicKey), new RevokeKeyReq(EscrowStory.NextSerialNumber()), scene.Story.ApplyRequest(first, two.PublicKey), scene.Story.ApplyRequest(second, two.PublicKey));
        IReadOnlyList<Respond> list = respond.KsRespond.RespondList;
        KmcScene.Open(Assert.IsType<ApplyKeyRespond>(list[0]).RetKeyRespond, one).Dispose();
        Assert.Equal((int)KmcError.NotFound, Assert.IsType<ErrorPkgRespond>(list[1]).ErrNo);
        Assert.Equal((int)KmcError.Repeated, Assert.IsType<ErrorPkgRespond>(list[2]).ErrNo);
        KmcScene.Open(Assert.IsType<ApplyKeyRespond>(list[3]).RetKeyRespond, two).Dispose();
    }

    /// <summary>Both would be planned upon the same row, and the message never be answered.</summary>
    [Fact]
    public async Task TwoRequestsAboutOneKey_TheLaterIsRefused()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        var subscriber = new Person();
        SerialNumber serial = EscrowStory.NextSerialNumber();
        Applied(await scene.SendAsync(scene.Story.ApplyRequest(serial, subscriber.PublicKey)));
        IReadOnlyList<Respond> list = (await scene.SendAsync(new RevokeKeyReq(serial), RestoreKeyReq.Sm2(serial, subscriber.PublicKey), new RevokeKeyReq(serial))).KsRespond.RespondList;
        Assert.IsType<RevokeKeyRespond>(list[0]);
        Assert.All(list.Skip(1), each => Assert.Equal((int)KmcError.Repeated, Assert.IsType<ErrorPkgRespond>(each).ErrNo));
        Assert.Equal((0, 1), (await scene.CountAsync(KeyState.InUse), await scene.CountAsync(KeyState.History)));
    }

    /// <summary>For good, so the message has an answer; the key stays as it is.</summary>
    [Fact]
    public async Task TheDeviceRefusesARestoration_TheOthersAreDone_AndTheKeyStays()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        var subscriber = new Person();
        (SerialNumber kept, SerialNumber ended) = (EscrowStory.NextSerialNumber(), EscrowStory.NextSerialNumber());
        await scene.SendAsync(scene.Story.ApplyRequest(kept, subscriber.PublicKey), scene.Story.ApplyRequest(ended, subscriber.PublicKey));
        scene.Hsm.Refuse = nameof(IHsm.EnvelopeKeyAsync);
        IReadOnlyList<Respond> list = (await scene.SendAsync(RestoreKeyReq.Sm2(kept, subscriber.PublicKey), new RevokeKeyReq(ended))).KsRespond.RespondList;
        Assert.Equal((int)KmcError.DeviceRefused, Assert.IsType<ErrorPkgRespond>(list[0]).ErrNo);
        Assert.IsType<RevokeKeyRespond>(list[1]);
        Assert.Equal((1, 1), (await scene.CountAsync(KeyState.InUse), await scene.CountAsync(KeyState.History)));

        scene.Hsm.Refuse = null;
        KmcScene.Open(Assert.IsType<RestoreKeyRespond>(Only(await scene.SendAsync(RestoreKeyReq.Sm2(kept, subscriber.PublicKey)))).RetKeyRespond, subscriber).Dispose();
    }

    /// <summary>What was planned upon the key in use is planned anew.</summary>
    [Fact]
    public async Task TheKeyEndsMeanwhile_ARestorationIsAnsweredByWhatThereIsThen()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        var subscriber = new Person();
        SerialNumber serial = EscrowStory.NextSerialNumber();
        Applied(await scene.SendAsync(scene.Story.ApplyRequest(serial, subscriber.PublicKey)));
        scene.Hsm.Meanwhile = () => scene.SendAsync(new RevokeKeyReq(serial));
        Assert.Equal((int)KmcError.Ended, Assert.IsType<ErrorPkgRespond>(Only(await scene.SendAsync(RestoreKeyReq.Sm2(serial, subscriber.PublicKey)))).ErrNo);
    }

    /// <summary>A binding has no MAC: what it leads to has to say itself whose it is.</summary>
    [Fact]
    public async Task SwappedBindings_AreNotBelieved()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        var subscriber = new Person();
        (SerialNumber one, SerialNumber other) = (EscrowStory.NextSerialNumber(), EscrowStory.NextSerialNumber());
        await scene.SendAsync(scene.Story.ApplyRequest(one, subscriber.PublicKey), scene.Story.ApplyRequest(other, subscriber.PublicKey));
        await CheckRowsTests.SwapBindingsAsync(scene, one, other);
        foreach (Request request in (Request[])[new RevokeKeyReq(one), RestoreKeyReq.Sm2(one, subscriber.PublicKey), scene.Story.ApplyRequest(one, subscriber.PublicKey)])
        {
            await Assert.ThrowsAsync<TamperedRowException>(() => scene.SendAsync(request));
        }

        await Assert.ThrowsAsync<TamperedRowException>(() => scene.Database.ReadAsync(
            transaction => JudicialRecoveryStore.FindKeyAsync(transaction, scene.Mac, scene.Story.Ca.Name, one.ToString()), Token));
        Assert.Equal((2, 0), (await scene.CountAsync(KeyState.InUse), await scene.CountAsync(KeyState.History)));
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(366)]
    public async Task AMessageCertificateOutOfItsTime_IsNotHeard(int days)
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        byte[] message = scene.Story.Message(scene.Story.Ca, [scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)]);
        await new Sender(scene.Database, TimeProvider.System).IdentifyAsync(message, KmcScene.Link, Token);
        var sender = new Sender(scene.Database, new ManualClock(TimeProvider.System.GetUtcNow().AddDays(days)));
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => sender.IdentifyAsync(message, KmcScene.Link, Token));
        Assert.Equal((Refusal.NotAllowed, "该CA的消息证书不在有效期内。"), (refused.Kind, refused.Message));
    }

    [Fact]
    public async Task ACa_HasItsOwnKeysOnly_AndSendsThemToNobodyElse()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        (Person subscriber, Person thief) = (new Person(), new Person());
        SerialNumber serial = EscrowStory.NextSerialNumber();
        Applied(await scene.SendAsync(scene.Story.ApplyRequest(serial, subscriber.PublicKey)));

        Refused(KmcError.SerialUsed, await scene.SendAsync(scene.Story.ApplyRequest(serial, thief.PublicKey)));
        Refused(KmcError.NotApproved, await scene.SendAsync(RestoreKeyReq.Sm2(serial, thief.PublicKey)));
        foreach (Request request in (Request[])[RestoreKeyReq.Sm2(serial, subscriber.PublicKey), new RevokeKeyReq(serial)])
        {
            Refused(KmcError.NotFound, await scene.SendAsync(scene.Story.Message(scene.Story.OtherCa, [request]), KmcScene.OtherLink));
        }

        // A number of its own, though another CA has the same one.
        Applied(await scene.SendAsync(scene.Story.Message(scene.Story.OtherCa, [scene.Story.ApplyRequest(serial, thief.PublicKey)]), KmcScene.OtherLink));
    }

    [Fact]
    public async Task WhoIsNotWhoHeSays_IsNotAnswered()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        EscrowStory story = scene.Story;
        Request apply = story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey);
        byte[] right = story.Message(story.Ca, [apply]);
        await RefusedAsync(scene, Refusal.BadSignature, story.Message(story.UnknownCa, [apply]));
        await RefusedAsync(scene, Refusal.BadSignature, story.Message(story.Ca, [apply], signer: new Person()));
        await RefusedAsync(scene, Refusal.BadSignature, story.Message(story.Ca, [apply], hashAlgorithm: Oids.Sha256));
        await RefusedAsync(scene, Refusal.LinkNotTrusted, right, KmcScene.OtherLink);
        await RefusedAsync(scene, Refusal.Malformed, right[..^1]);
        await RefusedAsync(scene, Refusal.Expired, story.Message(story.Ca, [apply], scene.Story.Now.AddMinutes(-6)));
        await RefusedAsync(scene, Refusal.Expired, story.Message(story.Ca, [apply], scene.Story.Now.AddMinutes(6)));
        await scene.RawAsync("UPDATE served_ca SET state = 2 WHERE ca_id = 1");
        await RefusedAsync(scene, Refusal.NotAllowed, right);
        await scene.RawAsync("UPDATE served_ca SET state = 1 WHERE ca_id = 1");
        Assert.Equal(0, await scene.CountAsync(KeyState.InUse));
        Applied(await scene.SendAsync(right));
    }

    [Fact]
    public async Task AnotherMessageOfTheSameTaskNumber_IsRefused()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        byte[] first = scene.Story.Message(scene.Story.Ca, [scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)]);
        await scene.SendAsync(first);
        KsRequest asked = Der.Decode<CaRequest>(first).KsRequest;
        byte[] other = Der.Encode(new KsRequest(asked.CaName, [scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)], asked.RequestTime, asked.TaskNo));
        await RefusedAsync(scene, Refusal.Duplicate, Der.Encode(CaRequest.Assemble(other, AlgorithmIdentifier.Sm3WithSm2, scene.Story.Ca.Signer.Sign(other))));
    }

    [Fact]
    public async Task WithoutStock_NothingIsPromised_AndAfterARefillTheSameMessageIsAnswered()
    {
        await using KmcScene scene = await KmcScene.StartAsync(stock: 1);
        Applied(await scene.SendAsync(scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)));
        var subscriber = new Person();
        byte[] message = scene.Story.Message(scene.Story.Ca, [scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), subscriber.PublicKey)]);
        await RefusedAsync(scene, Refusal.Unavailable, message);
        await RefusedAsync(scene, Refusal.Unavailable, message);
        Assert.Equal(1, await scene.Pool.RunAsync(Token));
        KmcScene.Open(Applied(await scene.SendAsync(message)), subscriber).Dispose();
    }

    /// <summary>The device dies after the key was bound in the database: the message goes on with that key, and so does a restoration.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheDeviceIsAway_NoKeyIsLost_AndTheKeyIsTheSame(bool isRestored)
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        var subscriber = new Person();
        SerialNumber serial = EscrowStory.NextSerialNumber();
        byte[] message = scene.Story.Message(scene.Story.Ca, [scene.Story.ApplyRequest(serial, subscriber.PublicKey)]);
        await scene.KillDeviceAsync();
        await RefusedAsync(scene, Refusal.Unavailable, message);
        byte[] key = await scene.Database.FindAsync<byte[]>("SELECT public_key FROM escrowed_key WHERE state = 2", cancellationToken: Token) ?? [];

        await scene.StartDeviceAsync();
        RetKeyRespond answer = isRestored
            ? Assert.IsType<RestoreKeyRespond>(Only(await scene.SendAsync(RestoreKeyReq.Sm2(serial, subscriber.PublicKey)))).RetKeyRespond
            : Applied(await scene.SendAsync(message));
        Assert.Equal(key, Der.Encode(answer.RetPubKey));
        KmcScene.Open(answer, subscriber).Dispose();
        Assert.Equal(1, await scene.CountAsync(KeyState.InUse));
        KmcScene.Open(Applied(await scene.SendAsync(message)), subscriber).Dispose();
    }

    public static TheoryData<string> Changes =>
    [
        "UPDATE escrowed_key SET recipient = mac WHERE state = 2",
        "UPDATE escrowed_key SET ca_id = 2 WHERE state = 2",
        "UPDATE escrowed_key SET wrapped_key = (SELECT o.wrapped_key FROM escrowed_key o WHERE o.state = 1 LIMIT 1) WHERE state = 2",
        "UPDATE escrowed_key SET valid_until = valid_until + 1 WHERE state = 2",
        "UPDATE escrowed_key SET state_version = state_version + 1 WHERE state = 2",
    ];

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task ARowThatWasChanged_IsNotBelieved(string sql)
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        var subscriber = new Person();
        SerialNumber serial = EscrowStory.NextSerialNumber();
        Applied(await scene.SendAsync(scene.Story.ApplyRequest(serial, subscriber.PublicKey)));
        await scene.RawAsync(sql);
        await Assert.ThrowsAsync<TamperedRowException>(() => scene.SendAsync(RestoreKeyReq.Sm2(serial, subscriber.PublicKey)));
    }

    [Fact]
    public async Task ManyAtOnce_GetAKeyEach()
    {
        await using KmcScene scene = await KmcScene.StartAsync(stock: 40);
        RetKeyRespond[] answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(async _ =>
            Applied(await scene.SendAsync(scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)))));
        Assert.Equal(40, answers.Select(answer => Convert.ToHexString(answer.RetPubKey.PublicKey.Span)).Distinct().Count());
        Assert.Equal((0, 40), (await scene.CountAsync(KeyState.Stock), await scene.CountAsync(KeyState.InUse)));
    }

    private static Respond Only(KmRespond respond) => Assert.Single(respond.KsRespond.RespondList);

    private static RetKeyRespond Applied(KmRespond respond) => Assert.IsType<ApplyKeyRespond>(Only(respond)).RetKeyRespond;

    private static void Refused(KmcError error, KmRespond respond) => Assert.Equal((int)error, Assert.IsType<ErrorPkgRespond>(Only(respond)).ErrNo);

    private static async Task RefusedAsync(KmcScene scene, Refusal refusal, byte[] message, string link = KmcScene.Link) =>
        Assert.Equal(refusal, (await Assert.ThrowsAsync<RefusalException>(() => scene.Requests.RunAsync(message, link, Token))).Kind);
}
