using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ZwCa.HsmSim.Verbs;

namespace ZwCa.HsmSim.Running;

/// <summary>HOST:PORT; an IPv6 address in brackets.</summary>
internal static class Address
{
    /// <returns>Null: it is none.</returns>
    public static DnsEndPoint? Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon > 0 ? text[..colon].Trim('[', ']') : "";
        return Uri.CheckHostName(host) != UriHostNameType.Unknown && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, null, out ushort port)
            ? new DnsEndPoint(host, port)
            : null;
    }

    /// <exception cref="VerbException">The name has no address.</exception>
    public static async Task<IPEndPoint> ResolveAsync(DnsEndPoint address)
    {
        IPAddress[] found;
        try
        {
            found = await Dns.GetHostAddressesAsync(address.Host);
        }
        catch (SocketException e)
        {
            throw new VerbException($"{address.Host} cannot be resolved: {e.Message}.");
        }

        return new IPEndPoint(found.FirstOrDefault() ?? throw new VerbException($"{address.Host} has no address."), address.Port);
    }
}
