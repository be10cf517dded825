using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using ZwCa.Contracts;

namespace ZwCa.Ca;

/// <summary>The OpenAPI document of the CA: <c>GET /openapi/v1.json</c>, for every registered client. Clients of other languages are made from it.</summary>
internal static class ApiDocument
{
    public const string Path = "/openapi/v1.json";

    private const string Signature = "signature";

    public static void AddApiDocument(this IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.AddDocumentTransformer(static (document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "政务CA (ZWCA): CA",
                Version = "1",
                Description = "Certificates by the decision of two officers. Links are mutual TLS with a registered certificate of the system CA; whatever asks for something carries five headers with an SM2 signature (docs/MESSAGES.md). "
                    + "Refusals are problem documents whose type is urn:zwca:refusal:NAME (docs/ERRORS.md).",
            };

            // Not mutualTLS, which is the link's: NSwag does not know the word.
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [Signature] = new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.ApiKey,
                    In = ParameterLocation.Header,
                    Name = "ZwCa-Signature",
                    Description = "With ZwCa-Sender, ZwCa-Recipient, ZwCa-Request-Id and ZwCa-Created: the SM2 signature over method, path, query, request id, time and SM3 of the body.",
                },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(static (operation, _, _) =>
        {
            // What every operation may answer instead.
            operation.Responses ??= [];
            operation.Responses["default"] = new OpenApiResponse
            {
                Description = "A refusal.",
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [Problem.ContentType] = new()
                    {
                        Schema = new OpenApiSchema
                        {
                            Type = JsonSchemaType.Object,
                            Properties = new Dictionary<string, IOpenApiSchema>
                            {
                                ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "urn:zwca:refusal:NAME" },
                                ["title"] = new OpenApiSchema { Type = JsonSchemaType.String },
                                ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" },
                                ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "In Chinese, for the person at the other end." },
                                ["requestId"] = new OpenApiSchema { Type = JsonSchemaType.String },
                            },
                        },
                    },
                },
            };
            return Task.CompletedTask;
        });
    });

    public static void MapApiDocument(this WebApplication app) => app.MapOpenApi(Path);
}
