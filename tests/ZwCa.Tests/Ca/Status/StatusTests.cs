using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Status;

/// <summary>Revoke, suspend, resume: through the API, over mutual TLS.</summary>
public sealed class StatusTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    /// <summary>From each state, by each action.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EachStateAndAction_HasItsResult(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });
        (DecisionKind[] Before, DecisionKind Action, string Result)[] table =
        [
            ([], DecisionKind.Revoke, "revoked"),
            ([], DecisionKind.Suspend, "held"),
            ([], DecisionKind.Resume, "WrongState"),
            ([DecisionKind.Suspend], DecisionKind.Revoke, "revoked"),
            ([DecisionKind.Suspend], DecisionKind.Suspend, "WrongState"),
            ([DecisionKind.Suspend], DecisionKind.Resume, "valid"),
            ([DecisionKind.Revoke], DecisionKind.Revoke, "AlreadyRevoked"),
            ([DecisionKind.Revoke], DecisionKind.Suspend, "WrongState"),
            ([DecisionKind.Revoke], DecisionKind.Resume, "WrongState"),
        ];
        foreach ((DecisionKind[] before, DecisionKind action, string result) in table)
        {
            CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
            foreach (DecisionKind each in before)
            {
                await stage.ChangeAsync(certificate, each);
            }

            Assert.Equal(result, await stage.TryAsync(certificate, action));
            CertificateAnswer after = await stage.Ra.GetAsync<CertificateAnswer>($"/certificates/{certificate.Issuer}/{certificate.Serial}");
            Assert.Equal(after.State == "valid", after.RevokedAt is null);
            Assert.Equal(after.State switch { "held" => "certificateHold", "revoked" => "superseded", _ => null }, after.Reason);
        }
    }

    [Fact]
    public async Task AHoldThatBecomesARevocation_KeepsItsDay()
    {
        await using CaStage stage = await CaStage.StartAsync();
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;

        CertificateAnswer held = await stage.ChangeAsync(certificate, DecisionKind.Suspend);
        await Task.Delay(20, TestContext.Current.CancellationToken);
        CertificateAnswer revoked = await stage.ChangeAsync(certificate, DecisionKind.Revoke, RevocationReason.KeyCompromise);

        Assert.Equal(held.RevokedAt, revoked.RevokedAt);
        Assert.Equal("keyCompromise", revoked.Reason);
    }

    [Fact]
    public async Task ARetry_GetsTheSameAnswer_AlsoWhereTheAnswerWasLost_AndAnotherRequestDoesNot()
    {
        await using CaStage stage = await CaStage.StartAsync();
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        DecidedRequest request = stage.Decide(StatusCalls.Application(certificate, DecisionKind.Revoke));
        string path = StatusCalls.PathOf(certificate, DecisionKind.Revoke);
        var id = RequestId.Create(TimeProvider.System);

        CertificateAnswer first = await stage.Ra.PostAsync<CertificateAnswer>(path, request, id);
        CertificateAnswer kept = await stage.Ra.PostAsync<CertificateAnswer>(path, request, id);
        await stage.RawAsync("DELETE FROM message_answer WHERE request_id = @Id", new { Id = id.ToString() });
        CertificateAnswer again = await stage.Ra.PostAsync<CertificateAnswer>(path, request, id);
        RefusalException spent = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.PostAsync<CertificateAnswer>(path, request));

        Assert.Equal(("revoked", first.RevokedAt), (first.State, kept.RevokedAt));
        Assert.Equal((first.State, first.RevokedAt), (again.State, again.RevokedAt));
        Assert.Equal(Refusal.NotApproved, spent.Kind);
        Assert.Equal(1, await CountAsync(stage, "SELECT COUNT(*) FROM revocation"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OfTwoAtOnce_OneChangesIt(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });
        for (int i = 0; i < 5; i++)
        {
            CertificateAnswer twice = (await stage.IssueAsync()).Answer;
            string[] results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => stage.TryAsync(twice, DecisionKind.Revoke)));
            Assert.Equal(["AlreadyRevoked", "AlreadyRevoked", "AlreadyRevoked", "revoked"], results.Order(StringComparer.Ordinal));

            // Whoever comes first: in the end it is revoked, and nobody has brought it back.
            CertificateAnswer held = (await stage.IssueAsync()).Answer;
            await stage.ChangeAsync(held, DecisionKind.Suspend);
            results = await Task.WhenAll(stage.TryAsync(held, DecisionKind.Revoke), stage.TryAsync(held, DecisionKind.Resume));
            Assert.Equal("revoked", results[0]);
            Assert.Contains(results[1], new[] { "valid", "revoked", "WrongState" });
            Assert.Equal("revoked", (await stage.Ra.GetAsync<CertificateAnswer>($"/certificates/{held.Issuer}/{held.Serial}")).State);
        }

        Assert.Equal(10, await CountAsync(stage, "SELECT COUNT(*) FROM revocation"));
    }

    [Fact]
    public async Task WhatNobodyDecided_OrMay_IsRefused()
    {
        await using CaStage stage = await CaStage.StartAsync();
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        CertificateAnswer other = (await stage.IssueAsync()).Answer;
        RaParty stranger = await stage.RaAsync("ra-36", CaStage.OtherProvince);
        StageOfficer disabled = await stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.Province);
        await stage.RawAsync("UPDATE officer SET enabled = 0 WHERE certificate_serial = @Serial", new { Serial = disabled.SerialNumber.ToString() });
        string path = StatusCalls.PathOf(certificate, DecisionKind.Revoke);
        Application good = StatusCalls.Application(certificate, DecisionKind.Revoke);
        DecidedRequest request = stage.Decide(good);
        DecidedRequest elsewhere = stage.Decide(StatusCalls.Application(other, DecisionKind.Revoke));

        await RefusedAsync(Refusal.NotApproved, request with { Review = request.Entry });
        await RefusedAsync(Refusal.SecondOfficerRequired, stage.Decide(good, entry: stage.Review, review: stage.Review));
        await RefusedAsync(Refusal.NotApproved, request with { Review = elsewhere.Review });
        await RefusedAsync(Refusal.OutOfScope, stage.Decide(good, review: stage.Stranger));
        await RefusedAsync(Refusal.NotAllowed, stage.Decide(good, review: disabled));
        await RefusedAsync(Refusal.NotAllowed, stage.Decide(good, review: stage.FirstAdministrator));
        await RefusedAsync(Refusal.NotApproved, stage.Decide(good, at: DateTimeOffset.UtcNow.AddDays(-31)));
        await RefusedAsync(Refusal.NotApproved, elsewhere);
        await RefusedAsync(Refusal.Malformed, request with { Csr = [0x30, 0x00] });
        await RefusedAsync(Refusal.Malformed, request with { Application = [0x30, 0x01] });
        await RefusedAsync(Refusal.Malformed, stage.Decide(StatusCalls.Application(certificate, DecisionKind.Suspend)));
        await RefusedAsync(Refusal.OutOfScope, stage.Decide(StatusCalls.Application(certificate, DecisionKind.Revoke, region: CaStage.County)));
        await RefusedAsync(Refusal.OutOfScope, stage.Decide(StatusCalls.Application(certificate, DecisionKind.Revoke, ca: "另一CA")));
        await RefusedAsync(Refusal.OutOfScope, stage.Decide(StatusCalls.Application(certificate, DecisionKind.Revoke, ra: "ra-36")));
        foreach (RevocationReason reason in (RevocationReason[])
            [RevocationReason.CaCompromise, RevocationReason.AaCompromise, RevocationReason.CertificateHold, RevocationReason.RemoveFromCrl])
        {
            await RefusedAsync(Refusal.Malformed, stage.Decide(StatusCalls.Application(certificate, DecisionKind.Revoke, reason)));
        }

        RefusalException notAnRa = await Assert.ThrowsAsync<RefusalException>(() => stage.FirstAdministrator.PostAsync<CertificateAnswer>(path, request));
        Assert.Equal(Refusal.NotAllowed, notAnRa.Kind);
        RefusalException notHis = await Assert.ThrowsAsync<RefusalException>(() => stranger.PostAsync<CertificateAnswer>(
            path, stage.Decide(StatusCalls.Application(certificate, DecisionKind.Revoke, region: CaStage.OtherProvince, ra: "ra-36"), entry: stage.Stranger)));
        Assert.Equal(Refusal.OutOfScope, notHis.Kind);
        StageOfficer second = await stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.OtherProvince);
        notHis = await Assert.ThrowsAsync<RefusalException>(() => stranger.PostAsync<CertificateAnswer>(
            path, stage.Decide(StatusCalls.Application(certificate, DecisionKind.Revoke, region: CaStage.OtherProvince, ra: "ra-36"), entry: stage.Stranger, review: second)));
        Assert.Equal(Refusal.NotFound, notHis.Kind);
        await stage.RawAsync("UPDATE certificate SET not_after = 1 WHERE serial = @Serial", new { certificate.Serial });
        await RefusedAsync(Refusal.WrongState, request);
        Assert.Equal(0, await CountAsync(stage, "SELECT COUNT(*) FROM revocation"));
        Assert.Equal(0, await CountAsync(stage, "SELECT COUNT(*) FROM status_decision"));

        async Task RefusedAsync(Refusal kind, DecidedRequest body)
        {
            RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.PostAsync<CertificateAnswer>(path, body));
            Assert.True(kind == refused.Kind, $"{kind} is expected, it is {refused.Kind}: {refused.Message}");
        }
    }

    [Fact]
    public async Task ARenewal_OverlapsWithTheOldOne_AndFollowsItOnce()
    {
        await using CaStage stage = await CaStage.StartAsync();
        (CertificateAnswer old, Sm2PrivateKey key, IssueDraft draft) = await stage.IssueAsync();
        CertificateReference reference = ReferenceTo(old);
        using var newKey = Sm2PrivateKey.Generate();

        CertificateAnswer renewed = await FollowAsync(DecisionKind.Renew, key, draft, reference);
        RefusalException again = await Assert.ThrowsAsync<RefusalException>(() => FollowAsync(DecisionKind.Renew, key, draft, reference));
        RefusalException sameKey = await Assert.ThrowsAsync<RefusalException>(() => FollowAsync(DecisionKind.Rekey, key, draft, ReferenceTo(renewed)));
        RefusalException otherKey = await Assert.ThrowsAsync<RefusalException>(() => FollowAsync(DecisionKind.Renew, newKey, draft, ReferenceTo(renewed)));
        CertificateAnswer rekeyed = await FollowAsync(DecisionKind.Rekey, newKey, draft, ReferenceTo(renewed));
        await stage.ChangeAsync(rekeyed, DecisionKind.Revoke);
        using var third = Sm2PrivateKey.Generate();
        CertificateAnswer afterwards = await FollowAsync(DecisionKind.Rekey, third, draft, ReferenceTo(renewed));
        await stage.ChangeAsync(afterwards, DecisionKind.Suspend);
        RefusalException ofHeld = await Assert.ThrowsAsync<RefusalException>(() => FollowAsync(DecisionKind.Renew, third, draft, ReferenceTo(afterwards)));

        Assert.Equal(old.Serial, renewed.Replaces);
        Assert.Equal(renewed.Serial, rekeyed.Replaces);
        Assert.Equal("valid", (await stage.Ra.GetAsync<CertificateAnswer>($"/certificates/{old.Issuer}/{old.Serial}")).State);
        Assert.Equal(Refusal.WrongState, again.Kind);
        Assert.Equal(Refusal.BadPublicKey, sameKey.Kind);
        Assert.Equal(Refusal.BadPublicKey, otherKey.Kind);
        Assert.Equal(Refusal.WrongState, ofHeld.Kind);
        CertificateHistory history = await stage.Ra.GetAsync<CertificateHistory>($"/certificates/{renewed.Issuer}/{renewed.Serial}/history");
        Assert.Equal([rekeyed.Serial, afterwards.Serial], history.ReplacedBy.Select(each => each.Serial));

        Task<CertificateAnswer> FollowAsync(DecisionKind kind, Sm2PrivateKey signer, IssueDraft first, CertificateReference replaced)
        {
            IssueDraft next = first with
            {
                Kind = kind,
                EnrollmentId = CaStage.NewEntity(),
                Body = first.Body with { SubjectPublicKeyInfo = SubjectPublicKeyInfo.ForSm2(signer.PublicKey.ToBytes()), Replaces = replaced },
            };
            return stage.Ra.PostAsync<CertificateAnswer>("/certificates", stage.Decide(next.ToApplication(), csr: CaStage.Csr(signer)));
        }
    }

    private static CertificateReference ReferenceTo(CertificateAnswer certificate) => new(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial));

    private static async Task<long> CountAsync(CaStage stage, string sql) =>
        await stage.Database.FindAsync<long>(sql, cancellationToken: TestContext.Current.CancellationToken);
}
