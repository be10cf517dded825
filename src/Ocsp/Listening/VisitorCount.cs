using System.Net;
using ZwCa.Ocsp.Answers;

namespace ZwCa.Ocsp.Listening;

/// <summary>
/// Connections, so that one visitor does not keep the others out: so many of one client, as the buckets tell clients apart, and half of all of one provider (of IPv6 a /32, of IPv4 a /16), for a client may have
/// many networks. Safe for concurrent use.
/// </summary>
internal sealed class VisitorCount(OcspOptions options)
{
    private const int Ipv4Provider = 16;
    private const int Ipv6Provider = 32;

    private readonly Dictionary<UInt128, int> _clients = [];
    private readonly Dictionary<UInt128, int> _providers = [];
    private readonly Lock _lock = new();
    private int _all;

    /// <param name="visitor">Null: not known.</param>
    /// <returns>False: it has enough, or all are taken.</returns>
    public bool TryEnter(IPAddress? visitor)
    {
        (UInt128 client, UInt128 provider) = NetworksOf(visitor);
        lock (_lock)
        {
            int ofClient = _clients.GetValueOrDefault(client), ofProvider = _providers.GetValueOrDefault(provider);
            if (_all >= options.Connections || ofClient >= options.ConnectionsOfOne || ofProvider >= Math.Max(1, options.Connections / 2))
            {
                return false;
            }

            _clients[client] = ofClient + 1;
            _providers[provider] = ofProvider + 1;
            _all++;
            return true;
        }
    }

    public void Leave(IPAddress? visitor)
    {
        (UInt128 client, UInt128 provider) = NetworksOf(visitor);
        lock (_lock)
        {
            _all--;
            Decrease(_clients, client);
            Decrease(_providers, provider);
        }
    }

    private static void Decrease(Dictionary<UInt128, int> counts, UInt128 network)
    {
        if (--counts[network] == 0)
        {
            counts.Remove(network);
        }
    }

    private (UInt128 Client, UInt128 Provider) NetworksOf(IPAddress? visitor) =>
        (ClientNetwork.Of(visitor, options.Buckets.Ipv4Bits, options.Buckets.Ipv6Bits), ClientNetwork.Of(visitor, Ipv4Provider, Ipv6Provider));
}
