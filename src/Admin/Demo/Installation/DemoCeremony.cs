using System.Reflection;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Issuance;

namespace ZwCa.Admin.Demo;

/// <summary>
/// The ceremony of docs/ceremony/plan.json with everybody's part played by this program: holders, witnesses and officers with tokens of their own, all of them marked as a
/// demonstration's.
/// </summary>
internal sealed class DemoCeremony : IAsyncDisposable
{
    public const string OfficerContainer = "officer";

    public const string LinkContainer = "link";
    private const string WitnessContainer = "witness";

    private static readonly (string Id, string Person, string Name, string IdNumber)[] Officers =
    [
        ("ca-super", "wei-zheng", "魏征", "110101197001010016"), ("ca-audit", "bao-zheng", "包拯", "110101197001010024"),
        ("kmc-super", "di-renjie", "狄仁杰", "110101197001010032"), ("kmc-audit", "hai-rui", "海瑞", "110101197001010040"),
    ];

    private readonly DirectoryInfo _room;
    private readonly DemoDevice _device;
    private readonly string _pin;
    private readonly Dictionary<string, UnlockedToken> _tokens = [];
    private readonly Dictionary<string, SimulatorHsm> _devices = [];
    private readonly Dictionary<string, Certificate> _certificates = [];

    private DemoCeremony(DirectoryInfo room, DemoDevice device, string pin)
    {
        _room = room;
        _device = device;
        _pin = pin;
    }

    /// <summary>Where its output is.</summary>
    public string Output => Path.Combine(_room.FullName, "output");

    /// <summary>The CA's records.</summary>
    public DatabaseOptions CaRecords => new() { ConnectionString = ConnectionOf("ca") };

    /// <summary>The KMC's records.</summary>
    public DatabaseOptions KmcRecords => new() { ConnectionString = ConnectionOf("kmc") };

    private DirectoryInfo Tokens => new(Path.Combine(_room.FullName, "tokens"));

    private string PlanPath => Path.Combine(_room.FullName, "plan.json");

    /// <param name="room">Empty, or as an earlier demo left it.</param>
    /// <param name="device">Open, with the plan's partitions.</param>
    /// <param name="isNew">Perform it; otherwise it was performed.</param>
    /// <exception cref="CeremonyException">It could not be carried out.</exception>
    public static async Task<DemoCeremony> OpenAsync(DirectoryInfo room, DemoDevice device, string pin, bool isNew)
    {
        room.Create();
        var ceremony = new DemoCeremony(room, device, pin);
        try
        {
            Environment.SetEnvironmentVariable(CeremonyRun.LinkPasswordVariable, pin);
            await (isNew ? ceremony.PerformAsync() : ceremony.LoadAsync());
            return ceremony;
        }
        catch
        {
            await ceremony.DisposeAsync();
            throw;
        }
    }

    public Certificate Certificate(string id) => _certificates[id];

    /// <summary>The path of a certificate's file.</summary>
    public string FileOf(string id) => Path.Combine(Output, Inventory.Read(File.ReadAllBytes(Path.Combine(Output, Inventory.FileName))).Certificates.First(each => each.Id == id).File);

    public IHsm Device(string partition) => _devices[partition];

    /// <summary>A CA of the ceremony, ready to issue. Its key's label is its id.</summary>
    public async Task<Issuer> IssuerAsync(string id) =>
        new(_certificates[id], await SignerAsync("ca", id), PlanCheck.PublicationOf(PlanFile.Read(PlanPath, null).Plan));

    public async Task<HsmSigner> SignerAsync(string partition, string label) => new(_devices[partition], await KeyAsync(partition, label));

    public async Task<HsmKey> KeyAsync(string partition, string label) =>
        await _devices[partition].FindKeyAsync(new KeyLabel(label)) ?? throw new DemoException($"The partition {partition} has no key {label}.");

    /// <summary>Of an officer whom the ceremony put into office.</summary>
    public string TokenOf(string officer) => Path.Combine(Tokens.FullName, officer);

    public async ValueTask DisposeAsync()
    {
        foreach (UnlockedToken token in _tokens.Values)
        {
            token.Dispose();
        }

        foreach (SimulatorHsm device in _devices.Values)
        {
            await device.DisposeAsync();
        }
    }

