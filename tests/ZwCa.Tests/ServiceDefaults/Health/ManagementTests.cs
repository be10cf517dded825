using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Contracts;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.ServiceDefaults.Health;

public sealed class ManagementTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AServiceThatHasAllIsReady()
    {
        await using SampleService service = await SampleService.StartAsync(Setup(() => null));

        Assert.Equal((200, "healthy", "audit=healthy database=healthy hsm=healthy link=healthy"), await ReadyAsync(service));
    }

    [Fact]
    public async Task TheLogIsBehind_NotReady_AndNothingIsIssued()
    {
        string? whyNot = null;
        await using SampleService service = await SampleService.StartAsync(Setup(() => whyNot));
        AuditGate gate = service.App.Services.GetRequiredService<AuditGate>();
        await gate.RequireAsync(Cancellation);

        whyNot = "the oldest event waits for 11 s";

        RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(() => gate.RequireAsync(Cancellation));
        Assert.Equal(Refusal.AuditUnavailable, refusal.Kind);
        Assert.NotNull(refusal.RetryAfter);
        Assert.Equal((503, "unhealthy", "audit=unhealthy database=healthy hsm=healthy link=healthy"), await ReadyAsync(service));
    }

    /// <summary>One line, and the service asks its own log.</summary>
    [Fact]
    public async Task TheServicesOwnLogIsBehind_NothingIsIssued()
    {
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Add = builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(clock);
                builder.Services.AddAuditGate();
            },
        });
        AuditGate gate = service.App.Services.GetRequiredService<AuditGate>();

        // An event, and nobody gives it its place.
        await service.RegisterAsync("ra-11");
        clock.Advance(TimeSpan.FromSeconds(9));
        await gate.RequireAsync(Cancellation);
        Assert.Equal((200, "healthy", "audit=healthy database=healthy link=healthy"), await ReadyAsync(service));
        clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(Refusal.AuditUnavailable, (await Assert.ThrowsAsync<RefusalException>(() => gate.RequireAsync(Cancellation))).Kind);
        Assert.Equal((503, "unhealthy", "audit=unhealthy database=healthy link=healthy"), await ReadyAsync(service));

        // Nobody knows: nothing is issued, and the answer does not quote the database.
        await service.Database.WriteAsync(transaction => transaction.ExecuteAsync("DROP TABLE log_pending"), Cancellation);
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => gate.RequireAsync(Cancellation));
        using var http = new HttpClient { BaseAddress = service.Management };
        using HttpResponseMessage answer = await http.GetAsync("/health/ready", Cancellation);
        string text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.DoesNotContain("log_pending", text, StringComparison.Ordinal);
        Assert.Contains("The database does not answer.", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheHsmIsAway_NotReady()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup { Add = builder => builder.Services.AddSingleton(ProxyHsm.Create(away: true)) });

        Assert.Equal((503, "unhealthy", "database=healthy hsm=unhealthy link=healthy"), await ReadyAsync(service));
    }

    [Fact]
    public async Task TheDatabaseIsNewer_NotReady()
    {
        await using SampleService service = await SampleService.StartAsync();
        await service.Database.WriteAsync(
            transaction => transaction.ExecuteAsync("INSERT INTO schema_version (module, version, name, digest, applied_at) VALUES ('service', 99, 'x', 'x', 0)"), Cancellation);

        Assert.Equal((503, "unhealthy", "database=unhealthy link=healthy"), await ReadyAsync(service));
    }

    [Fact]
    public async Task TheLinkCertificateNearsItsEnd_Degraded()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Options = options => options with { Link = options.Link with { DegradedDays = 61 } },
        });

        Assert.Equal((200, "degraded", "database=healthy link=degraded"), await ReadyAsync(service));
    }

    [Fact]
    public async Task ARenewalThatCannotBeUsed_Degraded()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Options = options => options with { Link = options.Link with { LookEvery = TimeSpan.Zero } },
        });
        File.WriteAllText(service.File("link.pem"), "no certificate");

        Assert.Equal((200, "degraded", "database=healthy link=degraded"), await ReadyAsync(service));
    }

    /// <summary>Whatever the Host header says.</summary>
    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/metrics")]
    public async Task TheLinksShowNothingOfTheManagement(string path)
    {
        await using SampleService service = await SampleService.StartAsync();
        HttpClient client = await service.RegisterAsync("ra-11");
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = service.Management.Authority;

        using HttpResponseMessage answer = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Theory]
    [InlineData("/who")]
    [InlineData("/public")]
    [InlineData("/health")]
    [InlineData("/")]
    public async Task TheManagementShowsNothingOfTheLinks(string path)
    {
        await using SampleService service = await SampleService.StartAsync();
        using var http = new HttpClient { BaseAddress = service.Management };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = service.Address.Authority;

        using HttpResponseMessage answer = await http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    private static SampleSetup Setup(Func<string?> whyNot) => new()
    {
        Add = builder =>
        {
            builder.Services.AddSingleton<IHsm>(new MemoryHsm());
            builder.Services.AddAuditGate(_ => _ => Task.FromResult(whyNot()));
        },
    };

    private static async Task<(int Status, string Word, string Checks)> ReadyAsync(SampleService service)
    {
        using var http = new HttpClient { BaseAddress = service.Management };
        using HttpResponseMessage answer = await http.GetAsync("/health/ready", Cancellation);
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.NotEmpty(document.RootElement.GetProperty("version").GetString()!);
        JsonElement[] checks = [.. document.RootElement.GetProperty("checks").EnumerateArray()];
        foreach (JsonElement check in checks)
        {
            Assert.True(check.GetProperty("status").GetString() == "healthy" || check.TryGetProperty("reason", out _), check.ToString());
        }

        return (
            (int)answer.StatusCode,
            document.RootElement.GetProperty("status").GetString()!,
            string.Join(' ', checks.Select(check => $"{check.GetProperty("name")}={check.GetProperty("status")}").Order(StringComparer.Ordinal)));
    }
}
