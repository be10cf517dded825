using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Ra.Deliveries;
using ZwCa.Ra.Enrollments;
using ZwCa.Tests.Ca.Crls;

namespace ZwCa.Tests.Ra.Deliveries;

/// <summary>What nobody fetches: by the hours of a job whose clock is the test's.</summary>
public sealed class ReminderTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private RaStage Stage { get; set; } = fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatNobodyFetches_IsRemindedOf_AndThenTwoOfficersDecideAboutItsRevocation(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        var clock = new MovedTime();
        RemindDeliveries job = ActivatorUtilities.CreateInstance<RemindDeliveries>(Stage.App.Services, clock);

        // Not before its day; then once in each period, whichever node looks, and however often.
        clock.Pass(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(1));
        await job.RunAsync(Token);
        Assert.Equal(0, (await DeliveryAsync(issued)).Reminders);
        clock.Pass(TimeSpan.FromMinutes(1));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => job.RunAsync(Token)));
        Assert.Equal(1, (await DeliveryAsync(issued)).Reminders);
        Assert.Contains(issued.Id, Stage.Log, StringComparison.Ordinal);
        clock.Pass(TimeSpan.FromDays(7));
        await job.RunAsync(Token);
        Assert.Equal(2, (await DeliveryAsync(issued)).Reminders);
        clock.Pass(TimeSpan.FromDays(16) - TimeSpan.FromMinutes(1));
        await job.RunAsync(Token);
        Assert.Empty(await RevocationsAsync(issued));

        // After its time a revocation is opened, one, by no officer: nothing is revoked by that.
        clock.Pass(TimeSpan.FromMinutes(1));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => job.RunAsync(Token)));
        await job.RunAsync(Token);
        EnrollmentSummary opened = Assert.Single(await RevocationsAsync(issued));
        EnrollmentAnswer draft = await Stage.GetAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{opened.Id}");
        Assert.Equal(("draft", "cessationOfOperation", issued.Certificates[0]), (draft.State, draft.RevocationReason, draft.Certificate));
        Assert.Equal(RemindDeliveries.JobName, Assert.Single(draft.Steps).Actor);
        Assert.Equal(issued.Region, draft.Region);
        Assert.NotNull(draft.DueAt);
        Assert.Equal("valid", (await Stage.GetAsync<IssuedCertificateAnswer>(Stage.City, PathOf(issued))).State);

        // Meanwhile its holder may still come: until two officers have decided.
        Assert.NotNull((await Stage.FetchAsync(issued, key)).Pair!.Envelope);
        await RaStage.RefusedAsync(async () => await Stage.ApproveAsync(await Stage.SubmitAsync(draft), Stage.City), Refusal.SecondOfficerRequired);
        await Stage.UntilAsync(await Stage.ApproveAsync(await Stage.ShowAsync(draft)), "delivered");
        EnrollmentAnswer ended = await RaWaiting.UntilAsync(Stage, issued, now => now.State == "cancelled");
        Assert.Equal("未领取的证书已吊销。", ended.Reason);
        Assert.Equal(DeliveryState.Withdrawn, (await DeliveryAsync(issued)).State);
        Assert.All(issued.Certificates, each => Assert.Equal("revoked", Stage.Ca.Ra.GetAsync<CertificateAnswer>($"/certificates/{each.Issuer}/{each.Serial}").GetAwaiter().GetResult().State));
        await RaStage.RefusedAsync(() => Stage.FetchAsync(issued, key), Refusal.WrongState);
        await job.RunAsync(Token);
        Assert.Single(await RevocationsAsync(issued));
    }

    [Fact]
    public async Task WhatWasFetched_IsLeftAlone()
    {
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        (_, _, Sm2PrivateKey encryption) = await Stage.DeliverAsync(issued, key);
        encryption.Dispose();
        var clock = new MovedTime();
        clock.Pass(TimeSpan.FromDays(60));
        await ActivatorUtilities.CreateInstance<RemindDeliveries>(Stage.App.Services, clock).RunAsync(Token);
        Assert.Equal((DeliveryState.Received, 0L), ((await DeliveryAsync(issued)).State, (await DeliveryAsync(issued)).Reminders));
        Assert.Empty(await RevocationsAsync(issued));
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhereARevocationIsOpen_NoneIsOpenedBesides(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (EnrollmentAnswer issued, _) = await IssuedAsync();
        EnrollmentAnswer own = await Stage.TakeInAsync(new EnrollmentRequest
        {
            Kind = "revoke", Region = CaScene.City, Subscriber = issued.Subscriber.Id, Certificate = issued.Certificates[0], RevocationReason = "superseded",
        });
        var clock = new MovedTime();
        clock.Pass(TimeSpan.FromDays(31));
        RemindDeliveries job = ActivatorUtilities.CreateInstance<RemindDeliveries>(Stage.App.Services, clock);
        await job.RunAsync(Token);
        Assert.Equal(own.Id, Assert.Single(await RevocationsAsync(issued)).Id);

        // Who gives that one up, has not decided that it may wait for ever.
        await Stage.PostAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{own.Id}/cancellation", new StepRequest { Version = own.Version, Reason = "本人将领取" });
        await job.RunAsync(Token);
        Assert.Equal(2, (await RevocationsAsync(issued)).Count);
    }

    [Fact]
    public async Task AShorterTime_DoesNotWaitForAReminder()
    {
        (EnrollmentAnswer issued, _) = await IssuedAsync();
        var clock = new MovedTime();
        var limits = new TimeLimits { Deliver = TimeSpan.FromDays(2), Remind = TimeSpan.FromDays(7) };
        RemindDeliveries job = ActivatorUtilities.CreateInstance<RemindDeliveries>(Stage.App.Services, clock, limits);
        clock.Pass(TimeSpan.FromDays(2) - TimeSpan.FromMinutes(1));
        await job.RunAsync(Token);
        Assert.Empty(await RevocationsAsync(issued));
        clock.Pass(TimeSpan.FromMinutes(1));
        await job.RunAsync(Token);
        Assert.Single(await RevocationsAsync(issued));
        Assert.Equal(0, (await DeliveryAsync(issued)).Reminders);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatTheCaHasRevokedAlready_WaitsForNobody(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);

        // Its own officers, or another way that this RA has not heard of.
        (EnrollmentAnswer issued, _) = await IssuedAsync();
        await Stage.Pairs.ChangeAsync(await Stage.Ca.Ra.GetAsync<CertificateAnswer>(PathOf(issued)), DecisionKind.Revoke, RevocationReason.CessationOfOperation);
        EnrollmentAnswer revocation = await Stage.TakeInAsync(new EnrollmentRequest
        {
            Kind = "revoke", Region = CaScene.City, Subscriber = issued.Subscriber.Id, Certificate = issued.Certificates[0], RevocationReason = "cessationOfOperation",
        });
        EnrollmentAnswer returned = await Stage.UntilAsync(await Stage.ApproveAsync(await Stage.SubmitAsync(revocation)), "returned");
        Assert.StartsWith("CA未受理：", returned.Reason, StringComparison.Ordinal);
        Assert.Equal("revoked", (await Stage.GetAsync<IssuedCertificateAnswer>(Stage.City, PathOf(issued))).State);
        Assert.Equal(("cancelled", "未领取的证书已吊销。"), ((await Stage.ShowAsync(issued)).State, (await Stage.ShowAsync(issued)).Reason));
        Assert.Equal(DeliveryState.Withdrawn, (await DeliveryAsync(issued)).State);
    }

    [Fact]
    public async Task WhatWasReplacedBeforeAnybodyFetchedIt_WaitsForNobody()
    {
        (EnrollmentAnswer issued, Sm2PrivateKey key) = await IssuedAsync();
        Sm2PrivateKey another = Stage.Pairs.NewKey();
        EnrollmentAnswer replaced = await Stage.IssueAsync(new EnrollmentRequest
        {
            Kind = "replace", Region = CaScene.City, Subscriber = issued.Subscriber.Id, Certificate = issued.Certificates[0], Csr = CaScene.Csr(another),
        });
        await RaWaiting.UntilAsync(Stage, issued, now => now.State == "cancelled");
        await RaStage.RefusedAsync(() => Stage.FetchAsync(issued, key), Refusal.WrongState);
        (EnrollmentAnswer delivered, _, Sm2PrivateKey encryption) = await Stage.DeliverAsync(replaced, another);
        encryption.Dispose();
        Assert.Equal("delivered", delivered.State);
    }

    private static string PathOf(EnrollmentAnswer enrollment) => $"/certificates/{enrollment.Certificates[0].Issuer}/{enrollment.Certificates[0].Serial}";

    private async Task<(EnrollmentAnswer Enrollment, Sm2PrivateKey Key)> IssuedAsync()
    {
        Sm2PrivateKey key = Stage.Pairs.NewKey();
        return (await Stage.IssueAsync(RaStage.NewRequest(await Stage.PersonAsync(), key)), key);
    }

    private async Task<Delivery> DeliveryAsync(EnrollmentAnswer enrollment) =>
        (await Stage.Database.ReadAsync(transaction => DeliveryStore.FindAsync(transaction, Convert.FromHexString(enrollment.Id)), Token))!;

    private async Task<IReadOnlyList<EnrollmentSummary>> RevocationsAsync(EnrollmentAnswer enrollment) =>
        (await Stage.GetAsync<EnrollmentPage>(Stage.City, $"/enrollments?kind=revoke&subscriber={enrollment.Subscriber.Id}")).Enrollments;
}
