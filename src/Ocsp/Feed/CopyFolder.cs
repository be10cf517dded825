using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>
/// The files of a copy of the feed, as they were received: <c>segments/N</c> (one frame each), <c>snapshots/N/</c> (<c>part-I</c> and <c>statement</c>; while it is fetched it lies beside, as <c>N.next</c> or
/// <c>N.begun</c>), <c>keys/N</c> (segments that name a next key: they stay), and <c>crls/SM3</c>. A file has its name only when it is complete and on the disk.
/// </summary>
internal sealed class CopyFolder
{
    private const int MaxStatement = 4 << 20;

    private readonly string _segments;
    private readonly string _snapshots;
    private readonly string _keys;

    /// <param name="path">Is made where it is missing.</param>
    public CopyFolder(string path)
    {
        _segments = Directory.CreateDirectory(Path.Combine(path, "segments")).FullName;
        _snapshots = Directory.CreateDirectory(Path.Combine(path, "snapshots")).FullName;
        _keys = Directory.CreateDirectory(Path.Combine(path, "keys")).FullName;
        Crls = Directory.CreateDirectory(Path.Combine(path, "crls")).FullName;
    }

    /// <summary>Path of the folder.</summary>
    public string Crls { get; }

    /// <summary>Numbers, in order.</summary>
    public IReadOnlyList<long> Segments => Numbers(Directory.EnumerateFiles(_segments));

    /// <inheritdoc cref="Segments"/>
    public IReadOnlyList<long> KeySegments => Numbers(Directory.EnumerateFiles(_keys));

    /// <summary>Complete ones, in order.</summary>
    public IReadOnlyList<long> Snapshots => Numbers(Directory.EnumerateDirectories(_snapshots).Where(each => File.Exists(Path.Combine(each, "statement"))));

    /// <summary>Written aside, and on the disk, before it has its name.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + ".tmp";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        Folder.Flush(Path.GetDirectoryName(path)!);
    }

    public void WriteSegment(FeedSegment segment) => Write(Path.Combine(_segments, Name(segment.Statement.Tbs.Number)), Frame(segment));

    public void WriteKeySegment(FeedSegment segment) => Write(Path.Combine(_keys, Name(segment.Statement.Tbs.Number)), Frame(segment));

    /// <exception cref="FeedRefusedException">It is damaged.</exception>
    public FeedSegment ReadSegment(long number) => Read(Path.Combine(_segments, Name(number)));

    /// <inheritdoc cref="ReadSegment"/>
    public FeedSegment ReadKeySegment(long number) => Read(Path.Combine(_keys, Name(number)));

    public void DeleteSegment(long number) => File.Delete(Path.Combine(_segments, Name(number)));

    /// <summary>Part of a snapshot that is being fetched.</summary>
    /// <param name="suffix">For what: two that fetch at one time do not meet.</param>
    public void WritePart(long number, string suffix, int part, ReadOnlySpan<byte> content)
    {
        string folder = Directory.CreateDirectory(Fetched(number, suffix)).FullName;
        Write(Part(folder, part), content);
    }

    /// <returns>Null: it has not come yet.</returns>
    public byte[]? FindPart(long number, string suffix, int part)
    {
        string path = Part(Fetched(number, suffix), part);
        return File.Exists(path) ? ReadFile(path, FeedFrames.MaxContent) : null;
    }

    /// <exception cref="FeedRefusedException">It is not there, or too long.</exception>
    public byte[] ReadPart(long number, int part) => ReadFile(Part(Path.Combine(_snapshots, Name(number)), part), FeedFrames.MaxContent);

    /// <summary>All parts have come. A snapshot has its name only with all that belongs to it.</summary>
    public void TakeFetched(FeedStatement snapshot, string suffix)
    {
        string fetched = Directory.CreateDirectory(Fetched(snapshot.Tbs.Number, suffix)).FullName;
        Write(Path.Combine(fetched, "statement"), Der.Encode(snapshot));
        string path = Path.Combine(_snapshots, Name(snapshot.Tbs.Number));
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        Directory.Move(fetched, path);
        Folder.Flush(_snapshots);
    }

    /// <summary>What was begun to be fetched, and is not wanted any more.</summary>
    /// <param name="except">Number of the snapshot that is.</param>
    public void DeleteFetched(string suffix, long? except = null)
    {
        foreach (string folder in Directory.GetDirectories(_snapshots, $"*.{suffix}").Where(each => except is not { } number || each != Fetched(number, suffix)))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <exception cref="FeedRefusedException">It is damaged.</exception>
    public FeedStatement ReadStatement(long number)
    {
        string path = Path.Combine(_snapshots, Name(number), "statement");
        try
        {
            return Der.Decode<FeedStatement>(ReadFile(path, MaxStatement));
        }
        catch (DerException e)
        {
            throw new FeedRefusedException($"{path} is damaged: {e.Message}");
        }
    }

    public void DeleteSnapshotsBefore(long number)
    {
        foreach (string folder in Directory.GetDirectories(_snapshots))
        {
            if (long.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out long each) && each < number)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    /// <summary>With twelve digits: names stand in the order of their numbers.</summary>
    private static string Name(long number) => number.ToString("D12", CultureInfo.InvariantCulture);

    private string Fetched(long number, string suffix) => Path.Combine(_snapshots, $"{Name(number)}.{suffix}");

    private static string Part(string folder, int part) => Path.Combine(folder, $"part-{part.ToString(CultureInfo.InvariantCulture)}");

    private static byte[] Frame(FeedSegment segment) => FeedFrames.Write(Der.Encode(segment.Statement), segment.Content.Span);

    private static FeedSegment Read(string path)
    {
        try
        {
            return FeedFrames.Read(ReadFile(path, FeedFrames.MaxContent + MaxStatement)).Single();
        }
        catch (Exception e) when (e is DerException or InvalidOperationException)
        {
            throw new FeedRefusedException($"{path} is damaged: {e.Message}");
        }
    }

    private static byte[] ReadFile(string path, int max)
    {
        try
        {
            var file = new FileInfo(path);
            return file.Length <= max ? File.ReadAllBytes(path) : throw new FeedRefusedException($"{path} is damaged: it is too long.");
        }
        catch (IOException e)
        {
            throw new FeedRefusedException($"{path} cannot be read: {e.Message}");
        }
    }

    private static List<long> Numbers(IEnumerable<string> paths) =>
        [.. paths.Select(each => long.TryParse(Path.GetFileName(each), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1).Where(each => each > 0).Order()];
}
