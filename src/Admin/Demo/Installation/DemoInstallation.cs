using System.Net;
using System.Text.Json;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Desk;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Admin.Demo;

/// <summary>A province's whole system on this machine: the device, and KMC, CA, responder and RA as processes; made once, started again from what lies in its folder.</summary>
internal sealed class DemoInstallation : IAsyncDisposable
{
    public const string CaName = "某省政务CA 演示 DEMO";
    public const string Province = "350000";

    /// <summary>Officers of the RA, by the names of their tokens' folders.</summary>
    public const string Entry = "li-si";

    public const string Review = "wang-wu";
    public const string Counter = "zhao-liu";

    /// <summary>Officers of the CA.</summary>
    public const string First = "fang-xuanling";

    public const string Second = "du-ruhui";

    private static readonly string[] Partitions = ["root", "ca", "kmc", "service"];

    /// <summary>Two cities with two counties each.</summary>
    private static readonly (string Code, string Parent, string Name)[] Regions =
    [
        (Province, RegionCode.Nation.Value, "某省"),
        ("350100", Province, "甲市"), ("350101", "350100", "甲市东区"), ("350102", "350100", "甲市西区"),
        ("350200", Province, "乙市"), ("350201", "350200", "乙市南县"), ("350202", "350200", "乙市北县"),
    ];

    private readonly DirectoryInfo _folder;
    private readonly DemoState _state;
    private readonly DemoDevice _device;
    private readonly List<DemoParty> _parties = [];
    private DemoCeremony? _ceremony;
    private DemoKeyCentre? _centre;
    private DemoService? _ca;
    private DemoResponder? _responder;
    private DemoRa? _ra;
    private DemoOffices? _offices;
    private LinkTrust? _trust;

    private DemoInstallation(DirectoryInfo folder, DemoState state)
    {
        _folder = folder;
        _state = state;
        _device = new DemoDevice(Sub("hsm"), state.HolderPassword);
    }

    /// <summary>Where applications are taken in: lowest regions.</summary>
    public static IReadOnlyList<string> Counties { get; } = [.. Regions.Where(each => RegionCode.Parse(each.Code).Level == RegionLevel.County).Select(each => each.Code)];

    public DemoCeremony Ceremony => _ceremony!;

    public DemoResponder Responder => _responder!;

    public DemoRa Ra => _ra!;

    /// <summary>Where the CA serves what it publishes.</summary>
    public Uri Publication { get; private set; } = null!;

    /// <summary>To which the CA's log appends its checkpoints.</summary>
    public string LogAnchor => Path.Combine(Services.FullName, "ca", "log.anchor");

    /// <summary>Of the officers who were put into office after the ceremony.</summary>
    public DirectoryInfo Tokens => Sub("officers");

    /// <summary>Whose management listeners tell of health.</summary>
    public IReadOnlyList<DemoService> Processes => [_centre!.Service, _ca!, _responder!.Service, _ra!.Service];

    private DirectoryInfo Services => Sub("services");

    /// <summary>Makes it, or starts it as it was.</summary>
    /// <exception cref="DemoException">It did not come up.</exception>
    public static async Task<DemoInstallation> StartAsync(DirectoryInfo folder, DemoState state)
    {
        var installation = new DemoInstallation(folder, state);
        try
        {
            await installation.StartAsync();
            return installation;
        }
        catch
        {
            await installation.DisposeAsync();
            throw;
        }
    }

    /// <summary>An officer of the RA, at the RA.</summary>
    /// <param name="officer"><see cref="Entry"/>, <see cref="Review"/>, <see cref="Counter"/>.</param>
    public DemoParty AtRa(string officer) => Keep(DemoParty.Open(_offices!.TokenOf(officer), _state.Pin, Ra.Address, _trust!, DemoRa.Name, Ra.EndPoint));

    /// <summary>Of all tokens.</summary>
    public string Pin => _state.Pin;

    /// <summary>The settings with which <c>zwca ra</c>, or of officers of the CA <c>zwca command</c>, works as this officer.</summary>
    public string SettingsOf(string officer) => Path.Combine(Tokens.FullName, $"{officer}.json");

    /// <summary>Two officers have the CAs of subscribers make new CRLs at once.</summary>
    public async Task OrderCrlAsync()
    {
        using DemoParty first = _offices!.Open(_offices.TokenOf(First));
        using DemoParty second = _offices.Open(_offices.TokenOf(Second));
        foreach (string issuer in (string[])["issuing-s1", "issuing-r1"])
        {
            await DemoOffices.DecideAsync(first, second, new CommandBody("crl.emergency", Der.Encode(new CrlOrder(_offices.KeyIdentifierOf(issuer)))), RegionCode.Nation.Value);
        }
    }

