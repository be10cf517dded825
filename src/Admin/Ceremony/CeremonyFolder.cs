using ZwCa.Cryptography;

namespace ZwCa.Admin.Ceremony;

/// <summary>Where a ceremony's output grows. A file appears whole or not at all, and is never replaced by another content.</summary>
internal sealed class CeremonyFolder(string path)
{
    public const string PlanFile = "plan.json";
    public const string JournalFile = "journal.jsonl";
    public const string TranscriptFile = "transcript.json";
    public const string SignatureFolder = "signatures";
    public const string InputFolder = "inputs";
    public const string PolicyFolder = "policy";

    private static readonly string[] OwnNames =
        [PlanFile, JournalFile, TranscriptFile, Inventory.FileName, SignatureFolder, InputFolder, PolicyFolder];

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>Whether a plan may name it: it stays inside the folder, and is none of the ceremony's own.</summary>
    public static bool IsPlain(string file)
    {
        string[] parts = file.Split('/');
        return file.Length <= 128
            && parts.All(part => part.Length > 0 && part[0] != '.' && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            && !OwnNames.Contains(parts[0], StringComparer.OrdinalIgnoreCase);
    }

    public string PathOf(string file) => System.IO.Path.Combine(Path, file);

    public bool Has(string file) => File.Exists(PathOf(file));

    public byte[] Read(string file)
    {
        // The journal is open for writing while the transcript is made.
        using var stream = new FileStream(PathOf(file), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <exception cref="CeremonyException">It is there already with another content.</exception>
    public void Write(string file, ReadOnlySpan<byte> content, bool isSecret = false)
    {
        string target = PathOf(file);
        if (File.Exists(target))
        {
            if (!File.ReadAllBytes(target).AsSpan().SequenceEqual(content))
            {
                throw new CeremonyException($"{target} is there with another content than this ceremony's. Somebody changed it: find out who and begin anew in another folder.");
            }

            return;
        }

        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
        string draft = target + ".part";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = isSecret ? UnixFileMode.UserRead | UnixFileMode.UserWrite : UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        }

        File.Delete(draft);
        using (var stream = new FileStream(draft, options))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, target);
    }

    /// <summary>Every file, by its path inside with slashes, in ordinal order.</summary>
    public IReadOnlyList<string> Files() =>
    [
        .. Directory.EnumerateFiles(Path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Select(file => System.IO.Path.GetRelativePath(Path, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    public string HashOf(string file) => Convert.ToHexStringLower(Sm3.HashData(Read(file)));
}
