using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Contracts.Ca;
using ZwCa.Issuance;

namespace ZwCa.Interop.Ca;

/// <summary>What the CA publishes, before openssl; and how it serves that, before curl.</summary>
public sealed class PublishedCrlTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OpenSsl_ReadsThePublishedFiles_VerifiesThem_AndRefusesWhatTheyRevoke()
    {
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        await using CaStage stage = await StartAsync(folder, null);
        foreach ((Issuer issuer, KeyKind kind) in new[] { (stage.Hierarchy.Sub, KeyKind.Sm2), (stage.Rsa!, KeyKind.Rsa) })
        {
            Authority authority = stage.Authorities.Find(issuer.KeyIdentifier.Span)!;
            CertificateAnswer revoked = await IssueAsync(stage, issuer), good = await IssueAsync(stage, issuer);
            await RevokeAsync(stage, revoked);
            await PublishAsync(stage);
            string shard = UrlTemplate.ShardName(SerialNumber.Parse(revoked.Serial), 32);
            foreach ((string name, bool isPartition) in new[] { (CrlScope.Complete, false), (shard, true) })
            {
                byte[] crl = await File.ReadAllBytesAsync(Path.Combine(folder.Path, $"crl/{authority.KeyIdentifier}/{name}.crl"), Token);
                OpenSsl.Output text = openssl.Run(["crl", "-inform", "DER", "-noout", "-text"], crl);
                text.HasLines("Version 2 (0x1)");
                text.HasLines("X509v3 CRL Reason Code:", "Key Compromise");
                Assert.True(text.Says(revoked.Serial.ToUpperInvariant()) && !text.Says(good.Serial.ToUpperInvariant()));
                Assert.Equal(isPartition, text.Says("X509v3 Issuing Distribution Point: critical"));
                Assert.Equal(isPartition, text.Says($"URI:{SampleHierarchy.Publication.BaseUrl}/crl/{authority.KeyIdentifier}/{name}.crl"));
                openssl.VerifiesSigned(kind, issuer.SubjectPublicKeyInfo, crl);

                // SM2 ones it cannot verify by itself.
                if (kind == KeyKind.Rsa)
                {
                    string ca = openssl.WritePem("ca.pem", Pem.Certificate, issuer.Certificate!);
                    Assert.True(openssl.Try(["crl", "-inform", "DER", "-in", openssl.Write("x.crl", crl), "-noout", "-CAfile", ca]).Says("verify OK"));
                    openssl.WritePem("crl.pem", Pem.X509Crl, Der.Decode<CertificateList>(crl));
                    string[] verify = ["verify", "-partial_chain", "-crl_check", "-extended_crl", "-CRLfile", "crl.pem", "-trusted", ca];
                    openssl.Refuses("certificate revoked", [.. verify, openssl.WritePem("revoked.pem", Pem.Certificate, Der.Decode<Certificate>(revoked.Certificate))]);
                    if (!isPartition)
                    {
                        openssl.Run([.. verify, openssl.WritePem("good.pem", Pem.Certificate, Der.Decode<Certificate>(good.Certificate))]);
                    }
                }
            }

            // Where the certificates' AIA says.
            byte[] certificate = await File.ReadAllBytesAsync(Path.Combine(folder.Path, $"ca/{authority.KeyIdentifier}.cer"), Token);
            Assert.Equal(Der.Encode(issuer.Certificate!), certificate);
        }
    }

    [Fact]
    public async Task Curl_GetsTheFiles_WithWhatCachesNeed_AndNothingElse()
    {
        Requires.Command("curl");
        using var folder = new TemporaryFolder();
        string listen = $"127.0.0.1:{FreePort()}";
        await using CaStage stage = await StartAsync(folder, listen);
        await PublishAsync(stage);
        Authority authority = stage.Authorities.Find(stage.Hierarchy.Sub.KeyIdentifier.Span)!;
        string name = $"crl/{authority.KeyIdentifier}/all.crl", url = $"http://{listen}/{name}";
        byte[] file = await File.ReadAllBytesAsync(Path.Combine(folder.Path, name), Token);
        var crl = CrlFile.Read(file);

        (string head, byte[] body) = await CurlAsync(url);
        Assert.StartsWith("HTTP/1.1 200", head, StringComparison.Ordinal);
        Assert.Equal(file, body);
        Assert.Equal("application/pkix-crl", HeaderOf(head, "Content-Type"));
        Assert.Equal(file.Length.ToString(CultureInfo.InvariantCulture), HeaderOf(head, "Content-Length"));
        Assert.Equal(crl.ThisUpdate.Value.ToString("R", CultureInfo.InvariantCulture), HeaderOf(head, "Last-Modified"));
        string tag = HeaderOf(head, "ETag")!;
        Assert.Equal("public, max-age=600, must-revalidate", HeaderOf(head, "Cache-Control"));

        // HEAD; what the client has already; and a client that has another.
        (string asked, byte[] none) = await CurlAsync(url, "--head");
        Assert.StartsWith("HTTP/1.1 200", asked, StringComparison.Ordinal);
        Assert.Equal(file.Length.ToString(CultureInfo.InvariantCulture), HeaderOf(asked, "Content-Length"));
        Assert.Empty(none);
        foreach (string known in new[] { $"If-None-Match: {tag}", $"If-None-Match: \"other\", W/{tag}", "If-None-Match: *", $"If-Modified-Since: {crl.ThisUpdate.Value:R}" })
        {
            (string unchanged, byte[] nothing) = await CurlAsync(url, "--header", known);
            Assert.StartsWith("HTTP/1.1 304", unchanged, StringComparison.Ordinal);
            Assert.Equal(tag, HeaderOf(unchanged, "ETag"));
            Assert.Empty(nothing);
        }

        foreach (string other in new[] { "If-None-Match: \"other\"", $"If-Modified-Since: {crl.ThisUpdate.Value.AddSeconds(-1):R}", "If-Modified-Since: yesterday" })
        {
            Assert.StartsWith("HTTP/1.1 200", (await CurlAsync(url, "--header", other)).Head, StringComparison.Ordinal);
        }

        // The CA's certificate; and nothing else, whatever lies there.
        (string certificate, byte[] der) = await CurlAsync($"http://{listen}/ca/{authority.KeyIdentifier}.cer");
        Assert.Equal("application/pkix-cert", HeaderOf(certificate, "Content-Type"));
        Assert.Equal(Der.Encode(authority.Certificate), der);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "secret.txt"), "", Token);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, $"crl/{authority.KeyIdentifier}/.0123.new"), "", Token);
        foreach (string path in new[]
        {
            "", "crl", "secret.txt", "crl/../secret.txt", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "crl/..%2fsecret.txt", $"crl/{authority.KeyIdentifier}/.0123.new",
            $"crl/{authority.KeyIdentifier}/none.crl", $"{name}%0a", $"{name}%00", $"/{name}", name.ToUpperInvariant(), "health/ready", "certificates",
        })
        {
            (string refused, _) = await CurlAsync($"http://{listen}/{path}", "--path-as-is");
            Assert.True(refused.StartsWith("HTTP/1.1 404", StringComparison.Ordinal) || refused.StartsWith("HTTP/1.1 400", StringComparison.Ordinal), $"{path}: {refused}");
        }

        foreach (string method in new[] { "POST", "PUT", "DELETE", "OPTIONS" })
        {
            (string refused, _) = await CurlAsync(url, "--request", method);
            Assert.StartsWith("HTTP/1.1 405", refused, StringComparison.Ordinal);
            Assert.Equal("GET, HEAD", HeaderOf(refused, "Allow"));
        }

        // Nor is it anywhere else.
        (string management, _) = await CurlAsync(new Uri(stage.Management, name).ToString());
        Assert.StartsWith("HTTP/1.1 404", management, StringComparison.Ordinal);
    }

    /// <summary>No cache keeps it beyond nextUpdate.</summary>
    [Fact]
    public async Task ACrlThatEndsSoon_IsCachedNoLonger()
    {
        Requires.Command("curl");
        using var folder = new TemporaryFolder();
        string listen = $"127.0.0.1:{FreePort()}";
        await using CaStage stage = await StartAsync(folder, listen, ("Ca:Crls:Validity", "00:02:00"), ("Ca:Crls:Interval", "00:00:30"));
        await PublishAsync(stage);

        (string head, _) = await CurlAsync($"http://{listen}/crl/{Convert.ToHexStringLower(stage.Hierarchy.Sub.KeyIdentifier.Span)}/all.crl");
        string age = HeaderOf(head, "Cache-Control")!.Split("max-age=")[1].Split(',')[0];
        Assert.InRange(int.Parse(age, CultureInfo.InvariantCulture), 0, 120);
    }

    private static Task<CaStage> StartAsync(TemporaryFolder folder, string? listen, params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string?> { ["Ca:Crls:PublicationFolders:0"] = folder.Path, ["Ca:Crls:Listen"] = listen };
        foreach ((string name, string value) in more)
        {
            settings[name] = value;
        }

        return CaStage.StartAsync(new CaSetup { WithRsa = listen is null, Settings = settings });
    }

    private static Task<CertificateAnswer> IssueAsync(CaStage stage, Issuer issuer)
    {
        DecidedRequest request = stage.Scene.NewRequest(issuer: issuer);
        return SignedCalls.UntilAnsweredAsync(() => stage.Ra.PostAsync<CertificateAnswer>("/certificates", request), Token);
    }

    private static async Task RevokeAsync(CaStage stage, CertificateAnswer certificate)
    {
        var body = new StatusBody(new CertificateReference(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial)), RevocationReason.KeyCompromise);
        var application = new Application(DecisionKind.Revoke, CaStage.Name, CaStage.RaName, CaStage.City, CaStage.NewEntity(), Der.Encode(body));
        await stage.Ra.PostAsync<CertificateAnswer>($"/certificates/{certificate.Issuer}/{certificate.Serial}/revocation", stage.Decide(application));
    }

    /// <summary>What the jobs do, at once: a CRL has seconds, and the next one is later.</summary>
    private static async Task PublishAsync(CaStage stage)
    {
        await Task.Delay(TimeSpan.FromSeconds(1.1), Token);
        await stage.RawAsync("UPDATE crl_scope SET due_at = 0");
        await stage.App.Services.GetRequiredService<MakeCrl>().RunDueAsync(Token);
        await stage.App.Services.GetRequiredService<PublishCrls>().RunAsync(Token);
        Assert.Equal(0, await stage.Database.FindAsync<long>("SELECT COUNT(*) FROM crl WHERE state <> 3", cancellationToken: Token));
    }

    private static async Task<(string Head, byte[] Body)> CurlAsync(string url, params string[] options)
    {
        using var folder = new TemporaryFolder();
        (string head, string body) = (folder.File("head"), folder.File("body"));
        var start = new ProcessStartInfo("curl", ["--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--dump-header", head, "--output", body, .. options, url])
        {
            RedirectStandardError = true,
        };
        using Process curl = Process.Start(start)!;
        string said = await curl.StandardError.ReadToEndAsync(Token);
        await curl.WaitForExitAsync(Token);
        Assert.True(curl.ExitCode == 0, said);

        // With --head it writes the head to the output too.
        bool isHead = options.Contains("--head");
        return (await File.ReadAllTextAsync(head, Token), isHead || !File.Exists(body) ? [] : await File.ReadAllBytesAsync(body, Token));
    }

    private static string? HeaderOf(string head, string name) => head.Split("\r\n").FirstOrDefault(line => line.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
