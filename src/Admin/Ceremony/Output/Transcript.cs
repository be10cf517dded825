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
            Transcript transcript = JsonSerializer.Deserialize<Transcript>(bytes, Json) ?? throw new CeremonyException("The transcript is empty.");
            IEnumerable<IEnumerable<object?>> lists = [transcript.Witnesses, transcript.Devices, transcript.Keys, transcript.Certificates, transcript.Files];
            return lists.Any(list => list.Contains(null)) ? throw new CeremonyException("The transcript cannot be read: there is a null in one of its lists.") : transcript;
        }
        catch (JsonException e)
        {
            throw new CeremonyException($"The transcript cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The transcript follows from plan, journal, inventory and files, but for the program and what the devices said of themselves.</summary>
    public static Transcript Of(
        PlanFile plan,
        IReadOnlyList<JournalEntry> journal,
        Inventory inventory,
        string program,
        IReadOnlyList<TranscriptDevice> devices,
        Func<string, Certificate> certificate,
        IReadOnlyList<TranscriptFile> files) => new()
        {
            Ceremony = plan.Plan.Name,
            Plan = plan.Hash,
            Basis = plan.Plan.Basis,
            Program = program,
            Began = journal[0].At,
            Ended = journal[^1].At,
            WitnessThreshold = plan.Plan.WitnessThreshold,
            Witnesses = plan.Plan.Witnesses,
            Devices = devices,
            Keys = [.. inventory.Keys.Select(TranscriptKey.Of)],
            Certificates = [.. inventory.Certificates.Select(each => TranscriptCertificate.Of(each, certificate(each.Id)))],
            Files = files,
        };

    public byte[] Write() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];

    /// <param name="journal">Where it is open; null: it lies in the folder.</param>
    public static IReadOnlyList<TranscriptFile> FilesOf(CeremonyFolder folder, Journal? journal = null) =>
    [
        .. folder.Files()
            .Where(file => file != CeremonyFolder.TranscriptFile && !CeremonyFolder.IsIn(file, CeremonyFolder.SignatureFolder))
            .Select(file => TranscriptFile.Of(file, journal is not null && file == CeremonyFolder.JournalFile ? journal.ReadAll() : folder.Read(file))),
    ];

    public static string Version { get; } =
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

internal sealed record TranscriptFile(string Path, long Size, string Sm3)
{
    public static TranscriptFile Of(string path, byte[] content) => new(path, content.Length, Convert.ToHexStringLower(Cryptography.Sm3.HashData(content)));
}
