using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>A file of segments, and which are in it.</summary>
internal readonly record struct SegmentFile(long First, long Last);

/// <summary>
/// The files of a copy of the feed, as they were received: <c>segments/N</c> (one frame) and <c>segments/N-M</c> (one frame after the other), <c>snapshots/N/</c> (<c>part-I</c> and <c>statement</c>; while it is fetched it lies beside, as <c>N.next</c> or
/// <c>N.begun</c>), <c>keys/N</c> (segments that name a next key: they stay), and <c>crls/SM3</c>. A file has its name only when it is complete and on the disk.
/// </summary>
internal sealed class CopyFolder
{
    /// <summary>Of a file of segments: an answer with them has no more, nor have those that were joined.</summary>
    private const int MaxSegments = 2 * FeedFrames.MaxContent;

    private const int MaxStatement = 4 << 20;

    /// <summary>At the end of the name of what is being written.</summary>
    private const string Temporary = ".tmp";

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

    /// <summary>In order; of two that begin with the same segment the longer one first.</summary>
    public IReadOnlyList<SegmentFile> Segments =>
        [.. Directory.EnumerateFiles(_segments).Select(each => Parse(Path.GetFileName(each))).OfType<SegmentFile>().OrderBy(each => each.First).ThenByDescending(each => each.Last)];

    /// <summary>Numbers, in order.</summary>
    public IReadOnlyList<long> KeySegments => Numbers(Directory.EnumerateFiles(_keys));

    /// <summary>Complete ones, in order.</summary>
    public IReadOnlyList<long> Snapshots => Numbers(Directory.EnumerateDirectories(_snapshots).Where(each => File.Exists(Path.Combine(each, "statement"))));

    /// <summary>What was being written when the node was killed.</summary>
    public void DeleteTemporary()
    {
        foreach (string file in new[] { _segments, _keys }.SelectMany(each => Directory.GetFiles(each, $"*{Temporary}")))
        {
            File.Delete(file);
        }
    }

    /// <summary>Written aside, and on the disk, before it has its name. What fails leaves nothing behind: the next attempt has another name, and a full disk would become fuller.</summary>
    public static void Write(string path, params IEnumerable<byte[]> content)
    {
        string temporary = path + Temporary;
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                foreach (byte[] each in content)
                {
                    file.Write(each);
                }

                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        Folder.Flush(Path.GetDirectoryName(path)!);
    }

    /// <param name="segments">Those of the file, in order.</param>
    public void WriteSegments(SegmentFile file, IEnumerable<FeedSegment> segments) => Write(PathOf(file), segments.Select(Frame));

    /// <summary>Where it is there already, nothing is written: a full disk keeps no copy from being loaded.</summary>
    public void WriteKeySegment(FeedSegment segment)
    {
        string path = Path.Combine(_keys, Name(segment.Statement.Tbs.Number));
        byte[] frame = Frame(segment);
        if (Find(path) is not { } had || !had.AsSpan().SequenceEqual(frame))
        {
            Write(path, frame);
        }
    }

    /// <exception cref="FeedRefusedException">It is damaged.</exception>
    public IReadOnlyList<FeedSegment> ReadSegments(SegmentFile file) => Read(PathOf(file), file);

    /// <inheritdoc cref="ReadSegments"/>
    public FeedSegment ReadKeySegment(long number) => Read(Path.Combine(_keys, Name(number)), new SegmentFile(number, number))[0];

    /// <returns>Bytes.</returns>
    public long LengthOf(SegmentFile file) => new FileInfo(PathOf(file)).Length;

    public void Delete(SegmentFile file) => File.Delete(PathOf(file));

    /// <summary>Part of a snapshot that is being fetched.</summary>
    /// <param name="suffix">For what: two that fetch at one time do not meet.</param>
    public void WritePart(long number, string suffix, int part, byte[] content)
    {
        string folder = Directory.CreateDirectory(Fetched(number, suffix)).FullName;
        Write(Part(folder, part), content);
    }

    /// <returns>Null: it has not come yet, or cannot be read.</returns>
    public byte[]? FindPart(long number, string suffix, int part) => Find(Part(Fetched(number, suffix), part));

    /// <param name="suffix">Of one that is being fetched. Null: of one that is taken.</param>
    /// <exception cref="FeedRefusedException">It is not there, or too long.</exception>
    public byte[] ReadPart(long number, string? suffix, int part) => ReadFile(Part(suffix is null ? Path.Combine(_snapshots, Name(number)) : Fetched(number, suffix), part), FeedFrames.MaxContent);

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

    private string PathOf(SegmentFile file) => Path.Combine(_segments, file.First == file.Last ? Name(file.First) : $"{Name(file.First)}-{Name(file.Last)}");

    /// <returns>Null: none of ours, or one that did not become whole.</returns>
    private static SegmentFile? Parse(string name)
    {
        int dash = name.IndexOf('-', StringComparison.Ordinal);
        bool isFirst = long.TryParse(name.AsSpan(0, dash < 0 ? name.Length : dash), NumberStyles.None, CultureInfo.InvariantCulture, out long first);
        long last = first;
        bool isLast = dash < 0 || long.TryParse(name.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out last);
        return isFirst && isLast && first > 0 && last >= first ? new SegmentFile(first, last) : null;
    }

    private static List<FeedSegment> Read(string path, SegmentFile file)
    {
        try
        {
            List<FeedSegment> segments = [.. FeedFrames.Read(ReadFile(path, MaxSegments))];
            return segments.Count == file.Last - file.First + 1 && segments.Select((each, i) => each.Statement.Tbs.Number == file.First + i).All(each => each) ? segments
                : throw new FeedRefusedException($"{path} is damaged: it has other segments than its name says.");
        }
        catch (DerException e)
        {
            throw new FeedRefusedException($"{path} is damaged: {e.Message}");
        }
    }

    /// <returns>Null: it is not there, or cannot be read.</returns>
    private static byte[]? Find(string path)
    {
        try
        {
            return File.Exists(path) ? ReadFile(path, MaxSegments) : null;
        }
        catch (FeedRefusedException)
        {
            return null;
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
