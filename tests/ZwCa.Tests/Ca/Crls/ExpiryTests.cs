using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Incident 5: an entry stays until one CRL after the certificate's end (RFC 5280 §3.3), and then goes.</summary>
public sealed class ExpiryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(DecisionKind.Revoke)]
    [InlineData(DecisionKind.Suspend)]
    public async Task AnExpiredEntry_IsOnOneMoreCrl_ThenItGoes_AndTheGateLetsIt(DecisionKind kind)
    {
        await using CrlStory story = await CrlStory.StartAsync();
        CertificateAnswer shortLived = await IssueForADayAsync(story);
        await story.Stage.ChangeAsync(shortLived, kind);
        await story.GoOnAsync();
        Assert.Contains(shortLived.Serial, story.Entries().Keys);

        // Half an hour before the end; a day later; and then.
        DateTimeOffset end = Der.Decode<Certificate>(shortLived.Certificate).Tbs.Validity.NotAfter.Value;
        story.Clock.Pass(end - story.Clock.GetUtcNow() - TimeSpan.FromMinutes(30));
        await story.GoOnAsync();
        Assert.Contains(shortLived.Serial, story.Entries().Keys);
        story.Clock.Pass(TimeSpan.FromDays(1));
        await story.GoOnAsync();
        Assert.Contains(shortLived.Serial, story.Entries().Keys);
        story.Clock.Pass(TimeSpan.FromHours(12));
        await story.GoOnAsync();
        Assert.Equivalent(new[] { story.Held.Serial, story.Revoked.Serial }, story.Entries().Keys, strict: true);
    }

    /// <summary>It was revoked before its end, and its row came after the CRL was read that is dated after that end.</summary>
    [Fact]
    public async Task WhatWasRevokedAtTheLastMoment_IsOnACrlToo()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        CertificateAnswer shortLived = await IssueForADayAsync(story);
        DateTimeOffset end = Der.Decode<Certificate>(shortLived.Certificate).Tbs.Validity.NotAfter.Value;
        story.Clock.Pass(end - story.Clock.GetUtcNow() + TimeSpan.FromSeconds(3));
        await story.GoOnAsync();

        // The transaction of another node commits now.
        story.Clock.Set(TimeSpan.FromSeconds(-15));
        await story.Stage.ChangeAsync(shortLived, DecisionKind.Revoke);
        story.Clock.Set(TimeSpan.FromSeconds(15));
        await story.GoOnAsync();
        Assert.Contains(shortLived.Serial, story.Entries().Keys);

        story.Clock.Pass(TimeSpan.FromHours(12));
        await story.GoOnAsync();
        story.Clock.Pass(TimeSpan.FromHours(12));
        await story.GoOnAsync();
        Assert.DoesNotContain(shortLived.Serial, story.Entries().Keys);
    }

    internal static async Task<CertificateAnswer> IssueForADayAsync(CrlStory story)
    {
        using var key = Sm2PrivateKey.Generate();
        IssueDraft draft = story.Stage.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        draft = draft with { Body = draft.Body with { Days = 1 } };
        return await SignedCalls.UntilAnsweredAsync(
            () => story.Stage.Ra.PostAsync<CertificateAnswer>("/certificates", story.Stage.Decide(draft.ToApplication(), csr: CaStage.Csr(key))), Token);
    }
}
