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

    public required IReadOnlyList<InventoryKey> Keys { get; init; }

    public required IReadOnlyList<InventoryCertificate> Certificates { get; init; }

    public required IReadOnlyList<InventoryCrl> Crls { get; init; }

    /// <exception cref="CeremonyException">Not an inventory.</exception>
    public static Inventory Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<Inventory>(bytes, Json) ?? throw new CeremonyException($"{FileName} is empty.");
        }
        catch (JsonException e)
        {
            throw new CeremonyException($"{FileName} cannot be read: {e.Message}", e);
        }
    }

    public byte[] Write() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];
}

/// <param name="Partition">Serial number of the partition.</param>
/// <param name="PublicKey">DER of SubjectPublicKeyInfo, base64; null: a symmetric key.</param>
/// <param name="Signatures">How many the device had counted when the ceremony ended; null: it does not sign.</param>
internal sealed record InventoryKey(string Id, string Partition, string Label, HsmKeyKind Kind, string? PublicKey, long? Signatures)
{
    /// <exception cref="DerException">The inventory was changed.</exception>
    public SubjectPublicKeyInfo? Decode() => PublicKey is null ? null : Der.Decode<SubjectPublicKeyInfo>(Convert.FromBase64String(PublicKey));
}

/// <param name="Key">Id of the key in a device, if it lies in one.</param>
/// <param name="Profile">Name and SM3 of the profile.</param>
/// <param name="Sm3">Of the DER, hexadecimal.</param>
internal sealed record InventoryCertificate(string Id, string File, string? Key, string Issuer, string Profile, string Sm3);

/// <param name="Number">CRL number, decimal.</param>
internal sealed record InventoryCrl(string Id, string File, string Issuer, CrlKind Kind, string Number, string Sm3);
