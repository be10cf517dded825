using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>Incident 7: every certificate that is valid has a response, and a young one.</summary>
public sealed class SliceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>As after an upgrade from a version without OCSP: nothing says that anything has changed.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatWasIssuedBefore_HasResponses(DatabaseKind kind)
    {
        await using OcspStory story = await OcspStory.StartAsync(kind);
        CertificateAnswer certificate = await story.IssueAsync();
        await story.Stage.RawAsync("DELETE FROM ocsp_change");
        Assert.Equal(HealthStatus.Degraded, (await story.HealthAsync()).Status);
        await story.RenewAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.IsType<Good>(copy.FindResponse(certificate.Serial)!.CertStatus);
        Assert.Equal(await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state IN (2, 3, 4)", cancellationToken: Token), copy.Statuses.Count);
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
    }

    [Fact]
    public async Task ASliceFallsDue_AndIsSignedAnew_ButForWhatHasEnded()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        CertificateAnswer ended = await story.IssueAsync();
        await story.TellAsync();
        await story.RenewAsync();
        Time first = (await story.CopyAsync()).FindResponse(certificate.Serial)!.ThisUpdate;

        // Not yet.
        story.Clock.Pass(TimeSpan.FromHours(20));
        await story.RenewAsync();
        Assert.Equal(first, (await story.CopyAsync()).FindResponse(certificate.Serial)!.ThisUpdate);

        story.Clock.Pass(TimeSpan.FromHours(16.1));
        await story.Stage.RawAsync("UPDATE certificate SET not_after = @End WHERE serial = @Serial", new { ended.Serial, End = story.Clock.GetUtcNow().AddMinutes(-1) });
        await story.RenewAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.True(copy.FindResponse(certificate.Serial)!.ThisUpdate.Value >= first.Value.AddHours(36));
        Assert.Equal(first, copy.FindResponse(ended.Serial)!.ThisUpdate);
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
    }

    [Fact]
    public async Task ASliceThatHasGrown_IsDivided_AndEachCertificateIsInOne()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        await CopyAsync(story, certificate, (2 * PresignResponses.SliceLength) + 100);
        await story.Stage.RawAsync("DELETE FROM ocsp_change");
        await story.RenewAsync();
        FeedCopy copy = await story.CopyAsync();
        long stored = await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state IN (2, 3, 4)", cancellationToken: Token);
        Assert.Equal(stored, copy.Statuses.Count);
        Assert.All(copy.Told.Values, times => Assert.Equal(1, times));
        IReadOnlyList<long> slices = await story.Stage.Database.QueryAsync<long>("SELECT certificates FROM ocsp_slice ORDER BY first_certificate", cancellationToken: Token);
        Assert.Equal(3, slices.Count);
        Assert.Equal(stored, slices.Sum());
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
    }

    [Fact]
    public async Task OneThatIsLeasedByAnotherNode_IsLeftAlone_UntilItsLeaseIsOver()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.Stage.RawAsync("UPDATE ocsp_slice SET leased_until = @Until", new { Until = story.Clock.GetUtcNow().AddMinutes(4) });
        await story.RenewAsync();
        Assert.Empty((await story.CopyAsync()).Statuses);
        story.Clock.Pass(TimeSpan.FromMinutes(5));
        await story.RenewAsync();
        Assert.NotEmpty((await story.CopyAsync()).Statuses);
    }

    /// <summary>The lease is over, and another node has done it, while this one signs: this one's batch is dropped.</summary>
    [Fact]
    public async Task WhoeverTakesLongerThanHisLease_AppendsNothing()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.IssueAsync();
        await story.TellAsync();
        long before = (await story.CopyAsync()).Number;
        story.WhileSigning(() => story.Stage.RawAsync("UPDATE ocsp_slice SET leased_until = 0, due_at = @Due", new { Due = story.Clock.GetUtcNow().AddHours(30) }));
        await story.RenewAsync();
        Assert.Equal(before, (await story.CopyAsync()).Number);
    }

    /// <summary>No response lives longer than its signer's certificate, and that is told in time.</summary>
    [Fact]
    public async Task ASignerThatEnds_EndsItsResponses_AndIsToldOfBefore()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        await story.RenewAsync();
        story.Clock.Pass(TimeSpan.FromDays(61));
        await story.RenewAsync();
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
        story.Clock.Pass(TimeSpan.FromDays(15));
        await story.RenewAsync();
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, status);
        Assert.Contains("was to be renewed", reason, StringComparison.Ordinal);

        story.Clock.Pass(TimeSpan.FromDays(11));
        await story.RenewAsync();
        SingleResponse last = (await story.CopyAsync()).FindResponse(certificate.Serial)!;
        Assert.True(last.NextUpdate!.Value.Value - last.ThisUpdate.Value < story.Options.Validity);
        Assert.Equal(HealthStatus.Unhealthy, (await story.HealthAsync()).Status);

        story.Clock.Pass(TimeSpan.FromDays(4));

        // Its end keeps no status back: what is told from now on has no response, and responders sign by themselves.
        long number = (await story.CopyAsync()).Number;
        await story.RenewAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.Equal(number + 1, copy.Number);
        Assert.Equal(last.NextUpdate, copy.FindResponse(certificate.Serial)!.NextUpdate);
        (status, reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, status);
        Assert.Contains("has no certificate that holds", reason, StringComparison.Ordinal);
    }

    /// <summary>Rows like that of a certificate, with ids and serial numbers of their own.</summary>
    internal static Task CopyAsync(OcspStory story, CertificateAnswer certificate, int count) => story.Stage.Database.WriteAsync(async transaction =>
    {
        string[] columns =
        [
            "certificate_id", "authority_id", "serial", "state", "state_version", "owner", "region", "profile_hash", "shard", "tbs", "signature", "subject_hash", "key_hash", "not_before", "not_after",
            "reserved_at", "changed_at",
        ];
        ZwCa.Ca.Certificates.CertificateRow row = (await transaction.QueryAsync<ZwCa.Ca.Certificates.CertificateRow>(
            $"SELECT {ZwCa.Ca.Certificates.CertificateRow.Columns} FROM certificate WHERE serial = @Serial", new { certificate.Serial }))[0];
        object?[][] rows = [.. Enumerable.Range(0, count).Select(_ => new object?[]
        {
            Ulid.Create(story.Clock.GetUtcNow()), row.AuthorityId, SerialNumbers.Create().ToString(), (short)2, 3L, row.Owner, row.Region, row.ProfileHash, row.Shard, row.Tbs, row.Signature,
            row.SubjectHash, row.KeyHash, row.NotBefore, row.NotAfter, row.ReservedAt, row.ChangedAt,
        })];
        await transaction.BulkInsertAsync("certificate", columns, rows);
    });
}
