using System.Buffers;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm AlgorithmIdentifier, encryptedData OCTET STRING }
/// </code>
/// RFC 5958 §3: a <see cref="PrivateKeyInfo"/> under a password. Written with PBES2 (RFC 8018 §6.2), PBKDF2-HMAC-SHA256 and AES-256-CBC; nothing
/// else is decrypted.
/// </summary>
public sealed class EncryptedPrivateKeyInfo : IDer<EncryptedPrivateKeyInfo>
{
    /// <summary>What <see cref="Encrypt"/> takes at least: a guess costs an attacker as much as it costs us, some tenths of a second.</summary>
    public const int DefaultIterations = 600_000;

    private const int SaltLength = 16;

    /// <summary>Bytes of an AES block; the padding of CBC takes 1 to that many.</summary>
    private const int BlockLength = 16;

    public EncryptedPrivateKeyInfo(AlgorithmIdentifier encryptionAlgorithm, ReadOnlyMemory<byte> encryptedData)
    {
        EncryptionAlgorithm = Require.NotNull(encryptionAlgorithm);
        EncryptedData = encryptedData;
    }

    public AlgorithmIdentifier EncryptionAlgorithm { get; }

    public ReadOnlyMemory<byte> EncryptedData { get; }

    /// <param name="password">Used as UTF-8, as it is: not normalized. The caller zeroes it.</param>
    /// <param name="iterations">600,000 to 10,000,000.</param>
    /// <exception cref="ArgumentException">No password, an unpaired surrogate in it, or another number of iterations.</exception>
    public static EncryptedPrivateKeyInfo Encrypt(PrivateKeyInfo key, ReadOnlySpan<char> password, int iterations = DefaultIterations)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, DefaultIterations);
        if (password.IsEmpty)
        {
            throw new ArgumentException("A private key is encrypted under a password that is not empty.", nameof(password));
        }

        var parameters = new Pbes2Parameters(
            RandomNumberGenerator.GetBytes(SaltLength), iterations, RandomNumberGenerator.GetBytes(Pbes2Parameters.IvLength));
        byte[] plaintext = Der.Encode(key);
        try
        {
            using Aes aes = DeriveKey(password, parameters);
            return new EncryptedPrivateKeyInfo(
                new AlgorithmIdentifier(Oids.Pbes2, Der.Encode(parameters)), aes.EncryptCbc(plaintext, parameters.Iv.Span));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    /// <returns>DER of a <see cref="PrivateKeyInfo"/>; the caller zeroes it.</returns>
    /// <exception cref="DerException">Encrypted in another way, with fewer than 10,000 iterations or more than 10,000,000, or not whole blocks.</exception>
    /// <exception cref="CryptographicException">The password is wrong, or the file is damaged: the two look the same.</exception>
    /// <exception cref="ArgumentException">An unpaired surrogate in the password.</exception>
    public byte[] Decrypt(ReadOnlySpan<char> password)
    {
        if (EncryptionAlgorithm is not { Algorithm: Oids.Pbes2, Parameters: { } encoded })
        {
            throw new DerException($"Only private keys encrypted with PBES2 are supported, not with {EncryptionAlgorithm.Algorithm}.");
        }

        Pbes2Parameters parameters = Der.Decode<Pbes2Parameters>(encoded);
        if (EncryptedData.IsEmpty || EncryptedData.Length % BlockLength != 0)
        {
            throw new DerException("The encrypted private key is not whole blocks.");
        }

        byte[] padded = GC.AllocateArray<byte>(EncryptedData.Length, pinned: true);
        byte[]? plaintext = null;
        try
        {
            using Aes aes = DeriveKey(password, parameters);
            int length = aes.DecryptCbc(EncryptedData.Span, parameters.Iv.Span, padded);
            plaintext = GC.AllocateArray<byte>(length, pinned: true);
            padded.AsSpan(0, length).CopyTo(plaintext);

            // One wrong password in 256 leaves a padding that is right.
            Der.Decode<PrivateKeyInfo>(plaintext);
            return plaintext;
        }
        catch (Exception e) when (e is CryptographicException or DerException)
        {
            CryptographicOperations.ZeroMemory(plaintext);
            throw new CryptographicException("The password is wrong, or the private key's file is damaged.", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(padded);
        }
    }

    public static EncryptedPrivateKeyInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var info = new EncryptedPrivateKeyInfo(AlgorithmIdentifier.Read(sequence), sequence.ReadOctets());
        sequence.ThrowIfNotEmpty();
        return info;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            EncryptionAlgorithm.Write(writer);
            writer.WriteOctetString(EncryptedData.Span);
        }
    }

    private static Aes DeriveKey(ReadOnlySpan<char> password, Pbes2Parameters parameters)
    {
        byte[] utf8 = GC.AllocateArray<byte>(Encoding.UTF8.GetMaxByteCount(password.Length), pinned: true);
        Span<byte> key = stackalloc byte[Pbes2Parameters.KeyLength];
        var aes = Aes.Create();
        try
        {
            // With U+FFFD in place of what has no encoding, many passwords would be one.
            if (Utf8.FromUtf16(password, utf8, out _, out int length, replaceInvalidSequences: false) != OperationStatus.Done)
            {
                throw new ArgumentException("Unpaired surrogate.", nameof(password));
            }

            Rfc2898DeriveBytes.Pbkdf2(utf8.AsSpan(0, length), parameters.Salt.Span, key, parameters.Iterations, HashAlgorithmName.SHA256);
            aes.SetKey(key);
            return aes;
        }
        catch
        {
            aes.Dispose();
            throw;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(utf8);
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
