using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.Ra.Tracking;

namespace ZwCa.Tests.Ra.Tracking;

/// <summary>What anybody gets to see of an RA, over plain http.</summary>
public sealed class TrackingListenerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AnApplicant_LooksUpHisNumber_AndSeesNoName(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        await using Listener listener = await Listener.StartAsync(records);
        string[] states = ["draft", "submitted", "reviewed", "returned", "rejected", "issuing", "issued", "delivered", "archived", "cancelled"];
        var messages = new HashSet<string>();
        for (short state = 0; state < states.Length; state++)
        {
            var number = TrackingNumber.Create();
            await records.EnrollAsync(state: state, number: number);

            using HttpResponseMessage response = await listener.GetAsync($"/tracking/{number.ToString().ToLowerInvariant()}");

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal((true, "application/json"), (response.Headers.CacheControl?.NoStore, response.Content.Headers.ContentType?.MediaType));
            string text = await response.Content.ReadAsStringAsync(Token);
            TrackingAnswer answer = JsonSerializer.Deserialize<TrackingAnswer>(text, JsonSerializerOptions.Web)!;
            Assert.Equal((number.ToString(), "new", states[state]), (answer.TrackingNumber, answer.Kind, answer.State));
            Assert.Equal((1000L, 2000L), (answer.CreatedAt.ToUnixTimeMilliseconds(), answer.ChangedAt.ToUnixTimeMilliseconds()));
            Assert.True(messages.Add(answer.Message));
            Assert.Equal(
                ["changedAt", "createdAt", "kind", "message", "state", "trackingNumber"],
                JsonDocument.Parse(text).RootElement.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData("/tracking/002P-QHTY-5NHH-0000-T", HttpStatusCode.NotFound, Refusal.NotFound, "没有该受理编号")]
    [InlineData("/tracking/002P-QHTY-5NHH-0000-X", HttpStatusCode.BadRequest, Refusal.Malformed, "受理编号有误")]
    [InlineData("/tracking/", HttpStatusCode.BadRequest, Refusal.Malformed, "受理编号有误")]
    [InlineData("/tracking/%01%E5%8F%B7", HttpStatusCode.BadRequest, Refusal.Malformed, "受理编号有误")]
    [InlineData("/tracking", HttpStatusCode.NotFound, Refusal.NotFound, "没有这个地址")]
    [InlineData("/subscribers", HttpStatusCode.NotFound, Refusal.NotFound, "没有这个地址")]
    [InlineData("/public", HttpStatusCode.NotFound, Refusal.NotFound, "没有这个地址")]
    [InlineData("/health/ready", HttpStatusCode.NotFound, Refusal.NotFound, "没有这个地址")]
    [InlineData("/metrics", HttpStatusCode.NotFound, Refusal.NotFound, "没有这个地址")]
    public async Task WhatIsNoNumber_IsRefusedInChinese(string path, HttpStatusCode status, Refusal kind, string detail)
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using Listener listener = await Listener.StartAsync(records);
        using HttpResponseMessage response = await listener.GetAsync(path);
        Problem problem = (await response.Content.ReadFromJsonAsync<Problem>(Token))!;
        Assert.Equal((status, RefusalKinds.TypeOf(kind), true), (response.StatusCode, problem.Type, response.Headers.CacheControl?.NoStore));
        Assert.Contains(detail, problem.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NothingOfIt_IsOnTheLink_AndOnlyGetIsHere()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using Listener listener = await Listener.StartAsync(records);
        var number = TrackingNumber.Create();
        await records.EnrollAsync(number: number);
        HttpClient anybody = listener.Service.CreateClient(null), registered = await listener.Service.RegisterAsync("clerk");
        foreach ((HttpClient client, HttpStatusCode expected) in ((HttpClient, HttpStatusCode)[])[(anybody, HttpStatusCode.Unauthorized), (registered, HttpStatusCode.NotFound)])
        {
            using HttpResponseMessage response = await client.GetAsync($"/tracking/{number}", Token);
            Assert.Equal(expected, response.StatusCode);
        }

        using var posted = new StringContent("{}");
        using HttpResponseMessage refused = await listener.Client.PostAsync($"/tracking/{number}", posted, Token);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task WhoAsksTooOften_Waits_AndAGatewaySaysWhoAsks()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using Listener listener = await Listener.StartAsync(records, "127.0.0.1");
        var number = TrackingNumber.Create();
        await records.EnrollAsync(number: number);
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await listener.StatusAsync($"/tracking/{number}", $"10.9.9.9, 192.0.2.{i}"));
        }

        using HttpResponseMessage refused = await listener.GetAsync($"/tracking/{number}", "192.0.2.99");
        Problem problem = (await refused.Content.ReadFromJsonAsync<Problem>(Token))!;
        Assert.Equal((HttpStatusCode.TooManyRequests, 60), (refused.StatusCode, problem.Retry));
        Assert.Equal(TimeSpan.FromMinutes(1), refused.Headers.RetryAfter?.Delta);

        // What stands before the gateway's entry, the visitor has written himself; a wrong number counts twice.
        Assert.Equal(HttpStatusCode.TooManyRequests, await listener.StatusAsync($"/tracking/{number}", "10.1.1.1, 192.0.2.99"));
        int asked = 0;
        while (await listener.StatusAsync("/tracking/002PQHTY5NHH0000T", "198.51.100.1") == HttpStatusCode.NotFound)
        {
            asked++;
        }

        Assert.InRange(asked, 15, 17);
    }

    [Fact]
    public async Task WithoutAGateway_TheHeaderCountsForNothing()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using Listener listener = await Listener.StartAsync(records);
        int asked = 0;
        while (asked < 100 && await listener.StatusAsync("/tracking/x", $"10.0.{asked}.1") == HttpStatusCode.BadRequest)
        {
            asked++;
        }

        Assert.InRange(asked, 15, 17);
    }

    [Fact]
    public async Task OneVisitor_HasSoManyConnections_AndTheLinkStaysOpen()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        await using Listener listener = await Listener.StartAsync(records);
        var held = new List<TcpClient>();
        try
        {
            for (int i = 0; i < 32; i++)
            {
                held.Add(new TcpClient());
                await held[^1].ConnectAsync(listener.Address.Host, listener.Address.Port, Token);
                await held[^1].GetStream().WriteAsync("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Token);
                Assert.True(await held[^1].GetStream().ReadAsync(new byte[1024], Token) > 0);
            }

            await Assert.ThrowsAnyAsync<HttpRequestException>(() => listener.GetAsync("/x"));
            HttpClient link = await listener.Service.RegisterAsync("clerk");
            Assert.Equal("公开", await link.GetStringAsync("/public", Token));
        }
        finally
        {
            held.ForEach(each => each.Dispose());
        }
    }

    /// <summary>A service that has the listener, on the records' database.</summary>
    private sealed class Listener(SampleService service, Uri address) : IAsyncDisposable
    {
        public SampleService Service => service;

        public Uri Address => address;

        public HttpClient Client { get; } = new() { BaseAddress = address };

        public static async Task<Listener> StartAsync(RaRecords records, params string[] gateways)
        {
            RaOptions options = RaDesk.Options with { TrackingListen = $"127.0.0.1:{CaProcess.FreePort()}", TrackingGateways = gateways };
            SampleService service = await SampleService.StartAsync(
                new SampleSetup
                {
                    Options = plain => plain with { Database = records.Story.Options },
                    Migrations = [RoleCatalogue.Migrations, RaTables.Migrations],
                    Add = builder => builder.AddTracking(options),
                    PublicListen = options.TrackingListen,
                });
            return new Listener(service, new Uri($"http://{options.TrackingListen}"));
        }

        public async Task<HttpResponseMessage> GetAsync(string path, string? forwardedFor = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (forwardedFor is not null)
            {
                request.Headers.Add("X-Forwarded-For", forwardedFor);
            }

            return await Client.SendAsync(request, Token);
        }

        public async Task<HttpStatusCode> StatusAsync(string path, string? forwardedFor = null)
        {
            using HttpResponseMessage response = await GetAsync(path, forwardedFor);
            return response.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await service.DisposeAsync();
        }
    }
}
