using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using ZwCa.Asn1;
using ZwCa.Contracts;
using ZwCa.Hsm;

namespace ZwCa.Tests.ServiceDefaults.Requests;

public sealed class ProblemTests
{
    private const string Secret = "机密细节";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryRefusalReachesTheClientAsItWasThrown()
    {
        Refusal kind = default;
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Map = app => app.MapThrow("/refuse", () => new RefusalException(kind, $"不能办理：{kind}", TimeSpan.FromSeconds(7))),
        });
        HttpClient client = service.CreateClient(null);
        foreach (Refusal each in Enum.GetValues<Refusal>())
        {
            kind = each;

            using HttpResponseMessage answer = await client.GetAsync("/refuse", Cancellation);

            RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(() => answer.ThrowIfRefusedAsync(Cancellation));
            Assert.Equal((each, $"不能办理：{each}", TimeSpan.FromSeconds(7)), (refusal.Kind, refusal.Message, refusal.RetryAfter));
            Assert.Equal(TimeSpan.FromSeconds(7), answer.Headers.RetryAfter!.Delta);
            using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
            string id = document.RootElement.GetProperty("requestId").GetString()!;
            Assert.Equal(id, Assert.Single(answer.Headers.GetValues("X-Request-Id")));

            // The line about the request is written after the answer.
            while (!service.Logged.Contains(id, StringComparison.Ordinal))
            {
                await Task.Delay(10, Cancellation);
            }
        }
    }

    public static TheoryData<string, int, string> Failures => new()
    {
        { "bug", 500, "about:blank" },
        { "database", 503, "urn:zwca:refusal:Unavailable" },
        { "hsm", 503, "urn:zwca:refusal:Unavailable" },
        { "timeout", 503, "urn:zwca:refusal:Unavailable" },
        { "cancelled", 503, "urn:zwca:refusal:Unavailable" },
        { "peer away", 503, "urn:zwca:refusal:Unavailable" },
        { "peer failed", 503, "urn:zwca:refusal:Unavailable" },
        { "peer does not trust us", 503, "urn:zwca:refusal:Unavailable" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task AFailureIsAnsweredWithoutDetail_AndLoggedOnceWithTheRequestId(string failure, int status, string type)
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup { Map = app => app.MapThrow("/fail", () => Make(failure)) });

        using HttpResponseMessage answer = await service.CreateClient(null).GetAsync("/fail", Cancellation);

        Assert.Equal(status, (int)answer.StatusCode);
        string body = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains($"\"{type}\"", body, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, body, StringComparison.Ordinal);
        Assert.Equal(status == 503, answer.Headers.RetryAfter is not null);
        string line = Assert.Single(service.Logged.Split('\n'), each => each.Contains("\"level\":\"Error\"", StringComparison.Ordinal));
        Assert.Contains(Assert.Single(answer.Headers.GetValues("X-Request-Id")), line, StringComparison.Ordinal);
        Assert.Contains(Make(failure).GetType().Name, line, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string?, Refusal> Bad => new()
    {
        { "POST", "/json", """{"number":"十"}""", Refusal.Malformed },
        { "POST", "/json", "{", Refusal.Malformed },
        { "POST", "/json", "", Refusal.Malformed },
        { "GET", "/number/abc", null, Refusal.Malformed },
        { "GET", "/der", null, Refusal.Malformed },
        { "GET", "/no-such-address", null, Refusal.NotFound },
        { "DELETE", "/json", null, Refusal.Malformed },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task WhatIsMalformedIsSaidSo(string method, string path, string? json, Refusal expected)
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Map = app =>
            {
                app.MapPost("/json", (Numbered body) => TypedResults.Text($"{body.Number}")).AllowAnonymous();
                app.MapGet("/number/{number}", (int number) => TypedResults.Text($"{number}")).AllowAnonymous();
                app.MapThrow("/der", () => new DerException("a sequence is expected"));
            },
        });
        HttpClient client = await service.RegisterAsync("ra-11");
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Content = json is null ? null : new StringContent(json, null, "application/json");

        using HttpResponseMessage answer = await client.SendAsync(request, Cancellation);

        Assert.Equal(expected, (await Assert.ThrowsAsync<RefusalException>(() => answer.ThrowIfRefusedAsync(Cancellation))).Kind);
    }

    [Fact]
    public async Task AnAnswerThatBreaksInItsMiddleDoesNotLookWhole()
    {
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Map = app => app.MapGet("/half", async (HttpContext context) =>
            {
                await context.Response.WriteAsync("half");
                await context.Response.Body.FlushAsync();
                throw new InvalidOperationException(Secret);
            }).AllowAnonymous(),
        });

        await Assert.ThrowsAsync<HttpRequestException>(() => service.CreateClient(null).GetStringAsync("/half", Cancellation));
    }

    private static Exception Make(string failure) => failure switch
    {
        "database" => new SqliteException(Secret, 14),
        "hsm" => new HsmException(HsmFailure.Unreachable, Secret),
        "timeout" => new TimeoutException(Secret),
        "cancelled" => new OperationCanceledException(Secret),
        "peer away" => new HttpRequestException(Secret),
        "peer failed" => new UnexpectedResponseException(500, null),
        "peer does not trust us" => new RefusalException(Refusal.LinkNotTrusted, Secret) { FromPeer = true },
        _ => new InvalidOperationException(Secret),
    };

    private sealed record Numbered(int Number);
}
