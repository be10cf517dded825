using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZwCa.Ca.Import;

/// <summary>What the CA reads of a ceremony's <c>inventory.json</c>: certificates and CRLs. docs/CEREMONY.md has the whole.</summary>
internal sealed record CeremonyInventory
{
    public const string FileName = "inventory.json";

    private const int MaxLength = 16 * 1024 * 1024;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, RespectRequiredConstructorParameters = true };

    public required IReadOnlyList<InventoriedCertificate> Certificates { get; init; }

    public required IReadOnlyList<InventoriedCrl> Crls { get; init; }

    /// <exception cref="ImportException">There is none in the folder, or it cannot be read.</exception>
    public static CeremonyInventory Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            byte[] bytes = new FileInfo(path).Length <= MaxLength ? File.ReadAllBytes(path) : throw new ImportException($"{path} is too large.");
            return JsonSerializer.Deserialize<CeremonyInventory>(bytes, Json) ?? throw new ImportException($"{path} is empty.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new ImportException($"{path} cannot be read: {e.Message}", e);
        }
    }
}

/// <param name="File">Below the folder, PEM.</param>
/// <param name="Profile">Name and hash.</param>
/// <param name="Sm3">Of the DER, lower-case hexadecimal.</param>
internal sealed record InventoriedCertificate(string Id, string File, string Issuer, [property: JsonPropertyName("profile")] string Profile, string Sm3);

/// <param name="Issuer">Id of the CA's certificate or key in the plan.</param>
/// <param name="Kind">complete, authorities …</param>
/// <param name="Number">Decimal.</param>
internal sealed record InventoriedCrl(string Id, string File, string Issuer, string Kind, string Number);

/// <summary>What was to be imported is not what the ceremony made. The message says what to look at.</summary>
internal sealed class ImportException(string message, Exception? inner = null) : Exception(message, inner);
