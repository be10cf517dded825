using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>
/// A node's copy of the feed: files, the chain that verifies them, and what is answered from. One caller takes segments, another one snapshots, and a lock is held for moments, never while something
/// is fetched; <see cref="Served"/> is for everybody. What does not verify changes nothing, and what was verified before stays served.
/// </summary>
internal sealed class FeedCopy
{
    /// <summary>Of a snapshot on its way: one for later, and one to begin with.</summary>
    private const string Next = "next";
    private const string Begun = "begun";

    private readonly Lock _lock = new();
    private readonly string _origin;
    private readonly IReadOnlyList<SubjectPublicKeyInfo> _pins;
    private readonly CopyFolder _folder;
    private readonly FeedMemory _memory;
    private readonly List<(long Number, long Until)> _segments = [];
    private FeedChain _chain;
    private ServedFeed _building = new();
    private ServedFeed? _served;
    private long _snapshot;

    /// <param name="origin">Name of the feed.</param>
    /// <param name="pins">Its keys, as the operator has them.</param>
    /// <exception cref="FeedRefusedException">What was remembered is damaged.</exception>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public FeedCopy(string origin, IReadOnlyList<SubjectPublicKeyInfo> pins, string folder, string memoryFile)
    {
        _origin = origin;
        _pins = pins;
        _folder = new CopyFolder(folder);
        _memory = new FeedMemory(memoryFile);
        _chain = NewChain();
    }

    /// <summary>What is answered from. Null: the copy is not complete yet, or ends before what was answered already.</summary>
    public ServedFeed? Served => Volatile.Read(ref _served);

    /// <summary>Number of the last segment that was verified and taken.</summary>
    public long Number => _chain.At.Number;

    /// <summary>Number of the snapshot that the copy begins with; 0: none.</summary>
    public long SnapshotNumber => _snapshot;

    /// <summary>Path of the folder with the files of CRLs.</summary>
    public string Crls => _folder.Crls;

    /// <summary>Whether all is here that was ever heard of.</summary>
    public bool IsComplete => _chain.HasMet && Number >= _memory.Heard.Number;

    /// <summary>Of what is being built, and served as soon as it is complete.</summary>
    internal ServedFeed Latest => Volatile.Read(ref _building);

    /// <summary>Verifies what is on the disk, from the beginning, and takes it as far as it is right.</summary>
    /// <returns>What is damaged, in words; the rest has to be fetched again. Null: nothing.</returns>
    public string? Load()
    {
        using Lock.Scope scope = _lock.EnterScope();
        _folder.DeleteFetched(Next);
        _folder.DeleteFetched(Begun);
        string? damage = null;
        long? snapshot = _folder.Snapshots is [.., long last] ? last : null;
        List<long> run = LastRun(_folder.Segments, snapshot);
        _chain.ComeBy(_memory.Heard);
        if (snapshot is { } number && run.Count > 0)
        {
            try
            {
                FeedStatement statement = _folder.ReadStatement(number);
                _chain.Require(statement, FeedStatementKind.Snapshot);
                Build(statement, run[0]);
            }
            catch (FeedRefusedException e)
            {
                damage = e.Message;
                run = [];
                Forget();
            }
        }

        foreach (long each in run)
        {
            try
            {
                Take(_folder.ReadSegment(each));
            }
            catch (FeedRefusedException e)
            {
                // What follows it is fetched again with it.
                damage = e.Message;
                break;
            }
        }

        // A copy that ends before what was answered is somebody's old one, and says good of what was revoked since; one that was never complete says unknown of what is stored.
        if (_memory.Answered > 0 && Number >= _memory.Answered && (snapshot is null || Number >= snapshot))
        {
            Publish();
        }

        return damage ?? (Number < _memory.Answered ? $"The copy ends with segment {Number}, and segment {_memory.Answered} was answered from before." : null);
    }

