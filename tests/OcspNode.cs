using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa;

/// <summary>
/// A responder as it runs in production, beside a <see cref="CaProcess"/>: the program <c>zwca-ocsp</c> as a process of its own, which pulls that CA's feed over mutual TLS and has keys for the CAs of
/// subscribers in a partition of the same device. Linked into the test projects.
/// </summary>
internal sealed class OcspNode : ServiceProcess
{
    public const string Name = "ocsp-1";

    private readonly string _folder;

    private OcspNode(string folder)
        : base("zwca-ocsp") => _folder = folder;

    /// <summary>Where everybody asks: the port that a service with links would have.</summary>
    public Uri Public => new($"http://127.0.0.1:{Address.Port}/ocsp");

    /// <summary>With what it signs for each CA, by the name of the CA.</summary>
    public IReadOnlyDictionary<string, Certificate> Certificates { get; private set; } = new Dictionary<string, Certificate>();

    protected override string ConfigFile => Path.Combine(_folder, "ocsp.json");

    /// <summary>Known to the CA, and configured; not started. The CA does not run yet.</summary>
    /// <param name="folder">Of its own; made.</param>
    /// <param name="settings">Besides, or instead of, the plain ones: <c>Ocsp:Feed:StaleAfter</c>.</param>
    /// <param name="core">On which it runs. Null: on any.</param>
    public static async Task<OcspNode> CreateAsync(CaProcess ca, string folder, IReadOnlyDictionary<string, string?>? settings = null, string? core = null)
    {
        Directory.CreateDirectory(folder);
        var node = new OcspNode(folder) { Core = core };

        // Step 1: its link, which the CA's operator has registered.
        X509Certificate2 link = await ca.Scene.IssueLinkAsync(Name);
        SystemCa.Write(link, node.PathOf("link.pem"), node.PathOf("link.key"), null);
        await using (WebApplication app = await ca.OpenAsync())
        {
            await app.Services.GetRequiredService<ClientStore>().RegisterAsync(CaScene.Actor, link, Name, ClientKind.Ocsp);
        }

        // Step 2: what it has to know of the CA.
        File.WriteAllText(node.PathOf("system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(ca.Issuers.System.Certificate!)));
        HsmKey feed = (await ca.Hsm.FindKeyAsync(new KeyLabel(CaIssuers.FeedKey)))!;
        File.WriteAllText(node.PathOf("feed.pem"), Pem.Encode(Pem.PublicKey, Der.Encode(feed.PublicKey!)));
        var written = new Dictionary<string, string?>
        {
            ["Service:Name"] = Name,
            ["Service:Mode"] = nameof(ServiceMode.Development),
            ["Service:Management"] = node.Management.Authority,
            ["Service:Link:CertificateFile"] = node.PathOf("link.pem"),
            ["Service:Link:KeyFile"] = node.PathOf("link.key"),
            ["Service:Link:SystemCaFile"] = node.PathOf("system-ca.pem"),
            ["Ocsp:Listen:0"] = node.Address.Authority,
            ["Ocsp:DrainFor"] = "00:00:00.5",
            ["Ocsp:Feed:Url"] = ca.Address.GetLeftPart(UriPartial.Authority),
            ["Ocsp:Feed:Origin"] = CaScene.LogOrigin,
            ["Ocsp:Feed:KeyFiles:0"] = node.PathOf("feed.pem"),
            ["Ocsp:Feed:Folder"] = node.PathOf("feed"),
            ["Ocsp:Feed:MemoryFile"] = node.PathOf("heard"),
            ["Ocsp:Feed:LongestWait"] = "00:00:01",
            ["Ocsp:Hsm:Endpoint"] = ca.Device.Endpoint.ToString(),
            ["Ocsp:Hsm:Partition"] = HsmSimStore.Partition,
            ["Ocsp:Hsm:ClientFolder"] = Path.Combine(ca.Store.Path, "clients", HsmSimStore.Partition),

            // All that ask are at one address here.
            ["Ocsp:Buckets:ClientPerSecond"] = "10000",
            ["Ocsp:Buckets:ClientAtOnce"] = "10000",
            ["Ocsp:Buckets:NodePerSecond"] = "10000",
            ["Ocsp:Buckets:NodeAtOnce"] = "10000",
        };

        // Step 3: its keys, certified as in a ceremony.
        node.Certificates = await node.CertifyAsync(ca);
        foreach ((int i, string name) in node.Certificates.Keys.Index())
        {
            File.WriteAllText(node.PathOf($"{name}.pem"), Pem.Encode(Pem.Certificate, Der.Encode(node.Certificates[name])));
            written[$"Ocsp:Live:{i}:CertificateFile"] = node.PathOf($"{name}.pem");
            written[$"Ocsp:Live:{i}:Key"] = LabelOf(name);
        }

        foreach ((string key, string? value) in settings ?? new Dictionary<string, string?>())
        {
            written[key] = value;
        }

        File.WriteAllText(node.ConfigFile, JsonSerializer.Serialize(written));
        return node;
    }

    private static string LabelOf(string authority) => $"{Name}-{authority}";

    private async Task<IReadOnlyDictionary<string, Certificate>> CertifyAsync(CaProcess ca)
    {
        await using SimulatorHsm hsm = await ca.Store.ConnectAsync(ca.Device);
        var certificates = new Dictionary<string, Certificate>();
        foreach ((string name, Issuer issuer, _) in ca.Issuers.All.Where(each => each.Name.StartsWith("issuing", StringComparison.Ordinal)))
        {
            bool isSm2 = issuer.Algorithm == AlgorithmIdentifier.Sm3WithSm2;
            HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel(LabelOf(name)), isSm2 ? HsmKeyKind.Sm2 : HsmKeyKind.Rsa2048);
            certificates[name] = await ca.Scene.CertifyNodeAsync(issuer, key.PublicKey!, $"{Name} {name}");
        }

        return certificates;
    }

    private string PathOf(string name) => Path.Combine(_folder, name);
}
