using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Kmc.Requests;
using ZwCa.Tests.HsmSim;

namespace ZwCa.Tests.Kmc;

/// <summary>The subscriber has signed for his key: what the KMC has of its answer.</summary>
public sealed class ReceiptTests
{
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AfterTheReceipt_TheHashOfTheAnswerStays(DatabaseKind kind)
    {
        await using KmcScene scene = await KmcScene.StartAsync(kind);
        var subscriber = new Person();
        SerialNumber serial = EscrowStory.NextSerialNumber();
        byte[] message = scene.Story.Message(scene.Story.Ca, [scene.Story.ApplyRequest(serial, subscriber.PublicKey)]);
        byte[] reply = Der.Encode(await scene.SendAsync(message));

        await scene.ReceiveAsync(message);
        await scene.ReceiveAsync(message);
        Assert.Single(await scene.EventsAsync(KeepReceipts.ReceiveAction));
        Assert.Equal(1, await scene.Database.FindAsync<long>(
            "SELECT COUNT(*) FROM task WHERE reply IS NULL AND reply_hash = @Hash", new { Hash = Sm3.HashData(reply) }, TestContext.Current.CancellationToken));

        // Neither the same message nor a new one gets the envelope any more; the key can still be given up.
        await RefusedAsync(Refusal.WrongState, () => scene.SendAsync(message));
        Assert.Equal((int)KmcError.NotApproved, Assert.IsType<ErrorPkgRespond>(Only(await scene.SendAsync(RestoreKeyReq.Sm2(serial, subscriber.PublicKey)))).ErrNo);
        Assert.IsType<RevokeKeyRespond>(Only(await scene.SendAsync(new RevokeKeyReq(serial))));
    }

    [Fact]
    public async Task AReceiptForWhatIsNotAnswered_IsRefused()
    {
        await using KmcScene scene = await KmcScene.StartAsync();
        byte[] message = scene.Story.Message(scene.Story.Ca, [scene.Story.ApplyRequest(EscrowStory.NextSerialNumber(), new Person().PublicKey)]);
        await RefusedAsync(Refusal.NotFound, () => scene.ReceiveAsync(message));
        await scene.KillDeviceAsync();
        await RefusedAsync(Refusal.Unavailable, () => scene.SendAsync(message));
        await RefusedAsync(Refusal.WrongState, () => scene.ReceiveAsync(message));
        await scene.StartDeviceAsync();
        await scene.SendAsync(message);

        // Another CA has no such message.
        await RefusedAsync(Refusal.NotFound, () => scene.ReceiveAsync(message, KmcScene.OtherLink));
        await scene.ReceiveAsync(message);
    }

    private static Respond Only(KmRespond respond) => Assert.Single(respond.KsRespond.RespondList);

    private static async Task RefusedAsync(Refusal refusal, Func<Task> action) => Assert.Equal(refusal, (await Assert.ThrowsAsync<RefusalException>(action)).Kind);
}
