using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace ZwCa.Ra.Tracking;

/// <summary>
/// How often one may ask: a bucket of tokens for each network, of IPv4 /24 and of IPv6 /56. Their number has a limit; when it is reached, those that are full again go (they say nothing), and if there are
/// none, who comes newly shares one with others. Safe for concurrent use.
/// </summary>
internal sealed class TrackingBuckets(TimeProvider time, int mostNetworks = TrackingBuckets.MostNetworks)
{
    /// <summary>So many questions at once, and in each minute.</summary>
    public const int Most = 30;

    private const int MostNetworks = 1 << 16;
    private const int Ipv4Bits = 24;
    private const int Ipv6Bits = 56;

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Bucket> _networks = [];
    private Bucket _others = new(Most, time.GetTimestamp());
    private long _swept = time.GetTimestamp();

    /// <summary>Networks at this moment.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _networks.Count;
            }
        }
    }

    /// <summary>Takes a token, or none.</summary>
    /// <param name="visitor">Null: not known.</param>
    public bool TryTake(IPAddress? visitor) => Take(visitor, least: 1);

    /// <summary>Takes one more, also where there is none: who guesses waits longer.</summary>
    public void TakeForWrong(IPAddress? visitor) => Take(visitor, least: double.NegativeInfinity);

    private bool Take(IPAddress? visitor, double least)
    {
        UInt128 network = NetworkOf(visitor);
        long now = time.GetTimestamp();
        lock (_lock)
        {
            bool isKnown = _networks.TryGetValue(network, out Bucket bucket);
            if (!isKnown && _networks.Count >= mostNetworks)
            {
                Sweep(now);
            }

            bool isOwn = isKnown || _networks.Count < mostNetworks;
            bucket = Fill(isKnown ? bucket : isOwn ? new Bucket(Most, now) : _others, now);
            bool taken = bucket.Tokens >= least;
            bucket = taken ? bucket with { Tokens = bucket.Tokens - 1 } : bucket;
            if (isOwn)
            {
                _networks[network] = bucket;
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
        foreach ((UInt128 network, Bucket bucket) in _networks)
        {
            if (Fill(bucket, now).Tokens >= Most)
            {
                _networks.Remove(network);
            }
        }
    }

    private Bucket Fill(Bucket bucket, long now) => new(Math.Min(Most, bucket.Tokens + (time.GetElapsedTime(bucket.At, now) / Period * Most)), now);

    /// <returns>The first bits of the address, with a mark of its family.</returns>
    private static UInt128 NetworkOf(IPAddress? visitor)
    {
        IPAddress? address = visitor is { IsIPv4MappedToIPv6: true } ? visitor.MapToIPv4() : visitor;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address is null || !address.TryWriteBytes(bytes, out _))
        {
            return UInt128.MaxValue;
        }

        UInt128 number = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return address.AddressFamily == AddressFamily.InterNetwork ? (number >> (128 - Ipv4Bits)) | (UInt128.One << 127) : number >> (128 - Ipv6Bits);
    }

    /// <param name="At">Time stamp up to which it is filled.</param>
    private readonly record struct Bucket(double Tokens, long At);
}
