using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp.Answers;

namespace ZwCa.Tests.Ocsp;

/// <summary>A node has its keys certified again before it is too late, and takes only what is for them.</summary>
public sealed class RenewLiveTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InTheLastThird_TheKeyIsCertifiedAgain_AndTheFileIsTheNewOne()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        var ca = new Ca(async _ => await stage.CertifyAgainAsync(stage.Node));
        using RenewLive renewal = Renewal(ca, signer, stage);
        Assert.False(await renewal.RunOnceAsync(signer, Token));
        Assert.Null(ca.Asked);

        stage.Time.By = TimeSpan.FromDays(200);
        Assert.True(await renewal.RunOnceAsync(signer, Token));

        // The request proves the key, and goes to the CA that the certificate is of.
        CertificationRequest request = Der.Decode<CertificationRequest>(ca.Body);
        Assert.Equal(stage.Node.Tbs.SubjectPublicKeyInfo, ProofOfPossession.Verify(request, allowEmptyId: false).PublicKey);
        string issuer = Convert.ToHexStringLower(stage.Ca.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span);
        Assert.Equal($"/responders/{issuer}/renewal", ca.Asked);
        Certificate now = signer.Certificate!;
        Assert.True(now.Tbs.Validity.NotAfter > stage.Node.Tbs.Validity.NotAfter);
        Assert.Equal(Der.Encode(now), Pem.Decode(Pem.Certificate, await File.ReadAllTextAsync(signer.File, Token)));
        Assert.False(await renewal.RunOnceAsync(signer, Token));
    }

    [Fact]
    public async Task WhatIsForAnotherKey_OrNoLonger_IsNotTaken()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        stage.Time.By = TimeSpan.FromDays(200);
        Func<Task<Certificate>>[] wrong =
        [
            () => stage.CertifyAgainAsync(stage.Node, stage.Responder.Tbs.SubjectPublicKeyInfo),
            () => Task.FromResult(stage.Node),
            async () => (await stage.MakeCaAsync(ZwCa.Hsm.HsmKeyKind.Sm2, "另一CA")).Certificate,
        ];
        foreach (Func<Task<Certificate>> each in wrong)
        {
            using RenewLive renewal = Renewal(new Ca(async _ => await each()), signer, stage);
            await Assert.ThrowsAsync<DerException>(() => renewal.RunOnceAsync(signer, Token));
            Assert.Equal(Der.Encode(stage.Node), Der.Encode(signer.Certificate!));
        }
    }

    [Fact]
    public async Task WhereTheCaRefuses_TheOldOneStays()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        stage.Time.By = TimeSpan.FromDays(200);
        using RenewLive renewal = Renewal(new Ca(_ => throw new HttpRequestException("The CA is away.")), signer, stage);
        await Assert.ThrowsAsync<HttpRequestException>(() => renewal.RunOnceAsync(signer, Token));
        Assert.Equal(Der.Encode(stage.Node), Der.Encode(signer.Certificate!));
    }

    private static RenewLive Renewal(Ca ca, LiveSigner signer, OcspStage stage) =>
        new(new HttpClient(ca) { BaseAddress = new Uri("https://ca.example") }, [signer], stage.Time, NullLogger<RenewLive>.Instance);

    /// <summary>Answers with a certificate.</summary>
    private sealed class Ca(Func<byte[], Task<Certificate>> certify) : HttpMessageHandler
    {
        public string? Asked { get; private set; }

        public byte[] Body { get; private set; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked = request.RequestUri!.AbsolutePath;
            Body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(Der.Encode(await certify(Body))) };
        }
    }
}
