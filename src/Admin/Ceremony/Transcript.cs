using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Admin.Ceremony;

/// <summary>What was done, for people to read and witnesses to sign: the signatures are over the file's bytes.</summary>
internal sealed record Transcript
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public required string Ceremony { get; init; }

    /// <summary>SM3, hexadecimal; so are all hashes here.</summary>
    public required string Plan { get; init; }

    /// <summary>Transcript of the ceremony that this one went on from.</summary>
    public string? Basis { get; init; }

    public required string Program { get; init; }

    public required string Began { get; init; }

    public required string Ended { get; init; }

    public required int WitnessThreshold { get; init; }

    public required IReadOnlyList<WitnessPlan> Witnesses { get; init; }

    public required IReadOnlyList<TranscriptDevice> Devices { get; init; }

    public required IReadOnlyList<TranscriptKey> Keys { get; init; }

    public required IReadOnlyList<TranscriptCertificate> Certificates { get; init; }

    /// <summary>All of the output but this file and its signatures.</summary>
    public required IReadOnlyList<TranscriptFile> Files { get; init; }

    /// <exception cref="CeremonyException">Not a transcript.</exception>
    public static Transcript Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<Transcript>(bytes, Json) ?? throw new CeremonyException("The transcript is empty.");
        }
        catch (JsonException e)
        {
            throw new CeremonyException($"The transcript cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Written last, once.</summary>
    public static void Write(PlanFile plan, CeremonyFolder folder, Journal journal, DeviceSet devices, Inventory inventory)
    {
        var transcript = new Transcript
        {
            Ceremony = plan.Plan.Name,
            Plan = plan.Hash,
            Basis = plan.Plan.Basis,
            Program = Version(),
            Began = journal.Entries[0].At,
            Ended = journal.Entries[^1].At,
            WitnessThreshold = plan.Plan.WitnessThreshold,
            Witnesses = plan.Plan.Witnesses,
            Devices = [.. devices.All.Select(each => TranscriptDevice.Of(each.Id, each.Device.Token))],
            Keys = [.. inventory.Keys.Select(TranscriptKey.Of)],
            Certificates = [.. inventory.Certificates.Select(each => TranscriptCertificate.Of(each, CertificateFile.Read(folder.Read(each.File), each.File)))],
            Files = FilesOf(folder),
        };
        folder.Write(CeremonyFolder.TranscriptFile, [.. JsonSerializer.SerializeToUtf8Bytes(transcript, Json), (byte)'\n']);
    }

    public static IReadOnlyList<TranscriptFile> FilesOf(CeremonyFolder folder) =>
    [
        .. folder.Files()
            .Where(file => file != CeremonyFolder.TranscriptFile && !file.StartsWith($"{CeremonyFolder.SignatureFolder}/", StringComparison.Ordinal))
            .Select(file => new TranscriptFile(file, new FileInfo(folder.PathOf(file)).Length, folder.HashOf(file))),
    ];

    private static string Version() =>
        $"zwca {typeof(Transcript).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "?"}";
}

internal sealed record TranscriptDevice(string Id, string Label, string Serial, string Model, string Marks, string? LastBackup, int? KeysWithoutBackup)
{
    public static TranscriptDevice Of(string id, HsmToken token) =>
        new(id, token.Label, token.Serial, token.Model, token.Marks.ToString(), token.LastBackup?.UtcDateTime.ToString("u", System.Globalization.CultureInfo.InvariantCulture), token.KeysWithoutBackup);
}

/// <param name="Sm3">Of the SubjectPublicKeyInfo.</param>
/// <param name="Signatures">By the device's own counter.</param>
internal sealed record TranscriptKey(string Id, string Partition, string Label, string Kind, string? Sm3, long? Signatures)
{
    public static TranscriptKey Of(InventoryKey key) => new(
        key.Id, key.Partition, key.Label, key.Kind.ToString(), key.PublicKey is null ? null : Convert.ToHexStringLower(Cryptography.Sm3.HashData(Convert.FromBase64String(key.PublicKey))), key.Signatures);
}

internal sealed record TranscriptCertificate(string Id, string Subject, string Issuer, string Profile, string SerialNumber, string NotBefore, string NotAfter, string Sm3)
{
    public static TranscriptCertificate Of(InventoryCertificate entry, Certificate certificate) => new(
        entry.Id,
        certificate.Tbs.Subject.ToString(),
        certificate.Tbs.Issuer.ToString(),
        entry.Profile,
        certificate.Tbs.SerialNumber.ToString(),
        certificate.Tbs.Validity.NotBefore.ToString(),
        certificate.Tbs.Validity.NotAfter.ToString(),
        Convert.ToHexStringLower(Cryptography.Sm3.HashData(Der.Encode(certificate))));
}

internal sealed record TranscriptFile(string Path, long Size, string Sm3);
