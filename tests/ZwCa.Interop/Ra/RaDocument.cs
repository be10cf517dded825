using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using ZwCa.Data;
using ZwCa.Ra;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Interop.Ra;

/// <summary>The OpenAPI document of an RA that was built and not started: it needs no device, no database and no certificate, for all of them are asked for later.</summary>
internal static class RaDocument
{
    private const string Version = "v1";

    /// <returns>JSON, of OpenAPI 3.1.</returns>
    public static async Task<string> MakeAsync(CancellationToken cancellationToken)
    {
        using var folder = new TemporaryFolder();
        var options = new ServiceOptions
        {
            Name = "ra-35",
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Database = new DatabaseOptions { Kind = DatabaseKind.Sqlite, ConnectionString = $"Data Source={folder.File("ra.db")}" },
            Link = new LinkOptions { CertificateFile = folder.File("link.pem"), KeyFile = folder.File("link.key"), SystemCaFile = folder.File("system-ca.pem") },
        };
        var program = new ServiceProgram { Description = "RA", Tables = RaHosting.Tables, Add = Add, Map = RaHosting.Map };
        await using WebApplication app = program.Build(options, Configure(folder), TextWriter.Null);

        // Routes come into the document when they come into the pipeline: at the start, or here.
        app.UseEndpoints(_ => { });
        OpenApiDocument document = await app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Version).GetOpenApiDocumentAsync(cancellationToken);
        return await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken);
    }

    /// <returns>Each as <c>GET /subscribers/{id}</c>.</returns>
    public static IEnumerable<(string Operation, JsonObject Description)> Operations(string document) =>
        from path in JsonNode.Parse(document)!["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        where operation.Key is "get" or "post" or "put" or "delete"
        select ($"{operation.Key.ToUpperInvariant()} {path.Key}", operation.Value!.AsObject());

    /// <summary>Endpoints are built with what looks senders up, which in an RA reads the certificates of officers' issuers.</summary>
    private static void Add(WebApplicationBuilder builder, ServiceOptions options)
    {
        RaHosting.Add(builder, options);
        builder.Services.AddSignedMessages(_ => (_, _) => Task.FromResult<MessageSender?>(null));
    }

    private static IConfigurationRoot Configure(TemporaryFolder folder) => new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
    {
        ["Ra:Name"] = "ra-35",
        ["Ra:Region"] = "350000",
        ["Ra:Hsm:Endpoint"] = "127.0.0.1:1",
        ["Ra:Hsm:Partition"] = "service",
        ["Ra:Hsm:ClientFolder"] = folder.Path,
        ["Ra:Log:Origin"] = "zwca/ra-35",
        ["Ra:Log:KeyLabel"] = "log",
        ["Ra:Log:Anchors:0"] = folder.File("log.anchor"),
        ["Ra:MessageKey"] = "message",
        ["Ra:MessageCertificateFile"] = folder.File("message.pem"),
        ["Ra:PersonIndexKey"] = "person-index",
        ["Ra:DataKek"] = "data-kek",
        ["Ra:OfficerIssuerFiles:0"] = folder.File("officers.pem"),
        ["Ra:Ca:Name"] = "某省政务CA",
        ["Ra:Ca:Address"] = "https://ca.zwca.internal:7001",
        ["Ra:Ca:Recipient"] = "ca",
        ["Ra:Ca:LogOrigin"] = "zwca/ca",
        ["Ra:Ca:LogKeyFile"] = folder.File("ca-log.pem"),
        ["Ra:Profiles:person:Title"] = "个人双证书",
        ["Ra:Profiles:person:Subscriber"] = "Person",
        ["Ra:Profiles:person:Certificate"] = "person-signing",
        ["Ra:Profiles:person:Encryption"] = "person-encryption",
        ["Ra:Profiles:person:Issuer"] = "0102030405060708",
        ["Ra:Profiles:person:Reviews:0"] = "City",
    }).Build();
}