    /// <summary>How far the feed has come. It is remembered before anything is done about it.</summary>
    /// <returns>Whether everything that it speaks of is here.</returns>
    /// <exception cref="FeedRefusedException">It is not to be believed.</exception>
    public bool Hear(FeedStatement heartbeat)
    {
        using Lock.Scope scope = _lock.EnterScope();
        _chain.Hear(heartbeat);
        _memory.Remember(_chain.Highest, 0);
        if (IsComplete)
        {
            Publish();
        }

        return IsComplete;
    }

    /// <summary>Verifies the next segment, writes it down, remembers it, and takes it.</summary>
    /// <exception cref="FeedRefusedException">It is not the next one, or not to be believed.</exception>
    public void Append(FeedSegment segment)
    {
        using Lock.Scope scope = _lock.EnterScope();
        Take(segment, write: true);
        if (Served == _building || IsComplete)
        {
            Publish();
        }
    }

    /// <summary>Fetches a newer snapshot; segments may be taken meanwhile.</summary>
    /// <param name="read">Content of a part.</param>
    /// <exception cref="FeedRefusedException">It is not one of this feed, as far as it is here.</exception>
    public async Task TakeSnapshotAsync(FeedStatement snapshot, Func<int, Task<byte[]>> read)
    {
        // Step 1: whether it is wanted, before hundreds of megabytes come.
        lock (_lock)
        {
            if (!IsNext(snapshot))
            {
                return;
            }
        }

        // Step 2: its parts, which lie aside.
        await FetchAsync(snapshot, read, Next);

        // Step 3: a start begins with it from now on, unless the copy has become another one meanwhile.
        lock (_lock)
        {
            if (IsNext(snapshot))
            {
                _folder.TakeFetched(snapshot, Next);
                _snapshot = snapshot.Tbs.Number;
                _folder.DeleteSnapshotsBefore(_snapshot);
            }
        }
    }

    /// <summary>Begins anew with a snapshot, because what follows the copy is not to be had any more, or there is no copy. What is served stays served until the new one is complete.</summary>
    /// <param name="first">Number of the oldest segment that is to be had.</param>
    /// <exception cref="FeedRefusedException">It is none of this feed.</exception>
    public async Task BeginAsync(FeedStatement snapshot, long first, Func<int, Task<byte[]>> read)
    {
        NewChain().Require(snapshot, FeedStatementKind.Snapshot);
        if (first > snapshot.Tbs.Number + 1)
        {
            throw new FeedRefusedException($"The snapshot ends with segment {snapshot.Tbs.Number}, and the oldest segment that is kept is {first}: there is a gap.");
        }

        await FetchAsync(snapshot, read, Begun);
        lock (_lock)
        {
            _folder.TakeFetched(snapshot, Begun);
            foreach (long each in _folder.Segments)
            {
                _folder.DeleteSegment(each);
            }

            Forget();
            Build(snapshot, first);
            _folder.DeleteSnapshotsBefore(snapshot.Tbs.Number);
        }
    }

    /// <summary>Deletes segments from the oldest on that the snapshot has and whose responses are over, and forgets certificates that expired long ago.</summary>
    /// <param name="now">Unix seconds.</param>
    /// <param name="expiredBefore">Likewise.</param>
    public void Tidy(long now, long expiredBefore)
    {
        using Lock.Scope scope = _lock.EnterScope();
        _building.Table.RemoveExpired(expiredBefore);

        // The last one stays: the next one links to it.
        while (_segments is [(long number, long until), _, ..] && number < _snapshot && until < now)
        {
            _folder.DeleteSegment(number);
            _segments.RemoveAt(0);
        }
    }

    private static List<long> LastRun(IReadOnlyList<long> numbers, long? snapshot)
    {
        int start = numbers.Count;
        while (start > 0 && (start == numbers.Count || numbers[start - 1] == numbers[start] - 1))
        {
            start--;
        }

        List<long> run = [.. numbers.Skip(start)];
        return run.Count > 0 && run[0] <= (snapshot ?? 0) + 1 ? run : [];
    }

