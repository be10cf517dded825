using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Ra.Outbox;

namespace ZwCa.Tests.Ra.Deliveries;

/// <summary>Answers of the CA that come when the enrollment is no longer what it was; nothing of this RA is sent by itself here.</summary>
public sealed class CrossingTests : IAsyncDisposable
{
    private RaStage _stage = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Whether the CA has taken it.</summary>
    public static MatrixTheoryData<DatabaseKind, bool> Receipts => new(TestDatabase.Kinds.Select(row => row.Data), [true, false]);

    public async ValueTask DisposeAsync()
    {
        if (_stage is not null)
        {
            await _stage.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Receipts))]
    public async Task AReceiptThatIsAnswered_WhenTheCertificateWasRevoked_MovesNothing(DatabaseKind kind, bool isTaken)
    {
        _stage = await RaStage.StartAsync(new RaSetup { Kind = kind });
        Sm2PrivateKey key = _stage.Pairs.NewKey();
        string person = await _stage.PersonAsync();
        EnrollmentAnswer issued = await _stage.IssueAsync(RaStage.NewRequest(person, key));
        DeliveryAnswer delivery = await _stage.FetchAsync(issued, key);

        // The receipt is on its way, and nobody hears of it.
        await StopSendingAsync();
        await _stage.PostAsync<EnrollmentAnswer>(_stage.City, $"/enrollments/{issued.Id}/receipt", PairScene.Receipt(delivery.Pair!, key));
        OutboxRow receipt = await RowAsync(OutboxPurpose.Receipt, OutboxState.Waiting);

        // Meanwhile two officers have the pair revoked, and that is answered first.
        await _stage.ApproveAsync(await _stage.SubmitAsync(await _stage.TakeInAsync(new EnrollmentRequest
        {
            Kind = "revoke", Region = CaScene.City, Subscriber = person, Certificate = issued.Certificates[0], RevocationReason = "keyCompromise",
        })));
        OutboxRow revocation = await RowAsync(OutboxPurpose.Decision, OutboxState.Waiting);
        await Apply.DoneAsync(revocation, Json(delivery.Pair!.Signing with { State = "revoked", Reason = "keyCompromise" }));
        Assert.Equal("cancelled", (await _stage.ShowAsync(issued)).State);
        Assert.Equal(OutboxState.GivenUp, (await RowAsync(receipt.OutboxId)).State);

        // Had it been sent by then, its answer finds that nothing waits.
        await _stage.Database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE outbox SET state = 0 WHERE outbox_id = @OutboxId", new { receipt.OutboxId }), Token);
        await (isTaken
            ? Apply.DoneAsync(receipt, Json(delivery.Pair! with { Delivery = "delivered", Envelope = null }))
            : Apply.RefusedAsync(receipt, new RefusalException(Refusal.WrongState, "该次密钥交付已撤回，不再签收。") { FromPeer = true }));
        Assert.Equal("cancelled", (await _stage.ShowAsync(issued)).State);
        Assert.Equal(isTaken ? OutboxState.Answered : OutboxState.Refused, (await RowAsync(receipt.OutboxId)).State);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhereTheCaDoesNotRevokeWhatWasReplaced_ARevocationIsOpened_Once(DatabaseKind kind)
    {
        _stage = await RaStage.StartAsync(new RaSetup { Kind = kind });
        Sm2PrivateKey key = _stage.Pairs.NewKey();
        string person = await _stage.PersonAsync();
        (EnrollmentAnswer first, _, Sm2PrivateKey encryption) = await _stage.DeliverAsync(await _stage.IssueAsync(RaStage.NewRequest(person, key)), key);
        encryption.Dispose();
        EnrollmentAnswer changed = await _stage.IssueAsync(new EnrollmentRequest
        {
            Kind = "change", Region = CaScene.City, Subscriber = person, Certificate = first.Certificates[0], Csr = CaScene.Csr(_stage.Pairs.NewKey()),
        });
        await StopSendingAsync();

        // It was fetched so late that the approvals do not count any more.
        OutboxRow following = await RowAsync(OutboxPurpose.Following, OutboxState.HeldBack);
        await _stage.Database.WriteAsync(transaction => OutboxStore.LetGoAsync(transaction, Convert.FromHexString(changed.Id), OutboxState.Waiting, DateTimeOffset.UtcNow), Token);
        var refusal = new RefusalException(Refusal.NotApproved, "审批意见已超过30天。") { FromPeer = true };
        await Apply.RefusedAsync(following, refusal);
        await Apply.RefusedAsync(following, refusal);
        EnrollmentPage drafts = await _stage.GetAsync<EnrollmentPage>(_stage.City, $"/enrollments?kind=revoke&state=draft&subscriber={person}");
        EnrollmentAnswer draft = await _stage.GetAsync<EnrollmentAnswer>(_stage.City, $"/enrollments/{Assert.Single(drafts.Enrollments).Id}");
        Assert.Equal((first.Certificates[0], "affiliationChanged"), (draft.Certificate!, draft.RevocationReason));

        // Two officers have it done.
        await _stage.App.Services.GetRequiredService<SendOutbox>().StartAsync(Token);
        Assert.Equal("delivered", (await _stage.UntilAsync(await _stage.ApproveAsync(await _stage.SubmitAsync(draft)), "delivered")).State);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ARecoveredKeyThatNobodyFetches_IsCancelled_AndACertificateIsNot(DatabaseKind kind)
    {
        _stage = await RaStage.StartAsync(new RaSetup { Kind = kind });
        Sm2PrivateKey key = _stage.Pairs.NewKey();
        string person = await _stage.PersonAsync();
        (EnrollmentAnswer first, _, Sm2PrivateKey encryption) = await _stage.DeliverAsync(await _stage.IssueAsync(RaStage.NewRequest(person, key)), key);
        encryption.Dispose();
        EnrollmentAnswer recovery = await _stage.IssueAsync(
            new EnrollmentRequest { Kind = "recovery", Region = CaScene.City, Subscriber = person, Certificate = first.Certificates[0], Recipient = first.Certificates[0] });
        EnrollmentAnswer cancelled = await _stage.PostAsync<EnrollmentAnswer>(
            _stage.City, $"/enrollments/{recovery.Id}/cancellation", new StepRequest { Version = recovery.Version, Reason = "申请人已不需要" });
        Assert.Equal("cancelled", cancelled.State);
        await RaStage.RefusedAsync(() => _stage.FetchAsync(recovery, key), Refusal.WrongState);

        EnrollmentAnswer issued = await _stage.IssueAsync(RaStage.NewRequest(await _stage.PersonAsync(), _stage.Pairs.NewKey()));
        await RaStage.RefusedAsync(
            () => _stage.PostAsync<EnrollmentAnswer>(_stage.City, $"/enrollments/{issued.Id}/cancellation", new StepRequest { Version = issued.Version, Reason = "不要了" }), Refusal.WrongState);
    }

    [Fact]
    public async Task WhatIsDecidedAboutACertificate_IsTakenInWhereItWasIssued()
    {
        _stage = await RaStage.StartAsync();
        Sm2PrivateKey key = _stage.Pairs.NewKey();
        string person = await _stage.PersonAsync(CaScene.County);
        EnrollmentAnswer issued = await _stage.IssueAsync(RaStage.NewRequest(person, key), _stage.City);
        Assert.Equal(CaScene.City, issued.Region);
        EnrollmentRequest lost = new()
        {
            Kind = "replace", Region = CaScene.County, Subscriber = person, Certificate = issued.Certificates[0], Csr = CaScene.Csr(_stage.Pairs.NewKey()),
        };

        // The CA would not take the old one's revocation from a county of the city where it was issued.
        RefusalException refusal = await RaStage.RefusedAsync(() => _stage.TakeInAsync(lost), Refusal.OutOfScope);
        Assert.Contains(CaScene.City, refusal.Message, StringComparison.Ordinal);
        Assert.Equal("draft", (await _stage.TakeInAsync(lost with { Region = CaScene.City })).State);

        // And of whom it is, belongs to where it is taken in.
        string elsewhere = await _stage.PersonAsync();
        await RaStage.RefusedAsync(() => _stage.TakeInAsync(RaStage.NewRequest(elsewhere, _stage.Pairs.NewKey(), region: CaScene.County)), Refusal.OutOfScope);
    }

    private ApplyAnswer Apply => _stage.App.Services.GetRequiredService<ApplyAnswer>();

    private static byte[] Json<T>(T answer) => JsonSerializer.SerializeToUtf8Bytes(answer, JsonSerializerOptions.Web);

    private Task StopSendingAsync() => _stage.App.Services.GetRequiredService<SendOutbox>().StopAsync(Token);

    private async Task<OutboxRow> RowAsync(OutboxPurpose purpose, OutboxState state) => Assert.Single(await _stage.Database.QueryAsync<OutboxRow>(
        $"SELECT {OutboxRow.Columns} FROM outbox WHERE purpose = @Purpose AND state = @State", new { Purpose = purpose, State = state }, Token));

    private async Task<OutboxRow> RowAsync(byte[] id) =>
        (await _stage.Database.FindAsync<OutboxRow>($"SELECT {OutboxRow.Columns} FROM outbox WHERE outbox_id = @Id", new { Id = id }, Token))!;
}
