using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Admin.Demo;

/// <summary>The province's RA as a process of its own.</summary>
internal sealed class DemoRa : IAsyncDisposable
{
    public const string Name = "ra-35";
    public const string MessageKey = "ra-message";
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

    /// <summary>Makes its keys and its configuration, out of what officers gave it.</summary>
    /// <param name="message">Of the key <see cref="MessageKey"/>.</param>
    /// <param name="ca">Where the CA listens.</param>
    public static async Task ConfigureAsync(
        DemoCeremony ceremony, DirectoryInfo folder, DemoState state, Uri ca, string region, Certificate message, Certificate link, ECDsa linkKey, Func<string, ReadOnlyMemory<byte>> keyIdentifierOf)
    {
        IHsm hsm = ceremony.Device(Device);
        await hsm.GenerateKeyAsync(new KeyLabel($"{Name}-log"), HsmKeyKind.Sm2);
        await hsm.GenerateKeyAsync(new KeyLabel($"{Name}-person-index"), HsmKeyKind.HmacSm3);
        await hsm.GenerateKeyAsync(new KeyLabel($"{Name}-data-kek"), HsmKeyKind.DataKek);
        string target = TargetOf(folder);
        var profiles = Profiles.ToDictionary(each => each.Key, each =>
        {
            var settings = new JsonObject
            {
                ["Title"] = each.Value.Title,
                ["Subscriber"] = each.Value.Subscriber,
                ["Certificate"] = each.Value.Certificate,
                ["Issuer"] = Convert.ToHexStringLower(keyIdentifierOf(each.Value.Issuer).Span),
                ["Days"] = 365,
            };
            if (each.Value.Encryption is { } encryption)
            {
                settings["Encryption"] = encryption;
            }

            return settings;
        });
        ServiceSettings.WriteRa(
            new CeremonyFolder(ceremony.Output),
            Name,
            new RaPapers(
                DemoInstallation.CaName,
                region,
                message,
                MessageKey,
                link,
                linkKey.ExportEncryptedPkcs8PrivateKeyPem(state.Pin, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 100_000)),
                profiles),
            Device,
            new ServicePlace
            {
                Listen = state.EndPointOf(Name).ToString(),
                Management = state.EndPointOf($"{Name}-management").ToString(),
                Publication = state.EndPointOf("tracking").ToString(),
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
            new DemoService("ra", Path.Combine(TargetOf(folder), ServiceSettings.RaFileName), listen, state.EndPointOf($"{Name}-management")), listen, new Uri($"http://{state.EndPointOf("tracking")}"));
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
