namespace ZwCa.Ocsp.Feed;

/// <summary>A file of the copy.</summary>
/// <param name="Until">Unix seconds: after that none of its responses is given out any more.</param>
/// <param name="Length">Bytes.</param>
internal sealed record KeptFile(SegmentFile File, long Until, long Length);

/// <summary>The files of segments that the copy consists of, from the oldest on without a gap. One caller at a time.</summary>
internal sealed class KeptFiles(CopyFolder folder)
{
    /// <summary>Of a file that is worth joining, bytes.</summary>
    private const long SmallFile = 256 << 10;

    /// <summary>Of what was joined, bytes.</summary>
    private const long LargeFile = 4 << 20;
    private const int LeastJoined = 32;
    private const int MostJoined = 2000;

    private readonly List<KeptFile> _files = [];

    /// <summary>Files that are of no use: damaged, behind a damaged one, or before a gap. They go when what is to stand in their place has come, and not before: a wrong pin may be all that is wrong.</summary>
    private readonly List<SegmentFile> _left = [];

    /// <param name="files">In order.</param>
    /// <param name="snapshot">With which they have to meet. Null: there is none.</param>
    /// <returns>The last files that follow each other without a gap. Of what was joined the small ones may still be there.</returns>
    public static List<SegmentFile> LastRun(IReadOnlyList<SegmentFile> files, long? snapshot)
    {
        var run = new List<SegmentFile>();
        foreach (SegmentFile file in files.Where(each => run.Count == 0 || each.Last > run[^1].Last))
        {
            if (run.Count > 0 && file.First != run[^1].Last + 1)
            {
                run.Clear();
            }

            run.Add(file);
        }

        return run.Count > 0 && run[0].First <= (snapshot ?? 0) + 1 ? run : [];
    }

    public void Clear()
    {
        _files.Clear();
        _left.Clear();
    }

    /// <summary>The next one; it is on the disk.</summary>
    public void Add(SegmentFile file, long until) => _files.Add(new KeptFile(file, until, folder.LengthOf(file)));

    /// <returns>In which a segment is. Null: in none.</returns>
    public SegmentFile? Find(long number) => _files.Find(each => each.File.First <= number && each.File.Last >= number)?.File;

    /// <param name="all">All that there are: those that were not added are of no use.</param>
    public void Leave(IEnumerable<SegmentFile> all) => _left.AddRange(all.Except(_files.Select(each => each.File)));

    public void DeleteLeft()
    {
        _left.ForEach(folder.Delete);
        _left.Clear();
    }

    /// <summary>From the oldest on those that the snapshot has and whose responses are over.</summary>
    public void Trim(long snapshot, long now)
    {
        // The last one stays: the next one links to it.
        while (_files is [var oldest, _, ..] && oldest.File.Last < snapshot && oldest.Until < now)
        {
            folder.Delete(oldest.File);
            _files.RemoveAt(0);
        }
    }

    /// <returns>Small files side by side, enough that it is worth it; or none.</returns>
    public IReadOnlyList<KeptFile> FindSmall()
    {
        var small = new List<KeptFile>();
        long length = 0;
        foreach (KeptFile each in _files)
        {
            bool isSmall = each.Length < SmallFile;
            if (isSmall && length < LargeFile && small.Count < MostJoined)
            {
                small.Add(each);
                length += each.Length;
                continue;
            }

            if (small.Count >= LeastJoined)
            {
                break;
            }

            small = isSmall ? [each] : [];
            length = isSmall ? each.Length : 0;
        }

        return small.Count >= LeastJoined ? small : [];
    }

    /// <summary>One file stands for many, which go.</summary>
    /// <returns>False: they are not here any more, and it goes.</returns>
    public bool TryReplace(IReadOnlyList<KeptFile> small, SegmentFile joined)
    {
        int at = _files.FindIndex(each => ReferenceEquals(each, small[0]));
        if (at < 0)
        {
            // The copy has begun anew meanwhile, and may have a file of that name again.
            if (!_files.Any(each => each.File == joined))
            {
                folder.Delete(joined);
            }

            return false;
        }

        _files.RemoveRange(at, small.Count);
        _files.Insert(at, new KeptFile(joined, small.Max(each => each.Until), folder.LengthOf(joined)));
        foreach (KeptFile each in small)
        {
            folder.Delete(each.File);
        }

        return true;
    }
}
