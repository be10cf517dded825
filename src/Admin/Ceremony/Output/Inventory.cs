using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// What there is after a ceremony, in words that the services' configuration and the next ceremony read: <c>inventory.json</c>. What an earlier ceremony made is in it
/// too.
/// </summary>
internal sealed record Inventory
{
    public const string FileName = "inventory.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    public required string BaseUrl { get; init; }

    public required string PolicyArc { get; init; }

    public required bool Demo { get; init; }

    /// <summary>Of this ceremony and of those before it: later plans begin with them.</summary>
    public required IReadOnlyList<DevicePlan> Devices { get; init; }

    public required IReadOnlyList<InventoryKey> Keys { get; init; }

    public required IReadOnlyList<InventoryCertificate> Certificates { get; init; }

    public required IReadOnlyList<InventoryCrl> Crls { get; init; }

    /// <exception cref="CeremonyException">Not an inventory.</exception>
    public static Inventory Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Inventory inventory = JsonSerializer.Deserialize<Inventory>(bytes, Json) ?? throw new CeremonyException($"{FileName} is empty.");
            IEnumerable<IEnumerable<object?>> lists = [inventory.Devices, inventory.Keys, inventory.Certificates, inventory.Crls];
            return lists.Any(list => list.Contains(null)) ? throw new CeremonyException($"{FileName} cannot be read: there is a null in one of its lists.") : inventory;
        }
        catch (JsonException e)
        {
            throw new CeremonyException($"{FileName} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The inventory follows from plan, basis and journal, but for the counters.</summary>
    /// <param name="require">A line of the journal.</param>
    /// <param name="counts">Of signatures, by the ids of keys; keys that are not among them keep the count of the basis.</param>
    public static Inventory Of(PlanFile file, Inventory? basis, Func<string, string, JournalEntry> require, IReadOnlyDictionary<string, long?> counts)
    {
        CeremonyPlan plan = file.Plan;
        var publication = PlanCheck.PublicationOf(plan);
        return new Inventory
        {
            BaseUrl = publication.BaseUrl,
            PolicyArc = publication.PolicyArc,
            Demo = plan.Demo,
            Devices = [.. (basis?.Devices ?? []).Where(known => !plan.Devices.Any(device => device.Serial == known.Serial)), .. plan.Devices],
            Keys =
            [
                .. (basis?.Keys ?? []).Select(known => counts.TryGetValue(known.Id, out long? count) ? known with { Signatures = count } : known),
                .. plan.Keys.Select(key => new InventoryKey(
                    key.Id,
                    plan.Devices.First(device => device.Id == key.Device).Serial,
                    key.Label,
                    key.Kind,
                    key.Kind.IsAsymmetric() ? require(JournalEntry.Key, key.Id).Data : null,
                    counts.GetValueOrDefault(key.Id))),
            ],
            Certificates =
            [
                .. basis?.Certificates ?? [],
                .. plan.Certificates.Select(each => new InventoryCertificate(
                    each.Id, each.File, each.Key, each.Issuer, ProfileText(file.Profiles[each.Profile]), Hash(require(JournalEntry.Certificate, each.Id).Decode()))),
            ],
            Crls =
            [
                .. plan.Crls.Select(crl => Describe(crl, require(JournalEntry.Crl, crl.Id).Decode())),
                .. (basis?.Crls ?? []).Where(known => !plan.Supersedes(known)),
            ],
        };
    }

    /// <summary>The last of a scope.</summary>
    public InventoryCrl? FindCrl(string issuer, CrlKind kind) => Crls.FirstOrDefault(crl => crl.Issuer == issuer && crl.Kind == kind);

    private static string ProfileText(Profile profile) => $"{profile.Name} {Convert.ToHexStringLower(profile.Hash.Span)}";

    private static InventoryCrl Describe(CrlPlan plan, byte[] crl)
    {
        CrlNumber number = Der.Decode<CertificateList>(crl).Tbs.CrlExtensions?.Find<CrlNumber>() ?? throw new CeremonyException($"The CRL {plan.Id} has no number.");
        return new InventoryCrl(plan.Id, plan.File, plan.Issuer, plan.Kind, number.Number.ToString(CultureInfo.InvariantCulture), Hash(crl));
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(Cryptography.Sm3.HashData(bytes));

    public byte[] Write() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];
}

/// <param name="Partition">Serial number of the partition.</param>
/// <param name="PublicKey">DER of SubjectPublicKeyInfo, base64; null: a symmetric key.</param>
/// <param name="Signatures">How many the device had counted when the ceremony ended; null: it does not sign.</param>
internal sealed record InventoryKey(string Id, string Partition, string Label, HsmKeyKind Kind, string? PublicKey, long? Signatures)
{
    /// <exception cref="DerException">The inventory was changed.</exception>
    /// <exception cref="FormatException">The inventory was changed.</exception>
    public SubjectPublicKeyInfo? Decode() => PublicKey is null ? null : Der.Decode<SubjectPublicKeyInfo>(Convert.FromBase64String(PublicKey));
}

/// <param name="Key">Id of the key in a device, if it lies in one.</param>
/// <param name="Profile">Name and SM3 of the profile.</param>
/// <param name="Sm3">Of the DER, hexadecimal.</param>
internal sealed record InventoryCertificate(string Id, string File, string? Key, string Issuer, string Profile, string Sm3)
{
    public string ProfileName => Profile.Split(' ')[0];
}

/// <param name="Number">CRL number, decimal.</param>
internal sealed record InventoryCrl(string Id, string File, string Issuer, CrlKind Kind, string Number, string Sm3);
