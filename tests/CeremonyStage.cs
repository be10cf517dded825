using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm.Simulator;

namespace ZwCa;

/// <summary>
/// A room for a ceremony: a device with its partitions and holders, witnesses and officers with their keys, and the plan of docs/ceremony with their keys in it. Linked into
/// the test projects.
/// </summary>
internal sealed class CeremonyStage : IAsyncDisposable
{
    public const string LinkPassword = "stage-link-password";

    private static readonly (string Id, string Person, string Name, string Number)[] Officers =
    [
        ("ca-super", "wei-zheng", "魏征", "110101197001010016"), ("ca-audit", "bao-zheng", "包拯", "110101197001010024"),
        ("kmc-super", "di-renjie", "狄仁杰", "110101197001010032"), ("kmc-audit", "hai-rui", "海瑞", "110101197001010040"),
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly HsmSimStore _store;
    private readonly Dictionary<string, Sm2PrivateKey> _witnesses = [];

    private CeremonyStage(HsmSimStore store, HsmSimProcess device)
    {
        _store = store;
        Device = device;
        Environment.SetEnvironmentVariable(CeremonyRun.LinkPasswordVariable, LinkPassword);
    }

    public HsmSimProcess Device { get; private set; }

    public HsmSimStore Store => _store;

    public string Path => _folder.Path;

    public string PlanPath => System.IO.Path.Combine(_folder.Path, "plan.json");

    public string Output => System.IO.Path.Combine(_folder.Path, "out");

    /// <param name="change">Changes the plan of docs/ceremony before it is written.</param>
    public static async Task<CeremonyStage> CreateAsync(Action<JsonObject>? change = null)
    {
        var store = new HsmSimStore("root", "ca", "kmc", "service");
        var stage = new CeremonyStage(store, await store.StartAsync());
        JsonObject plan = await stage.FillAsync(ReadDocsPlan());
        change?.Invoke(plan);
        File.WriteAllText(stage.PlanPath, plan.ToJsonString());
        return stage;
    }

    /// <summary>SM2 only: a root, an issuing CA, a message key and their CRLs. RSA keys take seconds.</summary>
    public static void Small(JsonObject plan)
    {
        string[] keys = ["root-s1", "issuing-s1", "ca-log"];
        Keep(plan, "keys", keys);
        Keep(plan, "certificates", "root-s1", "issuing-s1", "ops-s1", "ca-log");
        plan["keys"]!.AsArray().Add(JsonNode.Parse("""{"id":"ops-s1","device":"ca","label":"ops-s1","kind":"sm2"}"""));
        Keep(plan, "crls", "arl-root-s1", "crl-issuing-s1");
        plan["services"] = new JsonArray();
        plan["policies"] = new JsonArray();
    }

    /// <summary>All of it but RSA.</summary>
    public static void Sm2Only(JsonObject plan)
    {
        string[] rsa = ["root-r1", "issuing-r1", "ocsp-r1", "root-r1-by-s1", "root-s1-by-r1", "arl-root-r1", "crl-issuing-r1"];
        foreach (string list in (string[])["keys", "certificates", "crls"])
        {
            Keep(plan, list, [.. plan[list]!.AsArray().Select(each => (string)each!["id"]!).Except(rsa)]);
        }
    }

    public static JsonObject Entry(JsonObject plan, string list, string id) => plan[list]!.AsArray().Select(each => each!.AsObject()).First(each => (string)each["id"]! == id);

    public PlanFile Plan(Basis? basis = null) => PlanFile.Read(PlanPath, basis?.Inventory);

    /// <summary>Runs the plan of this stage.</summary>
    public Task<string?> RunAsync(string? output = null, Basis? basis = null, string? plan = null) =>
        CeremonyRun.RunAsync(PlanFile.Read(plan ?? PlanPath, basis?.Inventory), basis, output ?? Output, TimeProvider.System, _ => { }, CancellationToken.None);

    /// <summary>The program, as people in the room start it.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> ProgramAsync(string[] arguments, (string Name, string Value)[] environment, TimeSpan? killAfter = null)
    {
        var start = new ProcessStartInfo("dotnet", [System.IO.Path.Combine(AppContext.BaseDirectory, "zwca.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(killAfter ?? TimeSpan.FromMinutes(5));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary><c>zwca ceremony run</c> of this stage's plan.</summary>
    /// <param name="faultPoint">Where it dies; null: nowhere.</param>
    public Task<(int ExitCode, string Output, string Error)> RunProgramAsync(string? faultPoint = null, TimeSpan? killAfter = null) => ProgramAsync(
        ["ceremony", "run", PlanPath, "--out", Output, "--confirm", Plan().Hash],
        faultPoint is null ? [] : [(FaultPoint.Variable, $"ceremony.{faultPoint}")],
        killAfter);

    /// <summary>The device dies.</summary>
    public Task KillDeviceAsync() => Device.KillAsync();

    /// <summary>It is back, at the same address.</summary>
    public async Task RestartDeviceAsync(params string[] options)
    {
        string address = Device.Endpoint.ToString();
        await Device.DisposeAsync();
        Device = await _store.StartAsync(address, options);
    }

    /// <summary>Two holders sign the draft of the policy.</summary>
    public void SignPolicy(string? output = null)
    {
        string draft = System.IO.Path.Combine(output ?? Output, CeremonyFolder.PolicyFolder, "kmc.der");
        for (int i = 0; i < 2; i++)
        {
            byte[] signature = Der.Encode(StatementSignature.Create(File.ReadAllBytes(draft), _store.Holders[i]));
            File.WriteAllBytes(System.IO.Path.ChangeExtension(draft, null) + $"-holder{i}.sig", signature);
        }
    }

    /// <summary>Somebody who has the witnesses on his side changes files and has the transcript made and signed anew.</summary>
    public void Forge(string output, Action change)
    {
        change();
        string path = System.IO.Path.Combine(output, CeremonyFolder.TranscriptFile);
        Transcript transcript = Transcript.Read(File.ReadAllBytes(path)) with { Files = Transcript.FilesOf(new CeremonyFolder(output)) };
        File.WriteAllBytes(path, transcript.Write());
        SignTranscript(output);
    }

    /// <summary>All witnesses sign the transcript.</summary>
    public void SignTranscript(string? output = null)
    {
        string folder = System.IO.Path.Combine(output ?? Output, CeremonyFolder.SignatureFolder);
        Directory.CreateDirectory(folder);
        byte[] transcript = File.ReadAllBytes(System.IO.Path.Combine(output ?? Output, CeremonyFolder.TranscriptFile));
        foreach ((string name, Sm2PrivateKey key) in _witnesses)
        {
            File.WriteAllBytes(System.IO.Path.Combine(folder, $"{name}.sig"), Der.Encode(StatementSignature.Create(transcript, key)));
        }
    }

    /// <summary>The whole ceremony, witnesses included.</summary>
    public async Task CompleteAsync(string? output = null, Basis? basis = null, string? plan = null)
    {
        if (await RunAsync(output, basis, plan) is not null)
        {
            SignPolicy(output);
            Assert.Null(await RunAsync(output, basis, plan));
        }

        SignTranscript(output);
    }

    public Task<SimulatorHsm> ConnectAsync(string partition) => _store.ConnectAsync(Device, partition);

    public async ValueTask DisposeAsync()
    {
        await Device.DisposeAsync();
        _store.Dispose();
        _folder.Dispose();
        foreach (Sm2PrivateKey witness in _witnesses.Values)
        {
            witness.Dispose();
        }
    }

    public static JsonObject ReadDocsPlan() =>
        JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(AppContext.BaseDirectory, "ceremony-plan.json")))!.AsObject();

    private static void Keep(JsonObject plan, string list, params string[] ids)
    {
        JsonArray kept = [.. plan[list]!.AsArray().Where(each => ids.Contains((string)each!["id"]!)).Select(each => each!.DeepClone())];
        plan[list] = kept;
    }

    private async Task<JsonObject> FillAsync(JsonObject plan)
    {
        foreach (JsonObject witness in plan["witnesses"]!.AsArray().Select(each => each!.AsObject()))
        {
            var key = Sm2PrivateKey.Generate();
            _witnesses.Add((string)witness["name"]!, key);
            witness["publicKey"] = Convert.ToHexStringLower(key.PublicKey.ToBytes());
        }

        foreach (JsonObject device in plan["devices"]!.AsArray().Select(each => each!.AsObject()))
        {
            string partition = (string)device["partition"]!;
            await using SimulatorHsm hsm = await ConnectAsync(partition);
            device["endpoint"] = Device.Endpoint.ToString();
            device["serial"] = hsm.Token.Serial;
            device["client"] = System.IO.Path.Combine(_store.Path, "clients", partition);
            if (device.ContainsKey("console"))
            {
                device["console"] = System.IO.Path.Combine(_store.Path, "clients", "console");
            }
        }

        Directory.CreateDirectory(_folder.File("requests"));
        var persons = new JsonObject();
        foreach ((string id, string person, string name, string number) in Officers)
        {
            persons[person] = new JsonObject { ["name"] = name, ["idNumber"] = number };
            Entry(plan, "certificates", $"officer-{id}")["request"]!["fingerprint"] = WriteSm2Request($"{id}.csr");
            Entry(plan, "certificates", $"link-{id}")["request"]!["fingerprint"] = WriteP256Request($"{id}-link.csr");
        }

        File.WriteAllText(_folder.File("persons.json"), persons.ToJsonString());
        foreach (JsonObject service in plan["services"]!.AsArray().Select(each => each!.AsObject()))
        {
            // The environment belongs to all tests of the process.
            string variable = $"ZWCA_STAGE_{Guid.NewGuid():N}";
            Environment.SetEnvironmentVariable(variable, $"Data Source={_folder.File($"{service["id"]}.db")};Pooling=False");
            service["connectionVariable"] = variable;
        }

        return plan;
    }

    /// <returns>SM3 of the key.</returns>
    public string WriteSm2Request(string file)
    {
        using var key = Sm2PrivateKey.Generate();
        var info = new CertificationRequestInfo(Name.Create((Oids.CommonName, "whatever")), SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        byte[] bytes = Der.Encode(info);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(bytes, signature);
        File.WriteAllBytes(
            _folder.File($"requests/{file}"), Der.Encode(CertificationRequest.Assemble(bytes, AlgorithmIdentifier.Sm3WithSm2, Der.Encode(Sm2Signature.FromRaw(signature)))));
        return Convert.ToHexStringLower(Sm3.HashData(Der.Encode(info.SubjectPublicKeyInfo)));
    }

    /// <returns>SM3 of the key.</returns>
    public string WriteP256Request(string file)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        File.WriteAllBytes(_folder.File($"requests/{file}"), request);
        return Convert.ToHexStringLower(Sm3.HashData(key.ExportSubjectPublicKeyInfo()));
    }
}
