using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Import;
using ZwCa.Ca.Ocsp;
using ZwCa.Ca.Ocsp.Renewal;
using ZwCa.Contracts.Ca;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>The CA's own signers are certified again by themselves, and no response is ever one that nobody can verify.</summary>
public sealed class SignerRenewalTests
{
    private const string Ca = "issuing-s1";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InTheLastThird_TheKeyIsCertifiedAgain_AndItsResponsesCarryTheNewCertificate()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        Certificate old = await ImportAsync(story);
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        await RenewAsync(story);
        Assert.Equal(Hex(old), Hex((await story.CopyAsync()).FindResponder(certificate.Serial)));
        Assert.Single(await CertificatesAsync(story));

        // Two thirds of its ninety days.
        story.Clock.Pass(TimeSpan.FromDays(61));
        await RenewedAsync(story);
        await RenewAsync(story);
        Assert.Equal(2, (await CertificatesAsync(story)).Count);

        // What this node has in use is looked for once a minute; until then the old one signs.
        await story.RenewAsync();
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
        CertificateAnswer next = await story.IssueAsync();
        await story.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        Certificate renewed = copy.FindResponder(next.Serial)!;
        Assert.NotEqual(Hex(old), Hex(renewed));
        Assert.Equal((old.Tbs.Subject, old.Tbs.SubjectPublicKeyInfo), (renewed.Tbs.Subject, renewed.Tbs.SubjectPublicKeyInfo));
        Assert.NotNull(renewed.Tbs.Extensions!.Find<OcspNoCheck>());
        Assert.NotNull(copy.FindResponse(next.Serial));
        Assert.NotNull(copy.FindResponse(certificate.Serial));

