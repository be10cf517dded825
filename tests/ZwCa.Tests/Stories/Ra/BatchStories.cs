using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Tests.Ra;
using ZwCa.Tests.Ra.Batches;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>What would be forty errands at the counter: through the RA's HTTP, with a CA and a KMC behind it.</summary>
public sealed class BatchStories(RaFixture fixture) : IClassFixture<RaFixture>, IDisposable
{
    private const int Persons = 8;
    private const int Servers = 31;

    private readonly BatchDesk _desk = new(fixture.Stage);

    private RaStage Stage => fixture.Stage;

    public void Dispose() => _desk.Dispose();

    [Fact]
    public async Task AUnitsFortyCertificatesAreRenewed_AndRevokedWhenItIsDissolved()
    {
        // The unit's own, those of who works there, and of its servers: two signatures for all of them.
        SubscriberAnswer unit = await _desk.OrganizationAsync("福州市地方志办公室");
        var drafts = new List<EnrollmentAnswer> { await _desk.TakeInAsync(key => RaCounter.NewRequest(unit.Id, key, "organization") with { Days = 90, Agent = RaCounter.Agent() }) };
        for (int i = 0; i < Persons; i++)
        {
            string person = await Stage.PersonAsync(organization: unit.Id);
            drafts.Add(await _desk.TakeInAsync(key => RaCounter.NewRequest(person, key) with { Days = 90 }));
        }

        for (int i = 0; i < Servers; i++)
        {
            drafts.Add(await _desk.ServerAsync(unit));
        }

        BatchAnswer first = await _desk.IssueAsync(await _desk.OfAsync(drafts));
        Assert.Equal(40, first.States["issued"]);
        await _desk.HandOutAsync(drafts);

        // A quarter later: nobody comes to the counter, the keys stay.
        BatchAnswer renewal = await _desk.OpenAsync(
            new BatchRequest { Kind = "renewal", Region = CaScene.City, Title = "年度更新", WithinDays = 91, Organization = unit.Id, Agent = RaCounter.Agent() });
        Assert.Equal(40, renewal.States["draft"]);
        Assert.Equal(40, (await _desk.IssueAsync(renewal)).States["issued"]);

        // The unit is dissolved: what it still has, old and new, ends.
        BatchAnswer end = await _desk.OpenAsync(new BatchRequest
        {
            Kind = "revocation", Region = CaScene.City, Title = "机构撤销", Organization = unit.Id, RevocationReason = "cessationOfOperation", Agent = RaCounter.Agent(),
        });
        Assert.Equal(80, end.States["draft"]);
        Assert.Equal(80, (await _desk.IssueAsync(end, "delivered")).States["delivered"]);
        IssuedCertificateAnswer[] own = await Stage.GetAsync<IssuedCertificateAnswer[]>(Stage.City, $"/certificates?subscriber={unit.Id}");
        Assert.Equal(4, own.Length);
        foreach (IssuedCertificateAnswer each in own)
        {
            CertificateAnswer atTheCa = await Stage.Ca.Ra.GetAsync<CertificateAnswer>($"/certificates/{each.Issuer}/{each.Serial}");
            Assert.Equal(("revoked", "cessationOfOperation"), (atTheCa.State, atTheCa.Reason));
        }

        // What nobody had fetched is not handed out any more.
        Assert.Equal(40, (await _desk.ShowAsync(renewal)).States["cancelled"]);
        Assert.Empty(await _desk.ReadAsync(Stage.CityReviewer, end, ApprovalStep.Review));
    }
}
