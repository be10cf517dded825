using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit.Tree;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Ca.Status;

/// <summary>Look-up, search and history through the API.</summary>
public sealed class SearchTests
{
    [Fact]
    public async Task Certificates_AreFoundByWhatIsKnownOfThem_AndAnRaFindsItsOwn()
    {
        await using CaStage stage = await CaStage.StartAsync();
        var issued = new List<CertificateAnswer>();
        string entity = CaStage.NewEntity();
        for (int i = 0; i < 5; i++)
        {
            issued.Add((await stage.IssueAsync(i == 4 ? entity : null)).Answer);
        }

        await stage.ChangeAsync(issued[1], DecisionKind.Revoke);
        CertificateAnswer one = issued[4];
        TbsCertificate tbs = Der.Decode<Certificate>(one.Certificate).Tbs;
        string key = Convert.ToHexStringLower(Sm3.HashData(Der.Encode(tbs.SubjectPublicKeyInfo)));
        string subject = Convert.ToHexStringLower(tbs.Subject.HashCanonical());
        RaParty other = await stage.RaAsync("ra-36", CaStage.OtherProvince);

        foreach (string query in (string[])[$"serial={one.Serial}", $"key={key}", $"subject={subject}", $"owner=ra-35/{entity}", $"key={key}&subject={subject}&state=valid"])
        {
            CertificatePage page = await stage.Ra.GetAsync<CertificatePage>("/certificates?" + query);
            Assert.Equal([one.Serial], page.Certificates.Select(each => each.Serial));
            Assert.Equal([one.Serial], (await stage.FirstAdministrator.GetAsync<CertificatePage>("/certificates?" + query)).Certificates.Select(each => each.Serial));
            Assert.Empty((await other.GetAsync<CertificatePage>("/certificates?" + query)).Certificates);
        }

        Assert.Equal([issued[1].Serial], await SerialsAsync("state=revoked"));
        Assert.Equal(issued.Select(each => each.Serial), await SerialsAsync(""));
        Assert.Equal(issued.Select(each => each.Serial), await SerialsAsync($"region={CaStage.Province}"));
        Assert.Equal(issued.Select(each => each.Serial), await SerialsAsync($"region={CaStage.City}&from=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"));
        Assert.Empty(await SerialsAsync($"region={CaStage.County}"));
        Assert.Empty(await SerialsAsync("until=2020-01-01T00:00:00Z"));
        Assert.Empty(await SerialsAsync("from=2100-01-01T00:00:00Z"));
        Assert.Empty(await SerialsAsync($"key={new string('0', 64)}"));

        // Page by page: each once, in the same order.
        var paged = new List<string>();
        string? after = null;
        do
        {
            CertificatePage page = await stage.Ra.GetAsync<CertificatePage>("/certificates?rows=2" + (after is null ? "" : $"&after={after}"));
            Assert.InRange(page.Certificates.Count, 0, 2);
            paged.AddRange(page.Certificates.Select(each => each.Serial));
            after = page.Next;
        }
        while (after is not null);
        Assert.Equal(issued.Select(each => each.Serial), paged);

        // An officer: what is of his region.
        Assert.Equal(["ra-system"], (await stage.Stranger.GetAsync<CertificatePage>("/certificates")).Certificates.Select(each => each.Profile));
        Assert.Empty((await stage.Stranger.GetAsync<CertificatePage>($"/certificates?serial={one.Serial}")).Certificates);
        Assert.Contains((await stage.Entry.GetAsync<CertificatePage>("/certificates")).Certificates, each => each.Serial == one.Serial);
        RefusalException elsewhere = await Assert.ThrowsAsync<RefusalException>(() => stage.Stranger.GetAsync<CertificatePage>($"/certificates?region={CaStage.Province}"));
        Assert.Equal(Refusal.OutOfScope, elsewhere.Kind);
        foreach (string query in (string[])["rows=0", "rows=501", "serial=XY", "key=12", "region=35", "state=unused", "from=yesterday", "after=1"])
        {
            RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.GetAsync<CertificatePage>("/certificates?" + query));
            Assert.Equal(Refusal.Malformed, refused.Kind);
        }

        async Task<IEnumerable<string>> SerialsAsync(string query) =>
            (await stage.Ra.GetAsync<CertificatePage>("/certificates?" + query)).Certificates.Select(each => each.Serial);
    }

    [Fact]
    public async Task TheHistory_HasAllThatLedToIt_AndItsEventsAreProven()
    {
        await using CaStage stage = await CaStage.StartAsync();
        (CertificateAnswer certificate, _, IssueDraft draft) = await stage.IssueAsync();
        await stage.ChangeAsync(certificate, DecisionKind.Suspend);
        await stage.ChangeAsync(certificate, DecisionKind.Revoke);
        string path = $"/certificates/{certificate.Issuer}/{certificate.Serial}/history";

        CertificateHistory history = await stage.Ra.GetAsync<CertificateHistory>(path);
        while (history.Events.Count < 4)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            history = await stage.Ra.GetAsync<CertificateHistory>(path);
        }

        DecisionEntry decision = Assert.Single(history.Decisions);
        Assert.Equal(Der.Encode(draft.ToApplication()), decision.Application);
        Assert.Equal(ApprovalStep.Entry, Der.Decode<Approval>(decision.Entry).Tbs.Step);
        Assert.Equal(ApprovalStep.Review, Der.Decode<Approval>(decision.Review).Tbs.Step);
        Assert.Equal([(int)DecisionKind.Suspend, (int)DecisionKind.Revoke], history.StatusDecisions.Select(each => each.Kind));
        Assert.Equal(["certificate.intend", "certificate.issue", "certificate.suspend", "certificate.revoke"], history.Events.Select(each => each.Action));
        foreach (CertificateEvent each in history.Events)
        {
            EventProof proof = await ProveAsync(each.Id);
            Assert.Equal(each.Leaf, proof.Leaf);
            Checkpoint checkpoint = Der.Decode<Checkpoint>(proof.Checkpoint);
            Assert.True(MerkleProof.Verify(Der.Decode<InclusionProof>(proof.Proof), MerkleHash.Leaf(proof.Leaf), checkpoint.Tbs.RootHash.Span));
        }

        RefusalException notIts = await Assert.ThrowsAsync<RefusalException>(() => stage.Ra.GetAsync<EventProof>($"{path}/{new string('0', 32)}/proof"));
        Assert.Equal(Refusal.NotFound, notIts.Kind);
        RaParty other = await stage.RaAsync("ra-36", CaStage.OtherProvince);
        RefusalException notHis = await Assert.ThrowsAsync<RefusalException>(() => other.GetAsync<CertificateHistory>(path));
        Assert.Equal(Refusal.NotFound, notHis.Kind);
        notHis = await Assert.ThrowsAsync<RefusalException>(() => stage.Stranger.GetAsync<CertificateHistory>(path));
        Assert.Equal(Refusal.NotFound, notHis.Kind);
        Assert.Equal(history.Events.Count, (await stage.Entry.GetAsync<CertificateHistory>(path)).Events.Count);

        async Task<EventProof> ProveAsync(string id)
        {
            for (int i = 0; ; i++)
            {
                try
                {
                    return await stage.Ra.GetAsync<EventProof>($"{path}/{id}/proof");
                }
                catch (RefusalException e) when (e.Kind == Refusal.InProgress && i < 300)
                {
                    await Task.Delay(100, TestContext.Current.CancellationToken);
                }
            }
        }
    }
}
