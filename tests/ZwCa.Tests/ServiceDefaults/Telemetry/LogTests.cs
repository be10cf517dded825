using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ZwCa.Tests.ServiceDefaults.Telemetry;

public sealed class LogTests
{
    private const string IdNumber = "110101199003078515";
    private const string PersonName = "欧阳建国";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachRequestIsOneLineWithRouteStatusAndClient()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup { Map = app => app.MapGet("/items/{id}", (string id) => TypedResults.Text(id)) });
        HttpClient client = await service.RegisterAsync("ra-11");

        Assert.Equal("7", await client.GetStringAsync("/items/7?x=1", Cancellation));

        JsonElement line = await RequestLineAsync(service);
        Assert.Equal(
            ("GET", "/items/{id}", 200, "ra-11", 32),
            (line.GetProperty("method").GetString(), line.GetProperty("route").GetString(), line.GetProperty("status").GetInt32(),
                line.GetProperty("client").GetString(), line.GetProperty("requestId").GetString()!.Length));
    }

    /// <summary>In path, query, header, body, method and exceptions; through refusals, failures, bad requests and unknown addresses; and in the log of ASP.NET Core itself.</summary>
    [Fact]
    public async Task NoPersonalDataGetsIntoTheLog()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Map = app =>
            {
                app.MapGet("/person/{id}", (string id) => TypedResults.Text(id));
                app.MapGet("/number/{number}", (int number) => TypedResults.Text($"{number}"));
                app.MapPost("/json", (Body body) => TypedResults.Text($"{body.Number}"));
                app.MapGet("/bug", IResult (HttpContext context) => throw new InvalidOperationException($"{context.Request.Query["id"]}", new FormatException(PersonName)));
                app.MapGet("/refusal", IResult () => throw new ZwCa.Contracts.RefusalException(ZwCa.Contracts.Refusal.NotFound, $"没有{PersonName}（{IdNumber}）"));
                app.MapGet("/foreign", (ILoggerFactory loggers) =>
                {
#pragma warning disable CA1848, CA2254 // As a component of others would.
                    loggers.CreateLogger("Microsoft.Something").LogError(new FormatException(PersonName), "Bad {Value}", IdNumber);
#pragma warning restore CA1848, CA2254
                    return TypedResults.Ok();
                });
            },
        });
        HttpClient client = await service.RegisterAsync("ra-11");
        string name = Uri.EscapeDataString(PersonName);
        (string Method, string Path, string? Json)[] requests =
        [
            ("GET", $"/person/{IdNumber}?name={name}", null),
            ("GET", $"/number/{IdNumber}x", null),
            ("GET", $"/nowhere/{IdNumber}/{name}", null),
            ("POST", $"/json?id={IdNumber}", $$"""{"number":"{{IdNumber}}"}"""),
            ("POST", "/json", $$"""{"{{PersonName}}":1}"""),
            ("POST", "/echo", PersonName + IdNumber),
            ("GET", $"/bug?id={IdNumber}", null),
            ("GET", "/refusal", null),
            ("GET", "/foreign", null),
            ("ID" + IdNumber, "/who", null),
        ];
        foreach ((string method, string path, string? json) in requests)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            request.Headers.Add("X-Person", IdNumber);
            request.Headers.Add("Referer", $"https://x/{IdNumber}");
            request.Headers.UserAgent.ParseAdd($"agent/{IdNumber}");
            request.Headers.Add("traceparent", $"00-{IdNumber}00000000000000-0000000000000001-01");
            request.Headers.Add("baggage", $"person={IdNumber}");
            request.Content = json is null ? null : new StringContent(json, null, "application/json");
            using HttpResponseMessage answer = await client.SendAsync(request, Cancellation);
            await WaitForLinesAsync(service, answer.Headers.GetValues("X-Request-Id").Single());
        }

        string logged = service.Logged;
        Assert.Contains("Bad {Value}", logged, StringComparison.Ordinal);
        Assert.Contains("System.FormatException", logged, StringComparison.Ordinal);
        Assert.Equal(requests.Length, logged.Split('\n').Count(line => line.Contains("\"method\":", StringComparison.Ordinal)));
        foreach (string line in logged.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var parsed = JsonDocument.Parse(line);

            // The trace id is the caller's, in hexadecimal digits: what links the traces of two services.
            string rest = string.Concat(parsed.RootElement.EnumerateObject().Where(each => each.Name is not ("traceId" or "message")).Select(each => $"{each.Name}={each.Value} "));
            string message = parsed.RootElement.GetProperty("message").GetString()!;
            string traceId = parsed.RootElement.TryGetProperty("traceId", out JsonElement id) ? id.GetString()! : "-";
            foreach (string personal in (string[])[IdNumber, PersonName, name])
            {
                Assert.DoesNotContain(personal, rest, StringComparison.OrdinalIgnoreCase);
                Assert.DoesNotContain(personal, message.Replace(traceId, "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
            }
        }

        using var http = new HttpClient { BaseAddress = service.Management };
        Assert.DoesNotContain(IdNumber, await http.GetStringAsync("/metrics", Cancellation), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> RequestLineAsync(SampleService service)
    {
        await WaitForLinesAsync(service, "\"method\":");
        using var line = JsonDocument.Parse(service.Logged.Split('\n').Single(each => each.Contains("\"method\":", StringComparison.Ordinal)));
        return line.RootElement.Clone();
    }

    /// <summary>The line is written after the answer.</summary>
    private static async Task WaitForLinesAsync(SampleService service, string content)
    {
        while (!service.Logged.Split('\n').Any(line => line.Contains(content, StringComparison.Ordinal) && line.Contains("\"method\":", StringComparison.Ordinal)))
        {
            await Task.Delay(5, Cancellation);
        }
    }

    private sealed record Body(int Number);
}
