using System.Net;
using System.Security.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>
/// The folder that hsm-sim makes for a client: client.pem (certificate and private key), server.sha256 (the device's pin, 64 hexadecimal digits)
/// and, for a partition's client, secret (64 hexadecimal digits).
/// </summary>
internal static class ClientFolder
{
    public const string CertificateFile = "client.pem";
    public const string SecretFile = "secret";
    public const string PinFile = "server.sha256";

    /// <returns>32 bytes.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.WrongCredential"/>: the file cannot be read or is something else.</exception>
    public static byte[] ReadPin(string folder) => ReadHash(Path.Combine(folder, PinFile));

    /// <summary>SHA-256 of a certificate.</summary>
    /// <returns>32 bytes.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.WrongCredential"/>: the file cannot be read or is something else.</exception>
    public static byte[] ReadHash(string file) => ReadHex(file, SHA256.HashSizeInBytes);

    /// <returns>32 bytes; the caller zeroes them.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.WrongCredential"/>: the file cannot be read or is something else.</exception>
    public static byte[] ReadSecret(string file) => ReadHex(file, Hello.SecretLength);

    /// <returns>Host name or address, and port.</returns>
    public static (string Host, int Port) Parts(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint ip => ($"{ip.Address}", ip.Port),
        DnsEndPoint dns => (dns.Host, dns.Port),
        _ => throw new ArgumentException("An address or a name is expected, and a port.", nameof(endpoint)),
    };

    private static byte[] ReadHex(string file, int length)
    {
        byte[] text = [];
        byte[] octets = new byte[length];
        try
        {
            text = File.ReadAllBytes(file);
            ReadOnlySpan<byte> digits = text.AsSpan().TrimEnd("\r\n"u8);
            return digits.Length == 2 * length && Convert.FromHexString(digits, octets, out _, out _) == System.Buffers.OperationStatus.Done
                ? octets
                : throw new HsmException(HsmFailure.WrongCredential, $"{file} does not have {2 * length} hexadecimal digits.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HsmException(HsmFailure.WrongCredential, $"{file} cannot be read: {e.Message}", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }
}
