using System.Diagnostics;
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
            () => stage.CertifyAgainAsync(stage.Node, days: 50),
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

    /// <summary>The CA says that it is not time yet: its clock is another, or somebody was faster.</summary>
    [Fact]
    public async Task WhereTheSameComesBack_NothingIsWrong()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        stage.Time.By = TimeSpan.FromDays(200);
        using RenewLive renewal = Renewal(new Ca(_ => Task.FromResult(stage.Node)), signer, stage);
        Assert.False(await renewal.RunOnceAsync(signer, Token));
    }

    /// <summary>While the CA was asked, the operator has put a certificate of another ceremony there.</summary>
    [Fact]
    public async Task ACertificateThatLastsLonger_IsNotOverwritten()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        stage.Time.By = TimeSpan.FromDays(200);
        Certificate operators = await stage.CertifyAgainAsync(stage.Node, days: 400);
        var ca = new Ca(async _ =>
        {
            await File.WriteAllTextAsync(signer.File, Pem.Encode(Pem.Certificate, Der.Encode(operators)), Token);
            File.SetLastWriteTimeUtc(signer.File, DateTime.UtcNow.AddSeconds(5));
            return await stage.CertifyAgainAsync(stage.Node);
        });
        using RenewLive renewal = Renewal(ca, signer, stage);
        Assert.False(await renewal.RunOnceAsync(signer, Token));
        Assert.Equal(Der.Encode(operators), Der.Encode(signer.Certificate!));
        Assert.Equal(Der.Encode(operators), Pem.Decode(Pem.Certificate, await File.ReadAllTextAsync(signer.File, Token)));
    }

    /// <summary>Whatever comes, the node goes on, and asks again: a service that ends takes the program with it.</summary>
    [Fact]
    public async Task AFaultThatNobodyHasThoughtOf_DoesNotEndTheRenewal()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        stage.Time.By = TimeSpan.FromDays(200);
        int asked = 0;
        var ca = new Ca(async _ => asked++ == 0 ? throw new InvalidOperationException("As the test wants it.") : await stage.CertifyAgainAsync(stage.Node));
        using var renewal = new RenewLive(new HttpClient(ca) { BaseAddress = new Uri("https://ca.example") }, [signer], new FastTime(stage.Time), NullLogger<RenewLive>.Instance);
        await renewal.StartAsync(Token);
        for (int i = 0; signer.Certificate!.Tbs.Validity.NotAfter <= stage.Node.Tbs.Validity.NotAfter; i++)
        {
            Assert.True(i < 400, $"Asked {asked} times.");
            await Task.Delay(25, Token);
        }

        await renewal.StopAsync(Token);
        Assert.Equal(2, asked);
    }

    /// <summary>A clock that was ahead when the file was looked at, and was put right.</summary>
    [Fact]
    public async Task AfterAClockThatWasAhead_ANewFileIsSeenAllTheSame()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        stage.Time.By = TimeSpan.FromDays(3);
        using var renewal = new RenewLive(new HttpClient(new Ca(_ => Task.FromResult(stage.Node))) { BaseAddress = new Uri("https://ca.example") }, [signer], new FastTime(stage.Time), NullLogger<RenewLive>.Instance);
        await renewal.StartAsync(Token);
        Assert.NotNull(signer.Certificate);
        stage.Time.By = TimeSpan.Zero;
        Certificate next = await stage.CertifyAgainAsync(stage.Node, days: 400);
        await File.WriteAllTextAsync(signer.File, Pem.Encode(Pem.Certificate, Der.Encode(next)), Token);
        File.SetLastWriteTimeUtc(signer.File, DateTime.UtcNow.AddSeconds(5));
        for (int i = 0; !Der.Encode(signer.Certificate!).AsSpan().SequenceEqual(Der.Encode(next)); i++)
        {
            Assert.True(i < 400, "The new file is not seen.");
            await Task.Delay(25, Token);
        }

        await renewal.StopAsync(Token);
    }

    /// <summary>Answers are made on the threads of the connections: one that waited for the disk would keep those back that were signed ahead.</summary>
    [Fact]
    public async Task ADiskThatHangs_KeepsNoAnswerBack()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        LiveSigner signer = stage.Signer();
        Assert.NotNull(signer.Certificate);
        Certificate next = await stage.CertifyAgainAsync(stage.Node, days: 400);

        // Who opens a pipe waits until somebody opens its other end.
        File.Delete(signer.File);
        using (var made = Process.Start("mkfifo", [signer.File]))
        {
            await made.WaitForExitAsync(Token);
            Assert.Equal(0, made.ExitCode);
        }

        File.SetLastWriteTimeUtc(signer.File, DateTime.UtcNow.AddSeconds(5));
        Task<bool> replaced = Task.Run(() => signer.Replace(next), Token);
        await Task.Delay(200, Token);
        Assert.False(replaced.IsCompleted);
        Certificate? found = null;
        var answered = Task.Run(() => found = signer.Certificate, Token);
        bool isAnswered = await Task.WhenAny(answered, Task.Delay(TimeSpan.FromSeconds(5), Token)) == answered;
        await File.WriteAllTextAsync(signer.File, "none", Token);
        Assert.True(isAnswered);
        Assert.Equal(Der.Encode(stage.Node), Der.Encode(found!));
        Assert.True(await replaced);
        Assert.Equal(Der.Encode(next), Der.Encode(signer.Certificate!));
    }

    private static RenewLive Renewal(Ca ca, LiveSigner signer, OcspStage stage) =>
        new(new HttpClient(ca) { BaseAddress = new Uri("https://ca.example") }, [signer], stage.Time, NullLogger<RenewLive>.Instance);

    /// <summary>A minute is six hundredths of a second.</summary>
    private sealed class FastTime(TimeProvider time) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, dueTime / 1000, period / 1000);
    }

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
