using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ra;

/// <summary>What an RA does not do, and says so in words that a clerk understands; through HTTP, as he meets it.</summary>
public sealed class RefusalTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private RaStage Stage { get; set; } = fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhoEntered_DoesNotReview()
    {
        EnrollmentAnswer submitted = await SubmittedAsync();
        RefusalException refusal = await RaStage.RefusedAsync(() => Stage.ApproveAsync(submitted, Stage.City), Refusal.SecondOfficerRequired);
        Assert.Contains("另一人审核", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("submitted", (await Stage.ShowAsync(submitted)).State);
    }

    [Fact]
    public async Task AnOfficersOwnApplication_HeNeitherEntersNorReviews()
    {
        string own = await Stage.PersonAsync(number: await NumberOfAsync(Stage.CityReviewer));
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer draft = await Stage.TakeInAsync(RaStage.NewRequest(own, key));
        await RaStage.RefusedAsync(() => Stage.SubmitAsync(draft, Stage.CityReviewer), Refusal.SecondOfficerRequired);
        EnrollmentAnswer submitted = await Stage.SubmitAsync(draft);
        RefusalException refusal = await RaStage.RefusedAsync(() => Stage.ApproveAsync(submitted), Refusal.SecondOfficerRequired);
        Assert.Contains("本人", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("issued", (await Stage.UntilAsync(await Stage.ApproveAsync(submitted, Stage.Province), "issued")).State);
    }

    [Fact]
    public async Task AnApplicationThatHeHandlesForSomebody_HeDoesNotReview()
    {
        using var key = Sm2PrivateKey.Generate();
        EnrollmentRequest request = RaStage.NewRequest(await Stage.PersonAsync(), key) with
        {
            Agent = new AgentRequest { Name = "李市", IdNumber = (await NumberOfAsync(Stage.CityReviewer)).Reveal() },
        };
        EnrollmentAnswer submitted = await Stage.SubmitAsync(await Stage.TakeInAsync(request));
        await RaStage.RefusedAsync(() => Stage.ApproveAsync(submitted), Refusal.SecondOfficerRequired);
    }

    [Fact]
    public async Task ASecondAccountOfOnePerson_IsThatPerson()
    {
        // A clerk gets another certificate after he has entered something.
        EnrollmentAnswer submitted = await SubmittedAsync(Stage.Province);
        StageOfficer first = await Stage.Ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.City, "郑换证");
        await UntilKnownAsync(first);
        EnrollmentAnswer own = await SubmittedAsync(first);
        StageOfficer second = await Stage.Ca.CertifyAsync(RoleCatalogue.BusinessOperator, CaScene.City, "李市", first.Identity.Person);
        await Stage.Ca.DecideAsync(Stage.Ca.FirstAdministrator, Stage.Ca.SecondAdministrator, OfficerActions.ReplaceCertificate, CaScene.City, Der.Encode(new CertificateReplacement(first.SerialNumber, second.Certificate)));
        await UntilKnownAsync(second);
        await RaStage.RefusedAsync(() => Stage.ApproveAsync(own, second), Refusal.SecondOfficerRequired);
        Assert.Equal("issued", (await Stage.UntilAsync(await Stage.ApproveAsync(submitted, second), "issued", "returned")).State);

        // With the old one he is nobody; its link the RA closes in a round of its own.
        RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(() => Stage.ShowAsync(submitted, first));
        Assert.True(refusal.Kind is Refusal.BadSignature or Refusal.LinkNotTrusted, $"{refusal.Kind}: {refusal.Message}");
    }

    [Fact]
    public async Task AnAcceptancePoint_DecidesNothing()
    {
        string person = await Stage.PersonAsync(CaScene.County);
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer submitted = await Stage.SubmitAsync(await Stage.TakeInAsync(RaStage.NewRequest(person, key, region: CaScene.County)));
        RefusalException refusal = await RaStage.RefusedAsync(() => Stage.ApproveAsync(submitted, Stage.County), Refusal.NotAllowed);
        Assert.Contains("受理点", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("submitted", (await Stage.ShowAsync(submitted)).State);
    }

    [Fact]
    public async Task OutsideHisSubtree_AnOfficerSeesNothing()
    {
        EnrollmentAnswer submitted = await SubmittedAsync();
        await RaStage.RefusedAsync(() => Stage.ShowAsync(submitted, Stage.County), Refusal.NotFound);
        await RaStage.RefusedAsync(
            () => Stage.PostAsync<EnrollmentAnswer>(Stage.County, $"/enrollments/{submitted.Id}/review", new ReviewRequest { Version = 2, Outcome = "rejected", Reason = "不符" }), Refusal.NotFound);
        using var key = Sm2PrivateKey.Generate();
        await RaStage.RefusedAsync(() => SendAsync(RaStage.NewRequest("00000000000000000000000000000000", key), Stage.County), Refusal.OutOfScope);
        await RaStage.RefusedAsync(() => Stage.GetAsync<EnrollmentPage>(Stage.County, $"/enrollments?region={CaScene.City}"), Refusal.OutOfScope);
        Assert.DoesNotContain((await Stage.GetAsync<EnrollmentPage>(Stage.County, "/enrollments")).Enrollments, each => each.Id == submitted.Id);
        await Assert.ThrowsAnyAsync<Exception>(() => Stage.ShowAsync(submitted, Stage.Ca.Stranger));
    }

    [Fact]
    public async Task AChangedApplication_IsNotWhatWasSigned()
    {
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer draft = await Stage.TakeInAsync(RaStage.NewRequest(await Stage.PersonAsync(), key));
        ApplicationAnswer seen = await Stage.GetAsync<ApplicationAnswer>(Stage.City, $"/enrollments/{draft.Id}/application");
        EnrollmentAnswer changed = await Stage.PutAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{draft.Id}", RaStage.NewRequest(draft.Subscriber.Id, key) with { Days = 30, Version = draft.Version });
        byte[] approval = Stage.Sign(Stage.City, ApprovalStep.Entry, seen);

        // As he saw it, it is not any more; and as it is, he has not signed it.
        await RaStage.RefusedAsync(() => PostSubmissionAsync(draft, draft.Version, approval), Refusal.WrongState);
        await RaStage.RefusedAsync(() => PostSubmissionAsync(draft, changed.Version, approval), Refusal.NotApproved);
        EnrollmentAnswer submitted = await Stage.SubmitAsync(changed);

        // A reviewer who signs something else has approved nothing.
        byte[] review = Stage.Sign(Stage.CityReviewer, ApprovalStep.Review, seen);
        await RaStage.RefusedAsync(
            () => Stage.PostAsync<EnrollmentAnswer>(
                Stage.CityReviewer, $"/enrollments/{draft.Id}/review", new ReviewRequest { Version = submitted.Version, Outcome = "approved", Approval = review }),
            Refusal.NotApproved);

        // What is with the reviewers is not changed.
        await RaStage.RefusedAsync(
            () => Stage.PutAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{draft.Id}", RaStage.NewRequest(draft.Subscriber.Id, key) with { Version = submitted.Version }), Refusal.WrongState);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AStaleVersion_AndADoubleClick_ChangeNothingTwice(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        EnrollmentAnswer submitted = await SubmittedAsync();
        await RaStage.RefusedAsync(
            () => Stage.PostAsync<EnrollmentAnswer>(Stage.Province, $"/enrollments/{submitted.Id}/review", new ReviewRequest { Version = submitted.Version - 1, Outcome = "rejected", Reason = "旧" }),
            Refusal.WrongState);
        ApplicationAnswer application = await Stage.GetAsync<ApplicationAnswer>(Stage.CityReviewer, $"/enrollments/{submitted.Id}/application");
        var review = new ReviewRequest { Version = application.Version, Outcome = "approved", Approval = Stage.Sign(Stage.CityReviewer, ApprovalStep.Review, application) };
        var id = RequestId.Create(TimeProvider.System);

        // The same request, whichever comes first.
        EnrollmentAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => SignedCalls.UntilAnsweredAsync(
            () => Stage.PostAsync<EnrollmentAnswer>(Stage.CityReviewer, $"/enrollments/{submitted.Id}/review", review, id), Token)));
        Assert.All(answers, each => Assert.Contains(each.State, (string[])["issuing", "issued"]));

        // A second click is another request: too late, and says so.
        await RaStage.RefusedAsync(() => Stage.PostAsync<EnrollmentAnswer>(Stage.CityReviewer, $"/enrollments/{submitted.Id}/review", review), Refusal.WrongState);
        EnrollmentAnswer issued = await Stage.UntilAsync(submitted, "issued");
        Assert.Equal(2, issued.Certificates.Count);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task OneKey_IsOnePersons_AndAppliedWithOnce(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);
        string person = await Stage.PersonAsync();
        using var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer first = await Stage.TakeInAsync(RaStage.NewRequest(person, key));
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key)), Refusal.Duplicate);
        string another = await Stage.PersonAsync(name: "李四");
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(another, key)), Refusal.Duplicate);
        EnrollmentAnswer issued = await Stage.UntilAsync(await Stage.ApproveAsync(await Stage.SubmitAsync(first)), "issued");
        (EnrollmentAnswer delivered, _, Sm2PrivateKey encryption) = await Stage.DeliverAsync(issued, key);
        encryption.Dispose();
        Assert.Equal("delivered", delivered.State);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key)), Refusal.BadPublicKey);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(another, key)), Refusal.BadPublicKey);

        // A request that its key has not signed.
        byte[] csr = CaScene.Csr(key);
        csr[^1] ^= 1;
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { Csr = csr }), Refusal.BadCsr);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { Csr = [1, 2, 3] }), Refusal.BadCsr);
    }

    [Theory]
    [InlineData("110101199003070012")]
    [InlineData("11010119900307001")]
    [InlineData("")]
    public async Task AWrongIdNumber_IsRefused(string number)
    {
        RefusalException refusal = await RaStage.RefusedAsync(
            () => Stage.PostAsync<SubscriberAnswer>(Stage.City, "/subscribers", new SubscriberRequest { Kind = "person", Region = CaScene.City, Name = "张三", Number = number }), Refusal.Malformed);
        Assert.Contains("身份证号码", refusal.Message, StringComparison.Ordinal);
        using var key = Sm2PrivateKey.Generate();
        string person = await Stage.PersonAsync();
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { Agent = new AgentRequest { Name = "赵", IdNumber = number } }), Refusal.Malformed);
    }

    [Theory]
    [InlineData("张\u202E三")]
    [InlineData("张\u0000三")]
    [InlineData("  ")]
    [InlineData("\uE000")]
    public async Task AHostileName_IsRefused(string name)
    {
        await RaStage.RefusedAsync(
            () => Stage.PostAsync<SubscriberAnswer>(
                Stage.City, "/subscribers", new SubscriberRequest { Kind = "person", Region = CaScene.City, Name = name, Number = CaScene.NewIdNumber().Reveal() }),
            Refusal.Malformed);
        using var key = Sm2PrivateKey.Generate();
        string person = await Stage.PersonAsync();
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { Departments = [name] }), Refusal.Malformed);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { AlternativeNames = [$"DNS:{name}"] }), Refusal.Malformed);
    }

    [Fact]
    public async Task WhatTheProfileNeeds_HasToBeThere()
    {
        using var key = Sm2PrivateKey.Generate();
        string person = await Stage.PersonAsync();
        EnrollmentAnswer draft = await Stage.TakeInAsync(RaStage.NewRequest(person, key, "person-number"));
        RefusalException refusal = await RaStage.RefusedAsync(() => Stage.SubmitAsync(draft), Refusal.Malformed);
        Assert.Contains("证明材料", refusal.Message, StringComparison.Ordinal);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key, "organization")), Refusal.SubjectNotAllowed);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key, "nothing")), Refusal.UnknownProfile);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { Days = 366 }), Refusal.ValidityTooLong);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { Kind = "steal" }), Refusal.Malformed);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest(person, key) with { Kind = "renew" }), Refusal.Malformed);
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(RaStage.NewRequest("00000000000000000000000000000000", key)), Refusal.NotFound);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhatTheCaRefuses_ComesBackToTheClerkInItsWords(DatabaseKind kind)
    {
        Stage = await fixture.OnAsync(kind);

        // The RA takes the host for a device's; the CA's profile wants it among the alternative names.
        SubscriberAnswer bureau = await Stage.PostAsync<SubscriberAnswer>(
            Stage.City, "/subscribers", new SubscriberRequest { Kind = "organization", Region = CaScene.City, Name = "福州市统计局", Number = RaStage.NewCreditCode() });
        SubscriberAnswer server = await Stage.PostAsync<SubscriberAnswer>(
            Stage.City, "/subscribers", new SubscriberRequest { Kind = "device", Region = CaScene.City, Name = "统计网", Number = $"{Guid.NewGuid():N}.example.gov.cn", Organization = bureau.Id });
        using var key = Sm2PrivateKey.Generate();
        EnrollmentRequest request = RaStage.NewRequest(server.Id, key, "tls") with { Agent = RaStage.Agent() };
        await RaStage.RefusedAsync(() => Stage.TakeInAsync(request with { Agent = null }), Refusal.Malformed);
        EnrollmentAnswer returned = await Stage.UntilAsync(await Stage.ApproveAsync(await Stage.SubmitAsync(await Stage.TakeInAsync(request))), "returned");
        Assert.Equal("returned", returned.State);
        Assert.StartsWith("CA未受理：", returned.Reason, StringComparison.Ordinal);
        Assert.Contains(returned.Reason!["CA未受理：".Length..], c => c >= 0x4E00);

        // Corrected it goes through, by the same two officers.
        EnrollmentAnswer corrected = await Stage.PutAsync<EnrollmentAnswer>(
            Stage.City, $"/enrollments/{returned.Id}", request with { AlternativeNames = [$"DNS:{server.Number}"], Version = returned.Version });
        EnrollmentAnswer issued = await Stage.UntilAsync(await Stage.ApproveAsync(await Stage.SubmitAsync(corrected)), "issued", "returned");
        Assert.True(issued.State == "issued", issued.Reason);

        // What breaks a rule of certificates only when it is made, comes back too, and is not asked for again and again.
        using var other = Sm2PrivateKey.Generate();
        EnrollmentAnswer unruly = await Stage.UntilAsync(
            await Stage.ApproveAsync(await Stage.SubmitAsync(await Stage.TakeInAsync(RaStage.NewRequest(server.Id, other, "device") with { Agent = RaStage.Agent() }))), "returned");
        Assert.Contains("不符合证书规则", unruly.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AReturnedAndARejectedOne_SayWhy()
    {
        EnrollmentAnswer submitted = await SubmittedAsync();
        await RaStage.RefusedAsync(
            () => Stage.PostAsync<EnrollmentAnswer>(Stage.CityReviewer, $"/enrollments/{submitted.Id}/review", new ReviewRequest { Version = submitted.Version, Outcome = "returned" }), Refusal.Malformed);
        EnrollmentAnswer returned = await Stage.PostAsync<EnrollmentAnswer>(
            Stage.CityReviewer, $"/enrollments/{submitted.Id}/review", new ReviewRequest { Version = submitted.Version, Outcome = "returned", Reason = "证件照片不清晰" });
        Assert.Equal(("returned", "证件照片不清晰"), (returned.State, returned.Reason));

        // What was signed before, counts no more: it is entered anew.
        await RaStage.RefusedAsync(() => Stage.ApproveAsync(returned), Refusal.WrongState);
        EnrollmentAnswer again = await Stage.SubmitAsync(returned);
        EnrollmentAnswer rejected = await Stage.PostAsync<EnrollmentAnswer>(
            Stage.CityReviewer, $"/enrollments/{submitted.Id}/review", new ReviewRequest { Version = again.Version, Outcome = "rejected", Reason = "不符合条件" });
        Assert.Equal("rejected", rejected.State);
        await RaStage.RefusedAsync(() => Stage.SubmitAsync(rejected), Refusal.WrongState);
        await RaStage.RefusedAsync(
            () => Stage.PostAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{submitted.Id}/cancellation", new StepRequest { Version = rejected.Version, Reason = "x" }), Refusal.WrongState);
    }

    [Fact]
    public async Task ADisabledOfficer_IsRefused()
    {
        StageOfficer leaving = await Stage.Ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.City, "钱将离");
        await UntilKnownAsync(leaving);
        EnrollmentAnswer submitted = await SubmittedAsync();
        Assert.Equal(submitted.Id, (await Stage.ShowAsync(submitted, leaving)).Id);
        byte[] office = await Stage.Ca.Database.FindAsync<byte[]>(
            "SELECT officer_id FROM officer WHERE certificate_serial = @Serial", new { Serial = leaving.SerialNumber.ToString() }, Token) ?? [];
        await Stage.Ca.RawAsync("UPDATE officer SET enabled = 0 WHERE officer_id = @Id", new { Id = office });
        await UntilAsync(async () =>
        {
            try
            {
                await Stage.ShowAsync(submitted, leaving);
                return false;
            }
            catch (RefusalException e) when (e.Kind is Refusal.NotAllowed or Refusal.LinkNotTrusted)
            {
                return true;
            }
        });
    }

    private Task<EnrollmentAnswer> PostSubmissionAsync(EnrollmentAnswer draft, long version, byte[] approval) =>
        Stage.PostAsync<EnrollmentAnswer>(Stage.City, $"/enrollments/{draft.Id}/submission", new SubmissionRequest { Version = version, Approval = approval });

    private Task<EnrollmentAnswer> SendAsync(EnrollmentRequest request, StageOfficer who) => Stage.PostAsync<EnrollmentAnswer>(who, "/enrollments", request);

    private async Task<EnrollmentAnswer> SubmittedAsync(StageOfficer? who = null) =>
        await Stage.SubmitAsync(await Stage.TakeInAsync(RaStage.NewRequest(await Stage.PersonAsync(), Stage.Pairs.NewKey()), who), who);

    /// <summary>As the CA's registry has it.</summary>
    private async Task<IdNumber> NumberOfAsync(StageOfficer officer) =>
        (await ((PersonRegistry)Stage.Ca.App.Services.GetService(typeof(PersonRegistry))!).FindAsync(officer.Identity.Person, Token))!.IdNumber;

    private Task UntilKnownAsync(StageOfficer officer) => UntilAsync(async () => await Stage.Database.FindAsync<long>(
        "SELECT COUNT(*) FROM officer WHERE certificate_serial = @Serial", new { Serial = officer.SerialNumber.ToString() }, Token) > 0);

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 1000; i++)
        {
            if (await condition())
            {
                return;
            }

            await Task.Delay(20, Token);
        }

        throw new TimeoutException("It did not come about.");
    }
}
