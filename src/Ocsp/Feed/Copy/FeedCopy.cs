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
    private readonly TimeProvider _time;
    private readonly string _origin;
    private readonly IReadOnlyList<SubjectPublicKeyInfo> _pins;
    private readonly CopyFolder _folder;
    private readonly FeedMemory _memory;
    private readonly KeptFiles _files;
    private FeedChain _chain;
    private ServedFeed _building;
    private ServedFeed? _served;
    private long _snapshot;

    /// <param name="origin">Name of the feed.</param>
    /// <param name="pins">Its keys, as the operator has them.</param>
    /// <exception cref="FeedRefusedException">What was remembered is damaged.</exception>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public FeedCopy(string origin, IReadOnlyList<SubjectPublicKeyInfo> pins, string folder, string memoryFile, TimeProvider time)
    {
        _time = time;
        _building = new ServedFeed(time);
        _origin = origin;
        _pins = pins;
        _folder = new CopyFolder(folder);
        _memory = new FeedMemory(memoryFile);
        _files = new KeptFiles(_folder);
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
        _folder.DeleteTemporary();
        _folder.DeleteFetched(Next);
        _folder.DeleteFetched(Begun);
        string? damage = null;
        long? snapshot = _folder.Snapshots is [.., long last] ? last : null;
        IReadOnlyList<SegmentFile> files = _folder.Segments;
        List<SegmentFile> run = KeptFiles.LastRun(files, snapshot);
        _chain.ComeBy(_memory.Heard);
        if (snapshot is { } number && run.Count > 0)
        {
            try
            {
                FeedStatement statement = _folder.ReadStatement(number);
                _chain.Require(statement, FeedStatementKind.Snapshot);
                Begin(Build(statement, run[0].First, suffix: null), number);
            }
            catch (FeedRefusedException e)
            {
                damage = e.Message;
                run = [];
            }
        }

        foreach (SegmentFile file in run)
        {
            try
            {
                (FeedChain chain, List<Verified> verified, FeedRefusedException? refused) = Check(_folder.ReadSegments(file));
                if (refused is not null)
                {
                    throw refused;
                }

                Take(chain, verified);
            }
            catch (FeedRefusedException e)
            {
                // What follows it is fetched again with it; of a file all is taken, or nothing.
                damage = e.Message;
                break;
            }
        }

        _files.Leave(files);

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

    /// <summary>Whether a heartbeat is signed with a key that is believed here. Where it is not, a segment that is not here yet may name that key.</summary>
    public bool Believes(FeedStatement heartbeat)
    {
        using Lock.Scope scope = _lock.EnterScope();
        return _chain.IsBelieved(heartbeat);
    }

    /// <summary>Verifies the next segments, writes them down as one file, remembers them, and takes them. Those before one that is refused are taken.</summary>
    /// <exception cref="FeedRefusedException">One is not the next one, or not to be believed.</exception>
    public void Append(params IReadOnlyList<FeedSegment> segments)
    {
        using Lock.Scope scope = _lock.EnterScope();

        // Step 1: which of them follow, are the feed's, and say what can be.
        (FeedChain chain, List<Verified> verified, FeedRefusedException? refused) = Check(segments);
        if (verified.Count > 0)
        {
            // Step 2: they are on the disk, and remembered, before anything is answered from them.
            _files.DeleteLeft();
            _folder.WriteSegments(new SegmentFile(_chain.At.Number + 1, chain.At.Number), verified.Select(each => each.Segment));
            _memory.Remember(chain.At, Served == _building ? chain.At.Number : 0);

            // Step 3: from now on they are told.
            Take(chain, verified);
            if (Served == _building || IsComplete)
            {
                Publish();
            }
        }

        if (refused is not null)
        {
            throw refused;
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
        FeedChain known = NewChain();
        known.Require(snapshot, FeedStatementKind.Snapshot);
        if (!known.IsOfNewestKey(snapshot))
        {
            throw new FeedRefusedException($"The snapshot {snapshot.Tbs.Number} is signed with a key of the feed that another one has followed: the next snapshot is waited for.");
        }

        if (first > snapshot.Tbs.Number + 1)
        {
            throw new FeedRefusedException($"The snapshot ends with segment {snapshot.Tbs.Number}, and the oldest segment that is kept is {first}: there is a gap.");
        }

        // Step 1: all of it is read before anything that is here goes: a part that cannot be read, or says what cannot be, changes nothing.
        await FetchAsync(snapshot, read, Begun);
        (FeedChain, ServedFeed) built = Build(snapshot, first, Begun);

        // Step 2: it stands in the place of what was here.
        lock (_lock)
        {
            _folder.TakeFetched(snapshot, Begun);
            foreach (SegmentFile each in _folder.Segments)
            {
                _folder.Delete(each);
            }

            Begin(built, snapshot.Tbs.Number);
            _folder.DeleteSnapshotsBefore(snapshot.Tbs.Number);
        }
    }

    /// <summary>Deletes segments from the oldest on that the snapshot has and whose responses are over, and forgets certificates that expired long ago.</summary>
    /// <param name="keepExpired">For how long they are still known.</param>
    public void Tidy(TimeSpan keepExpired)
    {
        using Lock.Scope scope = _lock.EnterScope();
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        _building.Table.RemoveExpired(now - (long)keepExpired.TotalSeconds);
        _files.Trim(_snapshot, now);
    }

    /// <summary>Makes one file of some small ones that lie side by side: each that came alone is one, hundreds of thousands in a day, and a start would open them all.</summary>
    /// <returns>False: there were none.</returns>
    /// <exception cref="FeedRefusedException">One is damaged, or the copy began anew meanwhile.</exception>
    public bool Join()
    {
        // Step 1: which.
        IReadOnlyList<KeptFile> small;
        lock (_lock)
        {
            small = _files.FindSmall();
        }

        if (small.Count == 0)
        {
            return false;
        }

        // Step 2: all that they have in one file beside them. A start after a kill finds both, and takes the longer one.
        var file = new SegmentFile(small[0].File.First, small[^1].File.Last);
        _folder.WriteSegments(file, small.SelectMany(each => _folder.ReadSegments(each.File)));

        // Step 3: it stands for them, and they go; unless the copy has begun anew, with files that may have their names.
        lock (_lock)
        {
            return _files.TryReplace(small, file);
        }
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
                if (!chain.IsBelieved(segment.Statement))
                {
                    // The operator has named a later key. That this one was believed once, only this folder says, which whoever has stolen the key could have written.
                    chain.Unpinned = number;
                    continue;
                }

                chain.Require(segment.Statement, FeedStatementKind.Segment);
                FeedChain.RequireContent(segment.Statement.Tbs, 0, segment.Content.Span);
            }
            catch (FeedRefusedException)
            {
                // Of a damaged one the segments that follow say it.
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

    /// <summary>From now on this is the copy. What is served stays served.</summary>
    private void Begin((FeedChain Chain, ServedFeed Feed) built, long snapshot)
    {
        _chain = built.Chain;
        Volatile.Write(ref _building, built.Feed);
        _files.Clear();
        _snapshot = snapshot;
    }

    /// <summary>Changes nothing.</summary>
    /// <returns>What a snapshot says, and where the chain goes on.</returns>
    /// <exception cref="FeedRefusedException">A part cannot be read, or says what cannot be; or the snapshot does not go with what was heard.</exception>
    private (FeedChain Chain, ServedFeed Feed) Build(FeedStatement snapshot, long first, string? suffix)
    {
        FeedChain chain = NewChain();
        chain.ComeBy(_memory.Heard);
        chain.BeginAt(snapshot, first);
        var feed = new ServedFeed(_time);
        for (int part = 0; part < snapshot.Tbs.Contents.Count; part++)
        {
            byte[] content = _folder.ReadPart(snapshot.Tbs.Number, suffix, part);
            FeedChain.RequireContent(snapshot.Tbs, part, content);
            feed.Apply(feed.Read(content));
        }

        return (chain, feed);
    }

    /// <summary>Whether a start would better begin with this one.</summary>
    private bool IsNext(FeedStatement snapshot)
    {
        _chain.Require(snapshot, FeedStatementKind.Snapshot);
        long number = snapshot.Tbs.Number;
        if (number <= _snapshot || !_chain.IsOfNewestKey(snapshot) || _files.Find(number) is not { } file)
        {
            return false;
        }

        FeedSegment segment = _folder.ReadSegments(file)[(int)(number - file.First)];
        return new FeedPoint(number, snapshot.Tbs.Link).HasLink(segment.Statement.HashTbs()) ? true
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

    /// <summary>Changes nothing.</summary>
    /// <returns>The first of them that follow the copy and each other and say what can be, where they lead, and why the next one was refused.</returns>
    private (FeedChain Chain, List<Verified> Verified, FeedRefusedException? Refused) Check(IReadOnlyList<FeedSegment> segments)
    {
        FeedChain chain = _chain.Copy();
        var verified = new List<Verified>();
        try
        {
            foreach (FeedSegment segment in segments)
            {
                FeedPoint point = chain.Check(segment);
                FeedContent content = _building.Read(segment.Content, verified is [.., var last] ? last.Content : null);
                chain.GoTo(point);
                if (content.NextKey is { } next)
                {
                    chain.RollOver(point.Number, next);
                }

                verified.Add(new Verified(segment, content));
            }

            return (chain, verified, null);
        }
        catch (FeedRefusedException e)
        {
            return (chain, verified, e);
        }
    }

    /// <param name="verified">At least one; they are in a file.</param>
    private void Take(FeedChain chain, List<Verified> verified)
    {
        foreach (Verified each in verified)
        {
            if (each.Content.NextKey is not null)
            {
                _folder.WriteKeySegment(each.Segment);
            }

            _building.Apply(each.Content);
        }

        _files.Add(new SegmentFile(_chain.At.Number + 1, chain.At.Number), verified.Max(each => each.Content.Until));
        _chain = chain;
    }

    private void Publish()
    {
        _memory.Remember(_chain.At, Number);
        Volatile.Write(ref _served, _building);
    }

    /// <summary>A segment that can be taken.</summary>
    private sealed record Verified(FeedSegment Segment, FeedContent Content);
}
