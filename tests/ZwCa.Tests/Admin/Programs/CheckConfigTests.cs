using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Kmc;
using ZwCa.Ocsp;
using ZwCa.Ra;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Tests.Admin.Programs;

/// <summary>Each role as an operator has it after a ceremony, its configuration spoilt in one way: <c>check-config</c> names it, and so does the start.</summary>
public sealed class CheckConfigTests(ConfiguredRoles roles) : IClassFixture<ConfiguredRoles>
{
    public static TheoryData<string> All => [.. ConfiguredRoles.Names];

    [Theory]
    [MemberData(nameof(All))]
    public async Task WhatTheCeremonyConfigures_IsRight(string role)
    {
        (int code, string output) = await roles.CheckAsync(role, _ => { });

        Assert.True(code == 0, output);
        Assert.DoesNotContain("FAILED", output, StringComparison.Ordinal);
    }

    /// <summary>Role, setting (parts divided by colons), its value as JSON (null: taken away), what is said.</summary>
    public static TheoryData<string, string, string?, string> Wrong
    {
        get
        {
            var data = new TheoryData<string, string, string?, string>();
            foreach (string role in ConfiguredRoles.Names)
            {
                string section = ConfiguredRoles.SectionOf(role);
                data.Add(role, "Service:Link", null, "FAILED configuration: Service:Link must be");
                data.Add(role, "Service:Name", null, "FAILED configuration: Service:Name must be");
                data.Add(role, "Service:Limits", """{"Connections": "many"}""", "Service:Limits:Connections");
                data.Add(role, "Service:Limmits", "{}", "FAILED configuration: ");
                data.Add(role, section, null, $"FAILED configuration: Section {section} is missing");
                data.Add(role, $"{section}:Sudo", "true", "FAILED configuration: ");
                data.Add(role, $"{section}:Hsm", "\"here\"", $"FAILED configuration: {section}:Hsm has a value that is no HsmOptions");
                data.Add(role, $"{section}:Hsm:Endpoint", "\"nowhere\"", $"FAILED configuration: {section}:Hsm:Endpoint must be");
                data.Add(role, $"{section}:Hsm:Endpoint", "\"127.0.0.1:1\"", "FAILED HSM: ");
                data.Add(role, $"{section}:Hsm:Serial", "\"00000000000000000000000000000001\"", "FAILED HSM: ");
                data.Add(role, $"{section}:Hsm:ClientFolder", "\"/nowhere\"", "FAILED HSM: ");
                data.Add(role, "Service:Link:SystemCaFile", "\"/nowhere.pem\"", "FAILED system CA: ");
                data.Add(role, "Service:Link:CertificateFile", "\"/nowhere.pem\"", "FAILED link certificate: /nowhere.pem");
                data.Add(role, "Service:Link:CertificateFile", "\"EXPIRED\"", "FAILED link certificate: ");
                data.Add(role, "Service:Link:SystemCaFile", "\"FOREIGN\"", "FAILED link certificate: The others would not believe it");
                data.Add(role, "Service:Management", "\"TAKEN\"", "FAILED addresses: Service:Management: ");
                data.Add(role, "Service:Mode", "\"Production\"", "of a demonstration");
                data.Add(role, "Service:Mode", "\"Production\"", "FAILED HSM: Token");
                data.Add(role, "Service:Mode", "\"Produktion\"", "FAILED configuration: ");
            }

            foreach (string role in ConfiguredRoles.Names.Where(each => each != "ocsp"))
            {
                string section = ConfiguredRoles.SectionOf(role);
                data.Add(role, "Service:Database", null, "FAILED configuration: Service:Database must be");
                data.Add(role, "Service:Database", """{"Kind": "PostgreSql", "ConnectionString": "Host=127.0.0.1;Port=1;Username=zwca;Timeout=2"}""", "FAILED database: ");
                data.Add(role, "Service:Database:ConnectionString", "\"Host=db;Password=stage-link-password\"", "FAILED configuration: Service:Database:ConnectionString is none of Sqlite");
                data.Add(role, "Service:Database", """{"Kind": "PostgreSql", "ConnectionString": "Hots=db;Password=stage-link-password"}""", "FAILED configuration: Service:Database:ConnectionString is none of PostgreSql");
                data.Add(role, "Service:Database:ConnectionString", "\"stage-link-password\"", "FAILED configuration: Service:Database:ConnectionString is none of Sqlite");
                data.Add(role, "Service:Database:ConnectionString", "\"Data Source=/nowhere/at-all.db\"", "FAILED database: ");
                data.Add(role, "Service:Listen", "\"TAKEN\"", "FAILED addresses: Service:Listen: ");
                data.Add(role, $"{section}:Log:KeyLabel", "\"nothing\"", "has no key nothing");
                data.Add(role, $"{section}:Log:Anchors", "[]", $"FAILED configuration: {section}:Log must be");
                data.Add(role, $"{section}:DataKek", "\"nothing\"", "FAILED persons: ");
                data.Add(role, $"{section}:PersonIndexKey", null, $"FAILED configuration: {section}:PersonIndexKey must be");
            }

            data.Add("ca", "Ca:RecoverAfter", "\"soon\"", "Ca:RecoverAfter");
            data.Add("ca", "Ca:Authorities:0:CertificateFile", "\"/nowhere.pem\"", "FAILED CAs and their keys: ");
            data.Add("ca", "Ca:Authorities:0:KeyLabel", "\"ca-log\"", "FAILED CAs and their keys: ");
            data.Add("ca", "Ca:OperationsAuthority", "\"nobody\"", "FAILED configuration: Ca:OperationsAuthority must be");
            data.Add("ca", "Ca:ProfileFolder", "\"/nowhere\"", "/nowhere");
            data.Add("ca", "Ca:Ocsp:FeedKey", "\"nothing\"", "FAILED OCSP: ");
            data.Add("ca", "Ca:KeyCentre:CertificateFile", "\"/nowhere.pem\"", "FAILED key centre: ");
            data.Add("ca", "Ca:KeyCentre:MessageKey", "\"ca-log\"", "FAILED key centre: ");
            data.Add("ca", "Ca:Crls:Listen", "\"TAKEN\"", "FAILED addresses: Ca:Crls:Listen: ");
            data.Add("kmc", "Kmc:RetentionYears", "\"ten\"", "Kmc:RetentionYears");
            data.Add("kmc", "Kmc:CheckSchedule", "\"at night\"", "FAILED configuration: Kmc:CheckSchedule must be");
            data.Add("kmc", "Kmc:EscrowKek", "\"data-kek\"", "FAILED keys and certificates: ");
            data.Add("kmc", "Kmc:MessageCertificateFile", "\"FOREIGN\"", "FAILED keys and certificates: ");
            data.Add("kmc", "Kmc:OfficerIssuerFiles:0", "\"/nowhere.pem\"", "FAILED keys and certificates: ");
            data.Add("ra", "Ra:ClaimFor", "\"soon\"", "Ra:ClaimFor");
            data.Add("ra", "Ra:Region", "\"35\"", "FAILED configuration: Ra:Region must be");
            data.Add("ra", "Ra:Profiles", "{}", "FAILED configuration: Ra:Profiles must be");
            data.Add("ra", "Ra:MessageCertificateFile", "\"FOREIGN\"", "FAILED keys and certificates: ");
            data.Add("ra", "Ra:Ca:LogKeyFile", "\"/nowhere.pem\"", "FAILED keys and certificates: ");
            data.Add("ra", "Ra:Ca:Address", "\"http://ca\"", "FAILED configuration: Ra:Ca must be");
            data.Add("ra", "Ra:TrackingListen", "\"TAKEN\"", "FAILED addresses: Ra:TrackingListen: ");
            data.Add("ocsp", "Ocsp:MaxBytes", "\"much\"", "Ocsp:MaxBytes");
            data.Add("ocsp", "Ocsp:Listen:0", "\"TAKEN\"", "FAILED addresses: Ocsp:Listen: ");
            data.Add("ocsp", "Ocsp:Feed:KeyFiles:0", "\"/nowhere.pem\"", "FAILED feed keys: ");
            data.Add("ocsp", "Ocsp:Feed:Url", "\"http://ca\"", "FAILED configuration: Ocsp:Feed:Url must be");
            data.Add("ocsp", "Ocsp:Live:0:Key", "\"nothing\"", "FAILED node keys: ");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task OneThingIsWrong_AndIsNamed(string role, string setting, string? value, string said)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string? text = value?.Replace("TAKEN", other.LocalEndpoint.ToString(), StringComparison.Ordinal)
            .Replace("FOREIGN", roles.Foreign, StringComparison.Ordinal)
            .Replace("EXPIRED", roles.Expired, StringComparison.Ordinal);

        (int code, string output) = await roles.CheckAsync(role, settings => Set(settings, setting.Split(':'), text));

        Assert.Equal(1, code);
        Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", output, StringComparison.Ordinal);
        Assert.DoesNotContain(CeremonyStage.LinkPassword, output, StringComparison.Ordinal);
    }

    private static void Set(JsonNode at, string[] path, string? value)
    {
        foreach (string part in path[..^1])
        {
            at = at is JsonArray list ? list[int.Parse(part, System.Globalization.CultureInfo.InvariantCulture)]! : at[part]!;
        }

        if (at is JsonArray array)
        {
            array[int.Parse(path[^1], System.Globalization.CultureInfo.InvariantCulture)] = JsonNode.Parse(value!);
        }
        else if (value is null)
        {
            at.AsObject().Remove(path[^1]);
        }
        else
        {
            at[path[^1]] = JsonNode.Parse(value);
        }
    }
}

/// <summary>The services of one ceremony, with their tables.</summary>
public sealed class ConfiguredRoles : IAsyncLifetime
{
    public static readonly IReadOnlyList<string> Names = ["ca", "kmc", "ra", "ocsp"];

