using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Tests.Ra.Routes;

/// <summary>Every route of the RA, walked by everybody: who may do what is one table, and a route that is not in it does not pass.</summary>
public sealed class RouteTests(RouteFixture fixture) : IClassFixture<RouteFixture>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IReadOnlyList<RouteEndpoint> Endpoints => [.. fixture.Stage.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.Cast<RouteEndpoint>()];

    /// <summary>What the table says of those that there are.</summary>
    private IEnumerable<RouteLine> Lines
    {
        get
        {
            HashSet<string> there = [.. Endpoints.Select(NameOf)];
            return RouteTable.Lines.Where(line => there.Contains(line.Route));
        }
    }

    [Fact]
    public void TheTableHasEveryRoute_AndNoOther()
    {
        string[] there = [.. Endpoints.Select(NameOf).Order(StringComparer.Ordinal)];
        Assert.Equal(RouteTable.Lines.Where(line => !line.IsForEveryLink || there.Contains(line.Route)).Select(line => line.Route).Order(StringComparer.Ordinal), there);
    }

    [Fact]
    public void NoRouteIsForAnybody()
    {
        Assert.All(Endpoints, endpoint =>
        {
            Assert.Null(endpoint.Metadata.GetMetadata<IAllowAnonymous>());

            // The document is for every registered link, which is what an endpoint asks for that says nothing.
            Assert.True(endpoint.Metadata.GetOrderedMetadata<AuthorizationPolicy>().Count > 0 || NameOf(endpoint).EndsWith("/openapi/v1.json", StringComparison.Ordinal), NameOf(endpoint));
        });
    }

    [Theory]
    [InlineData(Visitor.County)]
    [InlineData(Visitor.City)]
    [InlineData(Visitor.Province)]
    [InlineData(Visitor.OtherCity)]
    [InlineData(Visitor.Administrator)]
    [InlineData(Visitor.Auditor)]
    public async Task ARole_GetsWhatTheTableSays(Visitor visitor)
    {
        HttpClient client = fixture.Stage.ClientOf(fixture.OfficerOf(visitor));
        List<string> findings = [];
        foreach (RouteLine line in Lines)
        {
            (string got, string body) = await SendAsync(client, line.Route, fixture.OfficerOf(visitor));
            Expect(findings, line.Route, line.ExpectedOf(visitor), got);

            // What he gets, names nothing of what he may not see.
            if (visitor == Visitor.OtherCity)
            {
                findings.AddRange(fixture.Hidden.Where(each => body.Contains(each, StringComparison.Ordinal)).Select(each => $"{line.Route}: shows {each}"));
            }
        }

        Assert.Empty(findings);
    }

    [Fact]
    public async Task AnOfficerOfAnotherProvince_IsNobodyHere()
    {
        // Over his own link, which this RA has never heard of; and over a link that it knows, with his signature.
        StageOfficer stranger = fixture.Stage.Ca.Stranger;
        await AllAsync(fixture.Client(stranger.Link, stranger), stranger, _ => Refusal.LinkNotTrusted);
        await AllAsync(fixture.Client(fixture.Stage.City.Link, stranger), stranger, line => line.IsForEveryLink ? null : Refusal.BadSignature);
    }

    [Fact]
    public async Task OverALinkThatNobodyRegistered_NobodyIsHeard()
    {
        X509Certificate2 link = await fixture.Stage.Ca.IssueLinkAsync("nobody");
        await AllAsync(fixture.Client(link, fixture.Stage.City), fixture.Stage.City, _ => Refusal.LinkNotTrusted);
    }

    [Fact]
    public async Task WithoutALinkCertificate_NobodyIsHeard()
    {
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
        using var client = new HttpClient(handler) { BaseAddress = fixture.Stage.Address };
        await AllAsync(client, fixture.Stage.City, _ => Refusal.LinkNotTrusted);
    }

    [Fact]
    public async Task AnOfficersLinkWithoutASignature_GetsNothing() =>
        await AllAsync(fixture.Client(fixture.Stage.City.Link, null), fixture.Stage.City, line => line.IsForEveryLink ? null : Refusal.Malformed);

    [Fact]
    public async Task AnotherOfficersLink_GetsNothing() =>
        await AllAsync(fixture.Client(fixture.Stage.County.Link, fixture.Stage.City), fixture.Stage.City, line => line.IsForEveryLink ? null : Refusal.BadSignature);

    [Theory]
    [InlineData(ClientKind.Ca)]
    [InlineData(ClientKind.Kmc)]
    [InlineData(ClientKind.Ra)]
    [InlineData(ClientKind.Ocsp)]
    public async Task AServicesLink_IsNoOfficers(ClientKind kind)
    {
        X509Certificate2 link = await fixture.ServiceLinkAsync(kind);
        await AllAsync(fixture.Client(link, fixture.Stage.City), fixture.Stage.City, line => line.IsForEveryLink ? null : Refusal.NotAllowed);
    }

    private static string NameOf(RouteEndpoint endpoint)
    {
        string pattern = endpoint.RoutePattern.RawText!.TrimEnd('/');
        return $"{Assert.Single(endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)} {(pattern.StartsWith('/') ? pattern : $"/{pattern}")}";
    }

    private async Task AllAsync(HttpClient client, StageOfficer signer, Func<RouteLine, Refusal?> expected)
    {
        List<string> findings = [];
        foreach (RouteLine line in Lines)
        {
            Expect(findings, line.Route, expected(line), (await SendAsync(client, line.Route, signer)).Got);
        }

        Assert.Empty(findings);
    }

    private static void Expect(List<string> findings, string route, Refusal? expected, string got)
    {
        if (got != (expected?.ToString() ?? "done"))
        {
            findings.Add($"{route}: {got} instead of {expected?.ToString() ?? "done"}");
        }
    }

    /// <returns>Kind of the refusal, or "done"; and what was answered.</returns>
    private async Task<(string Got, string Body)> SendAsync(HttpClient client, string route, StageOfficer who)
    {
        using HttpRequestMessage request = fixture.Request(route, who);
        using HttpResponseMessage response = await client.SendAsync(request, Token);
        string body = await response.Content.ReadAsStringAsync(Token);
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NoContent)
        {
            return ("done", body);
        }

        try
        {
            await response.ThrowIfRefusedAsync(Token);
            return ($"status {(int)response.StatusCode}", body);
        }
        catch (RefusalException e)
        {
            Assert.Contains(e.Message, c => c >= 0x4E00);
            return (e.Kind.ToString(), body);
        }
    }
}
