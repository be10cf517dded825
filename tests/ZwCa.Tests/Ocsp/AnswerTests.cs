using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp;
using ZwCa.Tests.Issuance.Crls;

namespace ZwCa.Tests.Ocsp;

/// <summary>The table of docs/OCSP.md, row by row, over HTTP.</summary>
public sealed class AnswerTests : IAsyncLifetime
{
    private static readonly byte[] GoodSerial = [0x41, 0x01];
    private static readonly byte[] RevokedSerial = [0x41, 0x02];
    private static readonly byte[] HeldSerial = [0x41, 0x03];
    private static readonly byte[] UnansweredSerial = [0x41, 0x04];

    private OcspStage _stage = null!;
    private WebApplication _app = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _stage = await OcspStage.CreateAsync();
        FeedStatus[] statuses = [_stage.Good(GoodSerial), _stage.Revoked(RevokedSerial), _stage.Revoked(HeldSerial, 3, RevocationReason.CertificateHold)];
        FeedWriter writer = _stage.Begin();
        await _stage.WriteAsync(writer, statuses);
        await _stage.RespondAsync(writer, CertIdHash.Sm3, _stage.Time.GetUtcNow(), statuses[0]);
        writer.Status(_stage.Good(UnansweredSerial));
        _stage.Source.Append(writer.ToArray());
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _stage.DisposeAsync();
    }

    [Fact]
    public async Task OneCertId_IsAnsweredWithWhatWasSignedAhead()
    {
        (OcspResponse response, HttpResponseMessage http) = await AskAsync(Ask(GoodSerial));
        BasicOcspResponse basic = Verify(response, _stage.Responder);
        Assert.IsType<Good>(Single(basic).CertStatus);
        Assert.Equal(Single(basic).ThisUpdate, basic.Tbs.ProducedAt);
        Assert.Contains("max-age", http.Headers.CacheControl!.ToString(), StringComparison.Ordinal);

        Assert.Equal(RevocationReason.KeyCompromise, Assert.IsType<Revoked>(Single(Verify((await AskAsync(Ask(RevokedSerial))).Response, _stage.Responder)).CertStatus).Info.RevocationReason);
        Assert.Equal(RevocationReason.CertificateHold, Assert.IsType<Revoked>(Single(Verify((await AskAsync(Ask(HeldSerial))).Response, _stage.Responder)).CertStatus).Info.RevocationReason);
        Assert.Equal(CertIdHash.Sm3, CertIds.HashOf(Single(Verify((await AskAsync(Ask(GoodSerial, CertIdHash.Sm3))).Response, _stage.Responder)).CertId));
    }

    /// <summary>Extensions that nobody has to understand, and a signature of whoever asks, are passed over.</summary>
    [Fact]
    public async Task AnotherFormOfTheSameQuestion_HasTheSameAnswer()
    {
        var other = new Extension("1.3.6.1.5.5.7.48.1.4", Critical: false, new byte[] { 0x30, 0x00 });
        var tbs = new TbsRequest([new Request(CertIdOf(GoodSerial), new Extensions(other))], new Extensions(other));
        byte[] request = Der.Encode(OcspRequest.Assemble(Der.Encode(tbs), new Signature(AlgorithmIdentifier.Sm3WithSm2, new byte[70])));
        Verify((await AskAsync(request)).Response, _stage.Responder);
        Assert.Equal(ResponseStatus.MalformedRequest, (await AskAsync(Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIdOf(GoodSerial))], new Extensions(other with { Critical = true })))))).Response.ResponseStatus);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(128)]
    public async Task ANonce_IsEchoed_InWhatIsSignedHere(int length)
    {
        var nonce = new Nonce(new TestRandom().Bytes(length));
        (OcspResponse response, HttpResponseMessage http) = await AskAsync(Ask(new Extensions(Extension.Create(nonce, critical: false)), CertIdOf(GoodSerial)));
        BasicOcspResponse basic = Verify(response, _stage.Node);
        Assert.IsType<Good>(Single(basic).CertStatus);
        Assert.Equal(nonce, basic.Tbs.ResponseExtensions!.Find<Nonce>());
        Assert.True(http.Headers.CacheControl!.NoStore);
        Assert.InRange(Single(basic).NextUpdate!.Value.Value - _stage.Time.GetUtcNow(), TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(60));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(129)]
    public async Task ANonceOfAnotherLength_IsNoRequest(int length)
    {
        byte[] value = [0x04, .. length < 128 ? new byte[] { (byte)length } : [0x81, (byte)length], .. new byte[length]];
        (OcspResponse response, _) = await AskAsync(Ask(new Extensions(new Extension(Oids.OcspNonce, Critical: false, value)), CertIdOf(GoodSerial)));
        Assert.Equal(ResponseStatus.MalformedRequest, response.ResponseStatus);
    }

    [Fact]
    public async Task SeveralCertIds_AreAnsweredTogether_EachAsItWasAsked()
    {
        CertId[] asked = [CertIdOf(RevokedSerial, CertIdHash.Sha256, nullParameters: false), CertIdOf(GoodSerial), CertIdOf([0x7F], CertIdHash.Sm3), .. Enumerable.Range(1, 13).Select(i => CertIdOf([0x50, (byte)i]))];
        BasicOcspResponse basic = Verify((await AskAsync(Ask(null, asked))).Response, _stage.Node);
        Assert.Equal(asked, basic.Tbs.Responses.Select(each => each.CertId));
        Assert.IsType<Revoked>(basic.Tbs.Responses[0].CertStatus);
        Assert.IsType<Good>(basic.Tbs.Responses[1].CertStatus);
        Assert.All(basic.Tbs.Responses.Skip(2), each => Assert.IsType<Unknown>(each.CertStatus));
        Assert.Equal(ResponseStatus.MalformedRequest, (await AskAsync(Ask(null, [.. asked, asked[0]]))).Response.ResponseStatus);
    }

    [Fact]
    public async Task AbsentParameters_AnotherHash_AndAStatusWithoutAResponse_AreSignedHere()
    {
        foreach (CertId asked in (CertId[])[CertIdOf(GoodSerial, nullParameters: false), CertIdOf(GoodSerial, CertIdHash.Sha256), CertIdOf(UnansweredSerial)])
        {
            SingleResponse single = Single(Verify((await AskAsync(Ask(null, asked))).Response, _stage.Node));
            Assert.Equal(asked, single.CertId);
            Assert.IsType<Good>(single.CertStatus);
        }
    }

    /// <summary>Incident 3.</summary>
    [Fact]
    public async Task SerialNumbersThatWereNeverStored_AreNeverGood()
    {
        await RestartAsync(_stage.Options() with { Buckets = new BucketOptions { ClientAtOnce = 1000, NodeAtOnce = 1000 } });
        var random = new TestRandom();
        for (int i = 0; i < 100; i++)
        {
            byte[] serial = random.Bytes(1 + random.Next(20));
            serial[0] = (byte)((serial[0] & 0x3F) | (serial.Length == 2 ? 0x20 : 0x40));
            SingleResponse single = Single(Verify((await AskAsync(Ask(serial, (CertIdHash)random.Next(3)))).Response, _stage.Node));
            Assert.IsType<Unknown>(single.CertStatus);
        }
    }

    [Fact]
    public async Task AnIssuerThatIsNotOurs_IsUnauthorized_AlsoBesideOneThatIs()
    {
        OcspStageCa foreign = await _stage.MakeCaAsync(HsmKeyKind.Sm2, "别的CA");
        CertId theirs = CertIds.Of(foreign.Certificate, SerialNumber.FromBytes(GoodSerial), CertIdHash.Sha1);
        var sha512 = new CertId(new AlgorithmIdentifier("2.16.840.1.101.3.4.2.3", new byte[] { 5, 0 }), new byte[64], new byte[64], SerialNumber.FromBytes(GoodSerial));
        CertId half = CertIdOf(GoodSerial) with { IssuerNameHash = theirs.IssuerNameHash };
        foreach (CertId[] asked in (CertId[][])[[theirs], [sha512], [half], [CertIdOf(GoodSerial), theirs], [theirs, CertIdOf(GoodSerial)]])
        {
            (OcspResponse response, HttpResponseMessage http) = await AskAsync(Ask(null, asked));
            Assert.Equal(ResponseStatus.Unauthorized, response.ResponseStatus);
            Assert.True(http.Headers.CacheControl!.NoStore);
        }
    }

    [Fact]
    public async Task WithoutAKey_WhatIsNotSignedAhead_IsForLater()
    {
        await RestartAsync(_stage.Options(), hasKey: false);
        Verify((await AskAsync(Ask(GoodSerial))).Response, _stage.Responder);
        foreach (byte[] request in (byte[][])[Ask(UnansweredSerial), Ask([0x7F]), Ask(null, CertIdOf(GoodSerial), CertIdOf(RevokedSerial)), Ask(new Extensions(Extension.Create(new Nonce(new byte[16]), critical: false)), CertIdOf(GoodSerial))])
        {
            Assert.Equal(ResponseStatus.TryLater, (await AskAsync(request)).Response.ResponseStatus);
        }
    }

    [Fact]
    public async Task AnEmptyBucket_IsForLater_AndWhatIsSignedAheadGoesOn()
    {
        await RestartAsync(_stage.Options() with { Buckets = new BucketOptions { ClientAtOnce = 3, ClientPerSecond = 0.001 } });
        List<ResponseStatus> answers = [];
        for (int i = 0; i < 5; i++)
        {
            answers.Add((await AskAsync(Ask([0x7F]))).Response.ResponseStatus);
        }

        Assert.Equal([.. Enumerable.Repeat(ResponseStatus.Successful, 3), ResponseStatus.TryLater, ResponseStatus.TryLater], answers);
        Verify((await AskAsync(Ask(GoodSerial))).Response, _stage.Responder);
    }

    /// <summary>Who withholds the feed does not make the node sign what may have changed since; a revocation is seen as soon as it has come.</summary>
    [Fact]
    public async Task WhatIsStale_IsNotSigned_AndAResponseThatIsOver_IsNotGivenOut()
    {
        await _stage.AppendAsync(_stage.Revoked(GoodSerial));
        await _stage.WaitAsync(_app);
        Assert.IsType<Revoked>(Single(Verify((await AskAsync(Ask(GoodSerial))).Response, _stage.Responder)).CertStatus);

        _stage.Source.IsAway = true;
        _stage.Time.By = TimeSpan.FromMinutes(6);
        Assert.Equal(ResponseStatus.TryLater, (await AskAsync(Ask([0x7F]))).Response.ResponseStatus);
        Verify((await AskAsync(Ask(GoodSerial))).Response, _stage.Responder);
        _stage.Time.By = OcspStage.Validity;
        Assert.Equal(ResponseStatus.TryLater, (await AskAsync(Ask(GoodSerial))).Response.ResponseStatus);
    }

    private async Task StartAsync(OcspOptions? options = null, bool hasKey = true)
    {
        (_app, Uri address) = await _stage.StartAsync(options, hasKey);
        _http = new HttpClient { BaseAddress = address };
        await _stage.WaitAsync(_app);
    }

    private async Task RestartAsync(OcspOptions options, bool hasKey = true)
    {
        await _app.StopAsync(TestContext.Current.CancellationToken);
        _http.Dispose();
        await StartAsync(options, hasKey);
    }

    private CertId CertIdOf(byte[] serial, CertIdHash hash = CertIdHash.Sha1, bool nullParameters = true) => CertIds.Of(_stage.Ca, SerialNumber.FromBytes(serial), hash, nullParameters);

    private byte[] Ask(byte[] serial, CertIdHash hash = CertIdHash.Sha1) => Ask(null, CertIdOf(serial, hash));

    private static byte[] Ask(Extensions? extensions, params CertId[] certIds) => Der.Encode(new OcspRequest(new TbsRequest([.. certIds.Select(each => new Request(each))], extensions)));

    private async Task<(OcspResponse Response, HttpResponseMessage Http)> AskAsync(byte[] request)
    {
        using var content = new ByteArrayContent(request) { Headers = { ContentType = new MediaTypeHeaderValue("application/ocsp-request") } };
        HttpResponseMessage http = await _http.PostAsync(new Uri("/ocsp", UriKind.Relative), content, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, "application/ocsp-response"), (http.StatusCode, http.Content.Headers.ContentType?.MediaType));
        return (Der.Decode<OcspResponse>(await http.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)), http);
    }

    private static SingleResponse Single(BasicOcspResponse basic) => Assert.Single(basic.Tbs.Responses);

    /// <summary>By code that does not answer.</summary>
    private static BasicOcspResponse Verify(OcspResponse response, Certificate responder)
    {
        Assert.Equal(ResponseStatus.Successful, response.ResponseStatus);
        BasicOcspResponse basic = response.DecodeBasic();
        Assert.Equal(Der.Encode(responder), Der.Encode(Assert.Single(basic.Certificates!)));
        Assert.True(TestCa.Verify(responder.Tbs.SubjectPublicKeyInfo, basic.TbsBytes.Span, basic.Signature));
        return basic;
    }
}
