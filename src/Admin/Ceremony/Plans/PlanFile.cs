using System.Text.Json;
using System.Text.Json.Serialization;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ceremony;

/// <summary>A plan that was read and holds together: ids once, references to what is there, keys of kinds that their use takes, no validity beyond an issuer's.</summary>
internal sealed class PlanFile
{
    private const int MaxLength = 1 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    private PlanFile(CeremonyPlan plan, byte[] bytes, string folder, IReadOnlyDictionary<string, Profile> profiles)
    {
        Plan = plan;
        Bytes = bytes;
        Folder = folder;
        Profiles = profiles;
        Hash = Convert.ToHexStringLower(Sm3.HashData(bytes));
    }

    public CeremonyPlan Plan { get; }

    /// <summary>As they were reviewed.</summary>
    public byte[] Bytes { get; }

    /// <summary>SM3 of <see cref="Bytes"/>, hexadecimal: what was printed and signed before.</summary>
    public string Hash { get; }

    /// <summary>Where relative paths begin.</summary>
    public string Folder { get; }

    /// <summary>Those that the plan names, by name.</summary>
    public IReadOnlyDictionary<string, Profile> Profiles { get; }

    /// <summary>What is earlier: of a ceremony that goes on from another.</summary>
    /// <param name="basis">Null: there is none.</param>
    /// <exception cref="CeremonyException">Not a plan, or one that cannot be carried out: all that is wrong, a line each.</exception>
    public static PlanFile Read(string path, Inventory? basis)
    {
        byte[] bytes = Input(path, MaxLength);
        return Parse(bytes, Path.GetDirectoryName(Path.GetFullPath(path))!, file => Input(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file), Profile.MaxLength), basis);
    }

    /// <summary>The plan that lies in an output, with the profiles that lie beside it.</summary>
    /// <param name="readProfile">By the name that the plan gives the file.</param>
    /// <exception cref="CeremonyException">See <see cref="Read"/>.</exception>
    public static PlanFile Parse(byte[] bytes, string folder, Func<string, byte[]> readProfile, Inventory? basis)
    {
        CeremonyPlan plan = Deserialize(bytes);

        var profiles = ProfileCatalogue.Shipped.All.ToDictionary(profile => profile.Name);
        foreach (ProfilePlan each in plan.Profiles)
        {
            Profile profile = ReadProfile(each.File, readProfile);
            string hash = Convert.ToHexStringLower(profile.Hash.Span);
            if (hash != each.Sm3)
            {
                throw new CeremonyException($"The profile in {each.File} is {hash}, and the plan was reviewed with {each.Sm3}. Review the profile, or put back the one that was reviewed.");
            }

            if (!profiles.TryAdd(profile.Name, profile))
            {
                throw new CeremonyException($"There are two profiles {profile.Name}; give that of {each.File} another name.");
            }
        }

        IReadOnlyList<string> faults = new PlanCheck(plan, profiles, basis).Faults();
        return faults.Count == 0
            ? new PlanFile(plan, bytes, folder, profiles)
            : throw new CeremonyException($"The plan cannot be carried out:\n{string.Join('\n', faults.Select(fault => $"  - {fault}"))}");
    }

    private static Profile ReadProfile(string file, Func<string, byte[]> read)
    {
        try
        {
            return Profile.Parse(read(file));
        }
        catch (ProfileException e)
        {
            throw new CeremonyException($"{file}: {e.Message} Correct the profile.", e);
        }
    }

    /// <summary>What is written in a plan, whether it holds together or not.</summary>
    /// <exception cref="CeremonyException">Not a plan.</exception>
    public static CeremonyPlan Deserialize(ReadOnlySpan<byte> bytes)
    {
        try
        {
            CeremonyPlan plan = JsonSerializer.Deserialize<CeremonyPlan>(bytes, Json) ?? throw new CeremonyException("The plan is empty.");
            return HasNull(plan) ? throw new CeremonyException("The plan cannot be read: there is a null in one of its lists. Take it out.") : plan;
        }
        catch (JsonException e)
        {
            throw new CeremonyException($"The plan cannot be read: {e.Message} Correct it: docs/CEREMONY.md has every field.", e);
        }
    }

    /// <returns>The path of an input.</returns>
    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <exception cref="CeremonyException">Missing, unreadable or too long.</exception>
    public static byte[] Input(string path, int maxLength)
    {
        try
        {
            var file = new FileInfo(path);
            return file.Length <= maxLength ? File.ReadAllBytes(path) : throw new CeremonyException($"{path} has more than {maxLength} bytes.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CeremonyException($"{path} cannot be read: {e.Message}", e);
        }
    }

    public static string Serialize(CeremonyPlan plan) => JsonSerializer.Serialize(
        plan, new JsonSerializerOptions(Json) { WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";

    public override string ToString() => $"{Plan.Name} {Hash[..16]}";

    private static bool HasNull(CeremonyPlan plan)
    {
        IEnumerable<IEnumerable<object?>> lists =
            [plan.Witnesses, plan.Devices, plan.Profiles, plan.Keys, plan.Certificates, plan.Crls, plan.Services, plan.Policies];
        return lists.Any(list => list.Contains(null))
            || plan.Certificates.SelectMany(each => each.Subject.Concat(each.Place).Concat(each.Names)).Contains(null)
            || plan.Crls.Any(each => each.Revoke.Contains(null))
            || plan.Services.Any(each => each.Clients.Contains(null))
            || plan.Policies.SelectMany(each => each.CaKeys.Concat(each.OfficerIssuers)).Contains(null);
    }
}
