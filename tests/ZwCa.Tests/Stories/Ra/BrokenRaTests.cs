using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.Tests.Ca.Pairs;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>Somebody has an RA's server, its message key and its link, and every approval that ever went through it. He gets no certificate and no key: the CA takes nothing on the RA's word.</summary>
public sealed class BrokenRaTests
{
    [Fact]
    public async Task WithTheRasOwnKey_AndWithoutTwoOfficers_NothingIsIssued()
    {
        await using PairStage stage = await PairStage.StartAsync();
        CaStage ca = stage.Ca;
        using var key = Sm2PrivateKey.Generate();
        (PairAnswer spentPair, Sm2PrivateKey spentKey) = await stage.IssueAsync();
        byte[] csr = CaStage.Csr(key);
        Application application = PairScene.Draft(ca.Scene.Issuers, key).ToApplication();
        DecidedRequest right = ca.Decide(application, csr: csr);
        long before = await CountAsync(ca);

        // Without one of the two, with one of them twice, with both by one person.
        await RefusedAsync(Refusal.Malformed, right with { Review = [] });
        await RefusedAsync(Refusal.NotApproved, right with { Review = right.Entry });
        await RefusedAsync(Refusal.NotApproved, right with { Entry = right.Review });
        await RefusedAsync(Refusal.SecondOfficerRequired, ca.Decide(application, ca.Entry, ca.Entry, csr));

        // By officers that the intruder has made: with a key of his own and a certificate that says what it should.
        using var forger = Sm2PrivateKey.Generate();
        Certificate forged = await ForgeAsync(ca.Review, forger);
        await RefusedAsync(
            Refusal.BadSignature,
            right with { Review = Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(ApprovalStep.Review, [application], DateTimeOffset.UtcNow), forger, forged)) });

        // By the right certificate with another key's signature.
        await RefusedAsync(
            Refusal.BadSignature,
            right with { Review = Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(ApprovalStep.Review, [application], DateTimeOffset.UtcNow), forger, ca.Review.Certificate)) });

        // With the RA's own certificate in an officer's place: none that officers have.
        await RefusedAsync(
            Refusal.BadSignature,
            right with { Review = Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(ApprovalStep.Review, [application], DateTimeOffset.UtcNow), ca.Ra.Key, ca.Ra.Certificate!)) });

        // With what two officers really signed, about something else: another name, another key, other evidence, another enrollment.
        IssueDraft draft = PairScene.Draft(ca.Scene.Issuers, key);
        foreach (IssueDraft other in new[]
        {
            draft with { Body = draft.Body with { Subject = [new SubjectAttributeText(Oids.CommonName, "厅长"), .. draft.Body.Subject.Skip(1)] } },
            draft with { EnrollmentId = CaScene.NewEntity() },
            draft with { Region = CaScene.Province },
        })
        {
            await RefusedAsync(Refusal.NotApproved, right with { Application = Der.Encode(other.ToApplication()) });
        }

        await RefusedAsync(Refusal.NotApproved, right with { Evidence = [Sm3.HashData([1])] });
        using var another = Sm2PrivateKey.Generate();
        await RefusedAsync(Refusal.NotApproved, right with { Csr = CaStage.Csr(another) });

        // With approvals that are too old, or from a region that does not reach so far.
        await RefusedAsync(Refusal.NotApproved, ca.Decide(application, csr: csr, at: DateTimeOffset.UtcNow.AddDays(-31)));
        await RefusedAsync(Refusal.OutOfScope, ca.Decide(application, review: ca.Stranger, csr: csr));

        // By an acceptance point: it decides nothing, whoever says so.
        StageOfficer county = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.County);
        IssueDraft local = PairScene.Draft(ca.Scene.Issuers, key) with { Region = CaScene.County };
        await RefusedAsync(Refusal.NotAllowed, ca.Decide(local.ToApplication(), review: county, csr: csr));

        // And no key of anybody comes to the intruder's.
        Application recovery = PairScene.Recovery(spentPair, key);
        await Assert.ThrowsAsync<RefusalException>(() => ca.Ra.PostAsync<PairAnswer>($"/pairs/{spentPair.Id}/recovery", ca.Decide(recovery, ca.Entry, ca.Entry)));
        await Assert.ThrowsAsync<RefusalException>(() => ca.Ra.PostAsync<PairAnswer>($"/pairs/{spentPair.Id}/recovery", right with { Application = Der.Encode(recovery), Csr = null }));
        Assert.Equal(before, await CountAsync(ca));

        // What they did approve is issued: nothing but the officers was missing.
        Assert.Equal("valid", (await ca.Ra.PostAsync<PairAnswer>("/pairs", right)).Signing.State);

        // Once: what is spent issues nothing more.
        await RefusedAsync(Refusal.NotApproved, right);
        spentKey.Dispose();

        async Task RefusedAsync(Refusal expected, DecidedRequest request)
        {
            RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(() => ca.Ra.PostAsync<PairAnswer>("/pairs", request));
            Assert.True(expected == refusal.Kind, $"{refusal.Kind} for {expected}: {refusal.Message}");
        }
    }

    /// <summary>All that has a signature.</summary>
    private static async Task<long> CountAsync(CaStage ca) => await ca.Database.FindAsync<long>(
        "SELECT COUNT(*) FROM certificate WHERE signature IS NOT NULL AND ra_name IS NOT NULL", cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>What an officer's certificate says, by a CA of the forger's.</summary>
    private static async Task<Certificate> ForgeAsync(StageOfficer officer, Sm2PrivateKey key)
    {
        await using SampleHierarchy own = await SampleHierarchy.CreateAsync();
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return await own.IssuerOf("officer").IssueAsync(own.IssuerOf("officer").Prepare(own.Request("officer") with
        {
            SerialNumber = officer.SerialNumber,
            SubjectPublicKeyInfo = PairScene.Of(key),
            NotBefore = now,
            NotAfter = now.AddDays(300),
            IntendedAt = now,
            Officer = officer.Identity,
        }));
    }
}
