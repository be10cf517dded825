using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>
/// How the files are renewed. Beside them lie, for a while, a key that waits for its certificate (<c>.next</c>), and then that certificate. Both are complete before either takes its
/// place, and whoever comes after a crash between the two goes on: the certificate's <c>.next</c> is the sign.
/// </summary>
public sealed partial record LinkFiles
{
    // As OWASP's advice of 2023 for PBKDF2 with HMAC-SHA-256.
    private const int Iterations = 600_000;
    private const string Next = ".next";

    private string NextCertificateFile => CertificateFile + Next;

    private string NextKeyFile => KeyFile + Next;

    /// <summary>The key that waits for its certificate; a new one where there is none that can be read.</summary>
    /// <exception cref="LinkCertificateException">The file cannot be written.</exception>
    internal ECDsa LoadOrCreateNextKey()
    {
        if (File.Exists(NextKeyFile) && FindNextKey() is { } waiting)
        {
            return waiting;
        }

        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            byte[] pem = Encoding.ASCII.GetBytes(
                Password is null
                    ? key.ExportPkcs8PrivateKeyPem()
                    : key.ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, Iterations)));
            try
            {
                Write(NextKeyFile, pem);
                return key;
            }
            finally
            {
                CryptographicOperations.ZeroMemory(pem);
            }
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <exception cref="LinkCertificateException">The file cannot be written.</exception>
    internal void WriteNextCertificate(X509Certificate2 certificate) => Write(NextCertificateFile, Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()));

    /// <summary>Puts key and certificate into their places, key first, if both are there, or the certificate is what is left to do.</summary>
    /// <exception cref="LinkCertificateException">A file cannot be moved.</exception>
    internal void FinishRenewal()
    {
        try
        {
            if (!File.Exists(NextCertificateFile))
            {
                return;
            }

            if (File.Exists(NextKeyFile))
            {
                Rename(NextKeyFile, KeyFile);
            }

            Rename(NextCertificateFile, CertificateFile);
        }
        catch (FileNotFoundException)
        {
            // Another process that reads the same files was faster.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LinkCertificateException($"{CertificateFile} and {KeyFile} cannot be renewed: {e.Message}");
        }
    }

    private ECDsa? FindNextKey()
    {
        byte[] bytes = Read(NextKeyFile, isSecret: true);
        char[] pem = Encoding.ASCII.GetChars(bytes);
        var key = ECDsa.Create();
        try
        {
            if (Password is null)
            {
                key.ImportFromPem(pem);
            }
            else
            {
                key.ImportFromEncryptedPem(pem, Password);
            }

            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // Half written before a crash, or under another password: nobody has certified it, or it is lost.
            key.Dispose();
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
            Array.Clear(pem);
        }
    }

    /// <summary>Returns when the name is on stable storage too: otherwise a power failure could keep a later rename and lose this one.</summary>
    private static void Rename(string from, string to)
    {
        File.Move(from, to, overwrite: true);
        Folder.Flush(Path.GetDirectoryName(Path.GetFullPath(to))!);
    }

    /// <summary>Written aside, and on the disk, before it has the name.</summary>
    private static void Write(string file, byte[] content)
    {
        string temporary = file + ".tmp";
        try
        {
            File.Delete(temporary);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            Rename(temporary, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LinkCertificateException($"{file} cannot be written: {e.Message}");
        }
    }
}
