using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace ZwCa.Tests.ServiceDefaults;

/// <summary>Endpoints that tests add to the sample service.</summary>
internal static class SampleEndpoints
{
    public static IEndpointConventionBuilder MapGetText(this WebApplication app, string route, string text) => app.MapGet(route, () => TypedResults.Text(text));

    /// <summary>One that throws what it is told.</summary>
    public static IEndpointConventionBuilder MapThrow(this WebApplication app, string route, Func<Exception> exception) =>
        app.MapGet(route, IResult () => throw exception()).AllowAnonymous();
}
