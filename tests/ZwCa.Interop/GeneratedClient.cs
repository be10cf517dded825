using System.Diagnostics;

namespace ZwCa.Interop;

/// <summary>What NSwag makes of an OpenAPI document, as a project that the compiler has taken.</summary>
internal static class GeneratedClient
{
    private const string Project = """
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>false</TreatWarningsAsErrors>
            <AssemblyName>Client</AssemblyName>
            <OutputPath>out/</OutputPath>
            <AppendTargetFrameworkToOutputPath>false</AppendTargetFrameworkToOutputPath>
          </PropertyGroup>
        </Project>
        """;

    /// <param name="nswag">See <see cref="Requires.NSwag"/>.</param>
    /// <param name="folder">Gets Client.cs, Client.csproj and out/Client.dll.</param>
    /// <param name="name">Of the class, in the namespace Client.</param>
    /// <param name="user">C# that uses the class, compiled with it. Null: none.</param>
    /// <returns>The generated code.</returns>
    public static async Task<string> MakeAsync(string nswag, TemporaryFolder folder, string name, string document, string? user = null)
    {
        await File.WriteAllTextAsync(folder.File("api.json"), document, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("Client.csproj"), Project, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("User.cs"), user ?? "", TestContext.Current.CancellationToken);
        await RunAsync(
            folder.Path, nswag, "openapi2csclient", $"/input:{folder.File("api.json")}", $"/output:{folder.File("Client.cs")}", "/namespace:Client", $"/classname:{name}",
            "/jsonLibrary:SystemTextJson", "/generateNullableReferenceTypes:false", "/useBaseUrl:false");
        await RunAsync(folder.Path, "build", folder.File("Client.csproj"), "--nologo", "-v", "q");
        return await File.ReadAllTextAsync(folder.File("Client.cs"), TestContext.Current.CancellationToken);
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
