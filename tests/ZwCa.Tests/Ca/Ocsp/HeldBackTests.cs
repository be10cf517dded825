using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Crls;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>What may not be told yet waits for itself alone; what waits is never forgotten.</summary>
public sealed class HeldBackTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A segment that speaks of a CA that the feed has not named would be the last that any responder takes. A CA can come while the service runs: an import puts it there.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatIsOfACaThatTheFeedHasNotNamed_WaitsUntilItHas(DatabaseKind kind)
    {
        using var folder = new TemporaryFolder();
        await using OcspStory story = await OcspStory.StartAsync(kind, new Dictionary<string, string?> { ["Ca:Crls:PublicationFolders:0"] = folder.Path });
        CertificateAnswer before = await story.IssueAsync();
        await story.TellAsync();
        await story.RenewAsync();
        ZwCa.Ca.Crls.CrlScope scope = story.Stage.CompleteScopeOf(before);
        await story.Stage.RawAsync("DELETE FROM feed_authority WHERE authority_id = (SELECT authority_id FROM certificate WHERE serial = @Serial)", new { before.Serial });
        long segments = await story.CountAsync("feed_segment");

        CertificateAnswer certificate = await story.IssueAsync();
        await story.Stage.MakeAsync(scope);
        await story.Stage.PublishAsync();
        await story.Stage.RawAsync("UPDATE ocsp_slice SET due_at = 0");
        Assert.Equal(0, await story.Responses.RunChangesAsync(Token));
        Assert.True(story.Responses.HasUnnamed);
        await story.Responses.RunDueAsync(Token);
        await story.Services.GetRequiredService<TellCrls>().RunAsync(Token);
        FeedCopy copy = await story.CopyAsync();
        Assert.Null(copy.Find(certificate.Serial));
        Assert.Empty(copy.Crls);
        Assert.Equal((1, 1), (await story.CountAsync("ocsp_change"), await story.CountAsync("feed_crl")));

        // The slice, which is not whole, is looked at again soon, and not in a day and a half.
        Assert.True(await story.Stage.Database.FindAsync<DateTimeOffset>("SELECT MIN(due_at) FROM ocsp_slice", cancellationToken: Token) < story.Clock.GetUtcNow().AddMinutes(11));

        story.Services.GetRequiredService<IntroduceSigners>().LookAgain();
        Assert.Equal(1, await story.TellAsync());
        Assert.False(story.Responses.HasUnnamed);
        await story.Services.GetRequiredService<TellCrls>().RunAsync(Token);
        copy = await story.CopyAsync();
        Assert.NotNull(copy.FindResponse(certificate.Serial));
        Assert.Single(copy.Crls);
        Assert.True(await story.CountAsync("feed_segment") > segments);
    }

    /// <summary>Whatever makes batches: in the transaction that appends it, the gate asks whether the feed knows of whom it speaks.</summary>
    [Fact]
    public async Task ABatchOfSuchACa_IsRefused()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        IReadOnlyList<StatusRow> rows = await RowsAsync();
        ResponseBatch batch = await ResponseBatch.SignAsync(
            rows, story.Services.GetRequiredService<SignersInUse>().Current, story.Options, Time.Truncate(story.Clock.GetUtcNow()).Value, Token);
        OcspGate gate = story.Services.GetRequiredService<OcspGate>();
        JudgedBatch judged = gate.Judge(batch.Signers, batch.Write(story.Options));
        await CompareAsync();
        await story.Stage.RawAsync("DELETE FROM feed_authority");
        rows = await RowsAsync();
        BatchRefusedException refused = await Assert.ThrowsAsync<BatchRefusedException>(CompareAsync);
        Assert.Contains("has not named its CA", refused.Message, StringComparison.Ordinal);

        Task<bool> CompareAsync() => story.Stage.Database.ReadAsync(
            async transaction =>
            {
                await gate.CompareAsync(transaction, judged, rows);
                return true;
            },
            Token);

        Task<IReadOnlyList<StatusRow>> RowsAsync() => story.Stage.Database.QueryAsync<StatusRow>(
            $"SELECT {StatusRow.Columns} FROM certificate c {StatusRow.Entry} WHERE c.serial = @Serial", new { certificate.Serial }, Token);
    }

    /// <summary>One key of the device is gone: its CA's statuses are told, responders sign by themselves, and no other CA waits.</summary>
    [Fact]
    public async Task AKeyThatFails_KeepsNoStatusBack_AndItsResponsesFollow()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        await story.RenewAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        HsmFailure failure = HsmFailure.Unreachable;
        story.Stage.Hsm.Signing = label =>
        {
            if (label == new KeyLabel("ocsp-issuing-s1"))
            {
                throw new HsmException(failure, "gone");
            }
        };

        // The device is away: that is about everything.
        await Assert.ThrowsAsync<HsmException>(() => story.TellAsync());
        Assert.Null((await story.CopyAsync()).Find(certificate.Serial));

        failure = HsmFailure.KeyNotFound;
        Assert.Equal(1, await story.TellAsync());
        FeedCopy copy = await story.CopyAsync();
        Assert.NotNull(copy.Find(certificate.Serial));
        Assert.Null(copy.FindResponse(certificate.Serial));
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, status);
        Assert.Contains("The key of the OCSP signer of CA issuing-s1", reason, StringComparison.Ordinal);
        Assert.Equal(1, await story.CountEventsAsync());

        // As long as it is so, the slice is tried every ten minutes; then it has all.
        story.Clock.Pass(TimeSpan.FromMinutes(11));
        await story.RenewAsync();
        Assert.Null((await story.CopyAsync()).FindResponse(certificate.Serial));
        Assert.Equal(HealthStatus.Unhealthy, (await story.HealthAsync()).Status);
        story.Stage.Hsm.Signing = _ => { };
        story.Clock.Pass(TimeSpan.FromMinutes(11));
        await story.RenewAsync();
        Assert.NotNull((await story.CopyAsync()).FindResponse(certificate.Serial));
        Assert.Equal(0, await story.TellAsync());
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
    }

    /// <summary>However fast changes come, CRLs and signers have their turn.</summary>
    [Fact]
    public async Task ARunEnds_ThoughMoreIsWaiting()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        byte[] id = (await story.Stage.Database.FindAsync<byte[]>("SELECT certificate_id FROM certificate WHERE serial = @Serial", new { certificate.Serial }, Token))!;
        DateTimeOffset now = story.Clock.GetUtcNow();
        await story.Stage.Database.WriteAsync(
            transaction => transaction.BulkInsertAsync("ocsp_change", ["change_id", "certificate_id"], [.. Enumerable.Range(0, 10_500).Select(_ => (object?[])[Ulid.Create(now), id])]), Token);
        Assert.Equal(10_000, await story.TellAsync());
        Assert.Equal(500, await story.TellAsync());
    }

    /// <summary>Who has signed for the CA until now is gone: what it signed is replaced by whoever follows, and what nobody signed meanwhile is signed.</summary>
    [Fact]
    public async Task ASignerWithoutAPredecessorThatHolds_MakesAllDue()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        await story.RenewAsync();
        Assert.True(await NextDueAsync() > story.Clock.GetUtcNow().AddHours(20));
        await story.Stage.RawAsync("UPDATE ocsp_signer SET told_in = NULL WHERE certificate IS NOT NULL");
        story.Clock.Pass(TimeSpan.FromMinutes(2));
        await story.TellAsync();
        Assert.True(await NextDueAsync() <= story.Clock.GetUtcNow());

        Task<DateTimeOffset> NextDueAsync() => story.Stage.Database.FindAsync<DateTimeOffset>("SELECT MAX(due_at) FROM ocsp_slice", cancellationToken: Token);
    }

    /// <summary>Responses end with the signer's certificate; so they are renewed as much earlier.</summary>
    [Fact]
    public async Task WhereTheSignerEndsFirst_ResponsesAreRenewedEarlier()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        story.Clock.Pass(TimeSpan.FromDays(89));
        await story.RenewAsync();
        TimeSpan left = story.Services.GetRequiredService<SignersInUse>().Current.All.Min(each => each.End) - story.Clock.GetUtcNow();
        Assert.InRange(left, TimeSpan.FromHours(1), TimeSpan.FromDays(1.1));
        DateTimeOffset due = await story.Stage.Database.FindAsync<DateTimeOffset>("SELECT MAX(due_at) FROM ocsp_slice", cancellationToken: Token);
        Assert.True(due - story.Clock.GetUtcNow() < left / 2, $"Due at {due:u}, and it ends in {left}.");
    }

    /// <summary>A node whose clock was set ahead says nothing: what it said would be believed until then.</summary>
    [Fact]
    public async Task AWrongClock_BeatsNoHeart()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        HttpClient client = story.Stage.CreateClient(await story.Stage.RegisterAsync("ocsp-1", ClientKind.Ocsp));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/feed/head", Token)).StatusCode);
        story.Clock.Set(TimeSpan.FromMinutes(4));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/feed/head", Token)).StatusCode);
        story.Clock.Set(TimeSpan.FromMinutes(-4));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/feed/head", Token)).StatusCode);
    }

    [Fact]
    public async Task AfterARollover_ThereIsASnapshotByTheNewKey_AsSoonAsThatHasSigned()
    {
        await using OcspStory story = await OcspStory.StartAsync(nextKey: "feed-2");
        await story.IssueAsync();
        await story.TellAsync();
        MakeSnapshot snapshot = story.Services.GetRequiredService<MakeSnapshot>();
        Assert.True(await snapshot.RunAsync(Token));
        Assert.False(await snapshot.RunAfterRolloverAsync(Token));
        await story.Services.GetRequiredService<RollFeedKey>().RunAsync(Token);
        Assert.False(await snapshot.RunAfterRolloverAsync(Token));
        await story.IssueAsync();
        await story.TellAsync();
        Assert.True(await snapshot.RunAfterRolloverAsync(Token));
        Assert.False(await snapshot.RunAfterRolloverAsync(Token));
        byte[] statement = (await story.Stage.Database.ReadAsync(FeedStore.FindSnapshotAsync, Token))!.Statement;
        Assert.True(ZwCa.Asn1.Der.Decode<ZwCa.Asn1.Feed.FeedStatement>(statement).IsSignedBy(story.Services.GetRequiredService<FeedKeys>().Next!.PublicKey));
    }
}