    /// <summary>Ends all of it in order.</summary>
    public void Stop()
    {
        _responder?.Service.Stop();
        _ra?.Service.Stop();
        _ca?.Stop();
        _centre?.Service.Stop();
        DemoScreen.Report("zwca-ocsp, zwca-ra, zwca-ca and zwca-kmc were told to end, answered what they had begun, and have ended", true);
        _device.Stop();
        DemoScreen.Report("hsm-sim has ended; the keys are on disk, encrypted", true);
    }

    public async ValueTask DisposeAsync()
    {
        _parties.ForEach(party => party.Dispose());
        foreach (IAsyncDisposable? each in new IAsyncDisposable?[] { _responder, _ra, _ca, _centre, _ceremony, _device })
        {
            if (each is not null)
            {
                await each.DisposeAsync();
            }
        }
    }

    private async Task StartAsync()
    {
        bool isNew = !_state.IsInstalled;

        // Step 1: a device with its partitions and their holders.
        DemoScreen.Open("The device · 密码机", "hsm-sim, a process of its own, keeps the keys of the CAs and of the key centre; of five holders any three open a partition.");
        if (isNew)
        {
            _device.Initialize(Partitions);
        }

        _device.Start(_state.EndPointOf("hsm"));
        if (isNew)
        {
            DemoScreen.Report("locked, it does nothing", await IsLockedAsync());
        }

        _device.Unlock(Partitions);
        DemoScreen.Report($"hsm-sim listens on {_device.Endpoint}; {string.Join(", ", DemoDevice.Holders.Take(DemoDevice.Threshold))} have opened the partitions {string.Join(", ", Partitions)}", true);

        // Step 2: the ceremony, or what it left.
        DemoScreen.Open("The ceremony · 根密钥仪式", "By a plan that was rehearsed and hashed, an SM2 and an RSA hierarchy come about before witnesses, and the first officers.");
        _ceremony = await DemoCeremony.OpenAsync(Sub("ceremony"), _device, _state.Pin, isNew);
        CheckCeremony(isNew);

        // Step 3: services.
        DemoScreen.Open("The services · 服务", "Key management centre, CA and OCSP responder, each a process with its own database, speak mutual TLS, and sign what counts.");
        Services.Create();
        _trust = LinkTrust.Load(_ceremony.FileOf("system"), TimeProvider.System);
        _centre = await DemoKeyCentre.StartAsync(_ceremony, Services, _state, _trust);
        await StartCaAsync(isNew);
        _responder = await DemoResponder.StartAsync(_ceremony, Services, _state, _ca!.Address);
        _offices = new DemoOffices(_ceremony, Tokens, _state.Pin, _ca.Address, _trust);

        // Step 4: who works there.
        DemoScreen.Open("A province and its RA · 省级注册机构", "Nothing happens by one person alone: officers propose, others approve, and the CA itself verifies both signatures.");
        if (isNew)
        {
            await EstablishAsync();
        }

        _ra = await DemoRa.StartAsync(Services, _state);
        foreach (string officer in (string[])[First, Second, Entry, Review, Counter])
        {
            var settings = new DeskSettings
            {
                Address = _ca.Address.GetLeftPart(UriPartial.Authority),
                Recipient = "ca",
                Service = CaName,
                SystemCaFile = _ceremony.FileOf("system"),
                Token = _offices.TokenOf(officer),
            };
            if (officer is not (First or Second))
            {
                settings = settings with { Address = _ra.Address.GetLeftPart(UriPartial.Authority), At = _ra.EndPoint.ToString(), Recipient = DemoRa.Name, Tracking = _ra.Tracking.ToString() };
            }

            await File.WriteAllBytesAsync(SettingsOf(officer), JsonSerializer.SerializeToUtf8Bytes(settings, JsonSerializerOptions.Web));
        }

        _state.SetInstalled();
    }

    private async Task StartCaAsync(bool isNew)
    {
        IPEndPoint listen = _state.EndPointOf("ca");
        IPEndPoint management = _state.EndPointOf("ca-management");
        IPEndPoint publication = _state.EndPointOf("publication");
        string target = Path.Combine(Services.FullName, "ca");
        string config = isNew
            ? ServiceSettings.WriteCa(
                new CeremonyFolder(Ceremony.Output),
                "ca",
                "ca",
                new ServicePlace
                {
                    Listen = listen.ToString(),
                    Management = management.ToString(),
                    Publication = publication.ToString(),
                    KeyCentre = _centre!.Address.GetLeftPart(UriPartial.Authority),
                    ConnectionString = Ceremony.CaRecords.ConnectionString,
                    Mode = "Demo",
                },
                target)
            : Path.Combine(target, ServiceSettings.FileName);
        Publication = new Uri($"http://{publication}");
        _ca = new DemoService("ca", config, listen, management);
        _ca.Run("migrate");
        if (isNew)
        {
            DemoScreen.Report($"configured from the ceremony's output; {_ca.Run("import", Ceremony.Output).Trim().ReplaceLineEndings("; ")}", true);
        }

        await _ca.StartAsync();
        DemoScreen.Report($"zwca-ca runs as process {_ca.ProcessId} and listens on {_ca.Address}", true);
    }

