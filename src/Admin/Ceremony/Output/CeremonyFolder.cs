using ZwCa.Admin.Token;
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

    /// <summary>Transcript, inventory and superseded CRLs of the ceremony that this one goes on from.</summary>
    public const string BasisFolder = "basis";

    /// <summary>Bytes.</summary>
    private const int MaxFileLength = 64 << 20;

    private const string DraftSuffix = ".part";

    private static readonly string[] OwnNames =
        [PlanFile, JournalFile, TranscriptFile, Inventory.FileName, SignatureFolder, InputFolder, PolicyFolder, BasisFolder];

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>Whether a plan may name it: it stays inside the folder, and is none of the ceremony's own.</summary>
    public static bool IsPlain(string file)
    {
        string[] parts = file.Split('/');
        return file.Length <= 128
            && parts.All(part => part.Length > 0 && part[0] != '.' && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            && !OwnNames.Contains(parts[0], StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Where an input of the plan is kept: its name without folders. Two inputs of one name are refused by the plan's check.</summary>
    public static string InputPath(string file) => $"{InputFolder}/{System.IO.Path.GetFileName(file)}";

    public static string PolicyPath(string device) => $"{PolicyFolder}/{device}.der";

    /// <summary>A CRL of the basis in whose place the plan makes another.</summary>
    public static string SupersededPath(string crl) => $"{BasisFolder}/{crl}.crl";

    public static bool IsIn(string file, string folder) => file.StartsWith(folder + "/", StringComparison.Ordinal);

    public string PathOf(string file) => System.IO.Path.Combine(Path, file);

    public bool Has(string file) => File.Exists(PathOf(file));

    /// <exception cref="CeremonyException">Missing, unreadable, or longer than any file of a ceremony.</exception>
    public byte[] Read(string file) => Ceremony.PlanFile.Input(PathOf(file), MaxFileLength);

    /// <exception cref="CeremonyException">It is there already with another content, or a link leads out of the folder.</exception>
    public void Write(string file, ReadOnlySpan<byte> content, bool isSecret = false)
    {
        RequireNoLink(file);
        string target = PathOf(file);
        if (File.Exists(target))
        {
            if (!Read(file).AsSpan().SequenceEqual(content))
            {
                throw new CeremonyException($"{target} is there with another content than this ceremony's. Somebody changed it: find out who and begin anew in another folder.");
            }

            return;
        }

        string folder = System.IO.Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(folder);
        string draft = System.IO.Path.Combine(folder, $".{System.IO.Path.GetFileName(target)}{DraftSuffix}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
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
        TokenFiles.FlushFolder(folder);
    }

    /// <summary>Takes a file away, if it is there.</summary>
    /// <exception cref="CeremonyException">A link leads out of the folder.</exception>
    public void Remove(string file)
    {
        RequireNoLink(file);
        if (Has(file))
        {
            File.Delete(PathOf(file));
        }
    }

    /// <summary>What an interruption left half written. No plan can name such a file.</summary>
    public void RemoveDrafts()
    {
        foreach (string file in Files())
        {
            string name = System.IO.Path.GetFileName(file);
            if (name[0] == '.' && name.EndsWith(DraftSuffix, StringComparison.Ordinal))
            {
                Remove(file);
            }
        }
    }

    /// <summary>Every file, by its path inside with slashes, in ordinal order.</summary>
    /// <exception cref="CeremonyException">There is a link.</exception>
    public IReadOnlyList<string> Files()
    {
        var files = new List<string>();
        Collect(new DirectoryInfo(Path), "", files);
        files.Sort(StringComparer.Ordinal);
        return files;
    }

    public string HashOf(string file) => Convert.ToHexStringLower(Sm3.HashData(Read(file)));

    private static void Collect(DirectoryInfo folder, string prefix, List<string> files)
    {
        foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0 }))
        {
            if (entry.LinkTarget is not null)
            {
                throw new CeremonyException($"{entry.FullName} is a link. An output has files of its own only: take it away.");
            }

            if (entry is DirectoryInfo inner)
            {
                Collect(inner, $"{prefix}{entry.Name}/", files);
            }
            else
            {
                files.Add(prefix + entry.Name);
            }
        }
    }

    private void RequireNoLink(string file)
    {
        string path = Path;
        foreach (string part in file.Split('/'))
        {
            path = System.IO.Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null)
            {
                throw new CeremonyException($"{path} is a link. An output has files of its own only: take it away and run the same command again.");
            }
        }
    }
}
