using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Tests.Officers;

/// <summary>One proposes, another approves: and nobody else, nothing else, never twice.</summary>
public sealed class CommandTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ACommand_IsDoneWhenASecondPersonApproves_AndIsSpentThen(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Application application = await story.ProposeHarmlessAsync(story.Super);
        Assert.Equal(0, story.Effects);

        ApprovedApplication approved = await story.ApproveAsync(story.Audit, application);

        Assert.Equal(1, story.Effects);
        Assert.Equal(application.Digest, approved.Digest.ToArray());
        Assert.Equal(CommandState.Done, (await story.Commands.FindAsync(OfficerStory.IdOf(application), Token))!.State);
        Assert.Equal(
            ["command.approve", "command.propose"],
            (await story.ActionsAsync(AuditOutcome.Done)).Where(action => action.StartsWith("command", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

        await RefusedAsync(Refusal.WrongState, () => story.ApproveAsync(story.Audit, application));
        await RefusedAsync(Refusal.Duplicate, () => story.Commands.ProposeAsync(application, story.Sign(story.Super, ApprovalStep.Entry, application), Token));

        // Whoever sets the state back has not unspent it: the review's row stays.
        await story.RawAsync("UPDATE officer_command SET state = 0");
        await RefusedAsync(Refusal.WrongState, () => story.ApproveAsync(story.Audit, application));
        Assert.Equal(1, story.Effects);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task NobodyApprovesHisOwn_WithWhateverCertificate(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk first = await story.BusinessAdministratorAsync();
        Application application = await story.ProposeHarmlessAsync(first);

        await RefusedAsync(Refusal.SecondOfficerRequired, () => story.ApproveAsync(first, application));
        Assert.Contains("command.approve", await story.ActionsAsync(AuditOutcome.Refused));

        // A second account of the same person does not come about, and its certificate alone is nobody.
        Clerk second = await story.NewClerkAsync(RoleCatalogue.BusinessAdministrator, person: first.Person);
        await RefusedAsync(
            Refusal.Duplicate, () => story.DoAsync(story.Super, story.Audit, OfficerActions.Create, "000000", Der.Encode(second.Certificate)));
        await RefusedAsync(Refusal.NotAllowed, () => story.ApproveAsync(second, application));

        // Where the certificate takes the place of the first, whatever was proposed with that counts no more, and it is the same person.
        await story.DoAsync(
            story.Super, story.Audit, OfficerActions.ReplaceCertificate, "000000", Der.Encode(new CertificateReplacement(first.SerialNumber, second.Certificate)));
        await RefusedAsync(Refusal.NotAllowed, () => story.ApproveAsync(second, application));
        Assert.Equal(0, story.Effects);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OfTwoWhoApproveAtOnce_OneDoesIt(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk proposer = await story.BusinessAdministratorAsync();
        Clerk[] approvers = [story.Super, await story.BusinessAdministratorAsync(), await story.BusinessAdministratorAsync()];
        await story.RegionAsync("350000", "000000", "福建省");
        Clerk created = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350000");
        Application application = await story.ProposeAsync(proposer, OfficerActions.Create, "350000", Der.Encode(created.Certificate));

        Exception?[] results = await Task.WhenAll(approvers.Select(async approver => await Record.ExceptionAsync(() => story.ApproveAsync(approver, application))));

        Assert.Single(results, result => result is null);
        Assert.All(results.OfType<Exception>(), e => Assert.Equal(Refusal.WrongState, Assert.IsType<RefusalException>(e).Kind));
        Assert.True((await story.FindAsync(created)).Enabled);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatIsRejectedWithdrawnOrExpired_IsNotDone(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Officer super = await story.FindAsync(story.Super);
        Officer audit = await story.FindAsync(story.Audit);
        Application rejected = await story.ProposeHarmlessAsync(story.Super);
        Application withdrawn = await story.ProposeHarmlessAsync(story.Super);
        Application expired = await story.ProposeHarmlessAsync(story.Super);

        await RefusedAsync(Refusal.NotAllowed, () => story.Commands.RejectAsync(super, OfficerStory.IdOf(rejected), Token));
        await RefusedAsync(Refusal.NotAllowed, () => story.Commands.WithdrawAsync(audit, OfficerStory.IdOf(withdrawn), Token));
        await story.Commands.RejectAsync(audit, OfficerStory.IdOf(rejected), Token);
        await story.Commands.WithdrawAsync(super, OfficerStory.IdOf(withdrawn), Token);
        await RefusedAsync(Refusal.WrongState, () => story.ApproveAsync(story.Audit, rejected));
        await RefusedAsync(Refusal.WrongState, () => story.ApproveAsync(story.Audit, withdrawn));
        await RefusedAsync(Refusal.WrongState, () => story.Commands.WithdrawAsync(super, OfficerStory.IdOf(withdrawn), Token));
        Assert.Single(await story.Commands.ListAsync(CommandState.Proposed, default, 10, Token));
        Assert.Single(await story.Commands.ListAsync(CommandState.Rejected, default, 10, Token));

        story.Clock.Advance(OfficerCommands.Lifetime + TimeSpan.FromSeconds(1));
        await RefusedAsync(Refusal.NotApproved, () => story.ApproveAsync(story.Audit, expired));
        await RefusedAsync(Refusal.WrongState, () => story.Commands.RejectAsync(audit, OfficerStory.IdOf(expired), Token));
        await RefusedAsync(Refusal.NotFound, () => story.Commands.RejectAsync(audit, new byte[16], Token));
        Assert.Equal(0, story.Effects);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ACopyOfASpentCommandUnderAnotherId_IsNotDoneAgain(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Application application = await story.ProposeHarmlessAsync(story.Super);
        Approval review = story.Sign(story.Audit, ApprovalStep.Review, application);
        await story.Commands.ApproveAsync(OfficerStory.IdOf(application), review, Token);
        byte[] copy = [.. Enumerable.Repeat((byte)7, 16)];
        await story.RawAsync(
            """
            INSERT INTO officer_command (command_id, action, state, application, proposal, proposer_person_id, proposer_serial, proposed_at, expires_at)
            SELECT @Copy, action, 0, application, proposal, proposer_person_id, proposer_serial, proposed_at, expires_at FROM officer_command WHERE command_id = @Id
            """,
            new { Copy = copy, Id = OfficerStory.IdOf(application) });

        await RefusedAsync(Refusal.NotApproved, () => story.Commands.ApproveAsync(copy, review, Token));

        Assert.Equal(1, story.Effects);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhoCouldNotApprove_DoesNotReject(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        await story.RegionAsync("350000", "000000", "福建省");
        Clerk proposer = await story.BusinessAdministratorAsync();
        Officer fujian = await story.FindAsync(await story.BusinessAdministratorAsync("350000"));
        Clerk another = await story.BusinessAdministratorAsync();
        Officer disabled = await story.FindAsync(another);
        await story.DisableAsync(story.Super, another);
        byte[] id = OfficerStory.IdOf(await story.ProposeHarmlessAsync(proposer));
        Officer himself = await story.FindAsync(proposer);

        await RefusedAsync(Refusal.SecondOfficerRequired, () => story.Commands.RejectAsync(himself, id, Token));
        await RefusedAsync(Refusal.OutOfScope, () => story.Commands.RejectAsync(fujian, id, Token));
        await RefusedAsync(Refusal.NotAllowed, () => story.Commands.RejectAsync(disabled, id, Token));
        await story.DisableAsync(story.Super, proposer);
        await RefusedAsync(Refusal.NotAllowed, () => story.Commands.WithdrawAsync(himself, id, Token));
        Assert.Equal(CommandState.Proposed, (await story.Commands.FindAsync(id, Token))!.State);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatHasBecomeImpossible_IsNotDoneByTheApproval(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk brief = await story.NewClerkAsync(RoleCatalogue.BusinessAdministrator, validFor: TimeSpan.FromDays(1));
        Application application = await story.ProposeAsync(story.Super, OfficerActions.Create, "000000", Der.Encode(brief.Certificate));
        story.Clock.Advance(TimeSpan.FromDays(2));

        await RefusedAsync(Refusal.NotAllowed, () => story.ApproveAsync(story.Audit, application));

        Assert.Null(await story.Directory.FindAsync(brief.SerialNumber, Token));
        Assert.Equal(CommandState.Proposed, (await story.Commands.FindAsync(OfficerStory.IdOf(application), Token))!.State);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ACertificateWithTheSerialNumberOfAnOfficers_IsNotHis(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk administrator = await story.BusinessAdministratorAsync();
        var key = Sm2PrivateKey.Generate();
        var twin = new Clerk(key, await story.CertifyAsync(administrator.Identity, key, serial: administrator.SerialNumber));

        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(twin));

        await story.ProposeHarmlessAsync(administrator);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatWasRejectedOrWithdrawn_IsNotOpenedAgainByTheRow(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Application rejected = await story.ProposeHarmlessAsync(story.Super);
        Application withdrawn = await story.ProposeHarmlessAsync(story.Super);
        await story.Commands.RejectAsync(await story.FindAsync(story.Audit), OfficerStory.IdOf(rejected), Token);
        await story.Commands.WithdrawAsync(await story.FindAsync(story.Super), OfficerStory.IdOf(withdrawn), Token);

        await story.RawAsync("UPDATE officer_command SET state = 0");

        await RefusedAsync(Refusal.WrongState, () => story.ApproveAsync(story.Audit, rejected));
        await RefusedAsync(Refusal.WrongState, () => story.ApproveAsync(story.Audit, withdrawn));
        Assert.Equal(0, story.Effects);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AProposalAsOldAsItMayBe_IsRefused_AndTheAttemptsOfWhoHangsUpAreInTheLog(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Application old = story.Commands.Draft(OfficerStory.Harmless, RegionCode.Nation, (byte[])[0x05, 0x00]);
        DateTimeOffset then = story.Clock.GetUtcNow();
        story.Clock.Advance(TimeSpan.FromDays(30));
        await RefusedAsync(
            Refusal.NotApproved, () => story.Commands.ProposeAsync(old, story.Sign(story.Super, ApprovalStep.Entry, old, then), Token));

        Application application = story.Commands.Draft(OfficerStory.Harmless, RegionCode.Nation, (byte[])[0x05, 0x00]);
        using var hangUp = new CancellationTokenSource();
        var commands = new OfficerCommands(
            OfficerStory.ServiceName,
            story.Database,
            story.Log,
            story.Directory,
            [
                new CommandAction(OfficerStory.Harmless, OfficerActions.TwoPersons)
                {
                    CheckAsync = _ =>
                    {
                        hangUp.Cancel();
                        throw new RefusalException(Refusal.OutOfScope, "不在管辖区域内。");
                    },
                },
            ],
            story.Clock);
        await RefusedAsync(
            Refusal.OutOfScope, () => commands.ProposeAsync(application, story.Sign(story.Super, ApprovalStep.Entry, application), hangUp.Token));
        Assert.Contains("command.propose", await story.ActionsAsync(AuditOutcome.Refused));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AChangedRow_ChangesNothingOfWhatWasSigned(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Application application = await story.ProposeHarmlessAsync(story.Super);
        byte[] id = OfficerStory.IdOf(application);
        var other = new Application(DecisionKind.Command, OfficerStory.ServiceName, OfficerStory.ServiceName, "000000", application.EnrollmentId, Der.Encode(
            new CommandBody(OfficerStory.Harmless, (byte[])[0x01, 0x01, 0xff])));

        await story.RawAsync("UPDATE officer_command SET application = @Other", new { Other = Der.Encode(other) });

        await RefusedAsync(Refusal.NotApproved, () => story.Commands.ApproveAsync(id, story.Sign(story.Audit, ApprovalStep.Review, other), Token));
        Assert.Equal(0, story.Effects);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AProposerWhoIsDisabledBeforeTheApproval_HasProposedNothing(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk administrator = await story.BusinessAdministratorAsync();
        Application application = await story.ProposeHarmlessAsync(administrator);
        await story.DisableAsync(story.Super, administrator);

        await RefusedAsync(Refusal.NotAllowed, () => story.ApproveAsync(story.Super, application));
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(administrator));
        Assert.Equal(0, story.Effects);
    }

    [Fact]
    public async Task ACommand_ForAnotherServiceOrOfAnotherForm_IsRefused()
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(DatabaseKind.Sqlite);
        byte[] body = Der.Encode(new CommandBody(OfficerStory.Harmless, (byte[])[0x05, 0x00]));
        string id = new('a', 32);
        const string Here = OfficerStory.ServiceName;
        (Refusal Kind, Application Application)[] wrongs =
        [
            (Refusal.OutOfScope, new(DecisionKind.Command, "密钥管理中心", Here, "000000", id, body)),
            (Refusal.OutOfScope, new(DecisionKind.Command, Here, "密钥管理中心", "000000", id, body)),
            (Refusal.Malformed, new(DecisionKind.Recovery, Here, Here, "000000", id, body)),
            (Refusal.Malformed, new(DecisionKind.Command, Here, Here, "000000", "A" + id[1..], body)),
            (Refusal.Malformed, new(DecisionKind.Command, Here, Here, "000000", id[1..], body)),
            (Refusal.Malformed, new(DecisionKind.Command, Here, Here, "000000", id, (byte[])[0x05, 0x00])),
            (Refusal.NotFound, new(DecisionKind.Command, Here, Here, "000000", id, Der.Encode(new CommandBody("officer.crown", (byte[])[0x05, 0x00])))),
        ];
        foreach ((Refusal expected, Application application) in wrongs)
        {
            await RefusedAsync(expected, () => story.Commands.ProposeAsync(application, story.Sign(story.Super, ApprovalStep.Entry, application), Token));
        }

        var right = new Application(DecisionKind.Command, Here, Here, "000000", id, body);
        await RefusedAsync(Refusal.NotApproved, () => story.Commands.ProposeAsync(right, story.Sign(story.Super, ApprovalStep.Review, right), Token));
        await story.Commands.ProposeAsync(right, story.Sign(story.Super, ApprovalStep.Entry, right), Token);
        await RefusedAsync(Refusal.NotApproved, () => story.Commands.ApproveAsync(OfficerStory.IdOf(right), story.Sign(story.Audit, ApprovalStep.Entry, right), Token));
    }

    [Fact]
    public void AnActionThatOnePersonDecides_IsDisablingOnly()
    {
        var one = new CommandAction(OfficerStory.Harmless, OfficerActions.OnePerson);
        var directory = new OfficerDirectory(null!, null!, null!, RoleCatalogue.Standard, TimeProvider.System);

        Assert.Throws<ArgumentException>(() => new OfficerCommands("政务CA", null!, null!, directory, [one], TimeProvider.System));

        // A rule for a role that is not in the catalogue would be nobody's.
        var nobodys = new CommandAction(OfficerStory.Harmless, [new CommandRule(RoleCatalogue.SuperAdministrator, ["站长"])]);
        Assert.Throws<ArgumentException>(() => new OfficerCommands("政务CA", null!, null!, directory, [nobodys], TimeProvider.System));
    }

    internal static async Task RefusedAsync(Refusal expected, Func<Task> attempt)
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(attempt);
        Assert.True(expected == refused.Kind, $"{refused.Kind}: {refused.Message}");
    }
}
