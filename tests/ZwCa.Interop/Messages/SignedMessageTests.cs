using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Interop.Messages;

/// <summary>Messages of ours judged by openssl, and messages that openssl signed and curl sent, taken by a service over mutual TLS.</summary>
public sealed class SignedMessageTests
{
    private const string Sender = "4a01c3e87b2f915d60";
    private const string Target = "/things?a=%E4%B8%AD&b=1";

    [Fact]
    public async Task WhatOurClientSends_IsVerified()
    {
        using var openssl = new OpenSsl();
        using var key = Sm2PrivateKey.Generate();
        using var capture = new Capture();
        using var client = new HttpClient(new MessageSigningHandler(new MessageSigner(SerialNumber.Parse(Sender), key), "ca", TimeProvider.System) { InnerHandler = capture });
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://ca.test" + Target) { Content = new StringContent("{\"名\":1}") };
        MessageSigningHandler.SetRequestId(request, RequestId.Parse("a-request-of-ours"));
        long before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        // The lines, built here from what was sent, with openssl's SM3.
        string created = capture.Header("ZwCa-Created");
        Assert.InRange(long.Parse(created, CultureInfo.InvariantCulture), before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        string hash = openssl.Run("dgst", "-sm3", "-r", openssl.Write("body", capture.Body)).Text.Split(' ')[0];
        byte[] lines = Encoding.ASCII.GetBytes($"ZWCA1\n{Sender}\nca\nPOST\n{Target}\na-request-of-ours\n{created}\n{hash}\n");
        byte[] signature = Convert.FromBase64String(capture.Header("ZwCa-Signature"));
        SubjectPublicKeyInfo publicKey = SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());

        openssl.VerifiesSignature(KeyKind.Sm2, publicKey, lines, signature);
        lines[^2] ^= 1;
        openssl.RefusesSignature(KeyKind.Sm2, publicKey, lines, signature);
        Assert.Equal(("ca", Sender, "a-request-of-ours"), (capture.Header("ZwCa-Recipient"), capture.Header("ZwCa-Sender"), capture.Header("ZwCa-Request-Id")));
    }

    /// <summary>The shell example of docs/MESSAGES.md, run as it stands there.</summary>
    [Fact]
    public async Task ExampleInShell_IsAccepted()
    {
        Requires.Command("curl");
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", folder.File("message.key")]);
        openssl.Run("pkey", "-in", folder.File("message.key"), "-pubout", "-out", "public.pem");
        Assert.True(openssl.ReadPem<SubjectPublicKeyInfo>("public.pem", Pem.PublicKey).TryGetSm2Key(out Sm2PublicKey? publicKey));
        var sender = new MessageSender { SerialNumber = SerialNumber.Parse(Sender), PublicKey = publicKey, LinkName = "shell", LinkKind = ClientKind.Ra };
        int runs = 0;
        await using SampleService service = await SampleService.StartAsync(new SampleSetup
        {
            Add = builder => builder.Services.AddSignedMessages(_ => (serial, _) => Task.FromResult(serial == sender.SerialNumber ? sender : null)),
            Map = app => app.MapPost("/things", (string a, MessageContext message) => TypedResults.Text($"{a} {message.RequestId} {++runs}")).RequireSignedMessage(),
        });
        using X509Certificate2 link = service.Ca.Issue("shell");
        await service.Clients.RegisterAsync(SampleService.Actor, link, "shell", ClientKind.Ra, TestContext.Current.CancellationToken);
        SystemCa.Write(link, folder.File("link.pem"), folder.File("link.key"), null);
        await File.WriteAllTextAsync(folder.File("system-ca.pem"), service.Ca.Certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("body.json"), "{\"名\":\"张三\"}", TestContext.Current.CancellationToken);
        string script = Regex.Match(await File.ReadAllTextAsync(DocumentPath(), TestContext.Current.CancellationToken), "```sh\n([^`]*)```").Groups[1].Value;

        (string Name, string Value)[] settings = [("SERVICE", service.Address.ToString().TrimEnd('/')), ("SENDER", Sender), ("TARGET", Target), ("ID", "id-of-the-shell-1")];
        Assert.Equal("中 id-of-the-shell-1 1", await ShellAsync(script, folder.Path, [.. settings, ("RECIPIENT", SampleService.Name)]));
        Assert.Equal("中 id-of-the-shell-1 1", await ShellAsync(script, folder.Path, [.. settings, ("RECIPIENT", SampleService.Name)]));
        Assert.Contains("urn:zwca:refusal:BadSignature", await ShellAsync(script, folder.Path, [.. settings, ("RECIPIENT", "kmc")]), StringComparison.Ordinal);
    }

    private static async Task<string> ShellAsync(string script, string folder, IEnumerable<(string Name, string Value)> settings)
    {
        var start = new ProcessStartInfo("sh", ["-e", "-c", script]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in settings)
        {
            start.Environment[name] = value;
        }

        using Process shell = Process.Start(start)!;
        Task<string> error = shell.StandardError.ReadToEndAsync();
        string output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(shell.ExitCode == 0, await error);
        return output;
    }

    private static string DocumentPath()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "ZwCa.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(folder!, "docs", "MESSAGES.md");
    }

    /// <summary>What would go over the wire.</summary>
    private sealed class Capture : HttpMessageHandler
    {
        private HttpRequestMessage? _request;

        public byte[] Body { get; private set; } = [];

        public string Header(string name) => _request!.Headers.GetValues(name).Single();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            _request = request;
            Body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            return new HttpResponseMessage(System.Net.HttpStatusCode.NoContent);
        }
    }
}
