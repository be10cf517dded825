using System.Net;
using System.Text.Json;

namespace ZwCa.HsmSim.Running;

/// <summary>How much a device puts up with, in the words of the services.</summary>
internal enum RunMode
{
    /// <summary>Refuses what is marked, opens nothing by itself, and knows no fault points.</summary>
    Production,

    /// <summary>For showing: marked material is welcome.</summary>
    Demo,

    Development,
}

/// <summary>The configuration is wrong; each reason names its setting.</summary>
internal sealed class RunSettingsException(IReadOnlyList<string> reasons) : Exception(string.Join(" ", reasons))
{
    public IReadOnlyList<string> Reasons { get; } = reasons;
}

/// <summary>With what a device runs: what <c>run</c> takes, from the command line or from a file.</summary>
internal sealed record RunSettings
{
    /// <summary>In a file it is <see cref="RunMode.Production"/> where it is not named, as for the services.</summary>
    public required RunMode Mode { get; init; }

    /// <summary>Folder of the store.</summary>
    public required string Store { get; init; }

    /// <summary>Folder of the anchors. Null: STORE.anchor.</summary>
    public string? Anchor { get; init; }

    /// <summary>Port 0: a free one.</summary>
    public required DnsEndPoint Listen { get; init; }

    /// <summary>Opens the partitions that were made so.</summary>
    public bool AutoUnlock { get; init; }

    /// <summary>The console may let things go wrong.</summary>
    public bool Faults { get; init; }

    /// <summary>Says everything that is wrong at once.</summary>
    /// <param name="file">JSON: <c>{"Mode": "Production", "Store": "/var/lib/zwca/hsm", "Anchor": "/var/lib/zwca/hsm.anchor", "Listen": "127.0.0.1:9600", "AutoUnlock": false, "Faults": false}</c>; folders are as from the file's own.</param>
    /// <exception cref="RunSettingsException">The file cannot be read, is no JSON, or a setting is missing, unknown or of another type.</exception>
    public static RunSettings Load(string file)
    {
        using JsonDocument document = Parse(file);
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var reasons = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        RunMode mode = RunMode.Production;
        string? store = null, anchor = null;
        DnsEndPoint? listen = null;
        bool autoUnlock = false, faults = false;
        foreach (JsonProperty setting in document.RootElement.EnumerateObject())
        {
            if (!seen.Add(setting.Name))
            {
                reasons.Add($"{setting.Name} is there twice.");
            }

            string text = setting.Value.ValueKind == JsonValueKind.String ? setting.Value.GetString()! : "";
            bool? flag = setting.Value.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => null,
            };
            switch (setting.Name)
            {
                case nameof(Mode):
                    RunMode? found = Enum.GetValues<RunMode>().Cast<RunMode?>().FirstOrDefault(each => each.ToString() == text);
                    mode = found ?? mode;
                    Need(found is not null, setting.Name, "Production, Demo or Development");
                    break;
                case nameof(Store):
                    store = text;
                    break;
                case nameof(Anchor):
                    anchor = text;
                    Need(text.Length > 0, setting.Name, "a folder");
                    break;
                case nameof(Listen):
                    listen = Address.Parse(text);
                    break;
                case nameof(AutoUnlock):
                    autoUnlock = flag ?? false;
                    Need(flag is not null, setting.Name, "true or false");
                    break;
                case nameof(Faults):
                    faults = flag ?? false;
                    Need(flag is not null, setting.Name, "true or false");
                    break;
                default:
                    reasons.Add($"{setting.Name} is no setting of hsm-sim.");
                    break;
            }
        }

        Need(!string.IsNullOrEmpty(store), nameof(Store), "the folder of a store");
        Need(listen is not null, nameof(Listen), "HOST:PORT");
        return reasons.Count > 0 ? throw new RunSettingsException(reasons) : new RunSettings
        {
            Mode = mode,
            Store = Path.Combine(folder, store!),
            Anchor = anchor is null ? null : Path.Combine(folder, anchor),
            Listen = listen!,
            AutoUnlock = autoUnlock,
            Faults = faults,
        };

        void Need(bool right, string setting, string expected)
        {
            if (!right)
            {
                reasons.Add($"{setting} must be {expected}.");
            }
        }
    }

    private static JsonDocument Parse(string file)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        }
        catch (JsonException e)
        {
            throw new RunSettingsException([$"{file} is not the JSON that is expected, line {e.LineNumber + 1}."]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunSettingsException([$"{file} cannot be read: {e.Message}"]);
        }

        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            document.Dispose();
            throw new RunSettingsException([$"{file} is not the JSON that is expected: an object with settings."]);
        }

        return document;
    }
}
