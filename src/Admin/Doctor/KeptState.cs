using System.Globalization;
using System.Numerics;
using System.Text.Json;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;

namespace ZwCa.Admin.Doctor;

/// <param name="Sm3">Of all its bytes, lower-case hexadecimal.</param>
internal sealed record SeenCrl(BigInteger Number, DateTimeOffset ThisUpdate, string Sm3);

/// <summary>
/// What runs have seen, so that a later one notices what went back: of each CRL, by its address, the one with the highest number, and of each anchor of a log, by
/// its path, the last checkpoint. In memory only, where no file was named.
/// <code>
/// {"crls":{"http://…/all.crl":{"number":"17","thisUpdate":"2026-07-01T08:00:00+00:00","sm3":"…"}},"anchors":{"/…/log.anchor":"base64 of the checkpoint's DER"}}
/// </code>
/// </summary>
internal sealed class KeptState
{
    private const int MaxFileLength = 16 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Strict) { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    private readonly string? _path;
    private readonly SortedDictionary<string, SeenCrl> _crls = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Checkpoint> _anchors = new(StringComparer.Ordinal);

    /// <param name="path">It need not exist yet; null: nothing is kept.</param>
    /// <exception cref="DerException">The file is there, and is no such state.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public KeptState(string? path)
    {
        _path = path is null ? null : Path.GetFullPath(path);
        if (_path is null || !File.Exists(_path))
        {
            return;
        }

        if (new FileInfo(_path).Length > MaxFileLength)
        {
            throw new DerException($"{_path} is no state of the doctor: it is too long.");
        }

        try
        {
            Document document = JsonSerializer.Deserialize<Document>(File.ReadAllBytes(_path), Json) ?? throw new JsonException("it is empty");
            foreach ((string url, Entry? entry) in document.Crls)
            {
                if (entry is null)
                {
                    throw new JsonException($"nothing is said of {url}");
                }

                _crls[url] = new SeenCrl(BigInteger.Parse(entry.Number, NumberStyles.None, CultureInfo.InvariantCulture), entry.ThisUpdate, entry.Sm3);
            }

            foreach ((string anchor, string? checkpoint) in document.Anchors)
            {
                _anchors[anchor] = Der.Decode<Checkpoint>(Convert.FromBase64String(checkpoint ?? ""));
            }
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new DerException($"{_path} is no state of the doctor: {e.Message}", e);
        }
    }

    public SeenCrl? FindCrl(string url) => _crls.GetValueOrDefault(url);

    public void Keep(string url, SeenCrl crl) => _crls[url] = crl;

    /// <param name="anchor">Path.</param>
    public Checkpoint? FindCheckpoint(string anchor) => _anchors.GetValueOrDefault(Path.GetFullPath(anchor));

    /// <summary>Of all anchors of a log: each node has its own, to which it appends while it sequences.</summary>
    public IEnumerable<Checkpoint> FindCheckpoints(string origin) => _anchors.Values.Where(checkpoint => checkpoint.Tbs.Origin == origin);

    public void Keep(string anchor, Checkpoint checkpoint) => _anchors[Path.GetFullPath(anchor)] = checkpoint;

    /// <summary>After an interruption there is the old file or the new one.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written.</exception>
    public void Save()
    {
        if (_path is null)
        {
            return;
        }

        var document = new Document
        {
            Crls = _crls.ToDictionary(each => each.Key, each => (Entry?)new Entry(each.Value.Number.ToString(CultureInfo.InvariantCulture), each.Value.ThisUpdate, each.Value.Sm3)),
            Anchors = _anchors.ToDictionary(each => each.Key, each => (string?)Convert.ToBase64String(Der.Encode(each.Value))),
        };
        TokenFiles.Replace(_path, JsonSerializer.SerializeToUtf8Bytes(document, Json));
    }

    private sealed record Document
    {
        public required Dictionary<string, Entry?> Crls { get; init; }

        public required Dictionary<string, string?> Anchors { get; init; }
    }

    private sealed record Entry(string Number, DateTimeOffset ThisUpdate, string Sm3);
}
