using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
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

    public static JsonObject Entry(JsonObject plan, string list, string id) => plan[list]!.AsArray().Select(each => each!.AsObject()).First(each => (string)each["id"]! == id);

    public PlanFile Plan(Basis? basis = null) => PlanFile.Read(PlanPath, basis?.Inventory);

    /// <summary>Runs the plan of this stage.</summary>
    public Task<string?> RunAsync(string? output = null, Basis? basis = null, string? plan = null) =>
        CeremonyRun.RunAsync(PlanFile.Read(plan ?? PlanPath, basis?.Inventory), basis, output ?? Output, TimeProvider.System, _ => { }, CancellationToken.None);

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

    private static JsonObject ReadDocsPlan() =>
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

    private string WriteP256Request(string file)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        File.WriteAllBytes(_folder.File($"requests/{file}"), request);
        return Convert.ToHexStringLower(Sm3.HashData(key.ExportSubjectPublicKeyInfo()));
    }
}
