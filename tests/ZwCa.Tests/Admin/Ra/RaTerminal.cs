using System.CommandLine;
using System.Text.Json;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Ra;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Admin.Token;

namespace ZwCa.Tests.Admin.Ra;

/// <summary>An officer at a terminal: his token with its link, his settings, and an RA that is scripted.</summary>
internal sealed class RaTerminal : IDisposable
{
    public RaTerminal()
    {
        var token = SoftwareToken.Open(Token.Folder, Token.Clock);
        token.ImportCertificate("链路", Token.Certify(token.Container("链路").PublicKey));
        Applicant = token.Container("新").PublicKey;
        Ra = new ScriptedRa { Key = Applicant };
        string settings = JsonSerializer.Serialize(
            new { address = "https://ra-35.zwca.internal:8443", recipient = "ra-35", systemCaFile = "system-ca.pem", token = "token", container = "签名", linkContainer = "链路", tracking = "http://tracking.example" },
            JsonSerializerOptions.Web);
        Token.Write("zwca-ra.json", System.Text.Encoding.UTF8.GetBytes(settings));
    }

    public TestToken Token { get; } = TestToken.Stocked();

    /// <summary>A key that somebody applies with: in the container 新.</summary>
    public SubjectPublicKeyInfo Applicant { get; }

    public ScriptedRa Ra { get; }

    /// <returns>The file of a request with the applicant's key.</returns>
    public string WriteRequest()
    {
        using UnlockedToken unlocked = SoftwareToken.Open(Token.Folder, Token.Clock).Unlock(TestToken.Pin);
        return Token.Write("request.pem", System.Text.Encoding.ASCII.GetBytes(Pem.Encode(Pem.CertificateRequest, Der.Encode(unlocked.CreateRequest("新", Name.Create())))));
    }

    /// <summary><c>zwca ra …</c></summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        TestToken token = Token;
        var typed = new TokenDesk(
            token.Environment.GetValueOrDefault, _ => token.Typed.TryDequeue(out string? pin) ? pin.ToCharArray() : null, _ => token.Typed.TryDequeue(out string? line) ? line : null, token.Clock);
        var desk = new OfficerDesk(
            typed,
            (settings, login) => new HttpClient(new MessageSigningHandler(login.Signer, settings.Recipient, token.Clock) { InnerHandler = new Shared(Ra) }) { BaseAddress = new Uri(settings.Address) },
            address => new HttpClient(new Shared(Ra)) { BaseAddress = address });
        ParseResult parsed = new RootCommand { RaVerbs.Ra(desk) }.Parse(["ra", "--config", token.File("zwca-ra.json"), .. arguments]);
        if (parsed.Errors.Count > 0)
        {
            return (2, "", string.Join('\n', parsed.Errors.Select(each => each.Message)));
        }

        await using var output = new StringWriter();
        await using var error = new StringWriter();
        int exitCode = await parsed.InvokeAsync(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
        return (exitCode, output.ToString(), error.ToString());
    }

    public void Dispose()
    {
        Ra.Dispose();
        Token.Dispose();
    }

    /// <summary>The RA outlives the client of one verb.</summary>
    private sealed class Shared(ScriptedRa ra) : DelegatingHandler(ra)
    {
        protected override void Dispose(bool disposing)
        {
        }
    }
}
