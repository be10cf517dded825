using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>
/// The files of a copy of the feed, as they were received: <c>segments/N</c> (one frame each), <c>snapshots/N/</c> (<c>part-I</c>, and <c>statement</c>, which is written last: without it the snapshot
/// is none), <c>keys/N</c> (segments that name a next key: they stay), and <c>crls/SM3</c>. A file has its name only when it is complete and on the disk.
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

    public void WritePart(long number, int part, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.Combine(_snapshots, Name(number)));
        Write(Part(number, part), content);
    }

    /// <exception cref="FeedRefusedException">It is not there, or too long.</exception>
    public byte[] ReadPart(long number, int part) => ReadFile(Part(number, part), FeedFrames.MaxContent);

    /// <summary>When all parts are there.</summary>
    public void WriteStatement(FeedStatement snapshot)
    {
        Folder.Flush(_snapshots);
        Write(Path.Combine(_snapshots, Name(snapshot.Tbs.Number), "statement"), Der.Encode(snapshot));
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

    /// <summary>All snapshots before that one, and those that were begun.</summary>
    public void DeleteSnapshotsBefore(long number)
    {
        foreach (string folder in Directory.GetDirectories(_snapshots))
        {
            if (!long.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out long each) || each < number)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    /// <summary>With twelve digits: names stand in the order of their numbers.</summary>
    private static string Name(long number) => number.ToString("D12", CultureInfo.InvariantCulture);

    private string Part(long number, int part) => Path.Combine(_snapshots, Name(number), $"part-{part.ToString(CultureInfo.InvariantCulture)}");

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
