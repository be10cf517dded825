using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts.Ca;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>What is wrong does not leave, whatever made it.</summary>
public sealed class GateTests
{
    /// <summary>What is done to a batch that is right, and what the gate says.</summary>
    private static readonly (string What, string Reason)[] Faults =
    [
        ("good", "is not signed"),
        ("reason", "is not signed"),
        ("date", "is not signed"),
        ("serial", "another version than the status"),
        ("version", "another version than the status"),
        ("swapped", "is not signed"),
        ("signature", "is not signed"),
        ("future", "in the future"),
        ("old", "long ago"),
        ("long", "further from"),
        ("signer", "of no signer"),
        ("authority", "of no signer"),
        ("hash", "is not signed ahead"),
        ("left out", "0 responses instead of 1"),
        ("twice", "twice"),
        ("crl", "does not belong"),
        ("cut", "cannot be read"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The status changes while the device signs: what was signed is stale.</summary>
    [Fact]
    public async Task WhatChangesWhileItIsSigned_IsNotToldAsItWas()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        CertificateAnswer first = await story.IssueAsync();
        CertificateAnswer second = await story.IssueAsync();
        story.WhileSigning(() => story.Stage.ChangeAsync(first, DecisionKind.Revoke));
        await story.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.DoesNotContain((first.Serial, 3L), copy.Told.Keys);
        Assert.NotNull(copy.Find(first.Serial)!.Value.RevokedAt);
        Assert.Equal([4L], copy.Told.Keys.Where(each => each.Serial == first.Serial).Select(each => each.Version));
        Assert.NotNull(copy.FindResponse(second.Serial));
        Assert.Equal(0, await story.CountAsync("ocsp_change"));
    }

    /// <summary>Somebody changes rows beside the service, without a new version: what was signed contradicts the store.</summary>
    [Theory]
    [InlineData("UPDATE revocation SET reason = 9 WHERE serial = @Serial")]
    [InlineData("UPDATE revocation SET revoked_at = revoked_at - 5000 WHERE serial = @Serial")]
    [InlineData("UPDATE certificate SET state_version = state_version - 1 WHERE serial = @Serial")]
    [InlineData("UPDATE certificate SET not_after = not_after - 5000 WHERE serial = @Serial")]
    public async Task WhatContradictsTheStore_DoesNotLeave_AndIsTriedAgainAfterAMinute(string sql)
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        await story.Stage.ChangeAsync(certificate, DecisionKind.Revoke);
        long before = (await story.CopyAsync()).Number;
        story.WhileSigning(() => story.Stage.RawAsync(sql, new { certificate.Serial }));
        Assert.Equal(0, await story.TellAsync());
        Assert.Equal(before, (await story.CopyAsync()).Number);
        Assert.Equal(1, await story.CountAsync("ocsp_change"));
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, status);
        Assert.Contains("the batch says revoked", reason, StringComparison.Ordinal);
        Assert.Equal(1, await story.CountEventsAsync());

