using System.Formats.Asn1;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Ra.Outbox;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ra.Batches.Decisions;

/// <summary>One signature over a batch: what it is over is decided about, by the rules of each, and nothing else is touched.</summary>
public sealed class BatchDecisionTests(RaFixture fixture) : IClassFixture<RaFixture>, IDisposable
{
    private readonly BatchDesk _desk = new(fixture.Stage);

    private RaStage Stage => fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _desk.Dispose();

    [Fact]
    public async Task SixtyDrafts_TwoSignatures_SixtyCertificates()
    {
        BatchAnswer batch = await _desk.OfServersAsync(60);
        BatchAnswer submitted = await _desk.DecideAsync(Stage.City, batch, ApprovalStep.Entry);
        Assert.Equal(("submission", "done", 60L, 60L, 60L, 0L), TaskOf(submitted));
        Assert.Equal(60, submitted.States["submitted"]);
        Assert.Empty(await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Entry));

        BatchAnswer reviewed = await _desk.DecideAsync(Stage.CityReviewer, batch, ApprovalStep.Review);
        Assert.Equal(("review", "done", 60L, 60L, 60L, 0L), TaskOf(reviewed));
        await _desk.UntilAsync(batch, now => now.States.GetValueOrDefault("issued") == 60);

        // Each of the two is kept once, here and at the CA, and every row knows it by its hash.
        byte[][] hashes = [.. await Stage.Database.QueryAsync<byte[]>("SELECT DISTINCT approval_hash FROM batch_task WHERE batch_id = @Id", new { Id = Convert.FromHexString(batch.Id) }, Token)];
        Assert.Equal(2, hashes.Length);
        foreach (byte[] hash in hashes)
        {
            Assert.Equal(1, await Stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM approval WHERE approval_hash = @Hash", new { Hash = hash }, Token));
            Assert.Equal(60, await Stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM decision WHERE entry_hash = @Hash OR review_hash = @Hash", new { Hash = hash }, Token));
            Assert.Equal(
                60,
                await Stage.Database.FindAsync<long>("SELECT (SELECT COUNT(*) FROM submission WHERE entry = @Hash) + (SELECT COUNT(*) FROM review WHERE approval = @Hash)", new { Hash = hash }, Token));
        }
    }

    [Fact]
    public async Task WhoEntered_ReviewsNoneOfThem()
    {
        BatchAnswer batch = await _desk.OfServersAsync(3);
        IReadOnlyList<BatchApplicationAnswer> applications = await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Entry);
        await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.City, batch, ApprovalStep.Entry, _desk.Sign(Stage.City, ApprovalStep.Entry, applications)));
        Assert.Empty(await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Review));

        BatchAnswer after = await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.City, batch, ApprovalStep.Review, _desk.Sign(Stage.City, ApprovalStep.Review, applications)));

        Assert.Equal(("review", "done", 3L, 3L, 0L, 3L), TaskOf(after));
        Assert.Equal(3, after.States["submitted"]);
        BatchRowPage refusals = await _desk.RefusalsAsync(after);
        Assert.Equal([1L, 2L, 3L], refusals.Rows.Select(row => row.Row));
        Assert.All(refusals.Rows, row => Assert.Contains("本人录入", row.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnApplicationThatWasChangedAfterwards_OrWasNotSigned_IsLeftAlone()
    {
        SubscriberAnswer organization = await _desk.OrganizationAsync();
        EnrollmentAnswer[] drafts = [await _desk.ServerAsync(organization), await _desk.ServerAsync(organization), await _desk.ServerAsync(organization), await _desk.ServerAsync(organization)];
        BatchAnswer batch = await _desk.OfAsync(drafts);
        IReadOnlyList<BatchApplicationAnswer> read = await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Entry, rows: 2);
        byte[] approval = _desk.Sign(Stage.City, ApprovalStep.Entry, read.Take(3));
        EnrollmentAnswer changed = drafts[1];
        using var otherKey = Sm2PrivateKey.Generate();
        await Stage.PutAsync<EnrollmentAnswer>(
            Stage.City,
            $"/enrollments/{changed.Id}",
            RaCounter.NewRequest(changed.Subscriber.Id, otherKey, "tls") with { Version = changed.Version, AlternativeNames = changed.AlternativeNames, Days = 80, Agent = RaCounter.Agent() });

        BatchAnswer after = await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.City, batch, ApprovalStep.Entry, approval));

        Assert.Equal(("submission", "done", 4L, 4L, 2L, 0L), TaskOf(after));
        Assert.Equal((2L, 2L), (after.States["submitted"], after.States["draft"]));
        Assert.Equal("draft", (await Stage.ShowAsync(changed)).State);
        Assert.Equal("draft", (await Stage.ShowAsync(drafts[3])).State);

        // The same signature once more finds what it has decided, and does nothing.
        BatchAnswer again = await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.City, batch, ApprovalStep.Entry, approval));
        Assert.Equal(("submission", "done", 4L, 4L, 2L, 0L), TaskOf(again));
        Assert.Equal(2, (await Stage.ShowAsync(drafts[0])).Version);
    }

    [Fact]
    public async Task WhatIsWrongWithTheSignature_IsRefusedAtOnce()
    {
        BatchAnswer batch = await _desk.OfServersAsync(2);
        IReadOnlyList<BatchApplicationAnswer> read = await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Entry);
        byte[] good = _desk.Sign(Stage.City, ApprovalStep.Entry, read);

        await RefusedAsync(Refusal.NotApproved, Stage.CityReviewer, ApprovalStep.Entry, good);
        await RefusedAsync(Refusal.NotApproved, Stage.CityReviewer, ApprovalStep.Review, _desk.Sign(Stage.CityReviewer, ApprovalStep.Entry, read));
        await RefusedAsync(Refusal.NotApproved, Stage.City, ApprovalStep.Entry, _desk.Sign(Stage.City, ApprovalStep.Entry, read, DateTimeOffset.UtcNow.AddDays(-31)));
        await RefusedAsync(Refusal.NotApproved, Stage.City, ApprovalStep.Entry, _desk.Sign(Stage.City, ApprovalStep.Entry, read, DateTimeOffset.UtcNow.AddHours(1)));
        await RefusedAsync(Refusal.BadSignature, Stage.City, ApprovalStep.Entry, Forged(good));
        await RefusedAsync(Refusal.Malformed, Stage.City, ApprovalStep.Entry, []);
        await RefusedAsync(Refusal.Malformed, Stage.City, ApprovalStep.Entry, good[..^1]);
        await RefusedAsync(Refusal.Malformed, Stage.City, ApprovalStep.Entry, OverTooMany(good));

        // A county enters in its own region and reviews nowhere; the batch of the city is none of its business.
        await RefusedAsync(Refusal.NotFound, Stage.County, ApprovalStep.Entry, _desk.Sign(Stage.County, ApprovalStep.Entry, read));
        BatchAnswer own = await Stage.PostAsync<BatchAnswer>(Stage.County, "/batches", new BatchRequest { Kind = "import", Region = CaScene.County, Title = "区县" });
        await RaStage.RefusedAsync(() => _desk.SendAsync(Stage.County, own, ApprovalStep.Review, _desk.Sign(Stage.County, ApprovalStep.Review, read)), Refusal.NotAllowed);
        await RaStage.RefusedAsync(() => _desk.SendAsync(Stage.City, own, ApprovalStep.Entry, good), Refusal.WrongState);
        await RefusedAsync(Refusal.NotAllowed, Stage.Administrator, ApprovalStep.Entry, good);
        await RaStage.RefusedAsync(() => Stage.GetAsync<BatchApplicationPage>(Stage.Auditor, $"/batches/{batch.Id}/applications?step=entry"), Refusal.NotAllowed);
        await RaStage.RefusedAsync(() => Stage.GetAsync<BatchApplicationPage>(Stage.City, $"/batches/{batch.Id}/applications?step=second"), Refusal.Malformed);
        BatchAnswer after = await _desk.ShowAsync(batch);
        Assert.Empty(after.Tasks);
        Assert.Equal(2, after.States["draft"]);

        Task RefusedAsync(Refusal kind, StageOfficer who, ApprovalStep step, byte[] approval) => RaStage.RefusedAsync(() => _desk.SendAsync(who, batch, step, approval), kind);
    }

    [Fact]
    public async Task AskedTwice_ItIsOneTask_AndWhileItRunsNoOtherBegins()
    {
        BatchAnswer batch = await _desk.OfServersAsync(3);
        byte[] approval = _desk.Sign(Stage.City, ApprovalStep.Entry, await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Entry));
        var id = RequestId.Create(TimeProvider.System);
        for (int i = 0; i < 2; i++)
        {
            await Stage.PostAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}/submission", new BatchDecisionRequest { Approval = approval }, id);
        }

        Assert.Single((await _desk.UntilIdleAsync(batch)).Tasks);
        await RaStage.RefusedAsync(
            () => Stage.PostAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}/submission", new BatchDecisionRequest { Approval = [.. approval, 0] }, id),
            Refusal.Duplicate);
    }

    [Fact]
    public async Task TwoLevelsReview_EachByOneSignature()
    {
        string first = await Stage.PersonAsync(), second = await Stage.PersonAsync();
        BatchAnswer batch = await _desk.OfAsync(
            await _desk.TakeInAsync(key => RaCounter.NewRequest(first, key, "person-two")), await _desk.TakeInAsync(key => RaCounter.NewRequest(second, key, "person-two")));
        await _desk.DecideAsync(Stage.City, batch, ApprovalStep.Entry);
        Assert.Equal(2, (await _desk.DecideAsync(Stage.CityReviewer, batch, ApprovalStep.Review)).States["reviewed"]);
        Assert.Empty(await _desk.ReadAsync(Stage.CityReviewer, batch, ApprovalStep.Review));
        await _desk.DecideAsync(Stage.Province, batch, ApprovalStep.Review);
        await _desk.UntilAsync(batch, now => now.States.GetValueOrDefault("issued") == 2);
    }

    [Fact]
    public async Task GivenUp_WhatNobodyHasApprovedEnds_AndTheRestGoesOn()
    {
        BatchAnswer batch = await _desk.OfServersAsync(5);
        IReadOnlyList<BatchApplicationAnswer> read = await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Entry);
        await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.City, batch, ApprovalStep.Entry, _desk.Sign(Stage.City, ApprovalStep.Entry, read.Take(3))));
        await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.CityReviewer, batch, ApprovalStep.Review, _desk.Sign(Stage.CityReviewer, ApprovalStep.Review, read.Take(1))));
        await _desk.UntilAsync(batch, now => now.States.GetValueOrDefault("issued") == 1);

        BatchAnswer given = await Stage.PostAsync<BatchAnswer>(Stage.City, $"/batches/{batch.Id}/cancellation", new StepRequest { Version = 0, Reason = "单位机构改革" });
        BatchAnswer after = await _desk.UntilIdleAsync(given);

        Assert.NotNull(given.CancelledAt);
        Assert.Equal(("cancellation", "done", 5L, 5L, 4L, 0L), TaskOf(after));
        Assert.Equal((4L, 1L), (after.States["cancelled"], after.States["issued"]));
        await RaStage.RefusedAsync(() => _desk.SendAsync(Stage.City, batch, ApprovalStep.Entry, _desk.Sign(Stage.City, ApprovalStep.Entry, read)), Refusal.WrongState);
    }

    [Fact]
    public async Task WhereTheCaLacksAnApproval_ItIsGivenAgain()
    {
        BatchAnswer batch = await _desk.OfServersAsync(3);
        IReadOnlyList<BatchApplicationAnswer> read = await _desk.ReadAsync(Stage.City, batch, ApprovalStep.Entry);
        byte[] approval = _desk.Sign(Stage.City, ApprovalStep.Entry, read), hash = Sm3.HashData(approval);
        await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.City, batch, ApprovalStep.Entry, approval));

        // The CA had it, and this node knows that; then the CA's database is one of before.
        await Stage.App.Services.GetRequiredService<DeliverApprovals>().RunAsync([hash], Token);
        foreach (string trigger in await Stage.Ca.Database.QueryAsync<string>("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'approval'", cancellationToken: Token))
        {
            await Stage.Ca.RawAsync($"DROP TRIGGER {trigger}");
        }

        Assert.Equal(1, await Stage.Ca.RawAsync("DELETE FROM approval WHERE approval_hash = @Hash", new { Hash = hash }));

        await _desk.UntilIdleAsync(await _desk.SendAsync(Stage.CityReviewer, batch, ApprovalStep.Review, _desk.Sign(Stage.CityReviewer, ApprovalStep.Review, read)));
        await _desk.UntilAsync(batch, now => now.States.GetValueOrDefault("issued") == 3);
        Assert.Equal(1, await Stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM approval WHERE approval_hash = @Hash", new { Hash = hash }, Token));
    }

    private static (string, string, long, long?, long, long) TaskOf(BatchAnswer batch)
    {
        BatchTaskAnswer task = batch.Tasks[^1];
        return (task.Kind, task.State, task.Reached, task.Rows, task.Done, task.Refused);
    }

    private static byte[] Forged(byte[] good)
    {
        Approval read = Der.Decode<Approval>(good);
        return Der.Encode(Approval.Assemble(Der.Encode(new TbsApproval(read.Tbs.Step, [.. read.Tbs.Digests, new byte[32]], read.Tbs.Time)), read.Signature, read.Certificate));
    }

    /// <summary>10,001 digests; that the signature does not hold, nobody gets to see.</summary>
    private static byte[] OverTooMany(byte[] good)
    {
        Approval read = Der.Decode<Approval>(good);
        var inner = new AsnReader(read.TbsBytes, AsnEncodingRules.DER).ReadSequence();
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                for (int i = 0; i < 3; i++)
                {
                    writer.WriteEncodedValue(inner.ReadEncodedValue().Span);
                }

                inner.ReadEncodedValue();
                using (writer.PushSequence())
                {
                    for (int i = 0; i <= TbsApproval.MaxDigests; i++)
                    {
                        writer.WriteOctetString(new byte[32]);
                    }
                }

                writer.WriteEncodedValue(inner.ReadEncodedValue().Span);
            }

            writer.WriteEncodedValue(Der.Encode(read.Signature));
            writer.WriteEncodedValue(Der.Encode(read.Certificate));
        }

        return writer.Encode();
    }
}
