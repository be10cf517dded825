using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ceremony;

/// <summary>One line of the journal.</summary>
/// <param name="Number">From 1.</param>
/// <param name="At">UTC.</param>
/// <param name="What">What happened: <c>certificate-intent</c>.</param>
/// <param name="Id">To what.</param>
/// <param name="Data">Base64, or a text; what it is depends on <paramref name="What"/>.</param>
/// <param name="Previous">SM3 of the line before, hexadecimal; of the first 64 zeros.</param>
internal sealed record JournalEntry(int Number, string At, string What, string Id, string Data, string Previous)
{
    /// <summary>The first line: SM3 of the plan.</summary>
    public const string Begin = "begin";

    /// <summary>The last line: SM3 of the plan.</summary>
    public const string End = "end";

    /// <summary>The signature counter of a root's key of the basis, as the device gave it.</summary>
    public const string Counted = "basis-counted";

    /// <summary>The label.</summary>
    public const string KeyIntent = "key-intent";

    /// <summary>The public key, or the kind of a symmetric key.</summary>
    public const string Key = "key";

    /// <summary>The public key, and SM3 of the file.</summary>
    public const string LinkKey = "link-key";

    /// <summary>DER of TBSCertificate.</summary>
    public const string CertificateIntent = "certificate-intent";

    /// <summary>DER.</summary>
    public const string Certificate = "certificate";

    /// <summary>Number, thisUpdate in Unix seconds, the digest that is signed.</summary>
    public const string CrlIntent = "crl-intent";

    /// <summary>DER.</summary>
    public const string Crl = "crl";

    /// <summary>SM3 of the certificates of both highest officers.</summary>
    public const string Service = "service";

    /// <summary>DER of a partition's policy; the last one counts.</summary>
    public const string PolicyDraft = "policy-draft";

    /// <summary>DER of the policy that is in force.</summary>
    public const string Policy = "policy";

    /// <summary>The file.</summary>
    public const string Inventory = "inventory";

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>When <see cref="At"/> is; null: no time.</summary>
    public DateTimeOffset? Time => DateTimeOffset.TryParseExact(At, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;

    public static string Format(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    /// <exception cref="CeremonyException">The data is a text: the line was not written by this program.</exception>
    public byte[] Decode()
    {
        try
        {
            return Convert.FromBase64String(Data);
        }
        catch (FormatException e)
        {
            throw new CeremonyException($"The journal's line {Number} cannot be read: somebody changed it. Find out who and begin anew in another folder.", e);
        }
    }
}

/// <summary>
/// What a ceremony did, line by line, each on disk before the next step: by it the ceremony goes on after an interruption and makes nothing twice. Intentions come before
/// what they tell of.
/// </summary>
internal sealed class Journal : IDisposable
{
    /// <summary>What a clock that is being adjusted may go back.</summary>
    private static readonly TimeSpan ClockSlack = TimeSpan.FromSeconds(5);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly FileStream _file;
    private readonly TimeProvider _time;
    private readonly List<JournalEntry> _entries;
    private string _lastHash;

    private Journal(FileStream file, TimeProvider time, List<JournalEntry> entries, string lastHash)
    {
        _file = file;
        _time = time;
        _entries = entries;
        _lastHash = lastHash;
    }

    public IReadOnlyList<JournalEntry> Entries => _entries;

    /// <summary>Opens the journal, or begins one; nobody else can open it meanwhile. A last line that was cut off by a crash is dropped: nothing had followed it.</summary>
    /// <exception cref="CeremonyException">The lines are not those that were written, or another ceremony runs here.</exception>
    public static Journal Open(string path, TimeProvider time)
    {
        FileStream file;
        try
        {
            // Nothing shared: with any sharing two programs could both hold it.
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            TokenFiles.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new CeremonyException($"{path} cannot be opened; does another ceremony run in this folder? {e.Message}", e);
        }

        try
        {
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            int whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
            (List<JournalEntry> entries, string last) = Read(bytes.AsSpan(0, whole), path);
            file.SetLength(whole);
            file.Position = whole;
            return new Journal(file, time, entries, last);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The lines of a journal that is complete.</summary>
    /// <exception cref="CeremonyException">They are not those that were written.</exception>
    public static IReadOnlyList<JournalEntry> Read(ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty || bytes[^1] == '\n' ? Read(bytes, "The journal").Entries : throw new CeremonyException("The journal's last line is cut off.");

    /// <returns>Null: it has not happened.</returns>
    public JournalEntry? Find(string what, string id) => _entries.Find(entry => entry.What == what && entry.Id == id);

    /// <exception cref="CeremonyException">It has not happened: the journal was not written by this program.</exception>
    public JournalEntry Require(string what, string id) => Require(_entries, what, id);

    /// <inheritdoc cref="Require(string, string)"/>
    public static JournalEntry Require(IReadOnlyList<JournalEntry> entries, string what, string id) =>
        entries.FirstOrDefault(entry => entry.What == what && entry.Id == id) ?? throw new CeremonyException($"The journal has no line \"{what}\" of {id}.");

    /// <summary>All lines, as they lie on the disk.</summary>
    public byte[] ReadAll()
    {
        byte[] bytes = new byte[_file.Length];
        _file.Position = 0;
        _file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>On disk when it returns.</summary>
    /// <exception cref="CeremonyException">The clock was set back since the last line.</exception>
    public JournalEntry Append(string what, string id, string data)
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (_entries.Count > 0 && _entries[^1].Time is { } last && now < last)
        {
            now = last - now <= ClockSlack
                ? last
                : throw new CeremonyException($"The clock says {now:u}, and the last thing was done at {last:u}. Set the clock right and run the same command again.");
        }

        var entry = new JournalEntry(_entries.Count + 1, JournalEntry.Format(now), what, id, data, _lastHash);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(entry, Json), (byte)'\n'];
        _file.Write(line);
        _file.Flush(flushToDisk: true);
        _lastHash = Hash(line);
        _entries.Add(entry);
        return entry;
    }

    public JournalEntry Append(string what, string id, ReadOnlySpan<byte> data) => Append(what, id, Convert.ToBase64String(data));

    public void Dispose() => _file.Dispose();

    private static (List<JournalEntry> Entries, string LastHash) Read(ReadOnlySpan<byte> bytes, string path)
    {
        var entries = new List<JournalEntry>();
        string previous = new('0', 2 * Sm3.HashSizeInBytes);
        while (!bytes.IsEmpty)
        {
            int length = bytes.IndexOf((byte)'\n') + 1;
            ReadOnlySpan<byte> line = bytes[..length];
            JournalEntry? entry = Parse(line);
            if (entry is null || entry.Previous != previous || entry.Number != entries.Count + 1)
            {
                throw new CeremonyException($"{path}: line {entries.Count + 1} is not the one that was written. The ceremony cannot go on with it; begin anew in another folder.");
            }

            entries.Add(entry);
            previous = Hash(line);
            bytes = bytes[length..];
        }

        return (entries, previous);
    }

    /// <returns>Null: not a line of ours, byte for byte.</returns>
    private static JournalEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            JournalEntry? entry = JsonSerializer.Deserialize<JournalEntry>(line[..^1], Json);
            return entry is not null && JsonSerializer.SerializeToUtf8Bytes(entry, Json).AsSpan().SequenceEqual(line[..^1]) ? entry : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Hash(ReadOnlySpan<byte> line) => Convert.ToHexStringLower(Sm3.HashData(line));
}
