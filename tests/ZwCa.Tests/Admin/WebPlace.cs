using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ZwCa.Tests.Admin;

/// <summary>A web server on loopback that answers by path, and 404 where nobody said how. Its clock is what the test says.</summary>
internal sealed class WebPlace : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebPlace(WebApplication app) => _app = app;

    public Dictionary<string, RequestDelegate> Answers { get; } = [];

    public DateTimeOffset Now { get; set; }

    public string Url { get; private set; } = "";

    public static async Task<WebPlace> StartAsync(DateTimeOffset now)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var place = new WebPlace(app) { Now = now };
        app.Run(context =>
        {
            context.Response.Headers.Date = place.Now.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
            if (place.Answers.TryGetValue(context.Request.Path.Value!, out RequestDelegate? answer))
            {
                return answer(context);
            }

            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        place.Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return place;
    }

    /// <summary>What a good server answers with a file.</summary>
    public static RequestDelegate File(byte[] content, DateTimeOffset modified, string? cache = "max-age=600", string? tag = "\"1\"", string? type = "application/pkix-crl") => async context =>
    {
        context.Response.ContentType = type;
        context.Response.Headers.CacheControl = cache;
        context.Response.Headers.ETag = tag;
        context.Response.Headers.LastModified = modified.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        context.Response.ContentLength = content.Length;
        await context.Response.Body.WriteAsync(content, context.RequestAborted);
    };

    public static RequestDelegate Text(string text, int status = 200) => async context =>
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(text, context.RequestAborted);
    };

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
