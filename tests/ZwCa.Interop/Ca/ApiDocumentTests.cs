using System.Text.Json.Nodes;
using ZwCa.OfficersApi;

namespace ZwCa.Interop.Ca;

/// <summary>The CA's OpenAPI document, judged by another program: it makes a client of it, and the compiler takes that.</summary>
public sealed class ApiDocumentTests
{
    [Fact]
    public async Task AClientMadeFromTheDocument_Compiles()
    {
        string nswag = Requires.NSwag();
        await using CaStage stage = await CaStage.StartAsync();
        using var folder = new TemporaryFolder();
        using HttpClient client = stage.CreateClient(stage.Ra.Link);
        string document = await client.GetStringAsync(ApiDescription.Path, TestContext.Current.CancellationToken);

        string code = await GeneratedClient.MakeAsync(nswag, folder, "CaClient", document);

        Assert.Contains("CertificateAnswer", code);
        Assert.Contains("DecidedRequest", code);
    }

    [Fact]
    public async Task EveryPathOfTheApi_IsInTheDocument()
    {
        await using CaStage stage = await CaStage.StartAsync();

        using HttpClient client = stage.CreateClient(stage.Ra.Link);
        JsonNode document = JsonNode.Parse(await client.GetStringAsync(ApiDescription.Path, TestContext.Current.CancellationToken))!;

        string[] paths = [.. document["paths"]!.AsObject().Select(path => path.Key)];
        Assert.Superset(
            new HashSet<string> { "/certificates", "/certificates/{issuer}/{serial}", "/certificates/{issuer}/{serial}/revocation", "/approvals", "/commands", "/commands/{id}/approval", "/persons", "/links/renew", "/clients" },
            paths.ToHashSet());
        Assert.Contains("3.1", (string)document["openapi"]!);
    }
}
