using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ZwCa.Interop.Ca;

/// <summary>The CA's OpenAPI document, judged by another program: it makes a client of it, and the compiler takes that.</summary>
public sealed class ApiDocumentTests
{
    private const string Project = """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>false</TreatWarningsAsErrors>
          </PropertyGroup>
        </Project>
        """;

    [Fact]
    public async Task AClientMadeFromTheDocument_Compiles()
    {
        string nswag = Requires.NSwag();
        await using CaStage stage = await CaStage.StartAsync();
        using var folder = new TemporaryFolder();
        using HttpClient client = stage.CreateClient(stage.Ra.Link);
        string document = await client.GetStringAsync(ZwCa.Ca.ApiDocument.Path, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("ca.json"), document, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("Client.csproj"), Project, TestContext.Current.CancellationToken);

        await RunAsync(
            folder.Path, nswag, "openapi2csclient", $"/input:{folder.File("ca.json")}", $"/output:{folder.File("Client.cs")}", "/namespace:Client", "/classname:CaClient",
            "/jsonLibrary:SystemTextJson", "/generateNullableReferenceTypes:false");
        await RunAsync(folder.Path, "build", folder.File("Client.csproj"), "--nologo", "-v", "q");

        string code = await File.ReadAllTextAsync(folder.File("Client.cs"), TestContext.Current.CancellationToken);
        Assert.Contains("CertificateAnswer", code);
        Assert.Contains("DecidedRequest", code);
    }

    [Fact]
    public async Task EveryPathOfTheApi_IsInTheDocument()
    {
        await using CaStage stage = await CaStage.StartAsync();

        using HttpClient client = stage.CreateClient(stage.Ra.Link);
        JsonNode document = JsonNode.Parse(await client.GetStringAsync(ZwCa.Ca.ApiDocument.Path, TestContext.Current.CancellationToken))!;

        string[] paths = [.. document["paths"]!.AsObject().Select(path => path.Key)];
        Assert.Superset(
            new HashSet<string> { "/certificates", "/certificates/{issuer}/{serial}", "/certificates/{issuer}/{serial}/revocation", "/commands", "/commands/{id}/approval", "/persons", "/links/renew", "/clients" },
            paths.ToHashSet());
        Assert.Contains("3.1", (string)document["openapi"]!);
    }

    private static async Task RunAsync(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{output}{await error}");
    }
}
