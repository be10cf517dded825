using System.Net;
using System.Net.Sockets;

namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>Where a service listens; registered by whoever adds the listener, so that it is looked at before the start whether all are free.</summary>
/// <param name="Setting">That names it.</param>
public sealed record ListenAddress(string Setting, IPEndPoint EndPoint)
{
    /// <summary>Binds as the server will, all at once, for two settings may have the same port. Who connects in that moment is cut off.</summary>
    /// <returns>Everything that is wrong.</returns>
    internal static IReadOnlyList<string> WhyNot(IEnumerable<ListenAddress> addresses)
    {
        var reasons = new List<string>();
        var bound = new List<Socket>();
        try
        {
            foreach (ListenAddress address in addresses)
            {
                var socket = new Socket(address.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                bound.Add(socket);
                try
                {
                    if (address.EndPoint.Address.Equals(IPAddress.IPv6Any))
                    {
                        socket.DualMode = true;
                    }

                    socket.Bind(address.EndPoint);

                    // Bound alone, an address is another's still, on systems where it may be used again at once after a service has ended.
                    socket.Listen();
                }
                catch (SocketException e)
                {
                    reasons.Add($"{address.Setting}: {address.EndPoint} cannot be listened on: {e.Message}.");
                }
            }
        }
        finally
        {
            bound.ForEach(socket => socket.Dispose());
        }

        return reasons;
    }
}
