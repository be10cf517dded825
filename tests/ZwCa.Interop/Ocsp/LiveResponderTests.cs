using Microsoft.AspNetCore.Builder;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance.Feed;

namespace ZwCa.Interop.Ocsp;

/// <summary>A responder that runs, asked by openssl and curl over HTTP.</summary>
public sealed class LiveResponderTests : IDisposable
{
    private static readonly byte[] Serial = [0x41, 0x02, 0x03, 0x04];
    private static readonly byte[] RevokedSerial = [0x42, 0x02, 0x03, 0x04];

    private readonly OpenSsl _openssl = new();

    [Theory]
    [InlineData(KeyKind.Sm2)]
    [InlineData(KeyKind.Rsa)]
    public async Task OpenSslAsks_AndBelievesTheAnswer(KeyKind kind)
    {
        await using OcspStage stage = await StageAsync(kind);
        (WebApplication app, Uri address) = await stage.StartAsync();
        await stage.WaitAsync(app);
        _openssl.WritePem("ca.pem", Pem.Certificate, stage.Ca);
        foreach (string hash in (string[])["-sha1", "-sha256", "-sm3"])
        {
            foreach (bool nonce in (bool[])[false, true])
            {
                // Signed ahead under SHA-1 and SM3 only.
                bool isLive = nonce || hash == "-sha256";
                Ask(hash, nonce, "0x41020304", "good", isLive ? stage.Node : stage.Responder);
                Ask(hash, nonce, "0x42020304", "revoked", isLive ? stage.Node : stage.Responder);
                Ask(hash, nonce, "0x7f020304", "unknown", stage.Node);
            }
        }

        void Ask(string hash, bool nonce, string serial, string status, Certificate signer) => _openssl.BelievesTheAnswer(
            new ResponderQuestion(kind, new Uri(address, "/ocsp"), hash, nonce, serial), status, status == "revoked" ? "keyCompromise (0x1)" : null, signer);
    }

    /// <summary>Two certificates in one request.</summary>
    [Theory]
    [InlineData(KeyKind.Sm2)]
    [InlineData(KeyKind.Rsa)]
    public async Task OpenSslAsksTwoThingsAtOnce(KeyKind kind)
    {
        await using OcspStage stage = await StageAsync(kind);
        (WebApplication app, Uri address) = await stage.StartAsync();
        await stage.WaitAsync(app);
        _openssl.WritePem("ca.pem", Pem.Certificate, stage.Ca);
        OpenSsl.Output output = _openssl.Run(
        [
            "ocsp", "-url", $"{address}ocsp", "-issuer", "ca.pem", "-serial", "0x41020304", "-sm3", "-serial", "0x42020304", "-CAfile", "ca.pem",
            .. kind == KeyKind.Sm2 ? (string[])["-noverify"] : [],
        ]);
        output.HasLines("0x41020304: good");
        output.HasLines("0x42020304: revoked");
    }

    [Fact]
    public async Task OpenSslIsTold_ThatAnotherIssuerIsNotOurs()
    {
        await using OcspStage stage = await StageAsync(KeyKind.Rsa);
        (WebApplication app, Uri address) = await stage.StartAsync();
        await stage.WaitAsync(app);
        _openssl.WritePem("other.pem", Pem.Certificate, (await stage.MakeCaAsync(HsmKeyKind.Rsa2048, "别的CA")).Certificate);
        _openssl.Refuses("unauthorized (6)", "ocsp", "-url", $"{address}ocsp", "-issuer", "other.pem", "-serial", "0x41020304");
    }

    [Fact]
    public async Task CurlGets_AndACacheKnowsWhatItHas()
    {
        Requires.Command("curl");
        await using OcspStage stage = await StageAsync(KeyKind.Rsa);
        (WebApplication app, Uri address) = await stage.StartAsync();
        await stage.WaitAsync(app);
        _openssl.WritePem("ca.pem", Pem.Certificate, stage.Ca);
        _openssl.Run(["ocsp", "-issuer", "ca.pem", "-serial", "0x41020304", "-no_nonce", "-reqout", "request.der"]);
        string url = $"{address}ocsp/{Uri.EscapeDataString(Convert.ToBase64String(_openssl.Read("request.der")))}";
        _openssl.CurlGetsWhatItMayKeep(url, "-sha1", "0x41020304", "good");
        Assert.StartsWith("HTTP/1.1 405", ResponderQuestions.Curl("-D", "-", "-X", "PUT", url), StringComparison.Ordinal);
    }

    public void Dispose() => _openssl.Dispose();

    private static async Task<OcspStage> StageAsync(KeyKind kind)
    {
        OcspStage stage = await OcspStage.CreateAsync(kind == KeyKind.Sm2 ? HsmKeyKind.Sm2 : HsmKeyKind.Rsa2048);
        FeedStatus[] statuses = [stage.Good(Serial), stage.Revoked(RevokedSerial)];
        FeedWriter writer = stage.Begin();
        await stage.WriteAsync(writer, statuses);
        await stage.RespondAsync(writer, ZwCa.Issuance.CertIdHash.Sm3, stage.Time.GetUtcNow(), statuses);
        stage.Source.Append(writer.ToArray());
        return stage;
    }
}
