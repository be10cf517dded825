using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>From the change of a status to what a responder gives out.</summary>
public sealed class ChangeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatIsIssued_IsGood_ThenHeld_ThenGoodAgain_ThenRevoked(DatabaseKind kind)
    {
        await using OcspStory story = await OcspStory.StartAsync(kind, new Dictionary<string, string?> { ["Ca:Ocsp:Hashes:0"] = "Sha1", ["Ca:Ocsp:Hashes:1"] = "Sm3" });
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        SingleResponse response = copy.FindResponse(certificate.Serial)!;
        Assert.IsType<Good>(response.CertStatus);
        Assert.Equal(story.Options.Validity, response.NextUpdate!.Value.Value - response.ThisUpdate.Value);
        Assert.IsType<Good>(copy.FindResponse(certificate.Serial, CertIdHash.Sm3)!.CertStatus);

        // All that the ceremony and the scene have issued are told too, and nothing waits.
        Assert.Equal(await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state IN (2, 3, 4)", cancellationToken: Token), copy.Statuses.Count);
        Assert.Equal(0, await story.CountAsync("ocsp_change"));

        await story.Stage.ChangeAsync(certificate, DecisionKind.Suspend);
        await story.TellAsync();
        Assert.Equal(RevocationReason.CertificateHold, await ReasonAsync());
        await story.Stage.ChangeAsync(certificate, DecisionKind.Resume);
        await story.TellAsync();
        Assert.IsType<Good>((await story.CopyAsync()).FindResponse(certificate.Serial)!.CertStatus);
        await story.Stage.ChangeAsync(certificate, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        await story.TellAsync();
        Assert.Equal(RevocationReason.KeyCompromise, await ReasonAsync());
        Assert.Equal(0, await story.CountAsync("ocsp_change"));

        async Task<RevocationReason?> ReasonAsync()
        {
            FeedCopy now = await story.CopyAsync();
            var revoked = Assert.IsType<Revoked>(now.FindResponse(certificate.Serial)!.CertStatus);
            Assert.Equal(now.Find(certificate.Serial)!.Value.RevokedAt, revoked.Info.RevocationTime.Value);
            return revoked.Info.RevocationReason;
        }
    }

    /// <summary>Nobody has answered with it, but it may have been signed: incident 2.</summary>
    [Fact]
    public async Task WhatWasGivenUpAfterItsIntention_IsRevoked()
    {
        await using OcspStory story = await OcspStory.StartAsync(settings: new Dictionary<string, string?> { ["Ca:SigningAttempts"] = "1" });
        story.Stage.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "broken");
        await Assert.ThrowsAsync<RefusalException>(() => story.IssueAsync());
        string serial = (await story.Stage.Database.FindAsync<string>("SELECT serial FROM certificate WHERE state = 1", cancellationToken: Token))!;
        story.Stage.Hsm.Fault = signatures => signatures;
        await story.TellAsync();
        Assert.Null((await story.CopyAsync()).Find(serial));

        story.Clock.Pass(TimeSpan.FromMinutes(10));
        await story.Services.GetRequiredService<RecoverIssuance>().RunAsync(Token);
        await story.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.Equal(RevocationReason.CessationOfOperation, copy.Find(serial)!.Value.Reason);
        Assert.IsType<Revoked>(copy.FindResponse(serial)!.CertStatus);
    }

    /// <summary>Of an RA's system, by the order of two officers; so there is no RA.</summary>
    [Fact]
    public async Task WithoutOcsp_WhatNamesItsService_IsNotIssued()
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => CaStage.StartAsync(new CaSetup { WithoutOcsp = true }));
        Assert.Equal(Refusal.OutOfScope, refused.Kind);
        Assert.Contains("未配置OCSP", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A node without OCSP starts beside the others, or alone: what waits goes on waiting, and is told by whoever has it.</summary>
    [Fact]
    public async Task ANodeWithoutOcsp_LeavesWhatWaits()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        await story.RenewAsync();
        await story.Stage.ChangeAsync(certificate, DecisionKind.Revoke);
        await using (ServiceProvider without = new ServiceCollection()
            .AddSingleton(story.Services.GetRequiredService<CaOptions>() with { Ocsp = null }).AddSingleton(story.Stage.Database).AddSingleton<TimeProvider>(story.Clock).BuildServiceProvider())
        {
            await OcspHosting.CheckAsync(without, Token);
        }

        Assert.Equal(1, await story.CountAsync("ocsp_change"));
        Assert.Equal(0, await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM ocsp_slice WHERE due_at = 0", cancellationToken: Token));
        Assert.Equal(1, await story.TellAsync());
        Assert.IsType<Revoked>((await story.CopyAsync()).FindResponse(certificate.Serial)!.CertStatus);
    }

    /// <summary>One row that contradicts itself is not told, and told of; the others are not kept waiting.</summary>
    [Fact]
    public async Task ARowThatContradictsItself_KeepsNoOtherBack()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer broken = await story.IssueAsync();
        CertificateAnswer other = await story.IssueAsync();
        await story.Stage.RawAsync("UPDATE certificate SET state = 3 WHERE serial = @Serial", new { broken.Serial });
        await story.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.Null(copy.Find(broken.Serial));
        Assert.NotNull(copy.FindResponse(other.Serial));
        Assert.Equal(1, await story.CountAsync("ocsp_change"));
        Assert.Contains("do not agree", (await story.HealthAsync()).Reason, StringComparison.Ordinal);
        Assert.Equal(1, await story.CountEventsAsync());

        await story.Stage.RawAsync("UPDATE certificate SET state = 2 WHERE serial = @Serial", new { broken.Serial });
        await story.TellAsync();
        Assert.NotNull((await story.CopyAsync()).FindResponse(broken.Serial));
        Assert.DoesNotContain("do not agree", (await story.HealthAsync()).Reason, StringComparison.Ordinal);
    }

    /// <summary>More of them than one segment takes; the heartbeat does not wait for them either.</summary>
    [Fact]
    public async Task ThousandsThatContradictThemselves_KeepNoOtherBack()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer first = await story.IssueAsync();
        await story.TellAsync();
        await SliceTests.CopyAsync(story, first, 2100);
        await story.Stage.RawAsync("UPDATE certificate SET state = 3 WHERE owner = (SELECT owner FROM certificate WHERE serial = @Serial) AND serial <> @Serial", new { first.Serial });
        await story.Stage.RawAsync("INSERT INTO ocsp_change (change_id, certificate_id) SELECT certificate_id, certificate_id FROM certificate WHERE state = 3");
        long broken = await story.CountAsync("ocsp_change");
        Assert.Equal(2100, broken);
        story.Clock.Pass(TimeSpan.FromSeconds(30));
        CertificateAnswer other = await story.IssueAsync();
        Assert.Equal(1, await story.TellAsync());
        Assert.NotNull((await story.CopyAsync()).FindResponse(other.Serial));
        Assert.Equal(broken, await story.CountAsync("ocsp_change"));
        FeedStatement beat = Der.Decode<FeedStatement>(await story.Services.GetRequiredService<WriteFeed>().BeatAsync(new FeedPosition(long.MaxValue, []), Token));
        Assert.True(beat.Tbs.Time > story.Clock.GetUtcNow().AddSeconds(-10));

        // One that waits behind them all is waited for.
        await story.IssueAsync();
        story.Clock.Pass(TimeSpan.FromSeconds(30));
        beat = Der.Decode<FeedStatement>(await story.Services.GetRequiredService<WriteFeed>().BeatAsync(new FeedPosition(long.MaxValue, []), Token));
        Assert.True(beat.Tbs.Time < story.Clock.GetUtcNow().AddSeconds(-20));
    }
}
