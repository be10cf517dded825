using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>What the CA has issued is in its log, or an alarm is raised.</summary>
public sealed class InclusionTests
{
    private static readonly TimeSpan JustNow = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AWhileAgo = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongAgo = TimeSpan.FromSeconds(70);

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatWasIssued_IsProvenOnce_AndWhatCannotBeProven_HoldsNothingElseUp(DatabaseKind kind)
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca, kind);
        RaNode node = ra.Node();
        CertificateAnswer first = (await ca.IssueAsync()).Answer;
        CertificateAnswer second = (await ca.IssueAsync()).Answer;
        CertificateAnswer recent = (await ca.IssueAsync()).Answer;
        await StoreAsync(ra, first, AWhileAgo);
        await StoreAsync(ra, second, LongAgo);
        await StoreAsync(ra, recent, JustNow);

        // Two that the log has not: one that the CA does not know, and one with other bytes than were logged.
        CertificateAnswer changed = (await ca.IssueAsync()).Answer;
        await ra.StoreAsync(changed.Issuer, changed.Serial, first.Certificate!, AWhileAgo);
        await ra.StoreAsync(first.Issuer, "0123456789abcdef0123456789abcdef", first.Certificate!, AWhileAgo);
        Assert.Equal(HealthStatus.Degraded, await RaNode.StatusAsync(node.InclusionHealth));
        await CoveredAsync(ca, changed);

        Assert.Equal(2, await node.Inclusion.RunAsync(Token));
        Assert.Equal(new[] { first.Serial, second.Serial }.Order(StringComparer.Ordinal), await ra.ProvenAsync());
        Assert.Equal(2, node.InclusionLines.All.Count(line => line.StartsWith("Error", StringComparison.Ordinal)));
        Assert.DoesNotContain(node.InclusionLines.All, line => line.StartsWith("Critical", StringComparison.Ordinal));
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(node.InclusionHealth));
        Assert.True(await ra.Database.FindAsync<long>("SELECT tree_size FROM ca_checkpoint", cancellationToken: Token) > 0);
        Assert.Equal(0, await node.Inclusion.RunAsync(Token));
    }

    [Fact]
    public async Task ACertificateAboutWhichTheCaFails_HoldsNothingElseUp()
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca);
        CertificateAnswer first = (await ca.IssueAsync()).Answer;
        CertificateAnswer second = (await ca.IssueAsync()).Answer;
        await StoreAsync(ra, first, LongAgo);
        await StoreAsync(ra, second, AWhileAgo);
        await CoveredAsync(ca, second);

        RaNode node = ra.Node(handler: inner => new ChangedAnswers(inner, (request, response) => Task.FromResult(
            request.RequestUri!.ToString().Contains(first.Serial, StringComparison.Ordinal) ? new HttpResponseMessage(HttpStatusCode.InternalServerError) : response)));
        Assert.Equal(1, await node.Inclusion.RunAsync(Token));
        Assert.Equal([second.Serial], await ra.ProvenAsync());
        Assert.Equal(1, node.InclusionLines.All.Count(line => line.StartsWith("Warning", StringComparison.Ordinal)));
        Assert.Equal(HealthStatus.Degraded, await RaNode.StatusAsync(node.InclusionHealth));
    }

    [Fact]
    public async Task WhatIsNotProvenAfterAMinute_IsAnAlarm_OnceAMinute()
    {
        await using CaStage ca = await CaStage.StartAsync();
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        await using RaSide ra = await RaSide.CreateAsync(ca, time: clock);
        RaNode node = ra.Node();
        CertificateAnswer issued = (await ca.IssueAsync()).Answer;
        await ra.StoreAsync(issued.Issuer, "0123456789abcdef0123456789abcdef", issued.Certificate!, AWhileAgo);
        await node.Inclusion.RunAsync(Token);
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(node.InclusionHealth));

        clock.Advance(TimeSpan.FromSeconds(51));
        await node.Inclusion.RunAsync(Token);
        await node.Inclusion.RunAsync(Token);
        Assert.Equal(HealthStatus.Degraded, await RaNode.StatusAsync(node.InclusionHealth));
        Assert.Equal(1, Alarms());
        clock.Advance(TimeSpan.FromSeconds(60));
        await node.Inclusion.RunAsync(Token);
        Assert.Equal(2, Alarms());

        // Nor does it count where the CA is away: it is the absence of the proof that is the alarm.
        RaNode away = ra.Node(handler: inner => new ChangedAnswers(inner, (_, _) => throw new HttpRequestException("The line is cut.")));
        Assert.Equal(0, await away.Inclusion.RunAsync(Token));
        Assert.Contains(away.InclusionLines.All, line => line.StartsWith("Critical", StringComparison.Ordinal));

        int Alarms() => node.InclusionLines.All.Count(line => line.StartsWith("Critical", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TheProofOfAnotherEvent_ProvesNothing()
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca);
        CertificateAnswer first = (await ca.IssueAsync()).Answer;
        CertificateAnswer second = (await ca.IssueAsync()).Answer;
        await StoreAsync(ra, first, AWhileAgo);
        await CoveredAsync(ca, second);
        EventProof foreign = await ProofAsync(ca, second);

        RaNode node = ra.Node(handler: inner => new ChangedAnswers(inner, (request, response) => Task.FromResult(
            request.RequestUri!.ToString().EndsWith("/proof", StringComparison.Ordinal) ? new HttpResponseMessage { Content = JsonContent.Create(foreign) } : response)));
        Assert.Equal(0, await node.Inclusion.RunAsync(Token));

        // Nor one by another key, nor one against a log that this RA has not known.
        using var stranger = Sm2PrivateKey.Generate();
        Assert.Equal(0, await ra.Node(PairScene.Of(stranger)).Inclusion.RunAsync(Token));
        Assert.Empty(await ra.ProvenAsync());
        Assert.Equal(1, await ra.Node().Inclusion.RunAsync(Token));
    }

    private static Task StoreAsync(RaSide ra, CertificateAnswer certificate, TimeSpan ago) => ra.StoreAsync(certificate.Issuer, certificate.Serial, certificate.Certificate!, ago);

    /// <summary>Until a checkpoint covers its issue.</summary>
    private static async Task CoveredAsync(CaStage ca, CertificateAnswer certificate) =>
        await SignedCalls.UntilAnsweredAsync(() => ProofAsync(ca, certificate), Token);

    private static async Task<EventProof> ProofAsync(CaStage ca, CertificateAnswer certificate)
    {
        string path = $"/certificates/{certificate.Issuer}/{certificate.Serial}/history";
        CertificateHistory history = await ca.Ra.GetAsync<CertificateHistory>(path);
        return history.Events.FirstOrDefault(each => each.Action == "certificate.issue") is { } issued
            ? await ca.Ra.GetAsync<EventProof>($"{path}/{issued.Id}/proof")
            : throw new RefusalException(Refusal.InProgress, "尚未记录。");
    }
}
