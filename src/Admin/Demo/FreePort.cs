using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace ZwCa.Admin.Demo;

/// <summary>TCP ports of loopback.</summary>
internal static class FreePort
{
    /// <summary>Connections get by chance what begins at 32768.</summary>
    private const int Lowest = 20_000;

    private const int Above = 32_768;

    /// <returns>One that nobody uses just now.</returns>
    public static int Find(IReadOnlyCollection<int> except)
    {
        while (true)
        {
            int port = RandomNumberGenerator.GetInt32(Lowest, Above);
            if (!except.Contains(port) && IsFree(port))
            {
                return port;
            }
        }
    }

    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }
}