    private FeedChain NewChain()
    {
        var chain = new FeedChain(_origin, _pins);
        foreach (long number in _folder.KeySegments)
        {
            FeedSegment segment;
            try
            {
                segment = _folder.ReadKeySegment(number);
                chain.Require(segment.Statement, FeedStatementKind.Segment);
                FeedChain.RequireContent(segment.Statement.Tbs, 0, segment.Content.Span);
            }
            catch (FeedRefusedException)
            {
                // Signed with a key that nobody believes any more: the operator has named a later one. Of a damaged one the segments that follow say it.
                continue;
            }

            for (var reader = new FeedReader(segment.Content); reader.Read();)
            {
                if (reader.Kind == FeedEntryKind.NextKey)
                {
                    chain.RollOver(number, Der.Decode<SubjectPublicKeyInfo>(reader.Encoded));
                }
            }
        }

        return chain;
    }

    private void Forget()
    {
        _chain = NewChain();
        Volatile.Write(ref _building, new ServedFeed());
        _segments.Clear();
        _snapshot = 0;
        _chain.ComeBy(_memory.Heard);
    }

    private void Build(FeedStatement snapshot, long first)
    {
        _chain.BeginAt(snapshot, first);
        for (int part = 0; part < snapshot.Tbs.Contents.Count; part++)
        {
            byte[] content = _folder.ReadPart(snapshot.Tbs.Number, part);
            FeedChain.RequireContent(snapshot.Tbs, part, content);
            _building.Apply(content);
        }

        _snapshot = snapshot.Tbs.Number;
    }

    /// <summary>Whether a start would better begin with this one.</summary>
    private bool IsNext(FeedStatement snapshot)
    {
        _chain.Require(snapshot, FeedStatementKind.Snapshot);
        long number = snapshot.Tbs.Number;
        if (number <= _snapshot || number > Number || _segments.Count == 0 || number < _segments[0].Number)
        {
            return false;
        }

        return new FeedPoint(number, snapshot.Tbs.Link).HasLink(_folder.ReadSegment(number).Statement.HashTbs()) ? true
            : throw new FeedRefusedException($"The snapshot names another segment {number} than the one that is here.");
    }

    /// <summary>Parts that came before an attempt failed are not fetched again.</summary>
    private async Task FetchAsync(FeedStatement snapshot, Func<int, Task<byte[]>> read, string suffix)
    {
        long number = snapshot.Tbs.Number;
        _folder.DeleteFetched(suffix, except: number);
        for (int part = 0; part < snapshot.Tbs.Contents.Count; part++)
        {
            if (_folder.FindPart(number, suffix, part) is { } had && FeedChain.IsContent(snapshot.Tbs, part, had))
            {
                continue;
            }

            byte[] content = await read(part);
            FeedChain.RequireContent(snapshot.Tbs, part, content);
            _folder.WritePart(number, suffix, part, content);
        }
    }

    private void Take(FeedSegment segment, bool write = false)
    {
        // Step 1: it is the next one, and the feed's.
        FeedPoint point = _chain.Check(segment);

        // Step 2: what it says. It is on the disk, and remembered, before anything is answered from it.
        ContentFacts facts = _building.Apply(segment.Content, () =>
        {
            if (write)
            {
                _folder.WriteSegment(segment);
                _memory.Remember(point, Served == _building ? point.Number : 0);
            }
        });
        _chain.GoTo(point);
        _segments.Add((_chain.At.Number, facts.Until));
        if (facts.NextKey is { } next)
        {
            _chain.RollOver(_chain.At.Number, next);
            _folder.WriteKeySegment(segment);
        }
    }

    private void Publish()
    {
        _memory.Remember(_chain.At, Number);
        Volatile.Write(ref _served, _building);
    }
}
