using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.ServiceDefaults.Links;

public sealed class LinkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARegisteredClientIsKnownByItsName()
    {
        await using SampleService service = await SampleService.StartAsync();
        HttpClient client = await service.RegisterAsync("ra-11");

        Assert.Equal("ra-11", await client.GetStringAsync("/who", Cancellation));
    }

    [Fact]
    public async Task APublicEndpointNeedsNoCertificate()
    {
        await using SampleService service = await SampleService.StartAsync();

        Assert.Equal("公开", await service.CreateClient(null).GetStringAsync("/public", Cancellation));
    }

    public static TheoryData<string, string> Untrusted => new()
    {
        { "none", "no client certificate" },
        { "another CA of the same name", "NotSignatureValid" },
        { "self-signed", "UntrustedRoot" },
        { "expired", "NotTimeValid" },
        { "not yet valid", "NotTimeValid" },
        { "not registered", "not registered" },
        { "server only", "its extendedKeyUsage lacks 1.3.6.1.5.5.7.3.2" },
        { "no purpose", "its extendedKeyUsage lacks 1.3.6.1.5.5.7.3.2" },
        { "P-384", "its key is not P-256" },
        { "issued by a link certificate", "PartialChain" },
    };

    /// <summary>Anybody may present anything; it is refused like others, and is no fault of this program.</summary>
    [Theory]
    [InlineData("purposes that are no DER")]
    [InlineData("a point of another curve")]
    public void ACertificateThatCannotBeReadIsNotTrusted(string what)
    {
        using var ca = new SystemCa();
        using X509Certificate2 plain = ca.Issue("ra-11", rawPurposes: what == "purposes that are no DER" ? [0x30, 0x05, 0x06] : null);
        byte[] der = plain.RawData;
        if (what == "a point of another curve")
        {
            // P-256 becomes sm2p256v1, whose name is as long.
            int at = der.AsSpan().IndexOf((byte[])[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]);
            ((byte[])[0x06, 0x08, 0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x82, 0x2D]).CopyTo(der, at);
        }

        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);

        Assert.Equal("it cannot be read", new LinkTrust([ca.Certificate], TimeProvider.System).WhyNot(certificate, LinkTrust.ClientAuthentication));
    }

    /// <summary>All but the unregistered one are in the table, so that each is refused for its own reason.</summary>
    [Theory]
    [MemberData(nameof(Untrusted))]
    public async Task AnUntrustedLinkIsRefused_AndOnlyTheLogSaysWhy(string link, string reason)
    {
        await using SampleService service = await SampleService.StartAsync();
        using X509Certificate2? certificate = Make(service.Ca, link);
        if (certificate is not null && link != "not registered")
        {
            await service.Clients.RegisterAsync(SampleService.Actor, certificate, "ra-11", ClientKind.Ra, Cancellation);
        }

        using HttpResponseMessage answer = await service.CreateClient(certificate).GetAsync("/who", Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(() => answer.ThrowIfRefusedAsync(Cancellation));
        Assert.Equal(Refusal.LinkNotTrusted, refusal.Kind);
        Assert.DoesNotContain(reason, await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Contains(reason, service.Logged, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DisablingAndEnablingTakeEffectOnTheNextRequestOfAStandingConnection()
    {
        await using SampleService service = await SampleService.StartAsync();
        using X509Certificate2 certificate = service.Ca.Issue("ra-11");
        await service.Clients.RegisterAsync(SampleService.Actor, certificate, "ra-11", ClientKind.Ra, Cancellation);
        HttpClient client = service.CreateClient(certificate);
        string thumbprint = ClientStore.ThumbprintOf(certificate);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client));
        await service.Clients.DisableAsync(SampleService.Actor, thumbprint, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client));
        await service.Clients.EnableAsync(SampleService.Actor, thumbprint, Cancellation);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client));

        Assert.Equal(
            ["client.register", "client.disable", "client.enable"],
            (await service.Database.QueryAsync<byte[]>("SELECT leaf FROM audit_event ORDER BY event_id", null, Cancellation))
                .Select(leaf => Der.Decode<AuditLeaf>(leaf).Action));
    }

    /// <summary>The chain was judged when the connection began; the time is looked at for each request.</summary>
    [Fact]
    public async Task ACertificateThatExpiresIsNotTrustedOnAStandingConnectionEither()
    {
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        await using SampleService service = await SampleService.StartAsync(
            new SampleSetup { Add = builder => builder.Services.AddSingleton<TimeProvider>(clock) });
        HttpClient client = await service.RegisterAsync("ra-11");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client));

        clock.Advance(TimeSpan.FromDays(61));

        // A new connection would be refused by its chain: NotTimeValid.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client));
        Assert.Contains("not valid now", service.Logged, StringComparison.Ordinal);
    }

    /// <summary>Who cannot be looked up is nobody, and is told to come back.</summary>
    [Fact]
    public async Task WithoutTheTableNobodyGetsIn()
    {
        await using SampleService service = await SampleService.StartAsync();
        HttpClient client = await service.RegisterAsync("ra-11");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client));

        await service.Database.WriteAsync(transaction => transaction.ExecuteAsync("DROP TABLE registered_client"), Cancellation);

        using HttpResponseMessage answer = await client.GetAsync("/who", Cancellation);
        RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(() => answer.ThrowIfRefusedAsync(Cancellation));
        Assert.Equal((Refusal.Unavailable, true), (refusal.Kind, refusal.RetryAfter is not null));
        Assert.DoesNotContain("registered_client", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Exercises each statement on each database, and that a change that is none leaves no event.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task TheTableOfClients(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(
            kind, MigrationSet.Data, ZwCa.Audit.AuditLog.Migrations, ZwCa.ServiceDefaults.ServiceTables.Migrations);
        var clients = new ClientStore(test.Database, new ZwCa.Audit.AuditLog(TimeProvider.System), TimeProvider.System);
        using var ca = new SystemCa();
        using X509Certificate2 certificate = ca.Issue("省级RA");
        string thumbprint = ClientStore.ThumbprintOf(certificate);

        Assert.Null(await clients.FindAsync(thumbprint, Cancellation));
        await AssertRefusedAsync(Refusal.WrongState, () => clients.DisableAsync(SampleService.Actor, thumbprint, Cancellation));
        await clients.RegisterAsync(SampleService.Actor, certificate, "省级RA", ClientKind.Ra, Cancellation);
        await AssertRefusedAsync(Refusal.Duplicate, () => clients.RegisterAsync(SampleService.Actor, certificate, "另一个", ClientKind.Ca, Cancellation));
        await AssertRefusedAsync(Refusal.WrongState, () => clients.EnableAsync(SampleService.Actor, thumbprint, Cancellation));
        await clients.DisableAsync(SampleService.Actor, thumbprint, Cancellation);
        await AssertRefusedAsync(Refusal.WrongState, () => clients.DisableAsync(SampleService.Actor, thumbprint, Cancellation));

        RegisteredClient found = (await clients.FindAsync(thumbprint, Cancellation))!;
        Assert.Equal(("省级RA", ClientKind.Ra, false), (found.Name, found.Kind, found.Enabled));
        Assert.Equal(2, await test.Database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", null, Cancellation));
    }

    [Fact]
    public async Task AnEndpointForOtherClientsIsNotAllowed()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Map = app => ClientKindExtensions.RequireClient(app.MapGetText("/kmc-only", "ok"), ClientKind.Kmc),
        });
        HttpClient ra = await service.RegisterAsync("ra-11");
        HttpClient kmc = await service.RegisterAsync("kmc", ClientKind.Kmc);

        Assert.Equal("ok", await kmc.GetStringAsync("/kmc-only", Cancellation));
        using HttpResponseMessage answer = await ra.GetAsync("/kmc-only", Cancellation);
        await AssertRefusedAsync(Refusal.NotAllowed, () => answer.ThrowIfRefusedAsync(Cancellation));
    }

    [Theory]
    [InlineData("another CA")]
    [InlineData("another name")]
    [InlineData("client only")]
    public async Task AClientTalksToNoServerButTheRightOne(string wrong)
    {
        using var other = new SystemCa();
        await using SampleService service = await SampleService.StartAsync();
        using X509Certificate2 own = service.Ca.Issue("ra-11");
        using X509Certificate2 replaced = wrong == "another name" ? service.Ca.Issue("x", dnsName: "other.example")
            : service.Ca.Issue("x", wrong == "client only" ? [SystemCa.ClientAuthentication] : null);
        LinkTrust trust = wrong == "another CA" ? new LinkTrust([other.Certificate], TimeProvider.System) : service.Trust;
        SystemCa.Write(replaced, service.File("link.pem"), service.File("link.key"), null);
        await using SampleService second = await SampleService.StartAsync(new SampleSetup
        {
            Options = options => options with { Link = options.Link with { CertificateFile = service.File("link.pem"), KeyFile = service.File("link.key") } },
        });
        using HttpClient client = LinkTls.CreateClient(second.Address, () => own, trust, TimeSpan.FromMinutes(1));

        HttpRequestException e = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("/public", Cancellation));
        Assert.Equal(HttpRequestError.SecureConnectionError, e.HttpRequestError);
    }

    /// <summary>Whoever presents a certificate would else choose an address that the other end asks, and for whose answer it waits.</summary>
    [Fact]
    public async Task NeitherEndFetchesAnythingFromWhereACertificateSays()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var elsewhere = new Uri($"http://{listener.LocalEndpoint}/issuer.cer");
        await using SampleService service = await SampleService.StartAsync();
        using X509Certificate2 client = service.Ca.Issue("ra-11", issuersAt: elsewhere);
        using X509Certificate2 server = service.Ca.Issue("x", issuersAt: elsewhere);
        SystemCa.Write(server, service.File("link.pem"), service.File("link.key"), null);
        await using SampleService second = await SampleService.StartAsync(new SampleSetup
        {
            Options = options => options with { Link = options.Link with { CertificateFile = service.File("link.pem"), KeyFile = service.File("link.key") } },
        });
        using HttpClient link = LinkTls.CreateClient(second.Address, () => client, service.Trust, TimeSpan.FromMinutes(1));

        Assert.Equal("公开", await link.GetStringAsync("/public", Cancellation));
        Assert.False(listener.Pending());
    }

    private static async Task AssertRefusedAsync(Refusal kind, Func<Task> act) => Assert.Equal(kind, (await Assert.ThrowsAsync<RefusalException>(act)).Kind);

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client)
    {
        using HttpResponseMessage answer = await client.GetAsync("/who", Cancellation);
        return answer.StatusCode;
    }

    private static X509Certificate2? Make(SystemCa ca, string link)
    {
        switch (link)
        {
            case "none":
                return null;
            case "another CA of the same name":
                using (var other = new SystemCa())
                {
                    return other.Issue("ra-11");
                }

            case "self-signed":
                return SystemCa.SelfSigned("ra-11");
            case "expired":
                return ca.Issue("ra-11", notBefore: DateTimeOffset.UtcNow.AddDays(-61));
            case "not yet valid":
                return ca.Issue("ra-11", notBefore: DateTimeOffset.UtcNow.AddHours(1));
            case "server only":
                return ca.Issue("ra-11", [SystemCa.ServerAuthentication]);
            case "no purpose":
                return ca.Issue("ra-11", []);
            case "P-384":
                return ca.Issue("ra-11", curve: ECCurve.NamedCurves.nistP384);
            case "issued by a link certificate":
                using (X509Certificate2 issuer = ca.Issue("ra-12"))
                {
                    return SystemCa.IssueBy(issuer, "ra-11");
                }

            default:
                return ca.Issue("ra-11");
        }
    }
}
