using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Links;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Ca.Links;

/// <summary>POST /links/renew: the next link certificate over the old one.</summary>
public sealed class RenewLinkTests(SharedStage shared) : IClassFixture<SharedStage>
{
    private CaStage Stage => shared.Stage;

    private ClientStore Clients => Stage.App.Services.GetRequiredService<ClientStore>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InTheLastThirdOfItsLife_ALinkIsRenewedOnce_AndTheOldOneStays()
    {
        X509Certificate2 old = await RegisteredAsync("ocsp-1", days: 61);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        byte[] bytes = await RenewAsync(old, key);

        using X509Certificate2 plain = X509CertificateLoader.LoadCertificate(bytes);
        using X509Certificate2 next = plain.CopyWithPrivateKey(key);
        Assert.Equal(old.SubjectName.RawData, next.SubjectName.RawData);
        Assert.Equal(90, Math.Round((next.NotAfter - next.NotBefore).TotalDays));
        Assert.Equal(Names(old), Names(next));
        RegisteredClient client = (await Clients.FindAsync(ClientStore.ThumbprintOf(next), Token))!;
        Assert.Equal(("ocsp-1", ClientKind.Ocsp, true), (client.Name, client.Kind, client.Enabled));

        // A retry, with the key that it was renewed with, gets the same; with another it is spent. Both links are heard.
        Assert.Equal(bytes, await RenewAsync(old, key));
        await StageCommands.RefusedAsync(Refusal.Duplicate, () => RenewAsync(old, other));
        await StageCommands.RefusedAsync(Refusal.WrongState, () => RenewAsync(next, other));
        CertificateRow row = (await Stage.Database.ReadAsync(
            transaction => CertificateStore.FindAsync(transaction, Stage.Authorities.System.Id, Der.Decode<Certificate>(bytes).Tbs.SerialNumber.ToString()), Token))!;
        Assert.Equal("system/ocsp-1", row.Owner);
    }

    [Fact]
    public async Task TooEarly_OrClosed_NothingIsRenewed()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await StageCommands.RefusedAsync(Refusal.WrongState, async () => await RenewAsync(await RegisteredAsync("ocsp-2", days: 59), key));

        X509Certificate2 closed = await RegisteredAsync("ocsp-3", days: 61);
        await Clients.DisableAsync(CaStage.Actor, ClientStore.ThumbprintOf(closed), Token);
        await StageCommands.RefusedAsync(Refusal.LinkNotTrusted, () => RenewAsync(closed, key));
    }

    [Fact]
    public async Task WhatIsNoNewKeyOfP256_IsRefused()
    {
        X509Certificate2 old = await RegisteredAsync("ocsp-4", days: 61);
        using ECDsa same = old.GetECDsaPrivateKey()!;
        await StageCommands.RefusedAsync(Refusal.BadPublicKey, () => RenewAsync(old, same));
        using var rsa = RSA.Create(2048);
        byte[] csr = new CertificateRequest("CN=x", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
        await StageCommands.RefusedAsync(Refusal.BadPublicKey, () => PostAsync(old, csr));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => PostAsync(old, [1, 2, 3]));
        await StageCommands.RefusedAsync(Refusal.TooLarge, () => PostAsync(old, new byte[20_000]));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] broken = StageCommands.Csr(key);
        broken[^1] ^= 1;
        await StageCommands.RefusedAsync(Refusal.BadCsr, () => PostAsync(old, broken));
        Assert.NotEmpty(await RenewAsync(old, key));
    }

    /// <summary>The old link was closed while the new one was on its way: it is registered for nobody.</summary>
    [Fact]
    public async Task WhoIsClosedMeanwhile_IsNotOpenedByItsFollower()
    {
        X509Certificate2 old = await RegisteredAsync("ocsp-5", days: 61);
        RegisteredClient client = (await Clients.FindAsync(ClientStore.ThumbprintOf(old), Token))!;
        await Clients.DisableAsync(CaStage.Actor, client.Thumbprint, Token);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        await StageCommands.RefusedAsync(
            Refusal.NotAllowed, () => Stage.App.Services.GetRequiredService<RenewLink>().RunAsync(old, client, StageCommands.Csr(key), Token));

        Assert.Equal(1, await Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM registered_client WHERE name = @Name", new { Name = "ocsp-5" }, Token));
    }

    [Fact]
    public async Task AServiceRenewsItsOwn_WithoutARestart()
    {
        using var folder = new TemporaryFolder();
        X509Certificate2 old = await RegisteredAsync("kmc-9", days: 61);
        SystemCa.Write(old, folder.File("link.pem"), folder.File("link.key"), "password");
        File.WriteAllText(folder.File("system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(Stage.Hierarchy.System.Certificate!)));
        var link = new LinkCertificate(new LinkFiles(folder.File("link.pem"), folder.File("link.key"), "password"), TimeProvider.System, TimeSpan.FromHours(1), NullLogger.Instance);
        var trust = LinkTrust.Load(folder.File("system-ca.pem"), TimeProvider.System);
        using var renewal = new LinkRenewal(
            link, trust, TimeProvider.System, NullLogger<LinkRenewal>.Instance, LinkRenewal.Over(new Uri(Stage.Address, "/links/renew"), link, trust));

        Assert.True(await renewal.RunOnceAsync(Token));

        Assert.NotEqual(old.Thumbprint, link.Current.Thumbprint);
        Assert.False(await renewal.RunOnceAsync(Token));
        Assert.True((await Clients.FindAsync(ClientStore.ThumbprintOf(link.Current), Token))!.Enabled);
    }

    private static byte[] Names(X509Certificate2 certificate) => certificate.Extensions["2.5.29.17"]!.RawData;

    private async Task<X509Certificate2> RegisteredAsync(string name, int days)
    {
        X509Certificate2 link = await Stage.IssueLinkAsync(name, DateTimeOffset.UtcNow.AddDays(-days));
        await Clients.RegisterAsync(CaStage.Actor, link, name, name.StartsWith("kmc", StringComparison.Ordinal) ? ClientKind.Kmc : ClientKind.Ocsp, Token);
        return link;
    }

    private Task<byte[]> RenewAsync(X509Certificate2 old, ECDsa key) => PostAsync(old, StageCommands.Csr(key));

    private async Task<byte[]> PostAsync(X509Certificate2 old, byte[] csr)
    {
        using var content = new ByteArrayContent(csr) { Headers = { ContentType = new MediaTypeHeaderValue(LinkRenewal.RequestType) } };
        using HttpResponseMessage response = await Stage.CreateClient(old).PostAsync(new Uri("/links/renew", UriKind.Relative), content, Token);
        await response.ThrowIfRefusedAsync(Token);
        return await response.Content.ReadAsByteArrayAsync(Token);
    }
}
