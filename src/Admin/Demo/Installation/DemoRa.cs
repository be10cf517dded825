using System.Net;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;

namespace ZwCa.Admin.Demo;

/// <summary>The province's RA as a process of its own.</summary>
internal sealed class DemoRa : IAsyncDisposable
{
    public const string Name = "ra-35";
    public const string Device = "service";

    /// <summary>Names of what can be applied for, as the RA knows them.</summary>
    public const string Person = "person";

    public const string Organization = "organization";
    public const string DevicePair = "device";
    public const string ServerSm2 = "server-sm2";
    public const string ServerRsa = "server-rsa";

    private DemoRa(DemoService service, IPEndPoint endPoint, Uri tracking)
    {
        Service = service;
        EndPoint = endPoint;
        Tracking = tracking;
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Where applicants look up their numbers.</summary>
    public Uri Tracking { get; }

    /// <summary>With the name in its link certificate.</summary>
    public Uri Address => new($"https://{Name}.zwca.internal:{EndPoint.Port}");

    public DemoService Service { get; }

    /// <summary>What an RA may apply for, and which CA of the ceremony issues it: title, subscriber, signing and encryption profile.</summary>
    public static IReadOnlyDictionary<string, (string Title, string Subscriber, string Certificate, string? Encryption, string Issuer)> Profiles { get; } =
        new Dictionary<string, (string, string, string, string?, string)>
        {
            [Person] = ("个人双证书", "Person", "person-signing", "person-encryption", "issuing-s1"),
            [Organization] = ("机构双证书", "Organization", "organization-signing", "organization-encryption", "issuing-s1"),
            [DevicePair] = ("设备双证书", "Device", "device-signing", "device-encryption", "issuing-s1"),
            [ServerSm2] = ("服务器证书SM2", "Device", "tls-server", null, "issuing-s1"),
            [ServerRsa] = ("服务器证书RSA", "Device", "tls-server", null, "issuing-r1"),
        };

    /// <summary>As its operator begins: its papers, its keys, and the requests for its certificates.</summary>
    public static async Task<RaPapers> RequestAsync(DemoCeremony ceremony, DirectoryInfo folder, DemoState state, string region)
    {
        var profiles = new JsonObject();
        foreach ((string name, (string title, string subscriber, string certificate, string? encryption, string issuer)) in Profiles)
        {
            var profile = new JsonObject { ["Title"] = title, ["Subscriber"] = subscriber, ["Certificate"] = certificate, ["Issuer"] = issuer, ["Days"] = 365 };
            if (encryption is not null)
            {
                profile["Encryption"] = encryption;
            }

            profiles[name] = profile;
        }

        var written = new JsonObject { ["name"] = Name, ["region"] = region, ["tracking"] = state.EndPointOf("tracking").ToString(), ["profiles"] = profiles };
        string file = Path.Combine(folder.CreateSubdirectory("ra-papers").FullName, $"{Name}.json");
        await File.WriteAllTextAsync(file, written.ToJsonString());
        var papers = RaPapers.Read(file);
        await RaKeys.RequestAsync(papers, ceremony.Device(Device), state.Pin, _ => { }, CancellationToken.None);
        return papers;
    }

    /// <summary>Its configuration, with what officers gave it.</summary>
    /// <param name="ca">Where the CA listens.</param>
    public static void Configure(DemoCeremony ceremony, DirectoryInfo folder, DemoState state, Uri ca, RaPapers papers)
    {
        string target = TargetOf(folder);
        RaServiceSettings.Write(
            new CeremonyFolder(ceremony.Output),
            papers,
            Device,
            new ServicePlace
            {
                Listen = state.EndPointOf(Name).ToString(),
                Management = state.EndPointOf($"{Name}-management").ToString(),
                Ca = $"https://localhost:{ca.Port}",
                ConnectionString = $"Data Source={Path.Combine(target, "ra.db")}",
                Mode = "Demo",
            },
            target);
    }

    /// <summary>Starts it as it was configured.</summary>
    /// <exception cref="DemoException">It did not come up.</exception>
    public static async Task<DemoRa> StartAsync(DirectoryInfo folder, DemoState state)
    {
        IPEndPoint listen = state.EndPointOf(Name);
        var ra = new DemoRa(
            new DemoService("ra", Path.Combine(TargetOf(folder), RaServiceSettings.FileName), listen, state.EndPointOf($"{Name}-management")), listen, new Uri($"http://{state.EndPointOf("tracking")}"));
        try
        {
            ra.Service.Run("migrate");
            await ra.Service.StartAsync();
            DemoScreen.Report($"zwca-ra runs as process {ra.Service.ProcessId}: its officers come from the CA's directory, its requests wait in an outbox until the CA has answered", true);
            return ra;
        }
        catch
        {
            await ra.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => Service.DisposeAsync();

    private static string TargetOf(DirectoryInfo folder) => Path.Combine(folder.FullName, "ra");
}
