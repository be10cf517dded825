using System.Data.Common;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca;

/// <summary>What went wrong at real CAs, told through the API of this one. In depth: SerialNumbersTests, Crash, KeyQualityTests, Reaudit.</summary>
public sealed class IncidentTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>2019: serial numbers of 63 bits, and millions of certificates revoked.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Incident1_SerialNumbersOfParallelRequests_HaveSixteenBytes_ArePositive_AndUnique(DatabaseKind kind)
    {
        await using TestDatabase database = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = database.Options });

        CertificateAnswer[] issued = [.. (await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => stage.IssueAsync()))).Select(each => each.Answer)];

        Assert.Equal(issued.Length, issued.Select(each => each.Serial).Distinct().Count());
        foreach (CertificateAnswer each in issued)
        {
            byte[] content = Der.Decode<Certificate>(each.Certificate).Tbs.SerialNumber.Content.ToArray();
            Assert.Equal(16, content.Length);
            Assert.InRange(content[0], 0x40, 0x7F);
            Assert.Equal(each.Serial, Convert.ToHexStringLower(content));
        }

        // Nor does the database take one twice.
        const string again =
            """
            INSERT INTO certificate (certificate_id, authority_id, serial, state, state_version, owner, region, profile_hash, shard, reserved_at, changed_at)
            SELECT @Id, authority_id, serial, 0, 1, owner, region, profile_hash, shard, reserved_at, changed_at FROM certificate WHERE serial = @Serial
            """;
        await Assert.ThrowsAnyAsync<DbException>(() => stage.RawAsync(again, new { Id = Ulid.Create(DateTimeOffset.UtcNow), issued[0].Serial }));
    }

    /// <summary>The row was lost after signing, and OCSP knew nothing of a real certificate; a retry got another number.</summary>
    [Fact]
    public async Task Incident2_WhatWasSignedAndNotStored_HasItsRow_AndTheSameRequestGetsThatCertificate()
    {
        await using CaStage stage = await CaStage.StartAsync();
        DecidedRequest request = stage.Scene.NewRequest();
        var id = RequestId.Create(TimeProvider.System);
        HsmKey key = (await stage.Hsm.FindKeyAsync(new KeyLabel("sub-ca"), Token))!;
        long before = await stage.Hsm.GetSignatureCountAsync(key, Token);
        await stage.RawAsync("CREATE TRIGGER test_fault BEFORE UPDATE ON certificate WHEN NEW.state = 2 BEGIN SELECT RAISE(ABORT, 'as the test wants it'); END");

        RefusalException lost = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id));
        long signed = await stage.Hsm.GetSignatureCountAsync(key, Token) - before;
        CertificatePage page = await stage.Ra.GetAsync<CertificatePage>("/certificates");
        await stage.RawAsync("DROP TRIGGER test_fault");
        CertificateAnswer answer = await SignedCalls.UntilAnsweredAsync(() => stage.Ra.PostAsync<CertificateAnswer>("/certificates", request, id), Token);

        Assert.Equal(Refusal.Unavailable, lost.Kind);
        Assert.Equal(1, signed);
        CertificateSummary row = Assert.Single(page.Certificates);
        Assert.Equal(("intended", answer.Serial), (row.State, row.Serial));
        Assert.Equal("valid", answer.State);
        Assert.Equal([answer.Serial], (await stage.Ra.GetAsync<CertificatePage>("/certificates")).Certificates.Select(each => each.Serial));
    }

    /// <summary>2017: weak keys of a whole nation. They are not certified; and what an RA had issued is put on hold at once, and taken back.</summary>
    [Fact]
    public async Task Incident9_AWeakKeyIsRefused_AndAllOfAnRaAreHeldAndResumed()
    {
        await using CaStage stage = await CaStage.StartAsync();
        RaParty other = await stage.RaAsync("ra-36", CaStage.OtherProvince);
        StageOfficer reviewer = await stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.OtherProvince);
        using var weak = Sm2PrivateKey.FromBytes([.. new byte[31], 1]);
        using var elsewhere = Sm2PrivateKey.Generate();
        (CertificateAnswer first, Sm2PrivateKey used, _) = await stage.IssueAsync();
        CertificateAnswer second = (await stage.IssueAsync()).Answer;
        IssueDraft draft = stage.Draft(SubjectPublicKeyInfo.ForSm2(elsewhere.PublicKey.ToBytes())) with { RaName = other.Name, Region = CaStage.OtherProvince };
        CertificateAnswer spared = await other.PostAsync<CertificateAnswer>(
            "/certificates", stage.Decide(draft.ToApplication(), entry: stage.Stranger, review: reviewer, csr: CaStage.Csr(elsewhere)));

        Assert.Equal(Refusal.BadPublicKey, await AskedWithAsync(weak));
        Assert.Equal(Refusal.Duplicate, await AskedWithAsync(used));

        Assert.Equal((2L, 2L, 0L), await ChangeAllAsync(DecisionKind.Suspend, RevocationReason.CertificateHold));
        Assert.Equal(new[] { first.Serial, second.Serial }, await SerialsAsync("held"));
        Assert.Equal(nameof(Refusal.OutOfScope), await stage.TryAsync(first, DecisionKind.Resume));
        Assert.Equal("valid", (await other.GetAsync<CertificateAnswer>($"/certificates/{spared.Issuer}/{spared.Serial}")).State);
        CertificateAnswer meanwhile = (await stage.IssueAsync()).Answer;
        Assert.Equal((3L, 2L, 1L), await ChangeAllAsync(DecisionKind.Resume, RevocationReason.RemoveFromCrl));
        Assert.Equal(new[] { first.Serial, second.Serial, meanwhile.Serial }, await SerialsAsync("valid"));

        async Task<Refusal> AskedWithAsync(Sm2PrivateKey key)
        {
            IssueDraft asked = stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
            return (await Assert.ThrowsAsync<RefusalException>(
                () => stage.Ra.PostAsync<CertificateAnswer>("/certificates", stage.Decide(asked.ToApplication(), csr: CaStage.Csr(key))))).Kind;
        }

        async Task<IEnumerable<string>> SerialsAsync(string state) =>
            (await stage.Ra.GetAsync<CertificatePage>($"/certificates?state={state}")).Certificates.Select(each => each.Serial);

        async Task<(long? Total, long Changed, long Skipped)> ChangeAllAsync(DecisionKind kind, RevocationReason reason)
        {
            var all = new CertificateSelection.Issued(CaStage.RaName, CaStage.Province, new Time(DateTimeOffset.UnixEpoch), new Time(DateTimeOffset.UnixEpoch.AddYears(100)));
            CommandAnswer command = await stage.CommandAsync(CertificateActions.Bulk, RegionCode.Nation.Value, Der.Encode(new BulkStatusBody(kind, reason, all)));
            BulkChangeAnswer answer;
            while ((answer = await stage.SecondAdministrator.GetAsync<BulkChangeAnswer>($"/bulk-changes/{command.Id}")).EndedAt is null)
            {
                await Task.Delay(50, Token);
            }

            return (answer.Total, answer.Changed, answer.Skipped);
        }
    }

    /// <summary>2016: certificates dated back; 2011: issued without a record.</summary>
    [Fact]
    public async Task Incident10_NothingIsDatedBack_TheLogHasTheIntentionFirst_AndAClockThatWasSetBackStopsIssuing()
    {
        var clock = new ShiftedTime();
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Time = clock });
        clock.Shift(TimeSpan.FromMinutes(1));
        CertificateAnswer issued = (await SignedCalls.UntilAnsweredAsync(() => stage.IssueAsync(), Token)).Answer;
        string path = $"/certificates/{issued.Issuer}/{issued.Serial}/history";
        CertificateHistory history;
        while ((history = await stage.Ra.GetAsync<CertificateHistory>(path)).Events.Count < 2)
        {
            await Task.Delay(50, Token);
        }

        Assert.Equal([IssueCertificate.IntendAction, FinishIssuance.IssueAction], history.Events.Select(each => each.Action));
        Assert.True(string.CompareOrdinal(history.Events[0].Id, history.Events[1].Id) < 0);
        Assert.True(history.Events[0].Time <= history.Events[1].Time);
        DateTimeOffset notBefore = Der.Decode<Certificate>(issued.Certificate).Tbs.Validity.NotBefore.Value;
        Assert.InRange(notBefore, history.Events[0].Time.AddMinutes(-10), history.Events[1].Time);

        // A checkpoint is over it. Whoever then sets the clock back gets nothing issued; revoking goes on.
        await SignedCalls.UntilAnsweredAsync(() => stage.Ra.GetAsync<EventProof>($"{path}/{history.Events[1].Id}/proof"), Token);
        clock.Shift(TimeSpan.FromSeconds(-30));
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => stage.IssueAsync());
        Assert.Equal(Refusal.AuditUnavailable, refused.Kind);
        Assert.Equal([issued.Serial], (await stage.Ra.GetAsync<CertificatePage>("/certificates")).Certificates.Select(each => each.Serial));
        Assert.Equal("revoked", (await stage.ChangeAsync(issued, DecisionKind.Revoke)).State);

        clock.Shift(TimeSpan.FromSeconds(30));
        Assert.Equal("valid", (await SignedCalls.UntilAnsweredAsync(() => stage.IssueAsync(), Token)).Answer.State);
    }

    /// <summary>The machine's clock, put elsewhere.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long _ticks;

        public void Shift(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ticks));
    }
}
