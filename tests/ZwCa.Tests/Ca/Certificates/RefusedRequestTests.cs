using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Certificates;

/// <summary>One CA for the whole table: whatever it is asked, nothing is issued, and it goes on.</summary>
public sealed class RefusedRequestFixture : IAsyncLifetime
{
    internal CaStage Stage { get; private set; } = null!;

    /// <summary>An RA whose quota is used up.</summary>
    internal RaParty Exhausted { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Stage = await CaStage.StartAsync(new CaSetup { Options = options => options with { Limits = options.Limits with { BodyBytes = 256 * 1024 } } });
        Exhausted = await Stage.RaAsync("ra-36", CaStage.OtherProvince, quota: 0);
    }

    public ValueTask DisposeAsync() => Stage.DisposeAsync();
}

/// <summary>What an RA may not ask for, in each way: the kind of the refusal, and nothing left behind.</summary>
public sealed class RefusedRequestTests(RefusedRequestFixture fixture) : IClassFixture<RefusedRequestFixture>
{
    private const string Path = "/certificates";

    private readonly CaStage _stage = fixture.Stage;

    /// <summary>What is wrong with a request that is right otherwise, and the refusal's kind.</summary>
    private static readonly Dictionary<string, (Refusal Kind, Func<Trial, Task<DecidedRequest>> Make)> Cases = new()
    {
        ["the CSR is signed by another key"] = (Refusal.BadCsr, trial => trial.WithAsync(csr: Forged(trial.Key))),
        ["there is no CSR"] = (Refusal.Malformed, trial => trial.WithAsync(noCsr: true)),
        ["the CSR is for another key than was approved"] = (Refusal.NotApproved, trial => trial.WithAsync(csr: CaStage.Csr(trial.OtherKey))),
        ["the private key is one"] = (Refusal.BadPublicKey, trial => trial.WithKey(Sm2PrivateKey.FromBytes([.. new byte[31], 1])).WithAsync()),
        ["a name that ends with a space"] = (Refusal.SubjectNotAllowed, trial => trial.WithAsync(body => body with { Subject = [new SubjectAttributeText(Oids.OrganizationName, "示例市档案局 "), .. body.Subject.Skip(1)] })),
        ["an attribute that the profile lacks"] = (Refusal.SubjectNotAllowed, trial => trial.WithAsync(body => body with { Subject = [.. body.Subject, new SubjectAttributeText(Oids.Title, "局长")] })),
        ["the place in the request"] = (Refusal.SubjectNotAllowed, trial => trial.WithAsync(body => body with { Subject = [.. body.Subject, new SubjectAttributeText(Oids.StateOrProvinceName, "江西省")] })),
        ["the subject names another entity"] = (Refusal.SubjectNotAllowed, trial => trial.WithAsync(body => body with { Entity = CaStage.NewEntity() })),
        ["a name that is no host's"] = (Refusal.SubjectNotAllowed, trial => trial.WithAsync(body => body with { Names = [new DnsName("not a host")] })),
        ["a year more than the profile allows"] = (Refusal.ValidityTooLong, trial => trial.WithAsync(body => body with { Days = 730 })),
        ["a profile that does not exist"] = (Refusal.UnknownProfile, trial => trial.WithAsync(body => body with { Profile = "tls-client" })),
        ["another version of the profile"] = (Refusal.UnknownProfile, trial => trial.WithAsync(body => body with { ProfileHash = new byte[32] })),
        ["a profile out of the RA's scope"] = (Refusal.OutOfScope, trial => trial.WithAsync(body => body with { Profile = "person-signing", ProfileHash = trial.HashOf("person-signing") })),
        ["an officer certificate by its profile"] = (Refusal.OutOfScope, trial => trial.WithAsync(body => body with { Profile = "officer", ProfileHash = trial.HashOf("officer") })),
        ["an officer certificate by its extension"] = (Refusal.OutOfScope, trial => trial.WithAsync(body => body with { Officer = trial.Stage.Entry.Identity })),
        ["from the CA of officers"] = (Refusal.OutOfScope, trial => trial.WithAsync(body => body with { Issuer = trial.Stage.Operations.KeyIdentifier })),
        ["from a CA that is not here"] = (Refusal.OutOfScope, trial => trial.WithAsync(body => body with { Issuer = new byte[20] })),
        ["for another CA"] = (Refusal.OutOfScope, trial => trial.With(draft => draft with { CaName = "另一个CA" }).WithAsync()),
        ["for another RA"] = (Refusal.OutOfScope, trial => trial.With(draft => draft with { RaName = "ra-36" }).WithAsync()),
        ["for another RA's region"] = (Refusal.OutOfScope, trial => trial.With(draft => draft with { Region = CaStage.OtherProvince }).WithAsync(entry: trial.Stage.Stranger)),
        ["for a region that nobody registered"] = (Refusal.OutOfScope, async trial => await trial.With(draft => draft with { Region = "350200" })
            .WithAsync(entry: trial.Stage.Review, review: await trial.Stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.Province))),
        ["one approval twice"] = (Refusal.NotApproved, trial => trial.WithAsync(after: request => request with { Review = request.Entry })),
        ["no review"] = (Refusal.Malformed, trial => trial.WithAsync(after: request => request with { Review = [] })),
        ["both approvals by one person"] = (Refusal.SecondOfficerRequired, trial => trial.WithAsync(review: trial.Stage.Entry)),
        ["an approval of another application"] = (Refusal.NotApproved, trial => trial.WithAsync(after: request => request with { Entry = trial.ApprovalOfAnother() })),
        ["an approval by an officer of another region"] = (Refusal.OutOfScope, trial => trial.WithAsync(review: trial.Stage.Stranger)),
        ["an approval by an officer of a region below"] = (Refusal.OutOfScope, trial => trial.With(draft => draft with { Region = CaStage.Province }).WithAsync()),
        ["an approval by a disabled officer"] = (Refusal.NotAllowed, async trial => await trial.WithAsync(entry: await trial.DisabledAsync())),
        ["an approval by a person who is not in office"] = (Refusal.NotAllowed, async trial => await trial.WithAsync(entry: await trial.Stage.CertifyAsync(RoleCatalogue.BusinessOperator, CaStage.City))),
        ["an approval by an administrator"] = (Refusal.NotAllowed, trial => trial.WithAsync(review: trial.Stage.FirstAdministrator)),
        ["an approval 31 days old"] = (Refusal.NotApproved, trial => trial.WithAsync(at: DateTimeOffset.UtcNow.AddDays(-31))),
        ["an approval from tomorrow"] = (Refusal.NotApproved, trial => trial.WithAsync(at: DateTimeOffset.UtcNow.AddDays(1))),
        ["a host name changed after the approvals"] = (Refusal.NotApproved, trial => trial.ChangedAfterAsync(body => body with { Names = [new DnsName("www.other.gov.cn")] })),
        ["a number in the subject changed after the approvals"] = (Refusal.NotApproved, trial => trial.ChangedAfterAsync(body => body with { Subject = [.. body.Subject.SkipLast(1), new SubjectAttributeText(Oids.SerialNumber, CaStage.NewEntity())] })),
        ["evidence that nobody saw"] = (Refusal.NotApproved, trial => trial.WithAsync(after: request => request with { Evidence = [new byte[32]] })),
        ["evidence that is no hash"] = (Refusal.Malformed, trial => trial.WithAsync(after: request => request with { Evidence = [[1]] })),
        ["an application that is no DER"] = (Refusal.Malformed, trial => trial.WithAsync(after: request => request with { Application = [.. request.Application, 0] })),
        ["a renewal of nothing"] = (Refusal.Malformed, trial => trial.With(draft => draft with { Kind = DecisionKind.Renew }).WithAsync()),
        ["a renewal of a certificate that does not exist"] = (Refusal.NotFound, trial => trial.With(draft => draft with { Kind = DecisionKind.Renew }).WithAsync(body => body with { Replaces = new CertificateReference(body.Issuer, SerialNumber.Parse("4001")) })),
        ["a new certificate that would replace one"] = (Refusal.NotFound, trial => trial.WithAsync(body => body with { Replaces = new CertificateReference(body.Issuer, SerialNumber.Parse("4001")) })),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task WhatMayNotBe_IsRefused_AndLeavesNothing(string name)
    {
        (Refusal kind, Func<Trial, Task<DecidedRequest>> make) = Cases[name];
        using var trial = new Trial(_stage);
        DecidedRequest request = await make(trial);
        (long issued, long decided) before = await CountAsync();

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => _stage.Ra.PostAsync<CertificateAnswer>(Path, request));

