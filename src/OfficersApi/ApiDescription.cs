using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using ZwCa.Contracts;

namespace ZwCa.OfficersApi;

/// <summary>What the OpenAPI documents of services that take signed messages have in common.</summary>
public static class ApiDescription
{
    /// <summary>Where it is, for every registered client.</summary>
    public const string Path = "/openapi/v1.json";

    private const string Signature = "signature";

    /// <summary>Adds title, the signature's header, and to each operation what it may answer instead.</summary>
    /// <param name="summary">One sentence: what the service does.</param>
    public static void Describe(this OpenApiOptions options, string title, string summary)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = title,
                Version = "1",
                Description = summary + " Links are mutual TLS with a registered certificate of the system CA; whatever asks for something carries five headers with an SM2 signature (docs/MESSAGES.md). "
                    + "Refusals are problem documents whose type is urn:zwca:refusal:NAME (docs/ERRORS.md).",
            };

            // Not mutualTLS, which is the link's: NSwag does not know the word.
            document.AddComponent(nameof(Problem), ProblemSchema());
            document.Components!.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
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
        options.AddOperationTransformer(static (operation, context, _) =>
        {
            operation.Responses ??= [];
            operation.Responses["default"] = Refused(context.Document!);
            return Task.CompletedTask;
        });
    }

    /// <summary>What every operation may answer instead.</summary>
    public static OpenApiResponse Refused(OpenApiDocument document) => new()
    {
        Description = "A refusal.",
        Content = new Dictionary<string, OpenApiMediaType> { [Problem.ContentType] = new() { Schema = new OpenApiSchemaReference(nameof(Problem), document) } },
    };

    private static OpenApiSchema ProblemSchema() => new()
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
    };
}
