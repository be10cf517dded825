using System.Net;
using System.Text.Json.Nodes;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Doctor;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>A counter whose clerks have nothing but <c>zwca ra</c> and their tokens: over mutual TLS, at an RA, a CA and a KMC that are processes.</summary>
public sealed class TerminalTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly KmcProcess _kmc = new(new Dictionary<string, string?> { ["Kmc:Pool:Threshold"] = "64", ["Kmc:Pool:Full"] = "128" });
    private readonly IPEndPoint _tracking = new(IPAddress.Loopback, CaProcess.FreePort());
    private readonly TemporaryFolder _folder = new();
    private RaProcess _ra = null!;
    private CaProcess _ca = null!;
    private TerminalOfficer _clerk = null!;
    private TerminalOfficer _reviewer = null!;
    private TerminalOfficer _county = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _ra = new RaProcess(new Dictionary<string, string?> { ["Ra:TrackingListen"] = _tracking.ToString() });
        _ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            RaProfiles = RaScene.Profiles,
            Inside = _kmc,
            Prepare = _kmc.PrepareAsync,
            Fill = async (scene, services) =>
            {
                await _ra.PrepareAsync(scene, services);
                _clerk = await TerminalOfficer.CreateAsync(scene, _ra, _folder.File("clerk"), CaScene.City, "李四", _tracking);
                _reviewer = await TerminalOfficer.CreateAsync(scene, _ra, _folder.File("reviewer"), CaScene.City, "王五", _tracking);
                _county = await TerminalOfficer.CreateAsync(scene, _ra, _folder.File("county"), CaScene.County, "赵六", _tracking);
            },
        });
        await _kmc.AdmitAsync();
        await _kmc.StartAsync();
        await _ca.StartAsync();
        await _ra.StartAsync();
        await _ra.WaitForCaAsync();
        await UntilAsync(async () => (await _clerk.RunAsync("profiles")).ExitCode == 0 && (await _county.RunAsync("profiles")).ExitCode == 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _ra.DisposeAsync();
        await _ca.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task FromTheCounterToTheToken_ByTheVerbsAlone()
    {
        // Step 1: a person, his token, his evidence. His number is typed and never shown.
        string number = CaScene.NewIdNumber().Reveal();
        _clerk.Type(number);
        string said = await _clerk.DoneAsync("subscriber", "add", "--kind", "person", "--region", CaScene.City, "--name", "钱七", "--json");
        Assert.DoesNotContain(number, said, StringComparison.Ordinal);
        Assert.DoesNotContain("钱七", said, StringComparison.Ordinal);
        string person = (string)JsonNode.Parse(said)!["id"]!;
        (string applicant, string csr) = MakeApplicant();
        string scan = _folder.File("form.pdf");
        await File.WriteAllBytesAsync(scan, "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"u8.ToArray(), Token);

        // Step 2: taken in, shown from its bytes, agreed, signed, submitted.
        _clerk.Type("yes");
        said = await _clerk.DoneAsync(
            "submit", "--kind", "new", "--region", CaScene.City, "--profile", "person-number", "--subscriber", person, "--csr", csr, "--days", "90", "--department", "档案处", "--evidence", $"身份证={scan}");
        Assert.Contains("将以录入人身份签署", said, StringComparison.Ordinal);
        Assert.Contains("钱七", said, StringComparison.Ordinal);
        Assert.Contains(number, said, StringComparison.Ordinal);
        Assert.Contains("档案处", said, StringComparison.Ordinal);
        Assert.Contains("状态：待审核", said, StringComparison.Ordinal);
        JsonNode listed = JsonNode.Parse(await _clerk.DoneAsync("list", "--state", "submitted", "--subscriber", person, "--json"))!["enrollments"]!.AsArray().Single()!;
        string id = (string)listed["id"]!, tracking = (string)listed["trackingNumber"]!;
        Assert.Contains(id, await _reviewer.DoneAsync("list", "--state", "submitted", "--all"), StringComparison.Ordinal);

        // Step 3: nobody reviews what he entered; nobody acts beyond his region. Each in the RA's words, and nothing has happened.
        await _clerk.RefusedAsync("不能审核本人录入的业务", "review", id, "--approve", "--yes");
        await _clerk.RefusedAsync("区域", "subscriber", "add", "--kind", "device", "--region", CaScene.Province, "--name", "门户", "--number", "www.example.gov.cn");
        await _county.RefusedAsync("没有", "show", id);
        Assert.Equal("submitted", await StateAsync(id));

        // Step 4: returned, put right and submitted again, under another reference of the same enrollment.
        await _reviewer.DoneAsync("review", id, "--return", "复印件不清晰");
        Assert.Contains("复印件不清晰", await _clerk.DoneAsync("show", id), StringComparison.Ordinal);
        Assert.Contains($"{id}-2", await _clerk.DoneAsync("submit", "--id", id, "--yes"), StringComparison.Ordinal);
        await _reviewer.DoneAsync("show", id, "--save", _folder.File("scans"));
        Assert.Equal(await File.ReadAllBytesAsync(scan, Token), await File.ReadAllBytesAsync(Directory.GetFiles(_folder.File("scans"), "*.pdf").Single(), Token));
        _reviewer.Type("yes");
        Assert.Contains("状态：签发中", await _reviewer.DoneAsync("review", id, "--approve"), StringComparison.Ordinal);

        // Step 5: the outbox asks the CA.
        await UntilAsync(async () => await StateAsync(id) == "issued");
        Assert.Contains("新办：待领取", await _clerk.DoneAsync("track", tracking), StringComparison.Ordinal);

        // Step 6: handed out to the token that has the key, and to no other.
        (string other, _) = MakeApplicant("other");
        await _clerk.RefusedAsync("签名密钥", "deliver", id, "--subscriber-token", other);
        said = await _clerk.DoneAsync("deliver", id, "--subscriber-token", applicant);
        Assert.Contains("回执已交回", said, StringComparison.Ordinal);
        await UntilAsync(async () => await StateAsync(id) == "delivered");
        TokenContainer container = SoftwareToken.Open(applicant, TimeProvider.System).Container("签名");
        Assert.Equal(container.PublicKey, container.Certificate!.Tbs.SubjectPublicKeyInfo);
        Assert.Equal(container.EncryptionPairs().Single().PublicKey, container.EncryptionPairs().Single().Certificate!.Tbs.SubjectPublicKeyInfo);

        // Step 7: without a token, by the number.
        said = await _clerk.DoneAsync("track", tracking, "--json");
        Assert.Equal("delivered", JsonNode.Parse(said)!["state"]!.GetValue<string>());
        await _clerk.RefusedAsync("请核对", "track", "0000-0000-0000-0000-0");

        // Step 8: with the certificate that was issued there is something to revoke, to freeze, to recover: what is signed is held against the RA's own answers.
        string certificate = $"{Convert.ToHexStringLower(container.Certificate.Tbs.Extensions!.Find<AuthorityKeyIdentifier>()!.KeyIdentifier!.Value.Span)}/{container.Certificate.Tbs.SerialNumber}";
        await _clerk.DoneAsync("submit", "--kind", "suspend", "--region", CaScene.City, "--subscriber", person, "--certificate", certificate, "--yes");
        string hold = (string)JsonNode.Parse(await _reviewer.DoneAsync("list", "--kind", "suspend", "--state", "submitted", "--json"))!["enrollments"]!.AsArray().Single()!["id"]!;
        await _reviewer.DoneAsync("review", hold, "--approve", "--yes");
        await _clerk.DoneAsync("submit", "--kind", "revoke", "--region", CaScene.City, "--subscriber", person, "--certificate", certificate, "--reason", "cessationOfOperation", "--yes");
        await UntilAsync(async () => await StateAsync(hold) == "delivered");
        await _clerk.DoneAsync("archive", id);
        Assert.Equal("archived", await StateAsync(id));
    }

    /// <summary>A file of six, of whom two are in no order: the other four have their certificates after one signature of each officer.</summary>
    [Fact]
    public async Task AFileOfApplicants_FromTheListToTheToken_ByTheVerbsAlone()
    {
        // Step 1: the list; what is wrong with two of them comes back as a file.
        string list = _folder.File("applicants.csv"), folder = _folder.File("subscribers");
        string[] numbers = [.. Enumerable.Range(0, 5).Select(_ => CaScene.NewIdNumber().Reveal())];
        string wrong = numbers[4][..17] + (numbers[4][17] == '1' ? '2' : '1');
        await File.WriteAllTextAsync(
            list,
            ApplicantText.Text(
            [
                .. numbers[..4].Select((number, i) => $"个人,{"钱孙李周"[i]}七,{number},{CaScene.City},,档案处,个人双证书,90,,,,"), $"个人,吴七,{wrong},{CaScene.City},,,个人双证书,90,,,,", $"个人,郑七,{numbers[4]},{CaScene.City},,,没有的业务,90,,,,",
            ]),
            Token);
        _clerk.Type("yes");
        (int exitCode, string said, string error) = await _clerk.RunAsync("batch", "import", list, "--region", CaScene.City, "--title", "档案局新进人员", "--rows", "6", "--make", "--wait");
        Assert.True(exitCode == 1 && error.Length == 0, error);
        Assert.Contains("检查：6 行，通过 4，未通过 2", said, StringComparison.Ordinal);
        Assert.Contains("生成草稿：", said, StringComparison.Ordinal);
        string rejected = await File.ReadAllTextAsync($"{list}.rejected.csv", Token);
        Assert.Contains(wrong, rejected, StringComparison.Ordinal);
        Assert.Contains("没有的业务", rejected, StringComparison.Ordinal);
        Assert.DoesNotContain(numbers[0], rejected, StringComparison.Ordinal);
        string id = (string)JsonNode.Parse(await _clerk.DoneAsync("batch", "list", "--json"))!["batches"]![0]!["id"]!;

        // Step 2: a key each, in containers of their own; without them there is nothing to sign.
        Assert.Contains("另有 4 项", await _clerk.DoneAsync("batch", "submit", id), StringComparison.Ordinal);
        SoftwareToken.Create(folder, "新进人员", TerminalOfficer.Pin, demo: false, TimeProvider.System);
        Assert.Contains("生成密钥：4 项", await _clerk.DoneAsync("batch", "keys", id, "--token", folder), StringComparison.Ordinal);
        Assert.Contains("生成密钥：0 项", await _clerk.DoneAsync("batch", "keys", id, "--token", folder), StringComparison.Ordinal);

        // Step 3: one signature of each officer, and none of the same or of the county.
        _clerk.Type("yes 4");
        said = await _clerk.DoneAsync("batch", "submit", id);
        Assert.Contains("钱七", said, StringComparison.Ordinal);
        Assert.Contains("提交：4 行，通过 4", said, StringComparison.Ordinal);
        Assert.Contains("没有可以签署的业务", await _clerk.DoneAsync("batch", "review", id), StringComparison.Ordinal);
        await _county.RefusedAsync("没有该批次", "batch", "review", id);
        string save = _folder.File("reviewed.csv");
        _reviewer.Type("yes 4");
        Assert.Contains("审核：4 行，通过 4", await _reviewer.DoneAsync("batch", "review", id, "--full", "--save", save), StringComparison.Ordinal);
        Assert.Equal(5, (await File.ReadAllLinesAsync(save, Token)).Length);

        // Step 4: issued, and handed out to the containers that have the keys.
        await UntilAsync(async () => (await StatesAsync(id))["issued"]?.GetValue<long>() == 4);
        Assert.Contains("发放：4 项", await _clerk.DoneAsync("batch", "deliver", id, "--token", folder), StringComparison.Ordinal);
        await UntilAsync(async () => (await StatesAsync(id))["delivered"]?.GetValue<long>() == 4);
        var token = SoftwareToken.Open(folder, TimeProvider.System);
        Assert.Equal(4, token.ContainerNames.Count);
        Assert.All(token.ContainerNames, name => Assert.Single(token.Container(name).EncryptionPairs()));

        // Step 5: what expires soon is renewed with the keys that are there, and comes to the same containers.
        said = await _clerk.DoneAsync("batch", "renew", "--region", CaScene.City, "--within-days", "91");
        Assert.Contains("生成草稿：4 行，通过 4", said, StringComparison.Ordinal);
        id = (string)JsonNode.Parse(await _clerk.DoneAsync("batch", "list", "--rows", "1", "--json"))!["batches"]![0]!["id"]!;
        await _clerk.DoneAsync("batch", "submit", id, "--yes");
        await _reviewer.DoneAsync("batch", "review", id, "--yes");
        await UntilAsync(async () => (await StatesAsync(id))["issued"]?.GetValue<long>() == 4);
        Assert.Contains("发放：4 项", await _clerk.DoneAsync("batch", "deliver", id, "--token", folder), StringComparison.Ordinal);
    }

    /// <summary>What <c>zwca doctor</c> expects of RA and KMC, they tell; and the applicants' listener answers it as it should.</summary>
    [Fact]
    public async Task TheDoctor_KnowsRaAndKmc()
    {
        var report = new DoctorReport();
        using var web = new Web(TimeProvider.System, Patience, new DownloadBudget(1 << 20, Patience, TimeProvider.System));
        var services = new ServiceChecks(hasOcsp: false, web, report);
        await services.RunAsync([_ra.Management, _kmc.Management], Token);
        await new TrackingChecks(web, report).RunAsync([new Uri($"http://{_tracking}")], Token);

        Assert.DoesNotContain(report.Lines, line => line.Health == Health.Bad);
        Assert.Equal(CaScene.LogOrigin, Assert.Single(services.Heard).Checkpoint.Tbs.Origin);
        foreach (string found in (string[])["The CA's log has ", "Nothing waits for the CA", "The message certificate is valid until ", "The link certificate is valid until ", " keys in stock", "it answers from the RA's records"])
        {
            Assert.Contains(report.Lines, line => line.Health == Health.Ok && line.Found.Contains(found, StringComparison.Ordinal));
        }
    }

    private async Task<JsonNode> StatesAsync(string batch) => JsonNode.Parse(await _clerk.DoneAsync("batch", "show", batch, "--json"))!["states"]!;

    private async Task<string> StateAsync(string id) => (string)JsonNode.Parse(await _clerk.DoneAsync("show", id, "--json"))!["state"]!;

    /// <returns>Folder of a token, and the file of a request with its key.</returns>
    private (string Token, string Csr) MakeApplicant(string name = "applicant")
    {
        string folder = _folder.File(name), csr = _folder.File($"{name}.csr");
        SoftwareToken.Create(folder, "钱七", TerminalOfficer.Pin, demo: false, TimeProvider.System);
        using UnlockedToken token = SoftwareToken.Open(folder, TimeProvider.System).Unlock(TerminalOfficer.Pin);
        token.CreateContainer("签名", TokenKeyKind.Sm2);
        File.WriteAllText(csr, Pem.Encode(Pem.CertificateRequest, Der.Encode(token.CreateRequest("签名", Name.Create()))));
        return (folder, csr);
    }

    private async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        while (!await isSo())
        {
            Assert.False(patience.IsCancellationRequested, _ra.Log);
            await Task.Delay(200, Token);
        }
    }
}