        // Not before a minute has passed; then it is read anew, and says what is so now.
        Assert.Equal(0, await story.TellAsync());
        story.Clock.Pass(TimeSpan.FromSeconds(61));
        Assert.Equal(1, await story.TellAsync());
        Assert.Equal(before + 1, (await story.CopyAsync()).Number);
        Assert.DoesNotContain("do not leave", (await story.HealthAsync()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AWrongClock_LetsNothingLeave()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        story.Clock.Set(TimeSpan.FromHours(3));
        Assert.Equal(0, await story.TellAsync());
        await story.RenewAsync();
        Assert.Empty((await story.CopyAsync()).Statuses);
        Assert.Equal(HealthStatus.Unhealthy, (await story.HealthAsync()).Status);
        story.Clock.Set(TimeSpan.FromHours(-3));
        Assert.NotEqual(0, await story.TellAsync());
    }

    /// <summary>Whatever the code that makes batches does: its bytes are judged.</summary>
    [Fact]
    public async Task AWrongBatch_IsRefused()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer held = await story.IssueAsync();
        CertificateAnswer valid = await story.IssueAsync();
        await story.Stage.ChangeAsync(held, DecisionKind.Suspend);
        await story.Services.GetRequiredService<IntroduceSigners>().RunAsync(Token);
        OcspSigners signers = story.Services.GetRequiredService<SignersInUse>().Current;
        DateTimeOffset now = Time.Truncate(story.Clock.GetUtcNow()).Value;
        IReadOnlyList<StatusRow> rows = await story.Stage.Database.QueryAsync<StatusRow>(
            $"SELECT {StatusRow.Columns} FROM certificate c {StatusRow.Entry} WHERE c.serial IN (@Held, @Valid) ORDER BY c.certificate_id", new { Held = held.Serial, Valid = valid.Serial }, Token);
        ResponseBatch batch = await ResponseBatch.SignAsync(rows, signers, story.Options, now, Token);
        Assert.Equal(2, batch.Responses.Count);
        OcspGate gate = story.Services.GetRequiredService<OcspGate>();
        JudgedBatch judged = gate.Judge(signers, Write(""));
        await story.Stage.Database.ReadAsync(
            async transaction =>
            {
                await gate.CompareAsync(transaction, judged, rows);
                return true;
            },
            Token);
        BatchRefusedException tooLong = Assert.Throws<BatchRefusedException>(() => gate.Judge(signers, new byte[FeedFrames.MaxContent + 1]));
        Assert.Contains($"It has {FeedFrames.MaxContent + 1} bytes", tooLong.Message, StringComparison.Ordinal);
        foreach ((string what, string reason) in Faults)
        {
            BatchRefusedException refused = Assert.Throws<BatchRefusedException>(() => gate.Judge(signers, Write(what)));
            Assert.True(refused.Message.Contains(reason, StringComparison.Ordinal), $"{what}: {refused.Message}");
        }

        byte[] Write(string what)
        {
            var writer = new FeedWriter();
            FeedStatus first = batch.Told[0].Status;
            SignedAhead[] responses = [.. batch.Responses];
            writer.Status(what switch
            {
                "good" => first with { RevokedAt = null, Reason = RevocationReason.Unspecified },
                "reason" => first with { Reason = RevocationReason.KeyCompromise },
                "date" => first with { RevokedAt = first.RevokedAt!.Value.AddSeconds(-1) },
                _ => first,
            });
            writer.Status(batch.Told[1].Status);
            if (what == "twice")
            {
                writer.Status(first);
            }

            if (what == "crl")
            {
                writer.Crl(new FeedCrl(1, "all", 1, 1, new byte[32]));
            }

            OcspSigner signer = responses[0].Signer;
            writer.Batch(new FeedBatch(
                what == "authority" ? (short)99 : signer.Authority.Id,
                what == "signer" ? (short)99 : signer.Number,
                what == "hash" ? CertIdHash.Sm3 : CertIdHash.Sha1,
                now + (what == "future" ? TimeSpan.FromMinutes(1) : what == "old" ? TimeSpan.FromMinutes(-10) : TimeSpan.Zero),
                now + story.Options.Validity + (what == "long" ? TimeSpan.FromSeconds(1) : TimeSpan.Zero)));
            for (int i = 0; i < (what == "left out" ? 1 : 2); i++)
            {
                SignedAhead response = responses[i];
                byte[] raw = responses[what == "swapped" ? 1 - i : i].Raw.ToArray();
                raw[^1] ^= (byte)(what == "signature" && i == 1 ? 1 : 0);
                byte[] serial = response.Status.SerialNumber.ToArray();
                serial[^1] ^= (byte)(what == "serial" && i == 1 ? 1 : 0);
                writer.Response(new FeedResponse(serial, response.Status.Version + (what == "version" && i == 1 ? 1 : 0), raw));
            }

            byte[] content = writer.ToArray();
            return what == "cut" ? content[..^1] : content;
        }
    }
}
