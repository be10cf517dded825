using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Pkix;

/// <summary>An SM2 private key as a file of PKCS #8, in PEM: what holders of shares and demo tokens keep their key in, and what openssl reads and writes.</summary>
public static class Sm2KeyFile
{
    /// <param name="password">Not empty. The caller zeroes it.</param>
    /// <returns>PEM with the label ENCRYPTED PRIVATE KEY.</returns>
    /// <exception cref="ArgumentException">No password, or an unpaired surrogate in it.</exception>
    public static string Write(Sm2PrivateKey key, ReadOnlySpan<char> password)
    {
        ArgumentNullException.ThrowIfNull(key);
        byte[] d = GC.AllocateArray<byte>(Sm2.ScalarSizeInBytes, pinned: true);
        byte[]? inner = null;
        try
        {
            key.ExportBytes(d);
            inner = Der.Encode(new EcPrivateKey(d, publicKey: key.PublicKey.ToBytes()));
            var encrypted = EncryptedPrivateKeyInfo.Encrypt(new PrivateKeyInfo(AlgorithmIdentifier.Sm2Key, inner), password);
            return Pem.Encode(Pem.EncryptedPrivateKey, Der.Encode(encrypted));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(d);
            CryptographicOperations.ZeroMemory(inner);
        }
    }

    /// <param name="pem">One block. The caller zeroes it where it is not encrypted.</param>
    /// <param name="password">Empty or null: the file is not encrypted, its label is PRIVATE KEY.</param>
    /// <exception cref="DerException">No such file, another label, encrypted in a way that <see cref="EncryptedPrivateKeyInfo"/> does not read, or no SM2 key.</exception>
    /// <exception cref="CryptographicException">The password is wrong, or the private key is not in [1, n − 2].</exception>
    public static Sm2PrivateKey Read(ReadOnlySpan<char> pem, ReadOnlySpan<char> password)
    {
        byte[] der = password.IsEmpty
            ? Pem.Decode(Pem.PrivateKey, pem)
            : Der.Decode<EncryptedPrivateKeyInfo>(Pem.Decode(Pem.EncryptedPrivateKey, pem)).Decrypt(password);
        try
        {
            return FromPkcs8(Der.Decode<PrivateKeyInfo>(der));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    private static Sm2PrivateKey FromPkcs8(PrivateKeyInfo info)
    {
        if (info.PrivateKeyAlgorithm != AlgorithmIdentifier.Sm2Key)
        {
            throw new DerException("The private key is not SM2.");
        }

        EcPrivateKey inner = Der.Decode<EcPrivateKey>(info.PrivateKey);
        if (inner.NamedCurve is not (null or Oids.Sm2))
        {
            throw new DerException("The private key is of another curve than its algorithm says.");
        }

        var key = Sm2PrivateKey.FromBytes(inner.PrivateKey.Span);
        if (inner.PublicKey is { } point && !(Sm2PublicKey.TryFromBytes(point.Span, out Sm2PublicKey? known) && known.ToBytes().AsSpan().SequenceEqual(key.PublicKey.ToBytes())))
        {
            key.Dispose();
            throw new DerException("The public key in the file is not that of the private key.");
        }

        return key;
    }
}
