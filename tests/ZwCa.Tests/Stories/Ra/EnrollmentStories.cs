using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Tests.Ra;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>What clerks and applicants do all day, each kind of application from the counter to the token: through the RA's HTTP, with a CA and a KMC behind it.</summary>
public sealed class EnrollmentStories(RaFixture fixture) : IClassFixture<RaFixture>
{
    private readonly Dictionary<string, IdNumber> _numbers = [];

    private RaStage Stage { get; set; } = fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ACountyTakesIn_TheCityReviews_TheCivilServantGetsHisPair(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        using var key = Sm2PrivateKey.Generate();
        string person = (await Stage.PostAsync<SubscriberAnswer>(
            Stage.County, "/subscribers", new SubscriberRequest { Kind = "person", Region = CaScene.County, Name = "王小二", Number = CaScene.NewIdNumber().Reveal() })).Id;
        EnrollmentAnswer draft = await Stage.TakeInAsync(RaStage.NewRequest(person, key, region: CaScene.County), Stage.County);
        Assert.Equal("draft", draft.State);
        Assert.Equal("王**", draft.Subscriber.Name);
        EnrollmentAnswer submitted = await Stage.SubmitAsync(draft, Stage.County);
        Assert.Equal(("submitted", 2L), (submitted.State, submitted.Version));
        Assert.NotNull(submitted.DueAt);

        EnrollmentAnswer issued = await Stage.UntilAsync(await Stage.ApproveAsync(submitted), "issued");
        Assert.Equal(2, issued.Certificates.Count);

        // The county hands out what it took in.
        DeliveryAnswer delivery = await Stage.FetchAsync(issued, key, Stage.County);
        Assert.Equal("waiting", delivery.State);
        using Sm2PrivateKey encryption = PairScene.Open(delivery.Pair!.Envelope!, key);
        Certificate certificate = Der.Decode<Certificate>(delivery.Pair.Encryption.Certificate);
        Assert.Equal(PairScene.Of(encryption), certificate.Tbs.SubjectPublicKeyInfo);
        Assert.Equal(person, certificate.Tbs.Subject.Rdns.SelectMany(rdn => rdn.Attributes).Single(each => each.Type == Oids.SerialNumber).Text);
        await Stage.PostAsync<EnrollmentAnswer>(Stage.County, $"/enrollments/{issued.Id}/receipt", PairScene.Receipt(delivery.Pair, key));
        EnrollmentAnswer delivered = await Stage.UntilAsync(issued, "delivered");

        // Now the envelope is gone everywhere.
        await RaStage.RefusedAsync(() => Stage.FetchAsync(delivered, key), Refusal.WrongState);
        EnrollmentAnswer archived = await Stage.PostAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{issued.Id}/archiving", new StepRequest { Version = delivered.Version });
        Assert.Equal("archived", archived.State);
        Assert.Equal(["draft", "submitted", "issuing", "issued", "delivered", "archived"], archived.Steps.Select(step => step.State));
        Assert.Equal(Stage.CityReviewer.SerialNumber.ToString(), archived.Steps[2].Actor);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task TwoLevelsReview_FirstTheCityThenTheProvince(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer submitted = await Stage.SubmitAsync(await Stage.TakeInAsync(RaStage.NewRequest(await Stage.PersonAsync(), key, "person-two")));
        EnrollmentAnswer reviewed = await Stage.ApproveAsync(submitted);
        Assert.Equal("reviewed", reviewed.State);
        await RaStage.RefusedAsync(() => Stage.ApproveAsync(reviewed), Refusal.NotAllowed);
        EnrollmentAnswer issued = await Stage.UntilAsync(await Stage.ApproveAsync(reviewed, Stage.Province), "issued");

        // To the CA goes what the province has signed.
        CertificateHistory history = await Stage.Ca.Ra.GetAsync<CertificateHistory>($"/certificates/{issued.Certificates[0].Issuer}/{issued.Certificates[0].Serial}/history");
        Approval review = Der.Decode<Approval>(Assert.Single(history.Decisions).Review!);
        Assert.Equal(Stage.Province.SerialNumber, review.Certificate.Tbs.SerialNumber);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ARenewedPair_KeepsBothKeys(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (string person, Sm2PrivateKey key, EnrollmentAnswer first) = await DeliveredAsync();
        EnrollmentAnswer renewed = await Stage.IssueAsync(Follow("renew", person, first, key));
        DeliveryAnswer delivery = await Stage.FetchAsync(renewed, key);
        Assert.Equal(("received", "kept"), (delivery.State, delivery.Pair!.Delivery));
        Assert.Equal(KeyOf(await CertificateAsync(first, 1)), KeyOf(delivery.Pair.Encryption.Certificate!));
        Assert.Equal("delivered", (await Stage.ShowAsync(renewed)).State);
        Assert.Equal("valid", (await Stage.Ca.Ra.GetAsync<CertificateAnswer>(PathOf(first))).State);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task ARekeyedPair_HasTwoNewKeys(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (string person, _, EnrollmentAnswer first) = await DeliveredAsync();
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer rekeyed = await Stage.IssueAsync(Follow("rekey", person, first, key));
        (_, PairAnswer pair, Sm2PrivateKey encryption) = await Stage.DeliverAsync(rekeyed, key);
        encryption.Dispose();
        Assert.Equal(PairScene.Of(key), KeyOf(pair.Signing.Certificate!));
        Assert.NotEqual(KeyOf(await CertificateAsync(first, 1)), KeyOf(pair.Encryption.Certificate!));
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhoHasAnotherName_GetsANewPair_AndTheOldOneEndsWhenHeHasIt(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (string person, _, EnrollmentAnswer first) = await DeliveredAsync();
        SubscriberAnswer subscriber = await Stage.GetAsync<SubscriberAnswer>(Stage.City, $"/subscribers/{person}");
        await Stage.PutAsync<SubscriberAnswer>(
            Stage.City, $"/subscribers/{person}", new SubscriberRequest { Kind = "person", Region = subscriber.Region, Name = "张三丰", Number = _numbers[person].Reveal(), Version = subscriber.Version });
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer changed = await Stage.IssueAsync(Follow("change", person, first, key));
        Assert.Equal("valid", (await Stage.Ca.Ra.GetAsync<CertificateAnswer>(PathOf(first))).State);
        (_, PairAnswer pair, Sm2PrivateKey encryption) = await Stage.DeliverAsync(changed, key);
        encryption.Dispose();
        Name subject = Der.Decode<Certificate>(pair.Signing.Certificate).Tbs.Subject;
        Assert.Equal("张三丰", subject.Rdns.SelectMany(rdn => rdn.Attributes).Single(each => each.Type == Oids.CommonName).Text);
        CertificateAnswer old = await RevokedAsync(first);
        Assert.Equal("affiliationChanged", old.Reason);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhoHasLostHisToken_GetsANewPair_TheOldOneEndsAtOnce_AndHisOldEncryptionKeyComesToTheNewToken(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (string person, _, EnrollmentAnswer first) = await DeliveredAsync();
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer replaced = await Stage.IssueAsync(Follow("replace", person, first, key));
        Assert.Equal("keyCompromise", (await RevokedAsync(first)).Reason);
        (EnrollmentAnswer delivered, _, Sm2PrivateKey encryption) = await Stage.DeliverAsync(replaced, key);
        encryption.Dispose();

        EnrollmentAnswer recovery = await Stage.IssueAsync(
            new EnrollmentRequest { Kind = "recovery", Region = CaScene.City, Subscriber = person, Certificate = first.Certificates[0], Recipient = delivered.Certificates[0] });
        (_, PairAnswer old, Sm2PrivateKey recovered) = await Stage.DeliverAsync(recovery, key);
        Assert.Equal(PairScene.Of(recovered), KeyOf(await CertificateAsync(first, 1)));
        Assert.Equal(first.Certificates[1].Serial, old.Encryption.Serial);
        recovered.Dispose();
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task APairIsSuspendedResumedAndRevoked(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        (string person, _, EnrollmentAnswer first) = await DeliveredAsync();
        EnrollmentRequest About(string kind, string? reason = null) =>
            new() { Kind = kind, Region = CaScene.City, Subscriber = person, Certificate = first.Certificates[0], RevocationReason = reason };

        Assert.Equal("delivered", (await Stage.IssueAsync(About("suspend"))).State);
        Assert.Equal("held", (await Stage.Ca.Ra.GetAsync<CertificateAnswer>(PathOf(first))).State);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(About("suspend")), Refusal.WrongState);
        Assert.Equal("delivered", (await Stage.IssueAsync(About("resume"))).State);
        Assert.Equal("valid", (await Stage.Ca.Ra.GetAsync<CertificateAnswer>(PathOf(first))).State);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(About("revoke")), Refusal.Malformed);
        Assert.Equal("delivered", (await Stage.IssueAsync(About("revoke", "cessationOfOperation"))).State);
        Assert.Equal("cessationOfOperation", (await RevokedAsync(first)).Reason);
        IssuedCertificateAnswer[] known = await Stage.GetAsync<IssuedCertificateAnswer[]>(Stage.City, $"/certificates?subscriber={person}");
        Assert.All(known, each => Assert.Equal("revoked", each.State));
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(About("revoke", "superseded")), Refusal.WrongState);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AnOrganisationAndItsServer_GetTheirs(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        SubscriberAnswer bureau = await Stage.PostAsync<SubscriberAnswer>(
            Stage.City, "/subscribers", new SubscriberRequest { Kind = "organization", Region = CaScene.City, Name = "福州市档案局", Number = RaStage.NewCreditCode() });
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer pair = await Stage.IssueAsync(RaStage.NewRequest(bureau.Id, key, "organization") with { Agent = RaStage.Agent() });
        Assert.StartsWith("赵**", pair.Agent, StringComparison.Ordinal);
        (_, PairAnswer answer, Sm2PrivateKey encryption) = await Stage.DeliverAsync(pair, key);
        encryption.Dispose();
        Assert.Equal("福州市档案局", TextOf(answer.Signing.Certificate!, Oids.OrganizationName));

        // One certificate: the proof that somebody has the key is the receipt.
        string host = $"{Guid.NewGuid():N}.example.gov.cn";
        SubscriberAnswer server = await Stage.PostAsync<SubscriberAnswer>(
            Stage.City, "/subscribers", new SubscriberRequest { Kind = "device", Region = CaScene.City, Name = "门户网站", Number = host, Organization = bureau.Id });
        using var serverKey = Sm2PrivateKey.Generate();
        EnrollmentAnswer issued = await Stage.IssueAsync(RaStage.NewRequest(server.Id, serverKey, "tls") with { AlternativeNames = [$"DNS:{host}"], Days = 90, Agent = RaStage.Agent() });
        Assert.Single(issued.Certificates);
        using var other = Sm2PrivateKey.Generate();
        await RaStage.RefusedAsync(() => Stage.FetchAsync(issued, other), Refusal.BadSignature);
        DeliveryAnswer delivery = await Stage.FetchAsync(issued, serverKey);
        Assert.Equal("received", delivery.State);
        Assert.Equal((host, "福州市档案局"), (TextOf(delivery.Certificate!, Oids.CommonName), TextOf(delivery.Certificate!, Oids.OrganizationName)));
        Assert.Equal("delivered", (await Stage.ShowAsync(issued)).State);
    }

    private static EnrollmentRequest Follow(string kind, string person, EnrollmentAnswer first, Sm2PrivateKey key) =>
        new() { Kind = kind, Region = CaScene.City, Subscriber = person, Certificate = first.Certificates[0], Csr = CaScene.Csr(key) };

    private static SubjectPublicKeyInfo KeyOf(byte[] certificate) => Der.Decode<Certificate>(certificate).Tbs.SubjectPublicKeyInfo;

    private static string TextOf(byte[] certificate, string type) =>
        Der.Decode<Certificate>(certificate).Tbs.Subject.Rdns.SelectMany(rdn => rdn.Attributes).Single(each => each.Type == type).Text!;

    private static string PathOf(EnrollmentAnswer enrollment) => $"/certificates/{enrollment.Certificates[0].Issuer}/{enrollment.Certificates[0].Serial}";

    private async Task<byte[]> CertificateAsync(EnrollmentAnswer enrollment, int which) => (await Stage.GetAsync<IssuedCertificateAnswer>(
        Stage.City, $"/certificates/{enrollment.Certificates[which].Issuer}/{enrollment.Certificates[which].Serial}")).Certificate;

    private async Task<CertificateAnswer> RevokedAsync(EnrollmentAnswer enrollment)
    {
        for (int i = 0; i < 500; i++)
        {
            CertificateAnswer answer = await Stage.Ca.Ra.GetAsync<CertificateAnswer>(PathOf(enrollment));
            if (answer.State == "revoked")
            {
                return answer;
            }

            await Task.Delay(20, Token);
        }

        throw new TimeoutException("It was not revoked.");
    }

    /// <summary>A person with a token that has its pair.</summary>
    private async Task<(string Person, Sm2PrivateKey Key, EnrollmentAnswer Enrollment)> DeliveredAsync()
    {
        Sm2PrivateKey key = Stage.Pairs.NewKey();
        IdNumber number = CaScene.NewIdNumber();
        string person = await Stage.PersonAsync(number: number);
        _numbers[person] = number;
        (EnrollmentAnswer enrollment, _, Sm2PrivateKey encryption) = await Stage.DeliverAsync(await Stage.IssueAsync(RaStage.NewRequest(person, key)), key);
        encryption.Dispose();
        return (person, key, enrollment);
    }
}
