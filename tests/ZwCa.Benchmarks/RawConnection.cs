using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ZwCa.Benchmarks;

/// <summary>One connection that sends requests made before, byte by byte, and reads the answers: as little work as a client can have.</summary>
internal sealed class RawConnection : IDisposable
{
    private const string LengthHeader = "\r\nContent-Length: ";

    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[16 * 1024];

    private RawConnection(Stream stream) => _stream = stream;

    public static async Task<RawConnection> OpenAsync(Uri address, X509Certificate2 link)
    {
        var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync(address.Host, address.Port);

        // The service is this benchmark's own child: its certificate is not looked at.
        var stream = new SslStream(tcp.GetStream());
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = address.Host,
            LocalCertificateSelectionCallback = (_, _, _, _, _) => link,
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        });
        return new RawConnection(stream);
    }

    /// <summary>Without TLS.</summary>
    public static async Task<RawConnection> OpenPlainAsync(Uri address)
    {
        var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync(address.Host, address.Port);
        return new RawConnection(tcp.GetStream());
    }

    /// <exception cref="InvalidOperationException">The answer is not 200.</exception>
    public async Task CallAsync(byte[] request)
    {
        await _stream.WriteAsync(request);
        int length = 0;
        int whole = int.MaxValue;
        while (length < whole)
        {
            int read = await _stream.ReadAsync(_buffer.AsMemory(length));
            length = read > 0 ? length + read : throw new IOException("The service closed the connection.");
            if (whole == int.MaxValue && _buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) is >= 0 and int end)
            {
                whole = end + 4 + ContentLength(Encoding.ASCII.GetString(_buffer, 0, end + 2));
            }
        }
    }

    public void Dispose() => _stream.Dispose();

    private static int ContentLength(string head)
    {
        int at = head.IndexOf(LengthHeader, StringComparison.OrdinalIgnoreCase);
        if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) || at < 0)
        {
            throw new InvalidOperationException($"The service answered: {head}");
        }

        at += LengthHeader.Length;
        return int.Parse(head.AsSpan(at, head.IndexOf('\r', at) - at), CultureInfo.InvariantCulture);
    }
}
