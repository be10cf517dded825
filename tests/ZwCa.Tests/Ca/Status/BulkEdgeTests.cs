using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Reaudit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Ca.Status;

/// <summary>Bulk changes among records that make no sense, holds of RAs, and issues that are not yet done.</summary>
public sealed class BulkEdgeTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatMakesNoSense_IsLeftOutCountedAndAlarmed_AndTheRestGoesOn(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });
        CertificateAnswer[] issued = [.. await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ => (await stage.IssueAsync()).Answer))];
        CertificateAnswer[] senseless = [issued[1], issued[2], issued[4]];
        await stage.ChangeAsync(issued[2], DecisionKind.Suspend);
        await stage.RawAsync(
            "INSERT INTO revocation (authority_id, shard, serial, reason, revoked_at, not_after) SELECT authority_id, shard, serial, 4, 1, not_after FROM certificate WHERE serial = @Serial", issued[1]);
        await stage.RawAsync("DELETE FROM revocation WHERE serial = @Serial", issued[2]);
        await stage.RawAsync("UPDATE certificate SET region = 'nowher' WHERE serial = @Serial", issued[4]);

        BulkChangeAnswer first = await OrderAsync(stage, DecisionKind.Revoke, [.. issued[..5]]);
        BulkChangeAnswer second = await OrderAsync(stage, DecisionKind.Revoke, [issued[5], issued[1]]);

        Assert.Equal((5L, 2L, 3L), (first.Total, first.Changed, first.Skipped));
        Assert.Equal((2L, 1L, 1L), (second.Total, second.Changed, second.Skipped));
        foreach (CertificateAnswer each in issued)
        {
            string expected = !senseless.Contains(each) ? "Revoked" : each == issued[2] ? "Held" : "Valid";
            Assert.Equal(expected, (await RowAsync(stage, each)).State.ToString());
        }

        // It is in the log, and whoever watches the service hears of it, until a re-audit says what is wrong.
        IReadOnlyList<ListedEvent> events;
        while ((events = await stage.App.Services.GetRequiredService<EventList>().ListAsync(new EventFilter { Action = BulkChanges.FindingAction }, cancellationToken: Token)).Count < 4)
        {
            await Task.Delay(50, Token);
        }

        Assert.Equal(
            senseless.Append(issued[1]).Select(each => $"{each.Issuer}/{each.Serial}").Order(StringComparer.Ordinal), events.Select(each => each.Leaf.Object.Id).Order(StringComparer.Ordinal));
        Assert.Equal(HealthStatus.Degraded, await HealthAsync());
        await stage.App.Services.GetRequiredService<ReauditCertificates>().RunAsync(Token);
        Assert.Equal(HealthStatus.Healthy, await HealthAsync());

        async Task<HealthStatus> HealthAsync() =>
            (await stage.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(each => each.Name == BulkChangeHealth.Name, Token)).Status;
    }

    /// <summary>Otherwise the RA would release what the CA's officers have ordered to be held.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AHoldOfAnRa_IsTakenOver_WithItsDay(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup
        {
            Database = database.Options, Settings = new Dictionary<string, string?> { ["Ca:RecoverAfter"] = "00:00:01" },
        });
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        CertificateAnswer held = await stage.ChangeAsync(certificate, DecisionKind.Suspend);

        BulkChangeAnswer taken = await OrderAsync(stage, DecisionKind.Suspend, [certificate]);
        BulkChangeAnswer again = await OrderAsync(stage, DecisionKind.Suspend, [certificate]);

        Assert.Equal((1L, 0L), (taken.Changed, taken.Skipped));
        Assert.Equal((0L, 1L), (again.Changed, again.Skipped));
        Assert.Equal("OutOfScope", await stage.TryAsync(certificate, DecisionKind.Resume));
        CertificateAnswer now = await stage.Ra.GetAsync<CertificateAnswer>($"/certificates/{certificate.Issuer}/{certificate.Serial}");
        Assert.Equal(("held", held.RevokedAt), (now.State, now.RevokedAt));
        Assert.Equal(1, (await OrderAsync(stage, DecisionKind.Resume, [certificate])).Changed);

        // All of it is in the log as it was.
        await Task.Delay(TimeSpan.FromSeconds(1.5), Token);
        ReauditRun run = (await stage.App.Services.GetRequiredService<ReauditCertificates>().RunAsync(Token))!;
        IReadOnlyList<FindingRow> findings = await stage.Database.ReadAsync(transaction => ReauditStore.ListFindingsAsync(transaction, run.RunId, new byte[16], 100), Token);
        Assert.DoesNotContain(findings, each => each.ObjectId.EndsWith(certificate.Serial, StringComparison.Ordinal));
        Assert.True(run.Certificates > 0);
    }

    /// <summary>Of what is being issued when a change is ordered nothing escapes: it is intended, and found, or begins anew, and is none of those that were meant.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatIsReservedBeforeAnOrder_IsNotIntendedAfterIt(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        CertificateRow sample = await RowAsync(stage, certificate);
        CertificateRow early = await ReserveAsync(DateTimeOffset.UtcNow);
        await Task.Delay(5, Token);

        await OrderAsync(stage, DecisionKind.Revoke, [certificate]);

        Assert.Equal(CertificateState.Unused, (await FindAsync(early)).State);
        Assert.False(await IntendAsync(early));

        // One that another node had begun by then and commits only now; and one of afterwards.
        CertificateRow late = await ReserveAsync(early.ReservedAt);
        Assert.False(await IntendAsync(late));
        Assert.Equal(CertificateState.Reserved, (await FindAsync(late)).State);
        Assert.True(await IntendAsync(await ReserveAsync(DateTimeOffset.UtcNow)));

        // One of a node whose clock is ahead was reserved before the order, too.
        CertificateRow ahead = await ReserveAsync(DateTimeOffset.UtcNow.AddSeconds(30));
        await OrderAsync(stage, DecisionKind.Revoke, [certificate]);
        Assert.Equal(CertificateState.Unused, (await FindAsync(ahead)).State);

        // A compromised key is nobody's, however far ahead.
        CertificateRow far = await ReserveAsync(DateTimeOffset.UtcNow.AddMinutes(5));
        Assert.True(await IntendAsync(far));
        CommandAnswer byKey = await stage.CommandAsync(
            CertificateActions.RevokeByKey,
            RegionCode.Nation.Value,
            Der.Encode(new BulkStatusBody(DecisionKind.Revoke, RevocationReason.KeyCompromise, new CertificateSelection.Key(sample.KeyHash!))));
        await EndAsync(stage, byKey.Id);
        Assert.Equal(CertificateState.Revoked, (await FindAsync(far)).State);

        async Task<CertificateRow> ReserveAsync(DateTimeOffset at)
        {
            DateTimeOffset time = DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());
            CertificateRow row = sample with { CertificateId = Ulid.Create(time), Serial = SerialNumbers.Create().ToString(), ReservedAt = time };
            Assert.True(await stage.Database.WriteAsync(transaction => CertificateStore.ReserveAsync(transaction, row), Token));
            return row;
        }

        Task<bool> IntendAsync(CertificateRow row) => stage.Database.WriteAsync(
            transaction => CertificateStore.IntendAsync(
                transaction,
                row.CertificateId,
                sample.Tbs!,
                sample.SubjectHash!,
                sample.KeyHash!,
                Der.Decode<Certificate>(certificate.Certificate).Tbs.Validity,
                null,
                DateTimeOffset.UtcNow),
            Token);

        async Task<CertificateRow> FindAsync(CertificateRow row) => (await stage.Database.ReadAsync(transaction => CertificateStore.FindAsync(transaction, row.CertificateId), Token))!;
    }

    /// <summary>A suspension waits for what is being signed when it is ordered: there is nothing to hold before.</summary>
    [Fact]
    public async Task WhatIsBeingSigned_IsHeldToo()
    {
        await using CaStage stage = await CaStage.StartAsync();
        using var key = Sm2PrivateKey.Generate();
        DecidedRequest request = stage.Decide(stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())).ToApplication(), csr: CaStage.Csr(key));
        var id = RequestId.Create(TimeProvider.System);
        stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.Unreachable, "As the test wants it.");
        await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id));
        var all = new CertificateSelection.Issued(CaStage.RaName, CaStage.Province, new Time(DateTimeOffset.UnixEpoch), new Time(DateTimeOffset.UnixEpoch.AddYears(100)));
        CommandAnswer command = await stage.CommandAsync(
            CertificateActions.Bulk, RegionCode.Nation.Value, Der.Encode(new BulkStatusBody(DecisionKind.Suspend, RevocationReason.CertificateHold, all)));
        Assert.False(await stage.App.Services.GetRequiredService<BulkChanges>().StepAsync(Token));

        stage.Hsm.Fault = signatures => signatures;
        CertificateAnswer certificate = await stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id);

        BulkChangeAnswer answer = await EndAsync(stage, command.Id);
        Assert.Equal((1L, 1L, 0L), (answer.Total, answer.Changed, answer.Skipped));
        Assert.Equal(CertificateState.Held, (await RowAsync(stage, certificate)).State);
    }

    /// <summary>What came in before, and waited for its turn.</summary>
    [Fact]
    public async Task AnRaThatWasDisabledMeanwhile_ChangesNoStatus()
    {
        await using CaStage stage = await CaStage.StartAsync();
        CertificateAnswer certificate = (await stage.IssueAsync()).Answer;
        Application application = StatusCalls.Application(certificate, DecisionKind.Revoke);
        ApprovalVerifier verifier = stage.App.Services.GetRequiredService<ApprovalVerifier>();
        Approval entry = stage.Sign(stage.Entry, ApprovalStep.Entry, application);
        Approval review = stage.Sign(stage.Review, ApprovalStep.Review, application);
        var order = new StatusOrder
        {
            RaName = CaStage.RaName,
            Kind = DecisionKind.Revoke,
            AuthorityId = (await RowAsync(stage, certificate)).AuthorityId,
            Serial = certificate.Serial,
            Reason = RevocationReason.Superseded,
            RequestId = "1",
            Actor = CaStage.Actor,
            Approvals = new Approvals(application, entry, verifier.Verify(entry, application), review, verifier.Verify(review, application)),
        };
        ChangeStatus changes = stage.App.Services.GetRequiredService<ChangeStatus>();

        await stage.RawAsync("UPDATE registration_authority SET enabled = 0 WHERE ra_name = @RaName", order);
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => changes.RunAsync(order, Token));
        Assert.Equal(Refusal.NotAllowed, refused.Kind);
        Assert.Equal(CertificateState.Valid, (await RowAsync(stage, certificate)).State);

        await stage.RawAsync("UPDATE registration_authority SET enabled = 1 WHERE ra_name = @RaName", order);
        Assert.Equal(CertificateState.Revoked, (await changes.RunAsync(order, Token)).State);
    }

    /// <summary>By RFC 5280 §7.1 they are one name: whoever reads it in a certificate takes one for the other.</summary>
    [Fact]
    public async Task ASubjectInOtherLetters_IsTheSameSubject_AndFoundByOneHash()
    {
        await using CaStage stage = await CaStage.StartAsync();
        string entity = CaStage.NewEntity()[..20] + "abcdef";
        CertificateAnswer certificate = (await stage.IssueAsync(entity)).Answer;
        Name subject = Der.Decode<Certificate>(certificate.Certificate).Tbs.Subject;

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => stage.IssueAsync(entity.ToUpperInvariant()));

        Assert.Equal(Refusal.Duplicate, refused.Kind);
        Name upper = Name.Create([.. subject.Rdns.Select(rdn => (rdn.Attributes[0].Type, rdn.Attributes[0].Text!.ToUpperInvariant()))]);
        Assert.NotEqual(subject, upper);
        CertificatePage page = await stage.Ra.GetAsync<CertificatePage>($"/certificates?subject={Convert.ToHexStringLower(upper.HashCanonical())}");
        Assert.Equal([certificate.Serial], page.Certificates.Select(each => each.Serial));
    }

    private static async Task<CertificateRow> RowAsync(CaStage stage, CertificateAnswer certificate) => (await stage.Database.ReadAsync(
        transaction => CertificateStore.FindAsync(transaction, stage.Authorities.Find(Convert.FromHexString(certificate.Issuer))!.Id, certificate.Serial), Token))!;

    /// <summary>Two officers order it of a list; the service's own job does it.</summary>
    private static async Task<BulkChangeAnswer> OrderAsync(CaStage stage, DecisionKind kind, IReadOnlyList<CertificateAnswer> list)
    {
        RevocationReason reason = kind switch
        {
            DecisionKind.Revoke => RevocationReason.Superseded,
            DecisionKind.Suspend => RevocationReason.CertificateHold,
            _ => RevocationReason.RemoveFromCrl,
        };
        var body = new BulkStatusBody(
            kind,
            reason,
            new CertificateSelection.Certificates([.. list.Select(each => new CertificateReference(Convert.FromHexString(each.Issuer), SerialNumber.Parse(each.Serial)))]));
        CommandAnswer command = await stage.CommandAsync(CertificateActions.Bulk, RegionCode.Nation.Value, Der.Encode(body));
        return await EndAsync(stage, command.Id);
    }

    private static async Task<BulkChangeAnswer> EndAsync(CaStage stage, string id)
    {
        BulkChangeAnswer answer;
        while ((answer = await stage.FirstAdministrator.GetAsync<BulkChangeAnswer>($"/bulk-changes/{id}")).EndedAt is null)
        {
            await stage.App.Services.GetRequiredService<BulkChanges>().RunAsync(Token);
        }

        return answer;
    }
}
