namespace ZwCa.Ra.Batches.Import;

/// <summary>
/// What the good rows of a file were so far, by marks of 64 bits: 100,000 rows in a few megabytes, and nobody's number among them. Two marks that are the same by chance refuse a row, which another file
/// takes. What belongs to a part counts for good when the part is written. Not safe for concurrent use.
/// </summary>
internal sealed class SeenApplicants
{
    private readonly Dictionary<long, Seen> _kept = [];
    private readonly Dictionary<long, Seen> _new = [];

    /// <param name="Row">That was the first.</param>
    public readonly record struct Seen(int Row, int Details);

    public Seen? Find(long mark) => _new.TryGetValue(mark, out Seen seen) || _kept.TryGetValue(mark, out seen) ? seen : null;

    public void Add(Applicant applicant)
    {
        _new.TryAdd(applicant.SubscriberMark, new Seen(applicant.Row, applicant.DetailsMark));
        _new.TryAdd(applicant.ApplicationMark, new Seen(applicant.Row, 0));
        if (applicant.KeyMark is { } key)
        {
            _new.TryAdd(key, new Seen(applicant.Row, 0));
        }
    }

    /// <summary>The part is written.</summary>
    public void Keep()
    {
        foreach ((long mark, Seen seen) in _new)
        {
            _kept.TryAdd(mark, seen);
        }

        _new.Clear();
    }

    /// <summary>The part is begun again.</summary>
    public void Forget() => _new.Clear();
}
