using System.Security.Cryptography;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>A place in the feed: a number and SM3 of the statement of the segment that has it.</summary>
/// <param name="Link">32 bytes; of number 0 all are zero.</param>
internal sealed record FeedPoint(long Number, ReadOnlyMemory<byte> Link)
{
    public static FeedPoint None { get; } = new(0, new byte[Sm3.HashSizeInBytes]);

    public static FeedPoint Of(FeedStatement segment) => new(segment.Tbs.Number, segment.HashTbs());

    public bool HasLink(ReadOnlySpan<byte> link) => Link.Span.SequenceEqual(link);
}

/// <summary>
/// What may follow in the feed: whose statements are believed, and which segment comes next. It holds the place where it is; a segment that does not fit is refused and changes nothing.
/// </summary>
/// <param name="origin">Name of the feed.</param>
/// <param name="pins">The keys that the operator has named; until a segment names the next one, each of them is believed.</param>
internal sealed class FeedChain(string origin, IReadOnlyList<SubjectPublicKeyInfo> pins)
{
    private readonly List<(long From, SubjectPublicKeyInfo Key)> _rolled = [];
    private readonly List<FeedPoint> _through = [];
    private bool _isOpen;

    /// <summary>Up to where it is verified.</summary>
    public FeedPoint At { get; private set; } = FeedPoint.None;

    /// <summary>The farthest that was ever heard of.</summary>
    public FeedPoint Highest => _through.Count == 0 ? At : _through.MaxBy(each => each.Number)!;

    /// <summary>Whether it has come by everywhere where it has to.</summary>
    public bool HasMet => _through.Count == 0;

    /// <summary>Number of the last segment that is known to be signed with a key that the operator has named no more; 0: none.</summary>
    public long Unpinned { get; set; }

    /// <summary>One that goes on from here, without this one.</summary>
    public FeedChain Copy()
    {
        var copy = new FeedChain(origin, pins) { At = At, Unpinned = Unpinned, _isOpen = _isOpen };
        copy._rolled.AddRange(_rolled);
        copy._through.AddRange(_through);
        return copy;
    }

    /// <summary>Goes to where a snapshot leads: the first segment may be any up to the one that follows it, and the chain has to come by its place.</summary>
    /// <param name="first">Number of the segment that comes first.</param>
    public void BeginAt(FeedStatement snapshot, long first)
    {
        var point = new FeedPoint(snapshot.Tbs.Number, snapshot.Tbs.Link);
        _isOpen = first > 1 && first <= point.Number;
        At = _isOpen ? new FeedPoint(first - 1, FeedPoint.None.Link) : first == 1 ? FeedPoint.None : point;
        ComeBy(point);
        _through.RemoveAll(each => each.Number <= At.Number);
    }

    /// <summary>The chain has to come by there: a snapshot, a heartbeat or an earlier life says so.</summary>
    /// <exception cref="FeedRefusedException">It has come by that number, and the segment was another one.</exception>
    public void ComeBy(FeedPoint point)
    {
        FeedPoint? known = point.Number == At.Number && !_isOpen ? At : _through.Find(each => each.Number == point.Number);
        if (known is not null && !known.HasLink(point.Link.Span))
        {
            throw new FeedRefusedException($"Segment {point.Number} is another one than was seen before: there are two feeds.");
        }

        if (known is null && point.Number > At.Number)
        {
            _through.Add(point);
        }
    }

    /// <summary>How far the feed has come, as it says itself.</summary>
    /// <exception cref="FeedRefusedException">It is none of the feed's, it says less than was seen before, or it names another segment.</exception>
    public void Hear(FeedStatement heartbeat)
    {
        Require(heartbeat, FeedStatementKind.Heartbeat);
        if (heartbeat.Tbs.Number < Highest.Number)
        {
            throw new FeedRefusedException($"The feed says that it ends with segment {heartbeat.Tbs.Number}; segment {Highest.Number} was seen before: it goes backwards.");
        }

        ComeBy(new FeedPoint(heartbeat.Tbs.Number, heartbeat.Tbs.Link));
    }