    /// <summary>Regions, profiles, officers, the RA.</summary>
    private async Task EstablishAsync()
    {
        DemoOffices offices = _offices!;
        using DemoParty super = offices.Open(Ceremony.TokenOf("ca-super"));
        using DemoParty audit = offices.Open(Ceremony.TokenOf("ca-audit"));
        foreach ((string code, string parent, string name) in Regions)
        {
            await DemoOffices.RegionAsync(super, audit, code, parent, name);
        }

        DemoScreen.Report("超级管理员 proposes, 审计管理员 approves: a province, two cities, four counties", true);
        Tokens.Create();
        await offices.OfficerAsync(super, audit, First, "110101197001010059", "房玄龄", RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        await offices.OfficerAsync(super, audit, Second, "110101197001010067", "杜如晦", RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        DemoScreen.Report("and two 业务管理员, 房玄龄 and 杜如晦: certificates in their tokens, links, offices", true);
        using DemoParty first = offices.Open(offices.TokenOf(First));
        using DemoParty second = offices.Open(offices.TokenOf(Second));
        string[] profiles = [.. DemoRa.Profiles.Values.SelectMany(each => new[] { each.Certificate, each.Encryption }).OfType<string>().Distinct().Order(StringComparer.Ordinal), "ra-system"];
        Application self = DemoOffices.Command(DemoOffices.ProfileAction(profiles[0]), RegionCode.Nation.Value);
        await DemoOffices.ProposeAsync(first, self);
        await RefusesAsync("a 业务管理员 approves his own proposal", () => DemoOffices.ApproveAsync(first, self));
        await DemoOffices.ApproveAsync(second, self);
        foreach (string profile in profiles.Skip(1))
        {
            await DemoOffices.DecideAsync(first, second, DemoOffices.ProfileAction(profile), RegionCode.Nation.Value);
        }

        DemoScreen.Report($"another one approves: {profiles.Length} certificate profiles are in use", true);

        // The RA, and who works there.
        RaPapers papers = await DemoRa.RequestAsync(Ceremony, Services, _state, Province);
        await offices.RaAsync(
            first,
            second,
            papers,
            [.. DemoRa.Profiles.Values.SelectMany(each => new[] { (each.Certificate, each.Issuer), (each.Encryption ?? "", each.Issuer) }).Where(each => each.Item1.Length > 0).Distinct()]);
        DemoRa.Configure(Ceremony, Services, _state, _ca!.Address, papers);
        DemoScreen.Report($"{DemoRa.Name} is registered for {Province}: pairs from the SM2 CA, servers' certificates from the SM2 and the RSA CA", true);
        await offices.OfficerAsync(first, second, Entry, "110101197001010075", "李四", RoleCatalogue.BusinessOperator, Province);
        await offices.OfficerAsync(first, second, Review, "110101197001010083", "王五", RoleCatalogue.BusinessOperator, Province);
        await offices.OfficerAsync(first, second, Counter, "110101197001010104", "赵六", RoleCatalogue.BusinessOperator, Counties[0]);
        await File.WriteAllTextAsync(Path.Combine(Tokens.FullName, "PIN"), _state.Pin + "\n");
        DemoScreen.Report($"李四 enters, 王五 reviews, 赵六 works at the counter of {Counties[0]}, which decides nothing", true);
    }

    private void CheckCeremony(bool isNew)
    {
        CeremonyReport report = CeremonyVerification.Check(Ceremony.Output);
        foreach (string fault in report.Faults)
        {
            DemoScreen.Report(fault, false);
        }

        DemoScreen.Report("the ceremony's output verifies: " + (report.Checked.Count > 0 ? report.Checked[0] : "nothing was looked at"), report.Faults.Count == 0);
        if (!isNew)
        {
            return;
        }

        // One byte of one file, for a moment.
        string file = Ceremony.FileOf("root-s1");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
        DemoScreen.Report("with one byte of one file changed it does not", CeremonyVerification.Check(Ceremony.Output).Faults.Count > 0);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    private async Task<bool> IsLockedAsync()
    {
        try
        {
            await using SimulatorHsm tooEarly = await _device.ConnectAsync("ca");
            return false;
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Locked)
        {
            return true;
        }
    }

    internal static async Task RefusesAsync(string attempt, Func<Task> action)
    {
        try
        {
            await action();
            DemoScreen.Report($"{attempt}: should have been refused", false);
        }
        catch (RefusalException e)
        {
            DemoScreen.Report($"{attempt}: refused ({e.Kind}: {e.Message})", true);
        }
    }

    private DemoParty Keep(DemoParty party)
    {
        _parties.Add(party);
        return party;
    }

    private DirectoryInfo Sub(string name) => new(Path.Combine(_folder.FullName, name));
}
