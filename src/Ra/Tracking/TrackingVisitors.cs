using System.Net;
using Microsoft.AspNetCore.Http;

namespace ZwCa.Ra.Tracking;

/// <summary>Who asks, and how many connections he may have, so that one visitor does not keep the others out. Safe for concurrent use.</summary>
/// <param name="gateways">Who come in for others: they have as many connections as there are, and say for whom they ask.</param>
internal sealed class TrackingVisitors(IReadOnlyList<IPAddress> gateways)
{
    /// <summary>All together.</summary>
    public const int Most = 512;

    private const int MostOfOne = 32;
    private const string ForwardedFor = "X-Forwarded-For";

    private readonly Dictionary<IPAddress, int> _count = [];
    private readonly Lock _lock = new();
    private int _all;

    public bool TryEnter(IPAddress? visitor)
    {
        IPAddress name = Plain(visitor);
        lock (_lock)
        {
            int count = _count.GetValueOrDefault(name);
            if (_all >= Most || (count >= MostOfOne && !gateways.Contains(name)))
            {
                return false;
            }

            _count[name] = count + 1;
            _all++;
            return true;
        }
    }

    /// <summary>Who has entered.</summary>
    public void Leave(IPAddress? visitor)
    {
        IPAddress name = Plain(visitor);
        lock (_lock)
        {
            _all--;
            if (--_count[name] == 0)
            {
                _count.Remove(name);
            }
        }
    }

    /// <summary>Who asks. What a gateway adds to the header is the last; what stands before it, the visitor may have written himself.</summary>
    public IPAddress AddressOf(HttpContext http)
    {
        IPAddress peer = Plain(http.Connection.RemoteIpAddress);
        string said = gateways.Contains(peer) ? http.Request.Headers[ForwardedFor].LastOrDefault() ?? "" : "";
        return IPAddress.TryParse(said.AsSpan(said.LastIndexOf(',') + 1).Trim(), out IPAddress? visitor) ? Plain(visitor) : peer;
    }

    private static IPAddress Plain(IPAddress? address) => address switch
    {
        null => IPAddress.None,
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4(),
        _ => address,
    };
}
