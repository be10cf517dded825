using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Tests.Ra;

/// <summary>An RA as its operator makes it: papers, <c>zwca ceremony request</c>, the officers' certificates, <c>zwca ceremony configure</c>, the RA's own program.</summary>
public sealed class ConfiguredRaTests : IAsyncLifetime
{
    private const string Password = CeremonyStage.LinkPassword;
    private const string Ca = "https://ca.zwca.internal:8443";

    private static readonly string[] Beside = [RaPapers.LinkRequestFile, RaPapers.LinkKeyFile, RaPapers.MessageRequestFile];

    private CeremonyStage _stage = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Papers => Path.Combine(_stage.Path, "papers", "ra-35.json");

    private string Target => Path.Combine(_stage.Path, "ra");

    public async ValueTask InitializeAsync()
    {
        _stage = await CeremonyStage.CreateAsync(CeremonyStage.Sm2Only);
        await _stage.CompleteAsync();
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task FromPapersToAService_ThatFindsEverythingInItsPlace()
    {
        // Step 1: keys and requests. The same command again makes nothing twice; what an interruption left is gone on from.
        WritePapers();
        (int exitCode, string output, string error) = await RequestAsync();
        Assert.True(exitCode == 0, error);
        Assert.Contains("certificate.order", output, StringComparison.Ordinal);
        byte[][] first = [.. Beside.Select(file => File.ReadAllBytes(Side(file)))];
        File.Delete(Side(RaPapers.LinkRequestFile));
        (exitCode, output, error) = await RequestAsync();
        Assert.True(exitCode == 0, error);
        Assert.Contains("which was there already", output, StringComparison.Ordinal);
        Assert.Equal(first[1..], Beside[1..].Select(file => File.ReadAllBytes(Side(file))));
        RaPapers papers = RaPapers.Read(Papers);
        Assert.Equal(
            Der.Decode<CertificationRequest>(Pem.Decode(Pem.CertificateRequest, System.Text.Encoding.ASCII.GetString(first[0]))).Info.SubjectPublicKeyInfo,
            papers.FindRequest(RaPapers.LinkRequestFile)!.Info.SubjectPublicKeyInfo);

        // Step 2: what the officers order.
        (exitCode, _, error) = await ConfigureAsync();
        Assert.Equal((1, true), (exitCode, error.Contains("message.pem is missing", StringComparison.Ordinal)));
        await CertifyAsync(papers);
        (exitCode, output, error) = await ConfigureAsync("--connection", $"Data Source={Path.Combine(_stage.Path, "ra.db")}");
        Assert.True(exitCode == 0, error);
        string config = Path.Combine(Target, "ra.json");
        Assert.Equal(config, output.Trim());
        JsonNode settings = JsonNode.Parse(File.ReadAllText(config))!;
        Assert.Equal($"{Ca}/links/renew", (string?)settings["Service"]!["Link"]!["RenewalUrl"]);
        Assert.Equal(
            Convert.ToHexStringLower(Known("issuing-s1").Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span), (string?)settings["Ra"]!["Profiles"]!["person"]!["Issuer"]);
        Assert.Equal(("ca", "zwca/ca", "127.0.0.1:8099"), ((string?)settings["Ra"]!["Ca"]!["Recipient"], (string?)settings["Ra"]!["Ca"]!["LogOrigin"], (string?)settings["Ra"]!["TrackingListen"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? UnixFileMode.UserRead | UnixFileMode.UserWrite : File.GetUnixFileMode(Path.Combine(Target, "link.key")));

        // Step 3: the program is content with all of it; with another's key it is not.
        Assert.Equal(0, (await RaAsync("migrate", config)).ExitCode);
        (exitCode, output) = await RaAsync("check-config", config);
        Assert.True(exitCode == 0, output);
        Assert.Contains("ok     keys and certificates", output, StringComparison.Ordinal);
        (exitCode, output) = await RaAsync("check-config", config, ("ZWCA_Ra__MessageKey", "ra-35-log"));
        Assert.Equal(1, exitCode);
        Assert.Contains("is not of the key ra-35-log", output, StringComparison.Ordinal);

        // Step 4: an existing configuration is never overwritten.
        (exitCode, _, error) = await ConfigureAsync();
        Assert.Equal((1, true), (exitCode, error.Contains("is not empty", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task WhatDoesNotBelongTogether_IsRefused_BeforeThereIsAFile()
    {
        WritePapers();
        (int exitCode, _, string error) = await RequestAsync();
        Assert.True(exitCode == 0, error);
        RaPapers papers = RaPapers.Read(Papers);
        await CertifyAsync(papers);
        string message = Side(RaPapers.MessageFile), link = Side(RaPapers.LinkFile);
        byte[] right = File.ReadAllBytes(message);

        // The link's in the place of the message certificate.
        File.Copy(link, message, overwrite: true);
        await RefusedAsync("is for another key than message.csr");

        // For the right key, by a CA that certifies no RA.
        File.WriteAllBytes(message, CertificateFile.Write(await IssueAsync("issuing-s1", "ra-system", papers.FindRequest(RaPapers.MessageRequestFile)!.Info.SubjectPublicKeyInfo)));
        await RefusedAsync("is not of the CA ops-s1 of this ceremony");
        File.WriteAllBytes(message, right);

        // Another password than the key was made with; another link key under the old request.
        (exitCode, _, error) = await CeremonyStage.ProgramAsync(["ceremony", "request", _stage.Output, "--ra", Papers, "--device", "service"], [(CeremonyRun.LinkPasswordVariable, "another-password")]);
        Assert.Equal((1, true), (exitCode, error.Contains("does not open with the password", StringComparison.Ordinal)));
        File.Delete(Side(RaPapers.LinkKeyFile));
        (exitCode, _, error) = await RequestAsync();
        Assert.Equal((1, true), (exitCode, error.Contains("is of another key than link.key", StringComparison.Ordinal)));

        // No device, no CA, papers without a field, papers without --service ra.
        await RefusedAsync("Nothing says where the RA's keys are", device: null);
        (exitCode, _, error) = await CeremonyStage.ProgramAsync(["ceremony", "configure", _stage.Output, "--service", "ra", "--ra", Papers, "--device", "service", "--to", Target], []);
        Assert.Equal((1, true), (exitCode, error.Contains("name it with --ca", StringComparison.Ordinal)));
        (exitCode, _, error) = await CeremonyStage.ProgramAsync(["ceremony", "configure", _stage.Output, "--ra", Papers, "--to", Target], []);
        Assert.Equal((2, true), (exitCode, error.Contains("go together", StringComparison.Ordinal)));
        File.WriteAllText(Papers, """{"name":"ra-35","profiles":{}}""");
        await RefusedAsync("cannot be read");
        Assert.False(Directory.Exists(Target));
    }

    private Certificate Known(string id)
    {
        InventoryCertificate entry = Inventory.Read(File.ReadAllBytes(Path.Combine(_stage.Output, Inventory.FileName))).Certificates.First(each => each.Id == id);
        return CertificateFile.Read(File.ReadAllBytes(Path.Combine(_stage.Output, entry.File)), id);
    }

    private string Side(string file) => Path.Combine(Path.GetDirectoryName(Papers)!, file);

    private void WritePapers()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Papers)!);
        File.WriteAllText(
            Papers,
            """
            {"name":"ra-35","region":"350000","tracking":"127.0.0.1:8099", // no device: the ceremony's
             "profiles":{"person":{"Title":"个人双证书","Subscriber":"Person","Certificate":"person-signing","Encryption":"person-encryption","Issuer":"issuing-s1","Days":365}}}
            """);
    }

    private async Task CertifyAsync(RaPapers papers)
    {
        papers.WriteNew(RaPapers.MessageFile, CertificateFile.Write(await IssueAsync("ops-s1", "ra-system", papers.FindRequest(RaPapers.MessageRequestFile)!.Info.SubjectPublicKeyInfo)));
        papers.WriteNew(RaPapers.LinkFile, CertificateFile.Write(await IssueAsync("system", "link", papers.FindRequest(RaPapers.LinkRequestFile)!.Info.SubjectPublicKeyInfo)));
    }

    /// <summary>As the CA does when two officers have ordered it.</summary>
    private async Task<Certificate> IssueAsync(string authority, string profile, SubjectPublicKeyInfo key)
    {
        await using IHsm device = await _stage.ConnectAsync("ca");
        HsmKey held = (await device.FindKeyAsync(new KeyLabel(authority), Token))!;
        var issuer = new Issuer(Known(authority), new HsmSigner(device, held), PlanCheck.PublicationOf(_stage.Plan().Plan));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return await issuer.IssueAsync(
            issuer.Prepare(new IssuanceRequest
            {
                Profile = ProfileCatalogue.Shipped[profile],
                SerialNumber = SerialNumbers.Create(),
                SubjectPublicKeyInfo = key,
                Subject =
                [
                    new SubjectText(Oids.OrganizationName, "某省密码管理局"), new SubjectText(Oids.CommonName, "ra-35"),
                    .. profile == "link" ? [] : new SubjectText[] { new(Oids.SerialNumber, $"TEST-{Convert.ToHexString(RandomNumberGenerator.GetBytes(10))}") },
                ],
                Place = profile == "link" ? [] : [new SubjectText(Oids.StateOrProvinceName, "某省")],
                NotBefore = now,
                NotAfter = now.AddDays(89),
                IntendedAt = now,
                AlternativeNames = profile == "link" ? [new DnsName("ra-35.zwca.internal")] : [],
            }),
            Token);
    }

    private Task<(int ExitCode, string Output, string Error)> RequestAsync() =>
        CeremonyStage.ProgramAsync(["ceremony", "request", _stage.Output, "--ra", Papers, "--device", "service"], [(CeremonyRun.LinkPasswordVariable, Password)]);

    private Task<(int ExitCode, string Output, string Error)> ConfigureAsync(params string[] more) => CeremonyStage.ProgramAsync(
        ["ceremony", "configure", _stage.Output, "--service", "ra", "--ra", Papers, "--device", "service", "--ca", Ca, "--mode", "Demo", "--to", Target, .. more], []);

    private async Task RefusedAsync(string reason, string? device = "service")
    {
        (int exitCode, _, string error) = await CeremonyStage.ProgramAsync(
            ["ceremony", "configure", _stage.Output, "--service", "ra", "--ra", Papers, .. device is null ? (string[])[] : ["--device", device], "--ca", Ca, "--to", Target], []);
        Assert.True(exitCode == 1 && error.Contains(reason, StringComparison.Ordinal), error);
    }

    private static async Task<(int ExitCode, string Output)> RaAsync(string verb, string config, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "zwca-ra.dll"), verb, "--config", config])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[CeremonyRun.LinkPasswordVariable] = Password;
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(Token);
        string output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, output + await error);
    }
}
