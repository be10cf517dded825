using System.CommandLine;
using System.Text;
using ZwCa.Admin.Commands;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Tests.Admin.Token;

namespace ZwCa.Tests.Admin.Commands;

/// <summary>A terminal whose requests another officer's client sends and signs: for verbs that only read.</summary>
internal sealed class BorrowedDesk(HttpClient client) : IDisposable
{
    private readonly TestToken _token = TestToken.Stocked();

    public string File(string name) => _token.File(name);

    /// <summary><c>zwca command …</c></summary>
    /// <returns>Both outputs.</returns>
    public async Task<(int ExitCode, string Said)> RunAsync(params string[] arguments)
    {
        SoftwareToken.Open(_token.Folder, _token.Clock).ImportCertificate("链路", _token.Certify(SoftwareToken.Open(_token.Folder, _token.Clock).Container("链路").PublicKey));
        string settings = _token.Write(
            "desk.json", Encoding.UTF8.GetBytes("""{"address": "https://kmc.example", "recipient": "kmc", "systemCaFile": "x.pem", "token": "token", "container": "签名", "linkContainer": "链路"}"""));
        var typed = new TokenDesk(_token.Environment.GetValueOrDefault, _ => null, _ => null, _token.Clock);
        var desk = new OfficerDesk(typed, (_, _) => new HttpClient(new Lent(client)) { BaseAddress = client.BaseAddress }, _ => throw new InvalidOperationException("Nothing is public."));
        await using var said = new StringWriter();
        int exitCode = await CommandVerbs.Commands(desk).Parse([.. arguments, "--config", settings])
            .InvokeAsync(new InvocationConfiguration { Output = said, Error = said, EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
        return (exitCode, said.ToString());
    }

    public void Dispose() => _token.Dispose();

    private sealed class Lent(HttpClient client) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var copy = new HttpRequestMessage(request.Method, request.RequestUri);
            foreach ((string name, object? value) in request.Options)
            {
                copy.Options.TryAdd(name, value);
            }

            return await client.SendAsync(copy, cancellationToken);
        }
    }
}
