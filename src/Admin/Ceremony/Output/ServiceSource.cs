using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;

namespace ZwCa.Admin.Ceremony;

/// <summary>What a ceremony has for one service, and the folder that its configuration goes into.</summary>
internal sealed class ServiceSource
{
    private readonly CeremonyFolder _ceremony;
    private readonly string _target;

    /// <param name="device">Id of a device of the ceremony.</param>
    /// <param name="target">A new folder, or an empty one.</param>
    /// <exception cref="CeremonyException">The ceremony lacks something, or the folder is not empty.</exception>
    public ServiceSource(CeremonyFolder ceremony, string service, string device, string target)
        : this(ceremony, service, inventory => DeviceOf(inventory, device), target)
    {
    }

    /// <inheritdoc cref="ServiceSource(CeremonyFolder, string, string, string)"/>
    public ServiceSource(CeremonyFolder ceremony, string service, Func<Inventory, DevicePlan> device, string target)
    {
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
        {
            throw new CeremonyException($"{target} is not empty. Name a new folder: an existing configuration is never overwritten.");
        }

        _ceremony = ceremony;
        _target = target;
        Inventory = Inventory.Read(ceremony.Read(Inventory.FileName));
        Plan = PlanFile.Deserialize(ceremony.Read(CeremonyFolder.PlanFile));
        Id = service;
        Device = device(Inventory);
    }

    public Inventory Inventory { get; }

    public CeremonyPlan Plan { get; }

    /// <summary>Of the service.</summary>
    public string Id { get; }

    /// <summary>Of one that has records.</summary>
    public ServicePlan Service => Need(Plan.Services.FirstOrDefault(each => each.Id == Id), $"a service {Id}");

    public DevicePlan Device { get; }

    public static DevicePlan DeviceOf(Inventory inventory, string id) => Need(inventory.Devices.FirstOrDefault(each => each.Id == id), $"a device {id}");

    public static T Need<T>(T? found, string what)
        where T : class =>
        found ?? throw new CeremonyException($"The ceremony has no {what}.");

    public InventoryCertificate Certificate(string id) => Need(Inventory.Certificates.FirstOrDefault(each => each.Id == id), $"a certificate {id}");

    /// <param name="key">Its id.</param>
    public string Label(string key) => Need(Inventory.Keys.FirstOrDefault(each => each.Id == key), $"a key {key}").Label;

    /// <returns>The copy's path.</returns>
    public string Copy(string file)
    {
        string path = Path.Combine(_target, Path.GetFileName(file));
        TokenFiles.WriteNew(path, _ceremony.Read(file));
        return path;
    }

    public JsonObject HsmSettings() => new()
    {
        ["Endpoint"] = Device.Endpoint, ["Partition"] = Device.Partition, ["Serial"] = Device.Serial, ["ClientFolder"] = Path.GetFullPath(Device.Client),
    };

    public JsonObject LogSettings() => LogSettings(Label($"{Id}-log"));

    public JsonObject LogSettings(string label) => new()
    {
        ["Origin"] = $"zwca/{Id}", ["KeyLabel"] = label, ["Anchors"] = new JsonArray(Path.Combine(_target, "log.anchor")),
    };

    /// <summary>Makes the folder, and puts the link's files there.</summary>
    /// <returns>Section Service, but for the records.</returns>
    public JsonObject WriteCommon(ServicePlace place, InventoryCertificate system)
    {
        InventoryCertificate link = Certificate($"link-{Id}");
        TokenFiles.MakeFolder(_target);
        var settings = new JsonObject
        {
            ["CertificateFile"] = Copy(link.File),
            ["KeyFile"] = Copy(Path.ChangeExtension(link.File, ".key")),
            ["PasswordVariable"] = CeremonyRun.LinkPasswordVariable,
            ["SystemCaFile"] = Copy(system.File),
        };
        if (place.Ca is not null)
        {
            settings["RenewalUrl"] = $"{place.Ca.TrimEnd('/')}/links/renew";
        }

        return CommonSettings(Id, place, settings);
    }

    /// <returns>Of section Service.</returns>
    public JsonObject DatabaseSettings(ServicePlace place) => DatabaseSettings(Service.Database, place);

    /// <returns>Section Service, but for the records.</returns>
    public static JsonObject CommonSettings(string name, ServicePlace place, JsonObject link) => new()
    {
        ["Name"] = name, ["Mode"] = place.Mode, ["Listen"] = place.Listen, ["Management"] = place.Management, ["Link"] = link,
    };

    /// <returns>Of section Service.</returns>
    public static JsonObject DatabaseSettings(DatabaseKind kind, ServicePlace place)
    {
        var database = new JsonObject { ["Kind"] = kind.ToString() };
        if (place.ConnectionString is not null)
        {
            database["ConnectionString"] = place.ConnectionString;
        }

        return database;
    }

    /// <summary>A public key beside the rest, in PEM.</summary>
    /// <returns>Its path.</returns>
    public string WriteKey(string name, SubjectPublicKeyInfo key)
    {
        string path = Path.Combine(_target, name);
        TokenFiles.WriteNew(path, Encoding.ASCII.GetBytes(Pem.Encode(Pem.PublicKey, Der.Encode(key))));
        return path;
    }

    public Certificate Decode(InventoryCertificate certificate) => CertificateFile.Read(_ceremony.Read(certificate.File), certificate.File);
}
