using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.OfficersApi;

namespace ZwCa.Ca;

/// <summary>The OpenAPI document of the CA: <c>GET /openapi/v1.json</c>, for every registered client. Clients of other languages are made from it.</summary>
internal static class ApiDocument
{
    public static void AddApiDocument(this IServiceCollection services) =>
        services.AddOpenApi(options => options.Describe("政务CA (ZWCA): CA", "Certificates by the decision of two officers."));

    public static void MapApiDocument(this WebApplication app) => app.MapOpenApi(ApiDescription.Path);
}
