using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Recoveries;
using ZwCa.Kmc.Requests;
using ZwCa.Tests.HsmSim;

namespace ZwCa.Tests.Kmc;

/// <summary>User recovery, from the papers that a CA carries to the key in the new token, with a real device and a real database.</summary>
public sealed class KeyRecoveryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ALostToken_IsRecoveredToANewOne(DatabaseKind kind)
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync(kind);
        byte[] message = story.Message();
        KeyRecovery papers = story.Papers();
        KmRespond first = await story.RecoverAsync(papers, message);
        story.AssertOpensTheOld(first, story.New);

        // The same message has the same answer, also with a list that is too old by now.
        Assert.Equal(Der.Encode(first), Der.Encode(await story.RecoverAsync(papers with { OfficerCrl = story.Crl(age: TimeSpan.FromDays(2)) }, message)));

        // The lost token gets nothing more, neither anew nor by the answer that it had.
        Refused(KmcError.NotApproved, await story.Scene.SendAsync(story.Message(story.Lost.PublicKey)));
        await RefusedAsync(Refusal.WrongState, () => story.Scene.SendAsync(story.Applied));

        // The new one does, until its owner has signed for it.
        byte[] again = story.Message();
        story.AssertOpensTheOld(await story.Scene.SendAsync(again), story.New);
        await story.Scene.ReceiveAsync(again);
        Refused(KmcError.NotApproved, await story.Scene.SendAsync(story.Message()));

        // Both events have who decided, and to whom the key went.
        foreach (string action in (string[])[PlanRecovery.IntendAction, PlanRecovery.DeliverAction])
        {
            AuditLeaf leaf = Assert.Single(await story.Scene.EventsAsync(action));
            Assert.Equal(Sm3.HashData(Der.Encode(story.New.PublicKey)), OctetsOf(leaf, "recipient"));
            Assert.Equal(Sm3.HashData(papers.Entry), OctetsOf(leaf, "entry"));
            Assert.Equal(Sm3.HashData(papers.Review), OctetsOf(leaf, "review"));
            Assert.Equal(story.Entry.Id, OctetsOf(leaf, "entryPerson"));
            Assert.Equal(story.Review.Id, OctetsOf(leaf, "reviewPerson"));
        }

        await story.Scene.SettleAsync();
        Assert.Empty(await story.Scene.Check.RunAsync(Token));
    }

    [Fact]
    public async Task AnApplication_IsSpentOnce()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        Application application = story.Application();
        KeyRecovery papers = story.Papers(application);
        await story.RecoverAsync(papers);
        await RefusedAsync(Refusal.NotApproved, () => story.RecoverAsync(papers));
        await RefusedAsync(Refusal.NotApproved, () => story.RecoverAsync(story.Papers(application)));

        // Nor is its number good for another one.
        Person thief = new();
        Application other = story.Application(thief.PublicKey, enrollment: application.EnrollmentId);
        await RefusedAsync(Refusal.NotApproved, () => story.RecoverAsync(story.Papers(other), story.Message(thief.PublicKey)));

        // A decision of its own, to the next token and back to the first.
        story.AssertOpensTheOld(await story.RecoverAsync(story.Papers(story.Application(thief.PublicKey)), story.Message(thief.PublicKey)), thief);
        story.AssertOpensTheOld(await story.RecoverAsync(story.Papers(story.Application(story.Lost.PublicKey)), story.Message(story.Lost.PublicKey)), story.Lost);
        Refused(KmcError.NotApproved, await story.Scene.SendAsync(story.Message(thief.PublicKey)));
    }

    /// <summary>What is wrong with the papers, and the refusal.</summary>
    public static TheoryData<string, Refusal> Wrongs => new()
    {
        { "one officer twice", Refusal.SecondOfficerRequired },
        { "one officer with two certificates", Refusal.SecondOfficerRequired },
        { "two entries", Refusal.NotApproved },
        { "revoked officer", Refusal.NotAllowed },
        { "stale CRL", Refusal.Expired },
        { "CRL by another", Refusal.BadSignature },
        { "approval of another application", Refusal.NotApproved },
        { "old approval", Refusal.NotApproved },
        { "officer of another issuer", Refusal.BadSignature },
        { "administrator", Refusal.NotAllowed },
        { "another CA's application", Refusal.OutOfScope },
        { "another recipient", Refusal.NotApproved },
    };

    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task PapersThatDoNotHold_RecoverNothing(string wrong, Refusal refusal)
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        Application application = wrong switch
        {
            "another CA's application" => story.Application(caName: story.Story.OtherCa.Name),
            "another recipient" => story.Application(new Person().PublicKey),
            _ => story.Application(),
        };
        byte[] review = story.Approve(story.Review, ApprovalStep.Review, application);
        KeyRecovery right = story.Papers(application, review: review);
        KeyRecovery papers = wrong switch
        {
            "one officer twice" => right with { Review = story.Approve(story.Entry, ApprovalStep.Review, application) },
            "one officer with two certificates" => right with { Review = story.Approve(story.Entry with { Holder = new Person() }, ApprovalStep.Review, application) },
            "two entries" => right with { Review = story.Approve(story.Review, ApprovalStep.Entry, application) },
            "revoked officer" => right with { OfficerCrl = story.Crl(revoked: review) },
            "stale CRL" => right with { OfficerCrl = story.Crl(age: TimeSpan.FromHours(25)) },
            "CRL by another" => right with { OfficerCrl = story.Crl(by: new Person()) },
            "approval of another application" => right with { Review = story.Approve(story.Review, ApprovalStep.Review, story.Application()) },
            "old approval" => right with { Review = story.Approve(story.Review, ApprovalStep.Review, application, story.Story.Now.AddDays(-31)) },
            "officer of another issuer" => right with { Review = story.Approve(story.Review with { Issuer = new Person() }, ApprovalStep.Review, application) },
            "administrator" => right with { Review = story.Approve(story.Review with { Kind = OfficerKind.Administrator }, ApprovalStep.Review, application) },
            _ => right,
        };
        byte[] message = story.Message();
        await RefusedAsync(refusal, () => story.RecoverAsync(papers, message));
        Assert.Equal(refusal.ToString(), Assert.Single((await story.Scene.EventsAsync(PlanRecovery.RefuseAction))[0].Fields.OfType<AuditField.Text>()).Value);
        Assert.Empty(await story.Scene.EventsAsync(PlanRecovery.IntendAction));

        // Nothing was spent: with the right papers the same message is answered.
        story.AssertOpensTheOld(await story.RecoverAsync(story.Papers(), message), story.New);
    }

    [Fact]
    public async Task ACrlNumber_NeverGoesBack()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        await story.RecoverAsync(story.Papers(crl: story.Crl(12)));
        await story.RecoverAsync(story.Papers(crl: story.Crl(12)));
        await RefusedAsync(Refusal.Expired, () => story.RecoverAsync(story.Papers(crl: story.Crl(9))));
        await story.RecoverAsync(story.Papers(crl: story.Crl(100)));
        await RefusedAsync(Refusal.Expired, () => story.RecoverAsync(story.Papers(crl: story.Crl(99))));

        // Also the list by which somebody was refused: without him on it, an older one does not help.
        Application application = story.Application();
        byte[] entry = story.Approve(story.Entry, ApprovalStep.Entry, application);
        KeyRecovery papers = story.Papers(application, entry);
        await RefusedAsync(Refusal.NotAllowed, () => story.RecoverAsync(papers with { OfficerCrl = story.Crl(101, revoked: entry) }));
        await RefusedAsync(Refusal.Expired, () => story.RecoverAsync(papers with { OfficerCrl = story.Crl(100) }));
    }

    [Fact]
    public async Task ACa_CannotRecoverAnothersKey()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        StoryCa other = story.Story.OtherCa;
        Refused(KmcError.NotFound, await story.RecoverAsync(story.Papers(story.Application(caName: other.Name)), story.Message(ca: other), KmcScene.OtherLink));
        await RefusedAsync(Refusal.OutOfScope, () => story.RecoverAsync(story.Papers(), story.Message(ca: other), KmcScene.OtherLink));
        await RefusedAsync(Refusal.LinkNotTrusted, () => story.RecoverAsync(story.Papers(), story.Message(), KmcScene.OtherLink));
        Assert.Empty(await story.Scene.EventsAsync(PlanRecovery.IntendAction));
    }

    [Fact]
    public async Task OutOfHistory_AKeyIsRecovered_AndStaysThere()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        await story.Scene.SendAsync(new RevokeKeyReq(story.Serial));
        Refused(KmcError.Ended, await story.Scene.SendAsync(story.Message(story.Lost.PublicKey)));
        story.AssertOpensTheOld(await story.RecoverAsync(), story.New);
        Assert.Equal((0, 1), (await story.Scene.CountAsync(KeyState.InUse), await story.Scene.CountAsync(KeyState.History)));
        Refused(KmcError.Ended, await story.Scene.SendAsync(story.Message()));
        await story.Scene.SettleAsync();
        Assert.Empty(await story.Scene.Check.RunAsync(Token));
    }

    /// <summary>The KMC dies between two steps: which call's answer is lost, and whether the CA sends the same message again or a new one.</summary>
    [Theory]
    [InlineData(nameof(IHsm.EnvelopeKeyAsync), true)]
    [InlineData(nameof(IHsm.EnvelopeKeyAsync), false)]
    [InlineData(nameof(IHsm.SignAsync), true)]
    [InlineData(nameof(IHsm.SignAsync), false)]
    public async Task BrokenOff_ItGoesOn_AndTheApplicationIsSpentOnce(string lost, bool isSame)
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        byte[] message = story.Message();
        KeyRecovery papers = story.Papers();
        story.Scene.Hsm.Lose = lost;
        await RefusedAsync(Refusal.Unavailable, () => story.RecoverAsync(papers, message));
        Assert.Null(story.Scene.Hsm.Lose);
        Assert.Single(await story.Scene.EventsAsync(PlanRecovery.IntendAction));
        Assert.Empty(await story.Scene.EventsAsync(PlanRecovery.DeliverAction));

        // Until it is delivered, the lost token is the one that the key is for.
        KmcScene.Open(Assert.IsType<RestoreKeyRespond>(Assert.Single((await story.Scene.SendAsync(story.Message(story.Lost.PublicKey))).KsRespond.RespondList)).RetKeyRespond, story.Lost).Dispose();
        story.AssertOpensTheOld(await story.RecoverAsync(papers, isSame ? message : story.Message()), story.New);
        Assert.Single(await story.Scene.EventsAsync(PlanRecovery.DeliverAction));
        await RefusedAsync(Refusal.NotApproved, () => story.RecoverAsync(papers));
    }

    [Fact]
    public async Task TheDeviceIsAway_NothingIsLost()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        byte[] message = story.Message();
        KeyRecovery papers = story.Papers();
        await story.Scene.KillDeviceAsync();
        await RefusedAsync(Refusal.Unavailable, () => story.RecoverAsync(papers, message));
        await story.Scene.StartDeviceAsync();
        story.AssertOpensTheOld(await story.RecoverAsync(papers, message), story.New);
    }

    /// <summary>The papers of a recovery are good for 30 days, at the device too.</summary>
    [Fact]
    public async Task AfterTheApprovalsHaveEnded_TheNewTokenNeedsOthers()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        await story.RecoverAsync();
        await story.Scene.RawAsync("UPDATE key_recovery SET approved_until = 0");
        Refused(KmcError.NotApproved, await story.Scene.SendAsync(story.Message()));

        // Whoever puts the time back in the database still has the device to convince.
        byte[] old = story.Approve(story.Review, ApprovalStep.Review, story.Application(), story.Story.Now.AddDays(-31));
        await story.Scene.RawAsync("UPDATE key_recovery SET approved_until = 9000000000000, review_approval = @Old", new { Old = old });
        Refused(KmcError.NotApproved, await story.Scene.SendAsync(story.Message()));
        story.AssertOpensTheOld(await story.RecoverAsync(), story.New);
    }

    /// <summary>The CA tells that the lost token's certificate is revoked just then: the key comes out of history.</summary>
    [Fact]
    public async Task TheKeyEndsMeanwhile_ItIsRecoveredAllTheSame()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        story.Scene.Hsm.Meanwhile = () => story.Scene.SendAsync(new RevokeKeyReq(story.Serial));
        story.AssertOpensTheOld(await story.RecoverAsync(), story.New);
        Assert.Equal((0, 1), (await story.Scene.CountAsync(KeyState.InUse), await story.Scene.CountAsync(KeyState.History)));
        Assert.Single(await story.Scene.EventsAsync(PlanRecovery.DeliverAction));
        await story.Scene.SettleAsync();
        Assert.Empty(await story.Scene.Check.RunAsync(Token));
    }

    [Fact]
    public async Task ManyMessagesByOneApplication_DeliverOnce()
    {
        await using RecoveryStory story = await RecoveryStory.StartAsync();
        KeyRecovery papers = story.Papers();
        int delivered = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                await story.RecoverAsync(papers);
                Interlocked.Increment(ref delivered);
            }
            catch (RefusalException e)
            {
                Assert.Contains(e.Kind, (Refusal[])[Refusal.NotApproved, Refusal.InProgress]);
            }
        }));
        Assert.Equal(1, delivered);
        Assert.Single(await story.Scene.EventsAsync(PlanRecovery.DeliverAction));
    }

    private static byte[] OctetsOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Octets>().Single(field => field.Name == name).Value.ToArray();

    private static void Refused(KmcError error, KmRespond respond) => Assert.Equal((int)error, Assert.IsType<ErrorPkgRespond>(Assert.Single(respond.KsRespond.RespondList)).ErrNo);

    private static async Task RefusedAsync(Refusal refusal, Func<Task> action) => Assert.Equal(refusal, (await Assert.ThrowsAsync<RefusalException>(action)).Kind);
}
