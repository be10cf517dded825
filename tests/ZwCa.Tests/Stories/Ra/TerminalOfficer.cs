using System.CommandLine;
using System.Net;
using System.Text.Json;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Ra;
using ZwCa.Admin.Token;
using ZwCa.Asn1.Pkix;
using ZwCa.Officers;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>A clerk at a terminal with his token and the settings of his desk; the RA is a real one.</summary>
internal sealed class TerminalOfficer
{
    /// <summary>Of all tokens of the counter.</summary>
    public const string Pin = "counter-pin-7";

    private readonly string _config;
    private readonly Queue<string> _typed = [];

    private TerminalOfficer(string config) => _config = config;

    /// <param name="scene">Of the CA, while it is filled.</param>
    /// <param name="folder">A new one: token and settings.</param>
    public static async Task<TerminalOfficer> CreateAsync(CaScene scene, RaProcess ra, string folder, string region, string name, IPEndPoint tracking)
    {
        Directory.CreateDirectory(folder);
        string tokenFolder = Path.Combine(folder, "token");
        SoftwareToken.Create(tokenFolder, name, Pin, demo: false, TimeProvider.System);
        using UnlockedToken token = SoftwareToken.Open(tokenFolder, TimeProvider.System).Unlock(Pin);
        (Certificate officer, Certificate link) = await scene.TokenOfficerAsync(
            RoleCatalogue.BusinessOperator, region, name, token.CreateContainer("officer", TokenKeyKind.Sm2).PublicKey, token.CreateContainer("link", TokenKeyKind.P256).PublicKey);
        token.ImportCertificate("officer", officer);
        token.ImportCertificate("link", link);
        File.Copy(Path.Combine(scene.Folder, "system-ca.pem"), Path.Combine(folder, "system-ca.pem"));
        string config = Path.Combine(folder, "zwca-ra.json");
        await File.WriteAllTextAsync(config, JsonSerializer.Serialize(
            new { address = ra.Address.GetLeftPart(UriPartial.Authority), recipient = RaScene.ServiceName, systemCaFile = "system-ca.pem", token = "token", tracking = $"http://{tracking}" }, JsonSerializerOptions.Web));
        return new TerminalOfficer(config);
    }

    /// <summary>He will answer the next question so.</summary>
    public void Type(string line) => _typed.Enqueue(line);

    /// <summary><c>zwca ra …</c></summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var terminal = new TokenDesk(
            variable => variable is TokenDesk.PinVariable or DeliverVerb.PinVariable ? Pin : null, _ => null, _ => _typed.TryDequeue(out string? line) ? line : null, TimeProvider.System);
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        int exitCode = await RaVerbs.Ra(OfficerDesk.Terminal with { Token = terminal }).Parse([.. arguments, "--config", _config])
            .InvokeAsync(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <returns>What it wrote.</returns>
    public async Task<string> DoneAsync(params string[] arguments)
    {
        (int exitCode, string output, string error) = await RunAsync(arguments);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)}: {exitCode} {output} {error}");
        return output;
    }

    /// <summary>One line in Chinese on the error output, and the exit code that docs/API.md has.</summary>
    public async Task RefusedAsync(string word, params string[] arguments)
    {
        (int exitCode, _, string error) = await RunAsync(arguments);
        TestContext.Current.SendDiagnosticMessage("{0}: {1}", string.Join(' ', arguments), error);
        Assert.Equal(1, exitCode);
        Assert.Contains(word, error, StringComparison.Ordinal);
        Assert.Contains(error, each => each is >= '\u4E00' and <= '\u9FFF');
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
