using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZwCa.Admin.Token;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>Where a service shall listen and keep its records: what a ceremony does not say.</summary>
internal sealed record ServicePlace
{
    /// <summary>ADDRESS:PORT of the links.</summary>
    public required string Listen { get; init; }

    /// <summary>ADDRESS:PORT of health and metrics, on loopback.</summary>
    public required string Management { get; init; }

    /// <summary>ADDRESS:PORT where CRLs and CA certificates are given to everybody. Null: a web server does that, from the folder <c>publication</c>.</summary>
    public string? Publication { get; init; }

    /// <summary>Null: it stands in the environment, for it may hold a password.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>Production, Demo or Development.</summary>
    public string Mode { get; init; } = "Production";
}

/// <summary>
/// The CA service's first configuration, out of a ceremony's output: the files that it needs are copied beside it, for a service renews its link certificate, and the output
/// never changes.
/// </summary>
internal static class ServiceSettings
{
    public const string FileName = "ca.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="service">Id of the service in the plan.</param>
    /// <param name="device">Id of the device with its keys.</param>
    /// <param name="target">A new folder, or an empty one.</param>
    /// <returns>The path of the configuration.</returns>
    /// <exception cref="CeremonyException">The ceremony lacks something, or the folder is not empty.</exception>
    public static string WriteCa(CeremonyFolder ceremony, string service, string device, ServicePlace place, string target)
    {
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
        {
            throw new CeremonyException($"{target} is not empty. Name a new folder: an existing configuration is never overwritten.");
        }

        Inventory inventory = Inventory.Read(ceremony.Read(Inventory.FileName));
        CeremonyPlan plan = PlanFile.Deserialize(ceremony.Read(CeremonyFolder.PlanFile));
        ServicePlan servicePlan = Need(plan.Services.FirstOrDefault(each => each.Id == service), $"a service {service}");
        DevicePlan devicePlan = Need(inventory.Devices.FirstOrDefault(each => each.Id == device), $"a device {device}");

        // A CA of this service has its key in that device.
        InventoryCertificate[] authorities =
        [
            .. inventory.Certificates.Where(each => each.ProfileName is "sub-ca" or "system-root"
                && inventory.Keys.Any(key => key.Id == each.Key && key.Partition == devicePlan.Serial)),
        ];
        string operations = Need(inventory.Certificates.FirstOrDefault(each => each.Id == servicePlan.Super), $"a certificate {servicePlan.Super}").Issuer;
        InventoryCertificate system = Need(authorities.FirstOrDefault(each => each.ProfileName == "system-root"), "a system CA");
        InventoryCertificate link = Need(inventory.Certificates.FirstOrDefault(each => each.Id == $"link-{service}"), $"a certificate link-{service}");
        string label(string id) => Need(inventory.Keys.FirstOrDefault(key => key.Id == id), $"a key {id}").Label;

        TokenFiles.MakeFolder(target);
        string copy(string file)
        {
            string path = Path.Combine(target, Path.GetFileName(file));
            TokenFiles.WriteNew(path, ceremony.Read(file));
            return path;
        }

        // What relying parties get besides the CRLs that the service makes: the CAs above it and their ARLs.
        JsonNode[] published =
        [
            .. inventory.Certificates.Where(each => each.ProfileName == "root").Select(each => (JsonNode)copy(each.File)!),
            .. inventory.Crls.Where(each => each.Kind == CrlKind.Authorities).Select(each => (JsonNode)copy(each.File)!),
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

        var database = new JsonObject { ["Kind"] = servicePlan.Database.ToString() };
        if (place.ConnectionString is not null)
        {
            database["ConnectionString"] = place.ConnectionString;
        }

        var settings = new JsonObject
        {
            ["Service"] = new JsonObject
            {
                ["Name"] = service,
                ["Mode"] = place.Mode,
                ["Listen"] = place.Listen,
                ["Management"] = place.Management,
                ["Link"] = new JsonObject
                {
                    ["CertificateFile"] = copy(link.File),
                    ["KeyFile"] = copy(Path.ChangeExtension(link.File, ".key")),
                    ["PasswordVariable"] = CeremonyRun.LinkPasswordVariable,
                    ["SystemCaFile"] = copy(system.File),
                },
                ["Database"] = database,
            },
            ["Ca"] = new JsonObject
            {
                ["Name"] = Need(plan.Policies.FirstOrDefault(), "a policy, which says the CA's name").CaName,
                ["BaseUrl"] = inventory.BaseUrl,
                ["PolicyArc"] = inventory.PolicyArc,
                ["Hsm"] = new JsonObject
                {
                    ["Endpoint"] = devicePlan.Endpoint, ["Partition"] = devicePlan.Partition, ["Serial"] = devicePlan.Serial, ["ClientFolder"] = Path.GetFullPath(devicePlan.Client),
                },
                ["Authorities"] = new JsonArray([.. authorities.Select(each => (JsonNode)new JsonObject
                {
                    ["Name"] = each.Id,
                    ["CertificateFile"] = each == system ? Path.Combine(target, Path.GetFileName(system.File)) : copy(each.File),
                    ["KeyLabel"] = label(each.Key!),
                    ["ForSubscribers"] = each != system && each.Id != operations,
                })]),
                ["OperationsAuthority"] = operations,
                ["SystemAuthority"] = system.Id,
                ["Log"] = new JsonObject { ["Origin"] = $"zwca/{service}", ["KeyLabel"] = label($"{service}-log"), ["Anchors"] = new JsonArray(Path.Combine(target, "log.anchor")) },
                ["PersonIndexKey"] = label(servicePlan.IndexKey),
                ["DataKek"] = label(servicePlan.DataKek),
                ["Crls"] = crls,
            },
        };
        string file = Path.Combine(target, FileName);
        TokenFiles.WriteNew(file, System.Text.Encoding.UTF8.GetBytes(settings.ToJsonString(Json) + "\n"));
        return file;
    }

    private static T Need<T>(T? found, string what)
        where T : class =>
        found ?? throw new CeremonyException($"The ceremony has no {what}.");
}