        Assert.Equal(kind, refused.Kind);
        Assert.Contains(refused.Message, character => character > 0x2E80);
        Assert.Equal(before, await CountAsync());
        Assert.Equal(0, await _stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state = 0", cancellationToken: TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AnApprovalIsSpentOnce()
    {
        using var trial = new Trial(_stage);
        DecidedRequest request = await trial.WithAsync();
        await _stage.Ra.PostAsync<CertificateAnswer>(Path, request);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => _stage.Ra.PostAsync<CertificateAnswer>(Path, request));

        Assert.Equal(Refusal.NotApproved, refused.Kind);
    }

    [Fact]
    public async Task AKeyIsOneEntitys()
    {
        (_, Sm2PrivateKey key, _) = await _stage.IssueAsync();
        using var trial = new Trial(_stage);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(async () => await _stage.Ra.PostAsync<CertificateAnswer>(Path, await trial.WithKey(key).WithAsync()));

        Assert.Equal(Refusal.Duplicate, refused.Kind);
    }

    [Fact]
    public async Task TheSameRequestIdForSomethingElse_IsRefused()
    {
        using var trial = new Trial(_stage);
        using var another = new Trial(_stage);
        var id = RequestId.Create(TimeProvider.System);
        await _stage.Ra.PostAsync<CertificateAnswer>(Path, await trial.WithAsync(), id);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(async () => await _stage.Ra.PostAsync<CertificateAnswer>(Path, await another.WithAsync(), id));

        Assert.Equal(Refusal.Duplicate, refused.Kind);
    }

