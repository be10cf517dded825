using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Bulk;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Status;

/// <summary>What two officers of the CA order about one certificate and about many.</summary>
public sealed class BulkTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AllOfAnRa_AreSuspendedAndResumed_InPieces_EachOnce(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });
        var issued = new List<CertificateAnswer>();
        for (int i = 0; i < 6; i++)
        {
            issued.Add((await stage.IssueAsync()).Answer);
        }

        await stage.ChangeAsync(issued[0], DecisionKind.Revoke);
        var selection = new CertificateSelection.Issued(CaStage.RaName, CaStage.Province, new Time(DateTimeOffset.UnixEpoch), new Time(DateTimeOffset.UnixEpoch.AddYears(100)));

        BulkChangeAnswer suspended = await OrderAsync(stage, CertificateActions.Bulk, new BulkStatusBody(DecisionKind.Suspend, RevocationReason.CertificateHold, selection));
        Assert.Equal((6L, 5L, 1L), (suspended.Total, suspended.Changed, suspended.Skipped));
        Assert.Equal(5, (await stage.Ra.GetAsync<CertificatePage>("/certificates?state=held")).Certificates.Count);
        BulkChangeAnswer resumed = await OrderAsync(stage, CertificateActions.Bulk, new BulkStatusBody(DecisionKind.Resume, RevocationReason.RemoveFromCrl, selection));
        Assert.Equal((6L, 5L, 1L), (resumed.Total, resumed.Changed, resumed.Skipped));
        Assert.Equal(5, (await stage.Ra.GetAsync<CertificatePage>("/certificates?state=valid")).Certificates.Count);
        Assert.Equal(1, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM revocation", cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ACompromisedKey_RevokesAllThatHaveIt_AndIsNeverCertifiedAgain()
    {
        await using CaStage stage = await CaStage.StartAsync();
        (CertificateAnswer first, Sm2PrivateKey key, IssueDraft draft) = await stage.IssueAsync();
        CertificateAnswer second = await IssueAgainAsync();
        CertificateAnswer other = (await stage.IssueAsync()).Answer;
        byte[] hash = Sm3.HashData(Der.Encode(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())));

        BulkChangeAnswer done = await OrderAsync(
            stage, CertificateActions.RevokeByKey, new BulkStatusBody(DecisionKind.Revoke, RevocationReason.KeyCompromise, new CertificateSelection.Key(hash)));

        Assert.Equal((2L, 2L, 0L), (done.Total, done.Changed, done.Skipped));
        CertificateAnswer[] after = [await ShowAsync(stage, first), await ShowAsync(stage, second), await ShowAsync(stage, other)];
        Assert.Equal(["revoked", "revoked", "valid"], after.Select(each => each.State));
        Assert.Equal("keyCompromise", after[0].Reason);
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(IssueAgainAsync);
        Assert.Equal(Refusal.BadPublicKey, refused.Kind);

        Task<CertificateAnswer> IssueAgainAsync() => stage.Ra.PostAsync<CertificateAnswer>(
            "/certificates", stage.Decide((draft with { EnrollmentId = CaStage.NewEntity() }).ToApplication(), csr: CaStage.Csr(key)));
    }

    /// <summary>The device is away: what it may sign later is revoked too, and never stored. And a key that no certificate has yet gets none.</summary>
    [Fact]
    public async Task WhatIsOnlyIntended_IsRevokedToo_AndACompromisedKeyIsNeverCertified()
    {
        await using CaStage stage = await CaStage.StartAsync();
        Sm2PrivateKey key = Sm2PrivateKey.Generate();
        using Sm2PrivateKey owned = key;
        IssueDraft draft = stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        DecidedRequest request = stage.Decide(draft.ToApplication(), csr: CaStage.Csr(key));
        var id = RequestId.Create(TimeProvider.System);
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.Unreachable, "As the test wants it.");
        RefusalException away = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id));
        stage.Hsm.Fault = signatures => signatures;

        BulkChangeAnswer done = await OrderAsync(stage, CertificateActions.RevokeByOwner, Revoke(new CertificateSelection.Owner($"{CaStage.RaName}/{draft.Body.Entity}")));

        Assert.Equal(Refusal.Unavailable, away.Kind);
        Assert.Equal((1L, 1L, 0L), (done.Total, done.Changed, done.Skipped));
        RefusalException givenUp = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id));
        Assert.Equal(Refusal.WrongState, givenUp.Kind);
        Assert.Equal(1, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM revocation", cancellationToken: TestContext.Current.CancellationToken));

        using var lost = Sm2PrivateKey.Generate();
        byte[] hash = Sm3.HashData(Der.Encode(SubjectPublicKeyInfo.ForSm2(lost.PublicKey.ToBytes())));
        BulkChangeAnswer none = await OrderAsync(
            stage, CertificateActions.RevokeByKey, new BulkStatusBody(DecisionKind.Revoke, RevocationReason.KeyCompromise, new CertificateSelection.Key(hash)));
        Assert.Equal(0, none.Total);
        IssueDraft withLost = stage.Draft(SubjectPublicKeyInfo.ForSm2(lost.PublicKey.ToBytes()));
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(
            () => stage.Ra.PostAsync<CertificateAnswer>("/certificates", stage.Decide(withLost.ToApplication(), csr: CaStage.Csr(lost))));
        Assert.Equal(Refusal.BadPublicKey, refused.Kind);
    }

    /// <summary>Whoever may write to the database orders nothing by it.</summary>
    [Fact]
    public async Task RowsThatSomebodyAdds_ChangeNothing_AndKeepNothingWaiting()
    {
        await using CaStage stage = await CaStage.StartAsync();
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        byte[] body = Der.Encode(Revoke(new CertificateSelection.Certificates([ReferenceTo(certificate)])));
        Assert.Equal(1, await stage.RawAsync(
            """
            INSERT INTO bulk_change (change_id, state, body, region, next_entry, reached, changed, skipped, ordered_at)
            SELECT MIN(command_id), 0, @Body, '000000', 0, @Reached, 0, 0, 1 FROM command_review
            """,
            new { Body = body, Reached = new byte[16] }));

        // Of a time to come, for no intention is made that was reserved before an order; and one without sense.
        Assert.Equal(1, await stage.RawAsync(
            """
            INSERT INTO bulk_change (change_id, state, body, region, next_entry, reached, changed, skipped, ordered_at)
            SELECT MAX(command_id), 0, @Body, '000000', 0, @Reached, 0, 0, @Then FROM command_review
            """,
            new { Body = new byte[3], Reached = new byte[16], Then = DateTimeOffset.UtcNow.AddYears(10) }));
        CertificateAnswer second = (await stage.IssueAsync()).Answer;

        await stage.App.Services.GetRequiredService<BulkChanges>().RunAsync(TestContext.Current.CancellationToken);
        BulkChangeAnswer done = await OrderAsync(stage, CertificateActions.Bulk, Revoke(new CertificateSelection.Certificates([ReferenceTo(second)])));

        Assert.Equal((1L, 1L), (done.Total, done.Changed));
        Assert.Equal("valid", (await ShowAsync(stage, certificate)).State);
        HealthReport health = await stage.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(each => each.Name == BulkChangeHealth.Name, TestContext.Current.CancellationToken);
        Assert.Equal(HealthStatus.Degraded, health.Status);
    }

    [Fact]
    public async Task OwnersSubjectsAndLists_AreRevoked_AndOneCertificateAtOnce()
    {
        await using CaStage stage = await CaStage.StartAsync();
        (CertificateAnswer byOwner, _, IssueDraft draft) = await stage.IssueAsync();
        CertificateAnswer bySubject = (await stage.IssueAsync()).Answer;
        CertificateAnswer listed = (await stage.IssueAsync()).Answer;
        CertificateAnswer single = (await stage.IssueAsync()).Answer;
        byte[] subject = Der.Decode<Certificate>(bySubject.Certificate).Tbs.Subject.HashCanonical();

        await OrderAsync(stage, CertificateActions.RevokeByOwner, Revoke(new CertificateSelection.Owner($"{CaStage.RaName}/{draft.Body.Entity}")));
        await OrderAsync(stage, CertificateActions.RevokeByOwner, Revoke(new CertificateSelection.Subject(subject)));
        BulkChangeAnswer list = await OrderAsync(
            stage,
            CertificateActions.Bulk,
            Revoke(new CertificateSelection.Certificates([ReferenceTo(listed), ReferenceTo(byOwner), new CertificateReference(new byte[20], SerialNumber.Parse("41"))])));
        await DecideAsync(stage, CertificateActions.Revoke, Der.Encode(new StatusBody(ReferenceTo(single), RevocationReason.PrivilegeWithdrawn)));

        Assert.Equal((3L, 1L, 2L), (list.Total, list.Changed, list.Skipped));
        foreach (CertificateAnswer each in (CertificateAnswer[])[byOwner, bySubject, listed, single])
        {
            Assert.Equal("revoked", (await ShowAsync(stage, each)).State);
        }

        // What a command cannot do, nobody can even propose.
        (Refusal Kind, string Action, byte[] Parameters)[] wrong =
        [
            (Refusal.AlreadyRevoked, CertificateActions.Revoke, Der.Encode(new StatusBody(ReferenceTo(single), RevocationReason.Superseded))),
            (Refusal.NotFound, CertificateActions.Revoke, Der.Encode(new StatusBody(new CertificateReference(new byte[20], SerialNumber.Parse("41")), RevocationReason.Superseded))),
            (Refusal.Malformed, CertificateActions.Revoke, Der.Encode(new StatusBody(ReferenceTo(single), RevocationReason.CaCompromise))),
            (Refusal.Malformed, CertificateActions.RevokeByKey, Der.Encode(Revoke(new CertificateSelection.Owner("x")))),
            (Refusal.Malformed, CertificateActions.Bulk, Der.Encode(Revoke(new CertificateSelection.Key(new byte[32])))),
            (Refusal.Malformed, CertificateActions.Bulk, [0x30, 0x00]),
        ];
        foreach ((Refusal kind, string action, byte[] parameters) in wrong)
        {
            RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => DecideAsync(stage, action, parameters));
            Assert.True(kind == refused.Kind, $"{action}: {refused.Kind}");
        }
    }

    /// <summary>Three nodes, and the service's own job: more than one piece, with certificates in the first and in the last one.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SeveralAtOnce_DoEachPieceOnce(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });
        CertificateAnswer first = (await stage.IssueAsync()).Answer;
        CertificateAnswer last = (await stage.IssueAsync()).Answer;
        CertificateReference nobodys = new(new byte[20], SerialNumber.Parse("41"));
        CertificateReference[] list = [ReferenceTo(first), .. Enumerable.Repeat(nobodys, 448), ReferenceTo(last)];
        string id = await DecideAsync(stage, CertificateActions.Bulk, Der.Encode(Revoke(new CertificateSelection.Certificates(list))));
        BulkChanges changes = stage.App.Services.GetRequiredService<BulkChanges>();

        BulkChangeAnswer done;
        do
        {
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => changes.RunAsync(TestContext.Current.CancellationToken)));
            done = await stage.FirstAdministrator.GetAsync<BulkChangeAnswer>($"/bulk-changes/{id}");
        }
        while (done.EndedAt is null);

        Assert.Equal((450L, 2L, 448L), (done.Total, done.Changed, done.Skipped));
        Assert.Equal("revoked", (await ShowAsync(stage, first)).State);
        Assert.Equal("revoked", (await ShowAsync(stage, last)).State);
        RefusalException notAnOfficer = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.GetAsync<BulkChangeAnswer>($"/bulk-changes/{id}"));
        Assert.Equal(Refusal.NotAllowed, notAnOfficer.Kind);
        RefusalException unknown = await Assert.ThrowsAsync<RefusalException>(() => stage.Audit.GetAsync<BulkChangeAnswer>($"/bulk-changes/{new string('0', 32)}"));
        Assert.Equal(Refusal.NotFound, unknown.Kind);
    }

    [Fact]
    public async Task AnRasOwnCertificate_IsRevokedByOfficers_AndSpeaksForNobodyAnyMore()
    {
        await using CaStage stage = await CaStage.StartAsync();
        CertificateSummary own = Assert.Single((await stage.FirstAdministrator.GetAsync<CertificatePage>("/certificates")).Certificates, each => each.Profile == "ra-system");
        await DecideAsync(
            stage,
            CertificateActions.Revoke,
            Der.Encode(new StatusBody(new CertificateReference(Convert.FromHexString(own.Issuer), SerialNumber.Parse(own.Serial)), RevocationReason.KeyCompromise)));

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => stage.IssueAsync());
        Assert.Equal(Refusal.NotAllowed, refused.Kind);
        Assert.Equal(1, await stage.Database.FindAsync<long>(
            "SELECT COUNT(*) FROM ended_certificate WHERE certificate_serial = @Serial", new { own.Serial }, TestContext.Current.CancellationToken));
    }

    private static BulkStatusBody Revoke(CertificateSelection selection) => new(DecisionKind.Revoke, RevocationReason.Superseded, selection);

    private static CertificateReference ReferenceTo(CertificateAnswer certificate) => new(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial));

    private static Task<CertificateAnswer> ShowAsync(CaStage stage, CertificateAnswer certificate) =>
        stage.Ra.GetAsync<CertificateAnswer>($"/certificates/{certificate.Issuer}/{certificate.Serial}");

    /// <summary>Two officers decide; the service's own job does it.</summary>
    private static async Task<BulkChangeAnswer> OrderAsync(CaStage stage, string action, BulkStatusBody body)
    {
        string id = await DecideAsync(stage, action, Der.Encode(body));
        await stage.App.Services.GetRequiredService<BulkChanges>().RunAsync(TestContext.Current.CancellationToken);
        while (true)
        {
            BulkChangeAnswer answer = await stage.SecondAdministrator.GetAsync<BulkChangeAnswer>($"/bulk-changes/{id}");
            if (answer.EndedAt is not null)
            {
                return answer;
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <returns>The command's id.</returns>
    private static async Task<string> DecideAsync(CaStage stage, string action, byte[] parameters)
    {
        var commands = new OfficerCommands(
            CaStage.Name,
            stage.Database,
            new AuditLog(TimeProvider.System),
            stage.App.Services.GetRequiredService<OfficerDirectory>(),
            stage.App.Services.GetRequiredService<CertificateActions>().All,
            TimeProvider.System);
        Application application = commands.Draft(action, RegionCode.Nation, parameters);
        await commands.ProposeAsync(application, stage.Sign(stage.FirstAdministrator, ApprovalStep.Entry, application), TestContext.Current.CancellationToken);
        await commands.ApproveAsync(
            Convert.FromHexString(application.EnrollmentId), stage.Sign(stage.SecondAdministrator, ApprovalStep.Review, application), TestContext.Current.CancellationToken);
        return application.EnrollmentId;
    }
}
