using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.HsmSim.Verbs;

/// <summary>Keys of persons: holders' and recovery officers' key files, and public keys as they are handed in.</summary>
internal static class KeyFile
{
    /// <param name="passwordVariable">Environment variable; not looked at where the file is not encrypted.</param>
    /// <exception cref="VerbException">The password is missing or wrong.</exception>
    /// <exception cref="DerException">Not such a file.</exception>
    public static Sm2PrivateKey Read(FileInfo file, string passwordVariable)
    {
        char[] pem = File.ReadAllText(file.FullName).ToCharArray();
        try
        {
            bool encrypted = pem.AsSpan().IndexOf($"BEGIN {Pem.EncryptedPrivateKey}") >= 0;
            return Sm2KeyFile.Read(pem, encrypted ? Password(passwordVariable) : "");
        }
        catch (CryptographicException)
        {
            throw new VerbException($"{file} does not open with the password in {passwordVariable}.");
        }
        finally
        {
            Array.Clear(pem);
        }
    }

    /// <exception cref="VerbException">Not set.</exception>
    public static string Password(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } password
        ? password
        : throw new VerbException($"The password is expected in the environment variable {variable}, which is not set.");

    /// <summary>A public key as hexadecimal 04‖X‖Y, or as the name of a PEM file with it or with a certificate of it.</summary>
    /// <param name="folder">Where names of files begin.</param>
    /// <exception cref="VerbException">Neither.</exception>
    public static SubjectPublicKeyInfo ReadPublic(string text, string folder)
    {
        byte[] point = text.Length == 2 * Sm2.PublicKeySizeInBytes && text.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(text)
            : ReadSpki(Path.Combine(folder, text)) is { NamedCurve: Oids.Sm2 } spki ? spki.PublicKey.ToArray() : throw NotAKey(text);
        return Sm2PublicKey.TryFromBytes(point, out _) ? SubjectPublicKeyInfo.ForSm2(point) : throw NotAKey(text);
    }

    private static SubjectPublicKeyInfo ReadSpki(string path)
    {
        if (!File.Exists(path))
        {
            throw new VerbException($"{path} is no file and no SM2 public key in hexadecimal (04, X, Y: {2 * Sm2.PublicKeySizeInBytes} digits).");
        }

        string pem = File.ReadAllText(path);
        return pem.Contains($"BEGIN {Pem.Certificate}", StringComparison.Ordinal)
            ? Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, pem)).Tbs.SubjectPublicKeyInfo
            : Der.Decode<SubjectPublicKeyInfo>(Pem.Decode(Pem.PublicKey, pem));
    }

    private static VerbException NotAKey(string text) => new($"{text} is not an SM2 public key.");
}