    [Fact]
    public async Task OverQuota_IsRefused_AndTakenOnceThereIsMore()
    {
        using var trial = new Trial(_stage);
        RaParty ra = fixture.Exhausted;
        StageOfficer review = await _stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.OtherProvince);
        DecidedRequest request = await trial.With(draft => draft with { RaName = ra.Name, Region = CaStage.OtherProvince }).WithAsync(entry: _stage.Stranger, review: review);
        var id = RequestId.Create(TimeProvider.System);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => ra.PostAsync<CertificateAnswer>(Path, request, id));
        await _stage.RawAsync("UPDATE registration_authority SET quota = 1 WHERE ra_name = @Name", new { ra.Name });
        CertificateAnswer issued = await ra.PostAsync<CertificateAnswer>(Path, request, id);

        Assert.Equal(Refusal.QuotaExhausted, refused.Kind);
        Assert.Equal("valid", issued.State);
    }

    [Fact]
    public async Task ADisabledRa_IsOutAtTheNextRequest()
    {
        RaParty ra = await _stage.RaAsync("ra-3501", CaStage.City);
        await Assert.ThrowsAsync<RefusalException>(() => ra.GetAsync<CertificateAnswer>($"{Path}/00/00"));
        await _stage.RawAsync("UPDATE registration_authority SET enabled = 0 WHERE ra_name = @Name", new { ra.Name });
        using var trial = new Trial(_stage);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(async () => await ra.PostAsync<CertificateAnswer>(Path, await trial.With(draft => draft with { RaName = ra.Name }).WithAsync()));

        Assert.Equal(Refusal.NotAllowed, refused.Kind);
    }

    [Fact]
    public async Task AnRaWhoseCertificateIsRevoked_IsOut()
    {
        RaParty ra = await _stage.RaAsync("ra-3502", CaStage.City);
        await _stage.RawAsync("UPDATE certificate SET state = 3 WHERE serial = @Serial", new { Serial = ra.Signer.Sender.ToString() });
        using var trial = new Trial(_stage);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(async () => await ra.PostAsync<CertificateAnswer>(Path, await trial.With(draft => draft with { RaName = ra.Name }).WithAsync()));

        Assert.Equal(Refusal.NotAllowed, refused.Kind);
    }

    [Fact]
    public async Task AnRaWhoseCertificateHasExpired_IsOut()
    {
        RaParty ra = await _stage.RaAsync("ra-3503", CaStage.City);
        await ra.GetAsync<CertificatePage>(Path);
        await _stage.RawAsync("UPDATE certificate SET not_after = 1 WHERE serial = @Serial", new { Serial = ra.Signer.Sender.ToString() });

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => ra.GetAsync<CertificatePage>(Path));

        Assert.Equal(Refusal.NotAllowed, refused.Kind);
    }

    [Fact]
    public async Task AnOfficerDoesNotAskInTheNameOfAnRa()
    {
        using var trial = new Trial(_stage);

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(async () => await _stage.FirstAdministrator.PostAsync<CertificateAnswer>(Path, await trial.WithAsync()));

        Assert.Equal(Refusal.NotAllowed, refused.Kind);
    }

    [Fact]
    public async Task AMessageSentAgain_IsAnsweredAgain_AndNothingElseIsDone()
    {
        using var trial = new Trial(_stage);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(await trial.WithAsync(), JsonSerializerOptions.Web);
        KeyValuePair<string, string>[] headers = await SignAsync(body, CaStage.ServiceName, Path);
        using HttpClient link = _stage.CreateClient(await _stage.RegisterAsync(_stage.Ra.Name, ClientKind.Ra));

        byte[] first = await SendAsync(link, headers, body, Path);
        (long, long) before = await CountAsync();
        byte[] again = await SendAsync(link, headers, body, Path);

        Assert.Equal(first, again);
        Assert.Equal(before, await CountAsync());
    }

    [Theory]
    [InlineData("another service", "kmc", false, false)]
    [InlineData("another path", CaStage.ServiceName, true, false)]
    [InlineData("another RA's link", CaStage.ServiceName, false, true)]
    public async Task AMessageThatWasMeantForSomethingElse_IsRefused(string what, string recipient, bool toAnotherPath, bool overAnotherLink)
    {
        Assert.NotEmpty(what);
        using var trial = new Trial(_stage);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(await trial.WithAsync(), JsonSerializerOptions.Web);
        KeyValuePair<string, string>[] headers = await SignAsync(body, recipient, toAnotherPath ? "/elsewhere" : Path);
        string name = overAnotherLink ? fixture.Exhausted.Name : _stage.Ra.Name;
        using HttpClient link = _stage.CreateClient(await _stage.RegisterAsync(name, ClientKind.Ra));

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => SendAsync(link, headers, body, Path));

        Assert.Equal(Refusal.BadSignature, refused.Kind);
    }

    [Theory]
    [InlineData("{\"application\":", Refusal.Malformed)]
    [InlineData("{}", Refusal.Malformed)]
    [InlineData("{\"application\":\"???\",\"entry\":\"\",\"review\":\"\"}", Refusal.Malformed)]
    [InlineData("{\"application\":\"MAA=\",\"entry\":\"MAA=\",\"review\":\"MAA=\"}", Refusal.Malformed)]
    [InlineData("[]", Refusal.Malformed)]
    [InlineData("", Refusal.Malformed)]
    public async Task ABodyThatIsNoRequest_IsRefused(string text, Refusal kind)
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        using HttpClient link = _stage.CreateClient(await _stage.RegisterAsync(_stage.Ra.Name, ClientKind.Ra));

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(async () => await SendAsync(link, await SignAsync(body, CaStage.ServiceName, Path), body, Path));

        Assert.Equal(kind, refused.Kind);
    }

    [Fact]
    public async Task ABodyThatIsTooLarge_IsRefused()
    {
        byte[] body = [.. Enumerable.Repeat((byte)' ', 300 * 1024)];
        using HttpClient link = _stage.CreateClient(await _stage.RegisterAsync(_stage.Ra.Name, ClientKind.Ra));

        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(async () => await SendAsync(link, await SignAsync(body, CaStage.ServiceName, Path), body, Path));

        Assert.Equal(Refusal.TooLarge, refused.Kind);
    }

    private static byte[] Forged(Sm2PrivateKey key)
    {
        byte[] csr = CaStage.Csr(key);
        CertificationRequest read = Der.Decode<CertificationRequest>(csr);
        using var other = Sm2PrivateKey.Generate();
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        other.Sign(read.InfoBytes.Span, signature);
        return Der.Encode(CertificationRequest.Assemble(read.InfoBytes, read.SignatureAlgorithm, Der.Encode(Sm2Signature.FromRaw(signature))));
    }

    private async Task<(long Issued, long Decided)> CountAsync() => (
        await _stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state BETWEEN 1 AND 4", cancellationToken: TestContext.Current.CancellationToken),
        await _stage.Database.FindAsync<long>("SELECT COUNT(*) FROM decision", cancellationToken: TestContext.Current.CancellationToken));

    private async Task<KeyValuePair<string, string>[]> SignAsync(byte[] body, string recipient, string path)
    {
        var message = new SignedMessage(
            _stage.Ra.Signer.Sender, recipient, "POST", path, RequestId.Create(TimeProvider.System), DateTimeOffset.UtcNow, Sm3.HashData(body));
        return [.. MessageHeaders.Write(message, await _stage.Ra.Signer.SignAsync(message))];
    }

    private static async Task<byte[]> SendAsync(HttpClient link, KeyValuePair<string, string>[] headers, byte[] body, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach ((string name, string value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using HttpResponseMessage response = await link.SendAsync(request);
        await response.ThrowIfRefusedAsync();
        return await response.Content.ReadAsByteArrayAsync();
    }

    /// <summary>A request that would be granted, until a case changes it.</summary>
    private sealed class Trial : IDisposable
    {
        private IssueDraft _draft;

        public Trial(CaStage stage)
        {
            Stage = stage;
            Key = Sm2PrivateKey.Generate();
            _draft = stage.Draft(SpkiOf(Key));
        }

        public CaStage Stage { get; }

        public Sm2PrivateKey Key { get; private set; }

        public Sm2PrivateKey OtherKey { get; } = Sm2PrivateKey.Generate();

        public Trial With(Func<IssueDraft, IssueDraft> change)
        {
            _draft = change(_draft);
            return this;
        }

        public Trial WithKey(Sm2PrivateKey key)
        {
            Key = key;
            _draft = _draft with { Body = _draft.Body with { SubjectPublicKeyInfo = SpkiOf(key) } };
            return this;
        }

        public ReadOnlyMemory<byte> HashOf(string profile) => ZwCa.Issuance.ProfileCatalogue.Shipped[profile].Hash;

        public async Task<DecidedRequest> WithAsync(
            Func<CertificateBody, CertificateBody>? body = null,
            StageOfficer? entry = null,
            StageOfficer? review = null,
            byte[]? csr = null,
            bool noCsr = false,
            DateTimeOffset? at = null,
            Func<DecidedRequest, DecidedRequest>? after = null)
        {
            CertificateBody changed = (body ?? (same => same))(_draft.Body);
            DecidedRequest request = Stage.Decide((_draft with { Body = changed }).ToApplication(), entry, review, noCsr ? null : csr ?? CaStage.Csr(Key), at);
            await Task.CompletedTask;
            return (after ?? (same => same))(request);
        }

        public async Task<DecidedRequest> ChangedAfterAsync(Func<CertificateBody, CertificateBody> change)
        {
            DecidedRequest request = await WithAsync();
            return request with { Application = Der.Encode((_draft with { Body = change(_draft.Body) }).ToApplication()) };
        }

        public byte[] ApprovalOfAnother()
        {
            using var key = Sm2PrivateKey.Generate();
            return Der.Encode(Stage.Sign(Stage.Entry, ApprovalStep.Entry, Stage.Draft(SpkiOf(key)).ToApplication()));
        }

        public async Task<StageOfficer> DisabledAsync()
        {
            StageOfficer officer = await Stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.City);
            await Stage.RawAsync("UPDATE officer SET enabled = 0 WHERE certificate_serial = @Serial", new { Serial = officer.SerialNumber.ToString() });
            return officer;
        }

        public void Dispose()
        {
            Key.Dispose();
            OtherKey.Dispose();
        }

        private static SubjectPublicKeyInfo SpkiOf(Sm2PrivateKey key) => SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
    }
}
