using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Feed;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>What becomes of an installation in which something stands still for minutes or days.</summary>
public sealed class ClockTests
{
    /// <summary>As the clock goes forward, whoever waits for news of the feed hears at once that there are none, and asks again.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>2020: responses grew old, and nobody noticed. Here monitoring is told when two days are left, and an agency never gets one that is over.</summary>
    [Fact]
    public async Task Incident7_SigningStandsStill_HealthIsRedBeforeResponsesEnd_AndNoneThatIsOverIsGivenOut()
    {
        await using ClockedScene scene = await ClockedScene.StartAsync();
        CertificateAnswer certificate = (await scene.Ca.IssueAsync()).Answer;
        await scene.UntilSaidAsync(certificate.Serial, Heard.Good);
        await scene.RenewAsync();
        Assert.Equal(HealthStatus.Healthy, await scene.HealthAsync());

        scene.Clock.Pass(TimeSpan.FromHours(39));
        await scene.HearAsync();
        Assert.Equal(HealthStatus.Degraded, await scene.HealthAsync());
        scene.Clock.Pass(TimeSpan.FromHours(10));
        await scene.HearAsync();
        Assert.Equal(HealthStatus.Unhealthy, await scene.HealthAsync());
        Heard old = await scene.Agency.AskAsync(certificate.Serial);
        Assert.Equal(Heard.Good, old.Word);
        Assert.True(old.NextUpdate - scene.Clock.GetUtcNow() > TimeSpan.FromHours(46), $"Health is red, and responses end at {old.NextUpdate:u}.");

        // Over: the node signs by itself, for the feed is alive. What it says is young, and holds for an hour.
        scene.Clock.Pass(TimeSpan.FromHours(48));
        await scene.HearAsync();
        Heard live = await scene.Agency.AskAsync(certificate.Serial);
        Assert.Equal(Heard.Good, live.Word);
        Assert.NotEqual(old.SignerSerial, live.SignerSerial);
        Assert.True(live.NextUpdate - live.ThisUpdate <= TimeSpan.FromHours(1));

        // Somebody has mended it.
        await scene.RenewAsync();
        await ClockedScene.UntilAsync(async () => (await scene.Agency.AskAsync(certificate.Serial)).SignerSerial.SequenceEqual(old.SignerSerial));
        Assert.Equal(HealthStatus.Healthy, await scene.HealthAsync());
    }

    /// <summary>
    /// The other face of it: the device does not sign what has changed. What was signed before the revocation is still given out (it holds until its nextUpdate, and caches have it too); but nobody signs
    /// *good* as of a moment after the revocation, after five minutes nobody signs anything, and monitoring is told after half a minute.
    /// </summary>
    [Fact]
    public async Task Incident7_ARevocationThatCannotBeSigned_IsSeenByMonitoring_AndNoGoodIsSignedAfterIt()
    {
        await using ClockedScene scene = await ClockedScene.StartAsync();
        CertificateAnswer certificate = (await scene.Ca.IssueAsync()).Answer;
        await scene.UntilSaidAsync(certificate.Serial, Heard.Good);
        await scene.RenewAsync();
        scene.Ca.Hsm.Signing = label =>
        {
            if (label == ClockedScene.OcspKey)
            {
                throw new HsmException(HsmFailure.Unreachable, "away");
            }
        };
        CertificateAnswer revoked = await scene.Ca.ChangeAsync(certificate, DecisionKind.Revoke);

        scene.Clock.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal(HealthStatus.Degraded, await scene.HealthAsync());
        scene.Clock.Pass(TimeSpan.FromSeconds(25));
        Assert.Equal(HealthStatus.Unhealthy, await scene.HealthAsync());

        // The responder hears the CA again, and again; what it hears is that the CA has not told all since.
        HttpClient link = scene.Ca.CreateClient(await scene.Ca.RegisterAsync("ocsp-2", ClientKind.Ocsp));
        FeedStatement heartbeat = Der.Decode<FeedStatement>(await link.GetByteArrayAsync(new Uri("/feed/head", UriKind.Relative), Token));
        Assert.True(heartbeat.Tbs.Time < revoked.RevokedAt + TimeSpan.FromSeconds(2), $"At {heartbeat.Tbs.Time:u} the CA says that this is all, and at {revoked.RevokedAt:u} it has revoked.");
        await Task.Delay(Again, Token);
        Heard before = await scene.Agency.AskAsync(certificate.Serial), fresh = await scene.Agency.AskAsync(certificate.Serial, isFresh: true);
        Assert.All((Heard[])[before, fresh], heard => Assert.Equal(Heard.Good, heard.Word));
        Assert.All((Heard[])[before, fresh], heard => Assert.True(heard.ThisUpdate < revoked.RevokedAt + TimeSpan.FromSeconds(2), $"Good as of {heard.ThisUpdate:u}, revoked at {revoked.RevokedAt:u}"));

        scene.Clock.Pass(TimeSpan.FromMinutes(5));
        await Task.Delay(Again, Token);
        Assert.Equal(Heard.TryLater, (await scene.Agency.AskAsync(certificate.Serial, isFresh: true)).Word);
        Assert.Equal(Heard.Good, (await scene.Agency.AskAsync(certificate.Serial)).Word);

        scene.Ca.Hsm.Signing = _ => { };
        await scene.UntilSaidAsync(certificate.Serial, Heard.Revoked);
        await scene.HearAsync();
        Assert.Equal(Heard.Revoked, (await scene.Agency.AskAsync(certificate.Serial, isFresh: true)).Word);
    }

