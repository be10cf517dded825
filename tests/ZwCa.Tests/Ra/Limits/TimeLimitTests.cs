using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Ra.Officers;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Ca.Crls;

namespace ZwCa.Tests.Ra.Limits;

/// <summary>What has its time: the clocks of the RA and of those at its counters go on as the test wants, that of the CA does not.</summary>
public sealed class TimeLimitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AChallengeLastsFiveMinutes()
    {
        var clock = new MovedTime();
        await using RaStage stage = await RaStage.StartAsync(new RaSetup { Time = clock });
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer issued = await stage.IssueAsync(RaStage.NewRequest(await stage.PersonAsync(), key));
        DeliveryChallenge challenge = await ChallengeAsync();
        Assert.InRange(challenge.ValidUntil - clock.GetUtcNow(), TimeSpan.FromMinutes(4.5), TimeSpan.FromMinutes(5));
        clock.Pass(TimeSpan.FromMinutes(4));
        Assert.NotNull((await FetchAsync(challenge)).Pair!.Envelope);

        challenge = await ChallengeAsync();
        clock.Pass(TimeSpan.FromMinutes(5));
        RefusalException refusal = await RaStage.RefusedAsync(() => FetchAsync(challenge), Refusal.Expired);
        Assert.Contains("领取口令", refusal.Message, StringComparison.Ordinal);

        Task<DeliveryChallenge> ChallengeAsync() => stage.PostAsync<DeliveryChallenge>(stage.City, $"/enrollments/{issued.Id}/delivery/challenge", new { });
        Task<DeliveryAnswer> FetchAsync(DeliveryChallenge to) =>
            stage.PostAsync<DeliveryAnswer>(stage.City, $"/enrollments/{issued.Id}/delivery", new DeliveryRequest { Proof = RaCounter.Prove(issued, to, key) });
    }

    [Fact]
    public async Task WhatIsLate_IsOnAList_AndWhatIsTooLate_IsEnteredAnew()
    {
        var clock = new MovedTime();
        await using RaStage stage = await RaStage.StartAsync(new RaSetup { Time = clock, Settings = new Dictionary<string, string?> { ["Ra:Limits:ReviewAtMost"] = "20.00:00:00" } });
        string person = await stage.PersonAsync();
        EnrollmentAnswer draft = await stage.TakeInAsync(RaStage.NewRequest(person, stage.Pairs.NewKey()));
        EnrollmentAnswer submitted = await stage.SubmitAsync(await stage.TakeInAsync(RaStage.NewRequest(person, stage.Pairs.NewKey())));
        Assert.Equal([TimeSpan.FromDays(15), TimeSpan.FromDays(3)], new[] { draft, submitted }.Select(each => Round(each.DueAt - each.ChangedAt)));
        Assert.Empty(await OverdueAsync());

        // Three days for a review, fifteen for a draft: who looks for what is late, finds it.
        clock.Pass(TimeSpan.FromDays(3) + TimeSpan.FromMinutes(1));
        Assert.Equal([submitted.Id], await OverdueAsync());
        Assert.Equal([submitted.Id], await OverdueAsync("&state=submitted"));
        Assert.Empty(await OverdueAsync("&state=draft"));
        clock.Pass(TimeSpan.FromDays(12));
        Assert.Equal([draft.Id, submitted.Id], await OverdueAsync());
        Assert.Empty((await stage.GetAsync<EnrollmentPage>(stage.County, "/enrollments?overdue=true")).Enrollments);

        // Late is not too late, up to the day that is.
        clock.Pass(TimeSpan.FromDays(6));
        RefusalException refusal = await RaStage.RefusedAsync(() => stage.ApproveAsync(submitted), Refusal.NotApproved);
        Assert.Contains("已超过审核时限", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("submitted", (await stage.ShowAsync(submitted)).State);

        // What the words say helps: back to the clerk, and entered anew.
        EnrollmentAnswer returned = await stage.PostAsync<EnrollmentAnswer>(
            stage.CityReviewer, $"/enrollments/{submitted.Id}/review", new ReviewRequest { Version = submitted.Version, Outcome = "returned", Reason = "录入意见已过期" });
        Assert.Equal(TimeSpan.FromDays(15), Round(returned.DueAt - returned.ChangedAt));
        Assert.Equal([draft.Id], await OverdueAsync());
        EnrollmentAnswer again = await stage.ApproveAsync(await stage.SubmitAsync(returned));
        Assert.Equal(("issuing", TimeSpan.FromHours(1)), (again.State, Round(again.DueAt - again.ChangedAt)));

        // What nobody waits for is not late.
        EnrollmentAnswer cancelled = await stage.PostAsync<EnrollmentAnswer>(stage.City, $"/enrollments/{draft.Id}/cancellation", new StepRequest { Version = draft.Version, Reason = "逾期未补正" });
        Assert.Null(cancelled.DueAt);
        Assert.Empty(await OverdueAsync());

        async Task<IReadOnlyList<string>> OverdueAsync(string besides = "") =>
            [.. (await stage.GetAsync<EnrollmentPage>(stage.City, $"/enrollments?overdue=true{besides}")).Enrollments.Select(each => each.Id)];
    }

    [Fact]
    public async Task AnOfficerWhoseTimeIsUp_DecidesNothing()
    {
        await using RaStage stage = await RaStage.StartAsync();
        EnrollmentAnswer submitted = await stage.SubmitAsync(await stage.TakeInAsync(RaStage.NewRequest(await stage.PersonAsync(), stage.Pairs.NewKey())));

        // Nobody has confirmed him in time.
        await stage.Database.WriteAsync(
            transaction => transaction.ExecuteAsync(
                "UPDATE officer SET certified_until = @Past WHERE certificate_serial = @Serial",
                new { Past = DateTimeOffset.UtcNow.AddMinutes(-1), Serial = stage.CityReviewer.SerialNumber.ToString() }),
            Token);
        RefusalException due = await RaStage.RefusedAsync(() => stage.ShowAsync(submitted, stage.CityReviewer), Refusal.RecertificationDue);
        Assert.Contains("重新确认", due.Message, StringComparison.Ordinal);

        // His certificate has expired; before his link has, so this is asked where it is decided.
        var clock = new MovedTime();
        RaSenders senders = ActivatorUtilities.CreateInstance<RaSenders>(stage.App.Services, clock);
        MessageSender sender = (await senders.FindAsync(stage.City.SerialNumber, Token))!;
        Assert.Equal(stage.City.SerialNumber, sender.SerialNumber);
        clock.Pass(TimeSpan.FromDays(701));
        RefusalException expired = await RaStage.RefusedAsync(() => senders.FindAsync(stage.City.SerialNumber, Token), Refusal.NotAllowed);
        Assert.Contains("有效期", expired.Message, StringComparison.Ordinal);

        // Where he had signed before, and his time is up when it is sent, it does not count either.
        ApplicationAnswer application = await stage.GetAsync<ApplicationAnswer>(stage.Province, $"/enrollments/{submitted.Id}/application");
        byte[] approval = stage.Sign(stage.CityReviewer, ApprovalStep.Review, application);
        await RaStage.RefusedAsync(
            () => stage.PostAsync<EnrollmentAnswer>(stage.CityReviewer, $"/enrollments/{submitted.Id}/review", new ReviewRequest { Version = application.Version, Outcome = "approved", Approval = approval }),
            Refusal.RecertificationDue);
        Assert.Equal("issued", (await stage.UntilAsync(await stage.ApproveAsync(submitted, stage.Province), "issued")).State);
    }

    private static TimeSpan Round(TimeSpan? span) => TimeSpan.FromSeconds(Math.Round(span!.Value.TotalSeconds));
}
