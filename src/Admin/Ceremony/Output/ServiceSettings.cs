using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZwCa.Admin.Token;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>Where a service shall listen and keep its records: what a ceremony does not say.</summary>
internal sealed record ServicePlace
{
    /// <summary>ADDRESS:PORT of the links; of a responder, where everybody asks.</summary>
    public required string Listen { get; init; }

    /// <summary>ADDRESS:PORT of health and metrics, on loopback.</summary>
    public required string Management { get; init; }

    /// <summary>ADDRESS:PORT where CRLs and CA certificates are given to everybody. Null: a web server does that, from the folder <c>publication</c>.</summary>
    public string? Publication { get; init; }

    /// <summary>Of a CA: https://HOST:PORT of its KMC. Null: it issues no pairs.</summary>
    public string? KeyCentre { get; init; }

    /// <summary>Of a responder or an RA: https://HOST:PORT of its CA.</summary>
    public string? Ca { get; init; }

    /// <summary>Null: it stands in the environment, for it may hold a password.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>Production, Demo or Development.</summary>
    public string Mode { get; init; } = "Production";
}

/// <summary>
/// A service's first configuration, out of a ceremony's output: the files that it needs are copied beside it, for a service renews its link certificate, and the output
/// never changes.
/// </summary>
internal static class ServiceSettings
{
    public const string FileName = "ca.json";
    public const string KmcFileName = "kmc.json";
    public const string OcspFileName = "ocsp.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="service">Id of the service in the plan.</param>
    /// <param name="device">Id of the device with its keys.</param>
    /// <param name="target">A new folder, or an empty one.</param>
    /// <returns>The path of the configuration.</returns>
    /// <exception cref="CeremonyException">The ceremony lacks something, or the folder is not empty.</exception>
    public static string WriteCa(CeremonyFolder ceremony, string service, string device, ServicePlace place, string target)
    {
        var source = new ServiceSource(ceremony, service, device, target);
        Inventory inventory = source.Inventory;

        // A CA of this service has its key in that device.
        InventoryCertificate[] authorities =
        [
            .. inventory.Certificates.Where(each => each.ProfileName is "sub-ca" or "system-root"
                && inventory.Keys.Any(key => key.Id == each.Key && key.Partition == source.Device.Serial)),
        ];
        string operations = source.Certificate(source.Service.Super).Issuer;
        InventoryCertificate system = ServiceSource.Need(authorities.FirstOrDefault(each => each.ProfileName == "system-root"), "a system CA");
        JsonObject common = source.WriteCommon(place, system);

        // What relying parties get besides the CRLs that the service makes: the CAs above it and their ARLs.
        JsonNode[] published =
        [
            .. inventory.Certificates.Where(each => each.ProfileName == "root").Select(each => (JsonNode)source.Copy(each.File)!),
            .. inventory.Crls.Where(each => each.Kind == CrlKind.Authorities).Select(each => (JsonNode)source.Copy(each.File)!),
        ];
        string publication = Path.Combine(target, "publication");
        Directory.CreateDirectory(publication);
        var crls = new JsonObject { ["PublicationFolders"] = new JsonArray(publication), ["CeremonyFiles"] = new JsonArray(published) };
        if (place.Publication is not null)
        {
            crls["Listen"] = place.Publication;
        }

        // Somebody watches.
        if (place.Mode == "Demo")
        {
            crls["Look"] = "00:00:01";
        }

        JsonArray Above(InventoryCertificate authority) => new([.. inventory.Certificates
            .Where(each => each.Id == authority.Issuer && each.Id != authority.Id)
            .Select(each => (JsonNode)Path.Combine(target, Path.GetFileName(each.File))!)]);

        var settings = new JsonObject
        {
            ["Name"] = ServiceSource.Need(source.Plan.Policies.FirstOrDefault(), "a policy, which says the CA's name").CaName,
            ["BaseUrl"] = inventory.BaseUrl,
            ["PolicyArc"] = inventory.PolicyArc,
            ["Hsm"] = source.HsmSettings(),
            ["Authorities"] = new JsonArray([.. authorities.Select(each => (JsonNode)new JsonObject
            {
                ["Name"] = each.Id,
                ["CertificateFile"] = each == system ? Path.Combine(target, Path.GetFileName(system.File)) : source.Copy(each.File),
                ["KeyLabel"] = source.Label(each.Key!),
                ["ForSubscribers"] = each != system && each.Id != operations,
                ["AboveFiles"] = Above(each),
            })]),
            ["OperationsAuthority"] = operations,
            ["SystemAuthority"] = system.Id,
            ["Log"] = source.LogSettings(),
            ["PersonIndexKey"] = source.Label(source.Service.IndexKey),
            ["DataKek"] = source.Label(source.Service.DataKek),
            ["Crls"] = crls,
            ["Ocsp"] = OcspSettings(source, authorities, service),
        };
        if (place.KeyCentre is not null)
        {
            // The ceremony's names: the KMC is the device whose policy obeys this CA.
            string centre = ServiceSource.Need(source.Plan.Policies.FirstOrDefault(), "a policy, which says whose device obeys the CA").Device;
            settings["KeyCentre"] = new JsonObject
            {
                ["Address"] = place.KeyCentre,
                ["Recipient"] = centre,
                ["CertificateFile"] = source.Copy(source.Certificate($"{centre}-message").File),
                ["MessageKey"] = source.Label($"{service}-message"),
                ["MessageCertificateFile"] = source.Copy(source.Certificate($"{service}-message").File),
            };
        }

        common["Database"] = source.DatabaseSettings(place);
        return Write(target, FileName, common, "Ca", settings);
    }

