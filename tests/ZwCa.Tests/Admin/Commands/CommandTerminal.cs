using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ZwCa.Admin.Commands;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Admin.Commands;

/// <summary>An officer with his token and his desk, at a CA of this process.</summary>
internal sealed partial class CommandTerminal : IDisposable
{
    private const string Pin = "command-pin-7";

    private readonly TemporaryFolder _folder = new();
    private readonly Queue<string> _typed = [];

    /// <summary>In office, with a link.</summary>
    public static async Task<CommandTerminal> CreateAsync(CaStage stage, string role, string region, string name, string service = CaStage.Name, DateTimeOffset? linkFrom = null)
    {
        var terminal = new CommandTerminal();
        (SubjectPublicKeyInfo officerKey, SubjectPublicKeyInfo linkKey) = terminal.MakeToken("token", name);
        (Certificate officer, Certificate link) = await stage.Scene.TokenOfficerAsync(role, region, name, officerKey, linkKey, linkFrom);
        var token = SoftwareToken.Open(terminal.File("token"), TimeProvider.System);
        token.ImportCertificate("officer", officer);
        token.ImportCertificate("link", link);
        terminal.WriteCertificate("system.pem", stage.Hierarchy.System.Certificate!);
        terminal.Write("zwca-command.json", JsonSerializer.Serialize(
            new { address = stage.Address.GetLeftPart(UriPartial.Authority), recipient = CaStage.ServiceName, service, systemCaFile = "system.pem", token = "token" }, JsonSerializerOptions.Web));
        return terminal;
    }

    public string File(string name) => _folder.File(name);

    public void Write(string name, string text) => System.IO.File.WriteAllText(File(name), text);

    public void WriteCertificate(string name, Certificate certificate) => Write(name, Pem.Encode(Pem.Certificate, Der.Encode(certificate)));

    /// <summary>A token with keys for an officer and his link, and the requests OFFICER.csr and OFFICER-link.csr beside it.</summary>
    public (SubjectPublicKeyInfo Officer, SubjectPublicKeyInfo Link) MakeToken(string folder, string name)
    {
        using UnlockedToken token = SoftwareToken.Create(File(folder), name, Pin, demo: false, TimeProvider.System).Unlock(Pin);
        var keys = (token.CreateContainer("officer", TokenKeyKind.Sm2).PublicKey, token.CreateContainer("link", TokenKeyKind.P256).PublicKey);
        Write($"{folder}.csr", Pem.Encode(Pem.CertificateRequest, Der.Encode(token.CreateRequest("officer", Name.Create()))));
        Write($"{folder}-link.csr", Pem.Encode(Pem.CertificateRequest, Der.Encode(token.CreateRequest("link", Name.Create()))));
        return keys;
    }

    /// <summary>He will answer the next question so.</summary>
    public void Type(string line) => _typed.Enqueue(line);

    /// <summary><c>zwca command …</c></summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var desk = new TokenDesk(variable => variable == TokenDesk.PinVariable ? Pin : null, _ => null, _ => _typed.TryDequeue(out string? line) ? line : null, TimeProvider.System);
        ParseResult parsed = CommandVerbs.Commands(OfficerDesk.Terminal with { Token = desk }).Parse([.. arguments, "--config", File("zwca-command.json")]);
        if (parsed.Errors.Count > 0)
        {
            return (2, "", string.Join('\n', parsed.Errors.Select(each => each.Message)));
        }

        await using var output = new StringWriter();
        await using var error = new StringWriter();
        int exitCode = await parsed.InvokeAsync(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <returns>What it wrote.</returns>
    public async Task<string> DoneAsync(params string[] arguments)
    {
        (int exitCode, string output, string error) = await RunAsync(arguments);
        Assert.True(exitCode == 0, $"{string.Join(' ', arguments)}: {exitCode} {output} {error}");
        return output;
    }

    /// <summary>One line on the error output, which says why.</summary>
    public async Task RefusedAsync(string word, params string[] arguments)
    {
        (int exitCode, _, string error) = await RunAsync(arguments);
        Assert.True(exitCode == 1, $"{string.Join(' ', arguments)}: {exitCode} {error}");
        Assert.Contains(word, error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Proposes what is written down.</summary>
    /// <returns>The commands' ids.</returns>
    public async Task<string[]> ProposeAsync(string json)
    {
        Write("papers.json", json);
        return IdsIn(await DoneAsync("propose", File("papers.json"), "--yes"));
    }

    public static string[] IdsIn(string output) => [.. Id().Matches(output).Select(each => each.Groups[1].Value)];

    public string Read(string name) => System.IO.File.ReadAllText(File(name), Encoding.UTF8);

    public void Dispose() => _folder.Dispose();

    [GeneratedRegex("\\] 编号 ([0-9a-f]{32})，")]
    private static partial Regex Id();
}