    /// <summary>From the segment after that one on only this key is believed.</summary>
    public void RollOver(long at, SubjectPublicKeyInfo key)
    {
        if (!_rolled.Any(each => each.From == at + 1))
        {
            _rolled.Add((at + 1, key));
            _rolled.Sort((left, right) => left.From.CompareTo(right.From));
        }
    }

    /// <summary>Changes nothing.</summary>
    /// <returns>Where it leads, for <see cref="GoTo"/>.</returns>
    /// <exception cref="FeedRefusedException">It is not the next segment, or not the feed's.</exception>
    public FeedPoint Check(FeedSegment segment)
    {
        TbsFeedStatement tbs = segment.Statement.Tbs;
        Require(segment.Statement, FeedStatementKind.Segment);
        if (tbs.Number != At.Number + 1)
        {
            throw new FeedRefusedException($"Segment {tbs.Number} follows segment {At.Number}: there is a gap, or the feed goes backwards.");
        }

        if (!_isOpen && !At.HasLink(tbs.Link.Span))
        {
            throw new FeedRefusedException($"Segment {tbs.Number} names another segment {At.Number} than the one that is here.");
        }

        RequireContent(tbs, 0, segment.Content.Span);
        FeedPoint point = FeedPoint.Of(segment.Statement);
        if (_through.Find(each => each.Number == point.Number) is { } through && !through.HasLink(point.Link.Span))
        {
            throw new FeedRefusedException($"Segment {point.Number} is another one than was seen before, or than the snapshot names.");
        }

        return point;
    }

    /// <summary>The segment was taken.</summary>
    public void GoTo(FeedPoint point)
    {
        At = point;
        _isOpen = false;
        _through.RemoveAll(each => each.Number <= point.Number);
    }

    /// <exception cref="FeedRefusedException">It is no such statement, not of this feed, or not signed with its key.</exception>
    public void Require(FeedStatement statement, FeedStatementKind kind)
    {
        TbsFeedStatement tbs = statement.Tbs;
        if (tbs.Kind != kind || tbs.Origin != origin)
        {
            throw new FeedRefusedException($"A statement of the kind {tbs.Kind} of the feed {tbs.Origin}, where {kind} of {origin} is expected.");
        }

        if (!IsBelieved(statement))
        {
            string unpinned = tbs.Number <= Unpinned ? $" The key that signed segments up to {Unpinned} is not pinned any more: pin it again until they are gone." : "";
            throw new FeedRefusedException($"{kind} {tbs.Number} is not signed with the key of the feed.{unpinned}");
        }
    }

    /// <summary>Whether it is signed with a key that is believed for its number.</summary>
    public bool IsBelieved(FeedStatement statement) => Believed(statement.Tbs.Number, statement.Tbs.Kind).Any(statement.IsSignedBy);

    /// <summary>
    /// Whether it is signed with the newest key that is known. Of segments and heartbeats the place in the feed says so; a snapshot may be about any, and one about a time before the rollover could be made by
    /// whoever has stolen the old key.
    /// </summary>
    public bool IsOfNewestKey(FeedStatement statement) => (_rolled.Count == 0 ? pins : [_rolled[^1].Key]).Any(statement.IsSignedBy);

    /// <exception cref="FeedRefusedException">The content is another one.</exception>
    public static void RequireContent(TbsFeedStatement tbs, int part, ReadOnlySpan<byte> content)
    {
        if (!IsContent(tbs, part, content))
        {
            throw new FeedRefusedException($"The content of {tbs.Kind} {tbs.Number} (part {part}) is another one than was signed.");
        }
    }

    public static bool IsContent(TbsFeedStatement tbs, int part, ReadOnlySpan<byte> content) => CryptographicOperations.FixedTimeEquals(Sm3.HashData(content), tbs.Contents[part].Span);

    /// <summary>A heartbeat or a snapshot about a segment may be signed with the key that follows it already.</summary>
    private IEnumerable<SubjectPublicKeyInfo> Believed(long number, FeedStatementKind kind)
    {
        IEnumerable<SubjectPublicKeyInfo> keys = _rolled.Any(each => each.From <= number) ? [_rolled.Last(each => each.From <= number).Key] : pins;
        return kind == FeedStatementKind.Segment ? keys : keys.Concat(_rolled.Where(each => each.From == number + 1).Select(each => each.Key));
    }
}