    /// <summary>As <see cref="WriteCa"/>, of a KMC: its keys are those whose ids begin with the service's.</summary>
    /// <inheritdoc cref="WriteCa"/>
    public static string WriteKmc(CeremonyFolder ceremony, string service, string device, ServicePlace place, string target)
    {
        var source = new ServiceSource(ceremony, service, device, target);
        InventoryCertificate system = ServiceSource.Need(source.Inventory.Certificates.FirstOrDefault(each => each.ProfileName == "system-root"), "a system CA");
        JsonObject common = source.WriteCommon(place, system);
        string message = $"{service}-message";
        var settings = new JsonObject
        {
            ["Name"] = service,
            ["Hsm"] = source.HsmSettings(),
            ["Log"] = source.LogSettings(),
            ["EscrowKek"] = source.Label($"{service}-escrow"),
            ["MessageKey"] = source.Label(message),
            ["MessageCertificateFile"] = source.Copy(source.Certificate(message).File),
            ["RowMacKey"] = source.Label($"{service}-rows"),
            ["PersonIndexKey"] = source.Label(source.Service.IndexKey),
            ["DataKek"] = source.Label(source.Service.DataKek),
            ["OfficerIssuerFiles"] = new JsonArray(source.Copy(source.Certificate(source.Certificate(source.Service.Super).Issuer).File)),
        };

        // Nobody waits for ten thousand keys.
        if (place.Mode == "Demo")
        {
            settings["Pool"] = new JsonObject { ["Threshold"] = 64, ["Full"] = 256 };
            settings["PoolLook"] = "00:00:01";
        }

        common["Database"] = source.DatabaseSettings(place);
        return Write(target, KmcFileName, common, "Kmc", settings);
    }

    /// <summary>As <see cref="WriteCa"/>, of an OCSP responder: its certificates are those in the folder of its name.</summary>
    /// <inheritdoc cref="WriteCa"/>
    public static string WriteOcsp(CeremonyFolder ceremony, string service, string device, ServicePlace place, string target)
    {
        var source = new ServiceSource(ceremony, service, device, target);
        InventoryCertificate system = ServiceSource.Need(source.Inventory.Certificates.FirstOrDefault(each => each.ProfileName == "system-root"), "a system CA");
        string registry = ServiceSource.Need(source.Plan.Services.FirstOrDefault(each => each.IsRegistry), "a service of a CA").Id;
        JsonObject common = source.WriteCommon(place, system);
        var settings = new JsonObject
        {
            ["Listen"] = new JsonArray(place.Listen),
            ["Feed"] = new JsonObject
            {
                ["Url"] = ServiceSource.Need(place.Ca, "place where the CA listens: name it"),
                ["Origin"] = $"zwca/{registry}",
                ["KeyFiles"] = new JsonArray(source.WriteKey("feed.pem", source.Decode(source.Certificate($"{registry}-feed")).Tbs.SubjectPublicKeyInfo)),
                ["Folder"] = Path.Combine(target, "feed"),
                ["MemoryFile"] = Path.Combine(target, "feed.heard"),
            },
            ["Hsm"] = source.HsmSettings(),
            ["Live"] = new JsonArray([.. source.Inventory.Certificates
                .Where(each => each.ProfileName == "ocsp-node" && each.Key is not null && each.File.StartsWith($"{service}/", StringComparison.Ordinal))
                .Select(each => (JsonNode)new JsonObject { ["CertificateFile"] = source.Copy(each.File), ["Key"] = source.Label(each.Key!) })]),
        };
        return Write(target, OcspFileName, common, "Ocsp", settings);
    }

    /// <summary>Who signs responses ahead of time: a CA that has no delegated key does so by itself.</summary>
    private static JsonObject OcspSettings(ServiceSource source, IReadOnlyList<InventoryCertificate> authorities, string service) => new()
    {
        ["FeedKey"] = source.Label($"{service}-feed"),
        ["Origin"] = $"zwca/{service}",
        ["Signers"] = new JsonArray([.. source.Inventory.Certificates
            .Where(each => each.ProfileName == "ocsp-responder" && each.Key is not null && authorities.Any(authority => authority.Id == each.Issuer))
            .Select(each => (JsonNode)new JsonObject { ["Authority"] = each.Issuer, ["KeyLabel"] = source.Label(each.Key!), ["CertificateFile"] = source.Copy(each.File) })]),
    };

    public static string Write(string target, string name, JsonObject common, string section, JsonObject own)
    {
        string file = Path.Combine(target, name);
        TokenFiles.WriteNew(file, System.Text.Encoding.UTF8.GetBytes(new JsonObject { ["Service"] = common, [section] = own }.ToJsonString(Json) + "\n"));
        return file;
    }
}
