using System.Net;

namespace ZwCa.Ocsp.Answers;

/// <summary>
/// Who may have how much signed: a bucket of tokens for each network and one for the node. The number of buckets has a limit; when it is reached, those that are full again go (they say nothing), and if
/// there are none, clients that come newly share one. Safe for concurrent use.
/// </summary>
internal sealed class TokenBuckets(BucketOptions options, TimeProvider time)
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Bucket> _clients = [];
    private Bucket _node = new(options.NodeAtOnce, time.GetTimestamp());
    private Bucket _others = new(options.ClientAtOnce, time.GetTimestamp());
    private long _swept = time.GetTimestamp();

    /// <summary>Buckets at this moment.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _clients.Count;
            }
        }
    }

    /// <summary>Takes one token of the client and of the node, or none.</summary>
    /// <param name="client">Null: not known.</param>
    public bool TryTake(IPAddress? client)
    {
        UInt128 network = ClientNetwork.Of(client, options.Ipv4Bits, options.Ipv6Bits);
        long now = time.GetTimestamp();
        lock (_lock)
        {
            _node = Fill(_node, now, options.NodePerSecond, options.NodeAtOnce);
            bool isKnown = _clients.TryGetValue(network, out Bucket bucket);
            if (!isKnown && _clients.Count >= options.Clients)
            {
                Sweep(now);
            }

            bool isOwn = isKnown || _clients.Count < options.Clients;
            bucket = isKnown ? bucket : isOwn ? new Bucket(options.ClientAtOnce, now) : _others;
            bucket = Fill(bucket, now, options.ClientPerSecond, options.ClientAtOnce);
            bool taken = _node.Tokens >= 1 && bucket.Tokens >= 1;
            if (taken)
            {
                _node = _node with { Tokens = _node.Tokens - 1 };
                bucket = bucket with { Tokens = bucket.Tokens - 1 };
            }

            if (isOwn)
            {
                _clients[network] = bucket;
            }
            else
            {
                _others = bucket;
            }

            return taken;
        }
    }

    private void Sweep(long now)
    {
        if (time.GetElapsedTime(_swept, now) < SweepEvery)
        {
            return;
        }

        _swept = now;
        foreach ((UInt128 network, Bucket bucket) in _clients)
        {
            if (Fill(bucket, now, options.ClientPerSecond, options.ClientAtOnce).Tokens >= options.ClientAtOnce)
            {
                _clients.Remove(network);
            }
        }
    }

    private Bucket Fill(Bucket bucket, long now, double perSecond, int most) =>
        new(Math.Min(most, bucket.Tokens + (time.GetElapsedTime(bucket.At, now).TotalSeconds * perSecond)), now);

    /// <param name="At">Time stamp up to which it is filled.</param>
    private readonly record struct Bucket(double Tokens, long At);
}