    private const string Connection = "Data Source=";

    private readonly Dictionary<string, string> _configs = [];
    private CeremonyStage _stage = null!;

    /// <summary>A certificate of somebody else.</summary>
    public string Foreign => Path.Combine(_stage.Path, "foreign.pem");

    /// <summary>A link certificate whose time is over.</summary>
    public string Expired => Path.Combine(_stage.Path, "expired.pem");

    public static string SectionOf(string role) => role switch
    {
        "ca" => CaOptions.Section,
        "kmc" => KmcOptions.Section,
        "ra" => RaOptions.Section,
        _ => OcspOptions.Section,
    };

    public async ValueTask InitializeAsync()
    {
        _stage = await CeremonyStage.CreateAsync(CeremonyStage.Sm2Only);
        await _stage.CompleteAsync();
        var ceremony = new CeremonyFolder(_stage.Output);
        _configs["ca"] = ServiceSettings.WriteCa(ceremony, "ca", "ca", Place("ca") with { KeyCentre = "https://127.0.0.1:1" }, Target("ca"));
        _configs["kmc"] = ServiceSettings.WriteKmc(ceremony, "kmc", "kmc", Place("kmc"), Target("kmc"));
        _configs["ocsp"] = ServiceSettings.WriteOcsp(ceremony, "ocsp-1", "service", Place("ocsp"), Target("ocsp"));

        // An RA's papers come from officers; here they are the node's, whose key is in the same device.
        await using (SimulatorHsm hsm = await _stage.ConnectAsync("service"))
        {
            await hsm.GenerateKeyAsync(new KeyLabel("ra-log"), HsmKeyKind.Sm2);
            await hsm.GenerateKeyAsync(new KeyLabel("ra-person-index"), HsmKeyKind.HmacSm3);
            await hsm.GenerateKeyAsync(new KeyLabel("ra-data-kek"), HsmKeyKind.DataKek);
        }

        var profile = new JsonObject { ["Title"] = "个人", ["Subscriber"] = "Person", ["Certificate"] = "person-sign", ["Issuer"] = new string('0', 40) };
        var papers = new RaPapers(
            "某省政务CA",
            "350000",
            Certificate("ocsp-1/ocsp-s1.pem"),
            "ocsp-node-1",
            Certificate("ocsp-1/link.pem"),
            System.Text.Encoding.ASCII.GetString(ceremony.Read("ocsp-1/link.key")),
            new Dictionary<string, JsonObject> { ["person"] = profile });
        _configs["ra"] = ServiceSettings.WriteRa(ceremony, "ra", papers, "service", Place("ra"), Target("ra"));

        using (var other = new SystemCa())
        using (var expired = other.Issue("old", notBefore: DateTimeOffset.UtcNow.AddDays(-30), validity: TimeSpan.FromDays(1)))
        {
            File.WriteAllText(Foreign, other.Certificate.ExportCertificatePem());
            File.WriteAllText(Expired, expired.ExportCertificatePem());
        }

        foreach (string role in Names.Where(each => each != "ocsp"))
        {
            (int code, string output) = await RunAsync(role, "migrate", _configs[role]);
            Assert.True(code == 0, output);
        }

        Certificate Certificate(string file) => Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, System.Text.Encoding.ASCII.GetString(ceremony.Read(file))));
    }

    /// <param name="spoil">Changes a copy of the configuration.</param>
    public async Task<(int Code, string Output)> CheckAsync(string role, Action<JsonNode> spoil)
    {
        JsonNode settings = JsonNode.Parse(File.ReadAllText(_configs[role]))!;
        spoil(settings);
        string file = Path.Combine(_stage.Path, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(file, settings.ToJsonString());
        return await RunAsync(role, "check-config", file);
    }

    public async ValueTask DisposeAsync()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        await _stage.DisposeAsync();
    }

    private static async Task<(int Code, string Output)> RunAsync(string role, string verb, string config)
    {
        using var output = new StringWriter();
        int code = await Program(role).RunAsync([verb, "--config", config], output, output, TestContext.Current.CancellationToken);
        return (code, output.ToString());
    }

    /// <summary>As in the Program.cs of each.</summary>
    private static ServiceProgram Program(string role) => role switch
    {
        "ca" => new ServiceProgram { Description = role, Section = SectionOf(role), Tables = CaHosting.Tables, Add = CaHosting.Add, Map = CaHosting.Map, Checks = CaHosting.Checks },
        "kmc" => new ServiceProgram { Description = role, Section = SectionOf(role), Tables = KmcHosting.Tables, Add = KmcHosting.Add, Map = KmcHosting.Map, Checks = KmcHosting.Checks },
        "ra" => new ServiceProgram { Description = role, Section = SectionOf(role), Tables = RaHosting.Tables, Add = RaHosting.Add, Map = RaHosting.Map, Checks = RaHosting.Checks },
        _ => new ServiceProgram { Description = role, Section = SectionOf(role), HasDatabase = false, Add = OcspHosting.Add, Map = _ => { }, Checks = OcspHosting.Checks },
    };

    private string Target(string role) => Path.Combine(_stage.Path, role);

    private ServicePlace Place(string role) => new()
    {
        Listen = "127.0.0.1:0",
        Management = "127.0.0.1:0",
        Ca = "https://127.0.0.1:1",
        ConnectionString = $"{Connection}{Path.Combine(_stage.Path, $"{role}.db")}",
        Mode = "Demo",
    };
}
