using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>A link certificate and its key as they lie on the disk.</summary>
/// <param name="CertificateFile">PEM.</param>
/// <param name="KeyFile">PKCS#8 PEM, mode 0600; encrypted where there is a password.</param>
/// <param name="Password">Null: the key is not encrypted, which production refuses.</param>
public sealed partial record LinkFiles(string CertificateFile, string KeyFile, string? Password)
{
    /// <summary>A stolen key is of no use for longer.</summary>
    public static readonly TimeSpan MaxValidity = TimeSpan.FromDays(90);

    private const int MaxLength = 64 * 1024;
    private const UnixFileMode Others = (UnixFileMode)0b000_111_111 | UnixFileMode.UserExecute;

    /// <exception cref="LinkCertificateException">The files are not what they should be; the message names the file and the reason.</exception>
    public X509Certificate2 Load(DateTimeOffset now)
    {
        string certificatePem = Encoding.ASCII.GetString(Read(CertificateFile, isSecret: false));
        byte[] keyBytes = Read(KeyFile, isSecret: true);
        char[] keyPem = Encoding.ASCII.GetChars(keyBytes);
        try
        {
            X509Certificate2 certificate = Password is null
                ? X509Certificate2.CreateFromPem(certificatePem, keyPem)
                : X509Certificate2.CreateFromEncryptedPem(certificatePem, keyPem, Password);
            Check(certificate, now);
            return certificate;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            string kind = Password is null ? "unencrypted PKCS#8 key" : "encrypted PKCS#8 key, or the password is wrong";
            throw new LinkCertificateException($"{CertificateFile} and {KeyFile} are not a certificate and its {kind}: {e.Message}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keyBytes);
            Array.Clear(keyPem);
        }
    }

    private void Check(X509Certificate2 certificate, DateTimeOffset now)
    {
        TimeSpan validity = certificate.NotAfter - certificate.NotBefore;
        string? wrong = validity > MaxValidity + TimeSpan.FromSeconds(1) ? $"is valid for more than {MaxValidity.Days} days"
            : now > certificate.NotAfter ? $"expired on {certificate.NotAfter.ToUniversalTime():u}"
            : now < certificate.NotBefore ? $"is valid only from {certificate.NotBefore.ToUniversalTime():u}"
            : null;
        if (wrong is not null)
        {
            certificate.Dispose();
            throw new LinkCertificateException($"{CertificateFile} {wrong}.");
        }
    }

    private static byte[] Read(string file, bool isSecret)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            if (isSecret && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(stream.SafeFileHandle) & Others) != 0)
            {
                throw new LinkCertificateException($"{file} is open to others: its mode must be 0600.");
            }

            if (stream.Length > MaxLength)
            {
                throw new LinkCertificateException($"{file} is larger than {MaxLength} bytes.");
            }

            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LinkCertificateException($"{file} cannot be read: {e.Message}");
        }
    }
}

/// <summary>A link certificate or its key cannot be used; the message is for the operator and holds no secret.</summary>
public sealed class LinkCertificateException(string message) : Exception(message);