    private async Task PerformAsync()
    {
        // Step 1: people come with their keys.
        JsonObject plan = ReadPlan();
        DirectoryInfo tokens = Tokens;
        foreach (JsonObject witness in Entries(plan, "witnesses").Take((int)plan["witnessThreshold"]!))
        {
            string name = (string)witness["name"]!;
            witness["publicKey"] = Convert.ToHexStringLower(NewToken(tokens, name).CreateContainer(WitnessContainer, TokenKeyKind.Sm2).PublicKey.PublicKey.Span);
        }

        plan["witnesses"] = new JsonArray([.. Entries(plan, "witnesses").Take((int)plan["witnessThreshold"]!).Select(witness => witness.DeepClone())]);
        Directory.CreateDirectory(Path.Combine(_room.FullName, "requests"));
        var persons = new JsonObject();
        foreach ((string id, string person, string name, string idNumber) in Officers)
        {
            UnlockedToken token = NewToken(tokens, id);
            persons[person] = new JsonObject { ["name"] = name, ["idNumber"] = idNumber };
            Bring(plan, token, OfficerContainer, TokenKeyKind.Sm2, $"officer-{id}");
            Bring(plan, token, LinkContainer, TokenKeyKind.P256, $"link-{id}");
        }

        await File.WriteAllTextAsync(Path.Combine(_room.FullName, "persons.json"), persons.ToJsonString());
        DemoScreen.Report($"{_tokens.Count} witnesses and officers have made their keys in tokens of their own (software, marked DEMO) and brought requests", true);

        // Step 2: the plan, with their keys and the devices in it, reviewed by its hash.
        foreach (JsonObject device in Entries(plan, "devices"))
        {
            string partition = (string)device["partition"]!;
            SimulatorHsm hsm = await _device.ConnectAsync(partition);
            _devices.Add(partition, hsm);
            device["endpoint"] = _device.Endpoint;
            device["serial"] = hsm.Token.Serial;
            device["client"] = _device.ClientFolder(partition);
            if (device.ContainsKey("console"))
            {
                device["console"] = _device.ClientFolder("console");
            }
        }

        await File.WriteAllTextAsync(PlanPath, plan.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        PlanFile file = PlanFile.Read(PlanPath, null);
        foreach (ServicePlan service in file.Plan.Services)
        {
            Environment.SetEnvironmentVariable(service.ConnectionVariable, ConnectionOf(service.Id));
        }

        // Step 3: rehearsed, carried out, the policy signed by the device's holders, the transcript by the witnesses.
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("zwca-rehearsal-");
        try
        {
            await CeremonyRun.RehearseAsync(file, null, scratch.FullName, TimeProvider.System, _ => { }, CancellationToken.None);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }

        DemoScreen.Report($"the plan was rehearsed with keys that were thrown away; its SM3 is {file.Hash[..16]}…", true);
        string? missing = await CeremonyRun.RunAsync(file, null, Output, TimeProvider.System, _ => { }, CancellationToken.None);
        DemoScreen.Report("it waits for the holders of the KMC's partition, who have to sign that the CA may ask for keys", missing is not null);
        foreach (string holder in DemoDevice.Holders.Take(DemoDevice.Threshold))
        {
            _device.Sign(holder, Path.Combine(Output, CeremonyFolder.PolicyFolder, "kmc.der"), Path.Combine(Output, CeremonyFolder.PolicyFolder, $"kmc-{holder}.sig"));
        }

        if (await CeremonyRun.RunAsync(file, null, Output, TimeProvider.System, _ => { }, CancellationToken.None) is { } stillMissing)
        {
            throw new DemoException(stillMissing);
        }

        byte[] transcript = await File.ReadAllBytesAsync(Path.Combine(Output, CeremonyFolder.TranscriptFile));
        Directory.CreateDirectory(Path.Combine(Output, CeremonyFolder.SignatureFolder));
        foreach (WitnessPlan witness in file.Plan.Witnesses)
        {
            byte[] signature = Der.Encode(_tokens[witness.Name].SignStatement(WitnessContainer, transcript));
            await File.WriteAllBytesAsync(Path.Combine(Output, CeremonyFolder.SignatureFolder, $"{witness.Name}.sig"), signature);
        }

        await ReadCertificatesAsync();
        foreach ((string id, _, _, _) in Officers)
        {
            _tokens[id].ImportCertificate(OfficerContainer, _certificates[$"officer-{id}"]);
            _tokens[id].ImportCertificate(LinkContainer, _certificates[$"link-{id}"]);
        }
    }

    private async Task LoadAsync()
    {
        foreach (DevicePlan device in PlanFile.Read(PlanPath, null).Plan.Devices)
        {
            _devices.Add(device.Partition, await _device.ConnectAsync(device.Partition));
        }

        await ReadCertificatesAsync();
    }

    private async Task ReadCertificatesAsync()
    {
        foreach (InventoryCertificate entry in Inventory.Read(await File.ReadAllBytesAsync(Path.Combine(Output, Inventory.FileName))).Certificates)
        {
            _certificates.Add(entry.Id, CertificateFile.Read(await File.ReadAllBytesAsync(Path.Combine(Output, entry.File)), entry.File));
        }
    }

    private static JsonObject ReadPlan()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("demo-plan.json")!;
        return JsonNode.Parse(stream)!.AsObject();
    }

    private static IEnumerable<JsonObject> Entries(JsonObject plan, string list) => plan[list]!.AsArray().Select(each => each!.AsObject());

    private string ConnectionOf(string service) => $"Data Source={Path.Combine(_room.FullName, $"{service}.db")};Pooling=False";

    private UnlockedToken NewToken(DirectoryInfo folder, string name)
    {
        UnlockedToken token = SoftwareToken.Create(Path.Combine(folder.FullName, name), name, _pin, demo: true, TimeProvider.System).Unlock(_pin);
        _tokens.Add(name, token);
        return token;
    }

    private void Bring(JsonObject plan, UnlockedToken token, string container, TokenKeyKind kind, string certificate)
    {
        SubjectPublicKeyInfo key = token.CreateContainer(container, kind).PublicKey;
        JsonObject request = Entries(plan, "certificates").First(each => (string)each["id"]! == certificate)["request"]!.AsObject();
        byte[] csr = Der.Encode(token.CreateRequest(container, Name.Create((Oids.CommonName, certificate))));
        File.WriteAllText(Path.Combine(_room.FullName, (string)request["file"]!), Pem.Encode(Pem.CertificateRequest, csr));
        request["fingerprint"] = Convert.ToHexStringLower(Sm3.HashData(Der.Encode(key)));
    }
}