    /// <summary>Nobody has answered with it, but it may have been signed: whoever meets such a certificate hears that it is revoked.</summary>
    [Fact]
    public async Task Incident2_WhatWasGivenUpAfterItsIntention_IsNeverGood_AndThenRevoked()
    {
        await using ClockedScene scene = await ClockedScene.StartAsync(new Dictionary<string, string?> { ["Ca:SigningAttempts"] = "1" });
        scene.Ca.Hsm.Fault = _ => throw new HsmException(HsmFailure.DeviceError, "broken");
        await Assert.ThrowsAsync<RefusalException>(() => scene.Ca.IssueAsync());
        string serial = (await scene.Ca.Database.FindAsync<string>("SELECT serial FROM certificate WHERE state = 1", cancellationToken: Token))!;
        scene.Ca.Hsm.Fault = signatures => signatures;
        await scene.HearAsync();
        Assert.Equal(Heard.Unknown, (await scene.Agency.AskAsync(serial)).Word);
        Assert.Equal(Heard.Unknown, (await scene.Agency.AskAsync(serial, isFresh: true)).Word);

        scene.Clock.Pass(TimeSpan.FromMinutes(10));
        await scene.Ca.App.Services.GetRequiredService<RecoverIssuance>().RunAsync(Token);
        await scene.UntilSaidAsync(serial, Heard.Revoked);
        Assert.Equal(Heard.Revoked, (await scene.Agency.AskAsync(serial, isFresh: true)).Word);
    }

    /// <summary>A night without a change: whoever waits for news hears after ten seconds that there are none, also where the operator allows requests less than that.</summary>
    [Fact]
    public async Task AFeedWithoutNews_IsHeard_HoweverLittleTimeARequestMayTake()
    {
        await using ClockedScene scene = await ClockedScene.StartAsync(options: each => each with { Limits = each.Limits with { RequestTimeout = TimeSpan.FromSeconds(1) } });
        HttpClient link = scene.Ca.CreateClient(await scene.Ca.RegisterAsync("ocsp-2", ClientKind.Ocsp));
        Task<HttpResponseMessage> waiting = link.GetAsync(new Uri("/feed/head?after=1000", UriKind.Relative), Token);
        await Task.Delay(TimeSpan.FromSeconds(2), Token);
        Assert.False(waiting.IsCompleted);
        scene.Clock.Pass(TimeSpan.FromSeconds(10));
        using HttpResponseMessage answer = await waiting;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