        // The old one has not ended yet: its number still stands for it.
        Assert.True(old.Tbs.Validity.NotAfter.Value > story.Clock.GetUtcNow());
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
    }

    /// <summary>The CA has certified it, and the feed says nothing of it yet: a response that named it would be dropped by everybody.</summary>
    [Fact]
    public async Task UntilTheFeedKnowsTheNewOne_TheOldOneSigns()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        Certificate old = await ImportAsync(story);
        await story.TellAsync();
        story.Clock.Pass(TimeSpan.FromDays(61));
        await RenewedAsync(story);
        SignersInUse signers = story.Services.GetRequiredService<SignersInUse>();
        FoundSigners found = await signers.FindAsync(Token);
        OcspSigner waiting = Assert.Single(found.Untold);
        signers.Use(found);
        Assert.Equal(Hex(old), Hex(signers.Current.Find(waiting.Authority.Id)!.Certificate));
        CertificateAnswer first = await story.IssueAsync();
        await story.Responses.RunChangesAsync(Token);
        Assert.Equal(Hex(old), Hex((await story.CopyAsync()).FindResponder(first.Serial)));

        // It dies while it tells: nothing has changed.
        story.WhileSigning(() => throw new ZwCa.Hsm.HsmException(ZwCa.Hsm.HsmFailure.Unreachable, "away"), CaIssuers.FeedKey);
        story.Clock.Pass(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<ZwCa.Hsm.HsmException>(() => story.TellAsync());
        Assert.Equal(Hex(old), Hex(signers.Current.Find(waiting.Authority.Id)!.Certificate));

        CertificateAnswer second = await story.IssueAsync();
        await story.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.Equal(Hex(waiting.Certificate), Hex(copy.FindResponder(second.Serial)));
        Assert.NotNull(copy.FindResponse(second.Serial));
    }

    [Fact]
    public async Task ASecondNode_TakesItOverWithoutARestart_AndTellsItOnce()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        Certificate old = await ImportAsync(story);
        await story.TellAsync();
        using OtherNode other = await OtherNode.StartAsync(story);
        CertificateAnswer first = await story.IssueAsync();
        await other.TellAsync();
        Assert.Equal(Hex(old), Hex((await story.CopyAsync()).FindResponder(first.Serial)));

        story.Clock.Pass(TimeSpan.FromDays(61));
        await RenewedAsync(story);
        long before = await story.CountAsync("feed_segment");
        await story.TellAsync();
        CertificateAnswer second = await story.IssueAsync();
        await other.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.NotEqual(Hex(old), Hex(copy.FindResponder(second.Serial)));
        Assert.NotNull(copy.FindResponse(second.Serial));

        // Its own change, the signer, and the certificate: the second node had nothing to tell of the signer.
        Assert.Equal(before + 3, await story.CountAsync("feed_segment"));
        Assert.Equal(3, await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM ocsp_signer WHERE told_in IS NOT NULL", cancellationToken: Token));
    }

    [Fact]
    public async Task ARevokedOne_SignsNothing_AndTheNextNewestDoes()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        Certificate old = await ImportAsync(story);
        await story.TellAsync();
        story.Clock.Pass(TimeSpan.FromDays(61));
        await RenewedAsync(story);
        await story.TellAsync();
        Certificate renewed = (await CertificatesAsync(story)).Single(each => Hex(each) != Hex(old));
        Assert.Equal(Hex(renewed), Hex(InUse(story)));

        await RevokeAsync(renewed);
        await story.TellAsync();
        Assert.Equal(Hex(old), Hex(InUse(story)));

        // Nothing is left: statuses are told, and nobody signs for them.
        await RevokeAsync(old);
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        Assert.Null(InUse(story));
        FeedCopy copy = await story.CopyAsync();
        Assert.NotNull(copy.Find(certificate.Serial));
        Assert.Null(copy.FindResponse(certificate.Serial));
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, status);
        Assert.Contains($"CA {Ca} has no certificate that holds", reason, StringComparison.Ordinal);

        async Task RevokeAsync(Certificate each)
        {
            await story.Stage.RawAsync("UPDATE certificate SET state = 3, state_version = state_version + 1 WHERE serial = @Serial", new { Serial = each.Tbs.SerialNumber.ToString() });
            await story.Stage.RawAsync(
                """
                INSERT INTO revocation (authority_id, shard, serial, reason, revoked_at, not_after)
                SELECT authority_id, shard, serial, 4, @Now, not_after FROM certificate WHERE serial = @Serial
                """,
                new { Serial = each.Tbs.SerialNumber.ToString(), Now = story.Clock.GetUtcNow() });
            story.Clock.Pass(TimeSpan.FromMinutes(1));
        }
    }

    /// <summary>A compromised key signs no more, however many certificates of it are valid.</summary>
    [Fact]
    public async Task ACompromisedKey_SignsNothing()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        Certificate old = await ImportAsync(story);
        await story.TellAsync();
        byte[] hash = ZwCa.Cryptography.Sm3.HashData(Der.Encode(old.Tbs.SubjectPublicKeyInfo));
        await story.Stage.RawAsync("UPDATE certificate SET state = 3 WHERE serial = @Serial", new { Serial = old.Tbs.SerialNumber.ToString() });
        await story.Stage.RawAsync(
            "INSERT INTO revocation (authority_id, shard, serial, reason, revoked_at, not_after) SELECT authority_id, shard, serial, 1, changed_at, not_after FROM certificate WHERE key_hash = @Hash",
            new { Hash = hash });
        story.Clock.Pass(TimeSpan.FromMinutes(1));
        await story.TellAsync();
        Assert.Null(InUse(story));
    }

    /// <summary>Its file was never imported, so nothing says who may have it again: health says it before the end.</summary>
    [Fact]
    public async Task WhatCannotBeRenewed_IsToldAfterFiveSixths()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        story.Clock.Pass(TimeSpan.FromDays(70));
        await story.RenewAsync();
        await RenewAsync(story);
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
        story.Clock.Pass(TimeSpan.FromDays(6));
        await story.RenewAsync();
        await RenewAsync(story);
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, status);
        Assert.Contains("was imported", reason, StringComparison.Ordinal);
        Assert.Contains("该密钥没有有效的OCSP响应证书", reason, StringComparison.Ordinal);
    }

    /// <summary>As the import of the ceremony does it.</summary>
    private static async Task<Certificate> ImportAsync(OcspStory story)
    {
        Authority authority = story.Services.GetRequiredService<AuthorityList>()[Ca];
        Certificate certificate = story.Stage.Scene.Issuers.Responders.Single(each => each.Authority == Ca).Certificate;
        Profile profile = ProfileCatalogue.Shipped["ocsp-responder"];
        await ActivatorUtilities.CreateInstance<ImportCeremony>(story.Services).ImportAsync(authority, certificate, profile.Name, profile.Hash.ToArray(), Token);
        return certificate;
    }

    private static Task RenewAsync(OcspStory story) => story.Services.GetRequiredService<RenewSigners>().RunAsync(Token);

    /// <summary>The log has to come up to the clock first.</summary>
    private static Task RenewedAsync(OcspStory story) => Pairs.PairStage.UntilAsync(async () =>
    {
        await RenewAsync(story);
        return (await CertificatesAsync(story)).Count == 2;
    });

    private static async Task<IReadOnlyList<Certificate>> CertificatesAsync(OcspStory story) =>
        [.. (await story.Stage.Database.QueryAsync<CertificateRow>($"SELECT {CertificateRow.Columns} FROM certificate WHERE owner = @Owner", new { Owner = $"system/OCSP {Ca}" }, Token))
            .Select(row => row.FindCertificate()!)];

    private static Certificate? InUse(OcspStory story) =>
        story.Services.GetRequiredService<SignersInUse>().Current.All.SingleOrDefault(each => each.Authority.Name == Ca)?.Certificate;

    private static string Hex(Certificate? certificate) => certificate is null ? "" : Convert.ToHexString(Der.Encode(certificate));
}
