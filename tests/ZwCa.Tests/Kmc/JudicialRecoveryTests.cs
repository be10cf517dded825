using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Kmc.Recoveries;
using ZwCa.Tests.HsmSim;

namespace ZwCa.Tests.Kmc;

/// <summary>Judicial recovery: ordered by the KMC's officers, opened by the device because three of five recovery officers have signed.</summary>
public sealed class JudicialRecoveryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ThreeOfFive_RecoverAKey_ForWhomTheCaseNames(DatabaseKind kind)
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync(kind);
        using KmcOffice office = await KmcOffice.OpenAsync(story.Scene);
        var court = new Person();
        byte[] statement = Statement(story, await CaseAsync(story, court), 3);
        byte[] id = await office.OrderAsync(story.Serial, statement);

        JudicialRecoveryAnswer answer = await office.FetchAsync(id);
        Assert.Equal("Delivered", answer.State);
        Assert.Equal(Sm3.HashData(answer.Envelope!), answer.EnvelopeHash);
        AssertOpensTheOld(story, answer, court);

        // The auditor sees that it was, and not what.
        Assert.Null((await office.FetchAsync(id, office.Audit)).Envelope);

        // Nobody takes the key from its subscriber.
        KmcScene.Open(Assert.IsType<RestoreKeyRespond>(Assert.Single((await story.Scene.SendAsync(story.Message(story.Lost.PublicKey))).KsRespond.RespondList)).RetKeyRespond, story.Lost).Dispose();

        // Once for the case: what came of it is still there.
        RefusalException again = await RefusedAsync(Refusal.Duplicate, () => office.ProposeAsync(story.Serial, statement));
        Assert.Contains(Convert.ToHexStringLower(id), again.Message, StringComparison.Ordinal);
        Assert.Equal(answer.Envelope, (await office.FetchAsync(id)).Envelope);

        // Until the case ends.
        office.Clock.Advance(TimeSpan.FromDays(11));
        Assert.Null((await office.FetchAsync(id)).Envelope);
        await office.Run.RunAsync(Token);
        answer = await office.FetchAsync(id);
        Assert.Equal("Erased", answer.State);
        Assert.NotNull(answer.EnvelopeHash);
        Assert.Equal(0, await story.Scene.Database.FindAsync<long>("SELECT COUNT(*) FROM judicial_recovery WHERE envelope IS NOT NULL", cancellationToken: Token));
        foreach ((string action, int times) in new (string, int)[]
        {
            (JudicialActions.OrderAction, 1), (RunJudicialRecoveries.IntendAction, 1), (RunJudicialRecoveries.DeliverAction, 1), (FetchJudicialRecovery.FetchAction, 2), (RunJudicialRecoveries.EraseAction, 1),
        })
        {
            Assert.Equal(times, (await story.Scene.EventsAsync(action)).Count);
        }

        await story.Scene.SettleAsync();
        Assert.Empty(await story.Scene.Check.RunAsync(Token));
    }

    /// <summary>Two where three are needed: the device says no, and the case may be ordered again.</summary>
    [Fact]
    public async Task TwoOfFive_RecoverNothing()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        using KmcOffice office = await KmcOffice.OpenAsync(story.Scene);
        var court = new Person();
        RecoveryCase recoveryCase = await CaseAsync(story, court);
        JudicialRecoveryAnswer refused = await office.FetchAsync(await office.OrderAsync(story.Serial, Statement(story, recoveryCase, 2)));
        Assert.Equal("Refused", refused.State);
        Assert.Contains("3 recovery officers must sign, 2 did", refused.Detail, StringComparison.Ordinal);
        Assert.Single(await story.Scene.EventsAsync(RunJudicialRecoveries.RefuseAction));
        AssertOpensTheOld(story, await office.FetchAsync(await office.OrderAsync(story.Serial, Statement(story, recoveryCase, 3))), court);
    }

    /// <summary>One of them twice, and somebody whom the policy does not name.</summary>
    [Fact]
    public async Task OthersDoNotCount()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        using KmcOffice office = await KmcOffice.OpenAsync(story.Scene);
        IReadOnlyList<Person> judges = story.Scene.Judges;
        byte[] statement = EscrowStory.Signed(await CaseAsync(story, new Person()), [judges[0], judges[1], judges[1], new Person()]);
        Assert.Equal("Refused", (await office.FetchAsync(await office.OrderAsync(story.Serial, statement))).State);
    }

    [Fact]
    public async Task WhatCannotBe_IsNotEvenOrdered()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        using KmcOffice office = await KmcOffice.OpenAsync(story.Scene);
        RecoveryCase right = await CaseAsync(story, new Person());
        byte[] late = Statement(story, await CaseAsync(story, new Person(), story.Story.Now.AddMinutes(-1)), 3);
        byte[] otherKey = Statement(story, story.Story.Case(RandomNumberGenerator.GetBytes(16), new Person().PublicKey), 3);
        await RefusedAsync(Refusal.Expired, () => office.ProposeAsync(story.Serial, late));
        await RefusedAsync(Refusal.NotApproved, () => office.ProposeAsync(story.Serial, otherKey));
        await RefusedAsync(Refusal.NotFound, () => office.ProposeAsync(EscrowStory.NextSerialNumber(), Statement(story, right, 3)));
        await RefusedAsync(Refusal.NotFound, () => office.ProposeAsync(story.Serial, Statement(story, right, 3), story.Story.OtherCa.Name));
        await RefusedAsync(Refusal.Malformed, () => office.ProposeAsync(story.Serial, EscrowStory.Signed(new BackupStatement(story.Story.PartitionId, new Time(story.Story.Now)), story.Scene.Judges)));

        // Time passes between the two officers.
        byte[] statement = Statement(story, right, 3);
        await office.ProposeAsync(story.Serial, statement);
        office.Clock.Advance(TimeSpan.FromDays(11));
        await RefusedAsync(Refusal.Expired, () => office.ApproveAsync(story.Serial, statement));
    }

    /// <summary>The device's answer gets lost, or it is away: the order waits, and the job carries it out.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BrokenOff_TheJobGoesOn(bool isLost)
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        using KmcOffice office = await KmcOffice.OpenAsync(story.Scene);
        var court = new Person();
        byte[] id = await office.ApproveAsync(story.Serial, Statement(story, await CaseAsync(story, court), 3));
        if (isLost)
        {
            story.Scene.Hsm.Lose = nameof(IHsm.EnvelopeKeyAsync);
            await office.Run.TryAsync(id, Token);
        }
        else
        {
            await story.Scene.KillDeviceAsync();
            await office.Run.TryAsync(id, Token);
            await story.Scene.StartDeviceAsync();
        }

        Assert.Equal("Ordered", (await office.FetchAsync(id)).State);
        await office.Run.RunAsync(Token);
        Assert.Equal("Ordered", (await office.FetchAsync(id)).State);
        office.Clock.Advance(TimeSpan.FromMinutes(2));
        await office.Run.RunAsync(Token);
        AssertOpensTheOld(story, await office.FetchAsync(id), court);
        Assert.Single(await story.Scene.EventsAsync(RunJudicialRecoveries.DeliverAction));
    }

    [Fact]
    public async Task OutOfHistory_AKeyIsRecovered()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        using KmcOffice office = await KmcOffice.OpenAsync(story.Scene);
        await story.Scene.SendAsync(new RevokeKeyReq(story.Serial));
        var court = new Person();
        AssertOpensTheOld(story, await office.FetchAsync(await office.OrderAsync(story.Serial, Statement(story, await CaseAsync(story, court), 3))), court);
    }

    /// <summary>A row that somebody adds orders nothing: the command is not done.</summary>
    [Fact]
    public async Task ARowAlone_OrdersNothing()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        using KmcOffice office = await KmcOffice.OpenAsync(story.Scene);
        RecoveryCase recoveryCase = await CaseAsync(story, new Person());
        byte[] id = Convert.FromHexString((await office.ProposeAsync(story.Serial, Statement(story, recoveryCase, 3))).EnrollmentId);
        await story.Scene.RawAsync(
            "INSERT INTO judicial_recovery (recovery_id, state, slot, key_id, recipient, not_after, ordered_at) VALUES (@Id, 1, @Slot, @KeyId, @Slot, 9000000000000, 0)",
            new { Id = id, Slot = new byte[32], KeyId = recoveryCase.KeyId.ToArray() });
        await office.Run.RunAsync(Token);
        Assert.Equal("Refused", (await office.FetchAsync(id)).State);
        Assert.Empty(await story.Scene.EventsAsync(RunJudicialRecoveries.IntendAction));
    }

    private static async Task<RecoveryCase> CaseAsync(RecoveryStory story, Person court, DateTimeOffset? notAfter = null) => story.Story.Case(
        (await story.Scene.Database.FindAsync<byte[]>("SELECT key_id FROM key_binding WHERE serial = @Serial", new { Serial = story.Serial.ToString() }, Token))!, court.PublicKey, notAfter: notAfter);

    private static byte[] Statement(RecoveryStory story, RecoveryCase recoveryCase, int signers) => EscrowStory.Signed(recoveryCase, story.Scene.Judges.Take(signers));

    private static void AssertOpensTheOld(RecoveryStory story, JudicialRecoveryAnswer answer, Person court)
    {
        Sm2EnvelopedKey envelope = Der.Decode<Sm2EnvelopedKey>(answer.Envelope);
        using var sm4 = new Sm4(court.Key.Decrypt(envelope.SymEncryptedKey.Raw.Span));
        using Sm2PrivateKey recovered = Sm2PrivateKey.FromBytes(sm4.DecryptEcb(envelope.EncryptedPrivateKey.Span, PaddingMode.None));
        Assert.Equal("旧密文"u8.ToArray(), recovered.Decrypt(story.Key.PublicKey.Encrypt("旧密文"u8)));
    }

    private static async Task<RefusalException> RefusedAsync(Refusal refusal, Func<Task> action)
    {
        RefusalException e = await Assert.ThrowsAsync<RefusalException>(action);
        Assert.Equal(refusal, e.Kind);
        return e;
    }
}
