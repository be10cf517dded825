using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Token;

/// <summary>
/// 32 random bytes, which never change. The PIN opens them, and keys derived from them open everything else: so another PIN is one other file. On disk the
/// secret is the privateKey of an EncryptedPrivateKeyInfo (PBES2), whose algorithm SM3 says that it is a key for HMAC-SM3.
/// </summary>
internal sealed class MasterKey : IDisposable
{
    private const int Length = 32;
    private const int Overhead = Sm4Gcm.NonceSizeInBytes + Sm4Gcm.MaxTagSizeInBytes;

    private readonly byte[] _secret = GC.AllocateArray<byte>(Length, pinned: true);

    private MasterKey()
    {
    }

    public static MasterKey Generate()
    {
        var key = new MasterKey();
        RandomNumberGenerator.Fill(key._secret);
        return key;
    }

    /// <param name="wrapped">What <see cref="Wrap"/> made.</param>
    /// <returns>Null: the PIN is wrong, or the file is damaged. The two look the same, and take the same time.</returns>
    public static MasterKey? TryUnwrap(ReadOnlyMemory<byte> wrapped, ReadOnlySpan<char> pin)
    {
        if (pin.ContainsAnyExceptInRange(Pin.First, Pin.Last))
        {
            return null;
        }

        byte[]? opened = null;
        try
        {
            opened = Der.Decode<EncryptedPrivateKeyInfo>(wrapped).Decrypt(pin);
            PrivateKeyInfo info = Der.Decode<PrivateKeyInfo>(opened);
            if (info.PrivateKeyAlgorithm != AlgorithmIdentifier.Sm3 || info.PrivateKey.Length != Length)
            {
                return null;
            }

            var key = new MasterKey();
            info.PrivateKey.Span.CopyTo(key._secret);
            return key;
        }
        catch (Exception e) when (e is DerException or CryptographicException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(opened);
        }
    }

    /// <returns>DER of an EncryptedPrivateKeyInfo with a fresh salt.</returns>
    public byte[] Wrap(ReadOnlySpan<char> pin) => Der.Encode(EncryptedPrivateKeyInfo.Encrypt(new PrivateKeyInfo(AlgorithmIdentifier.Sm3, _secret), pin));

    /// <summary>HMAC-SM3.</summary>
    /// <returns>32 bytes.</returns>
    public byte[] Mac(ReadOnlySpan<byte> content)
    {
        byte[] key = Derive("zwca-token mac"u8);
        try
        {
            return HmacSm3.HashData(key, content);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <returns>SM4-GCM: nonce (12) ‖ ciphertext ‖ tag (16). The nonce is random; a token seals a few dozen keys in its life.</returns>
    public byte[] Seal(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        byte[] destination = new byte[plaintext.Length + Overhead];
        Span<byte> nonce = destination.AsSpan(0, Sm4Gcm.NonceSizeInBytes);
        RandomNumberGenerator.Fill(nonce);
        using Sm4Gcm cipher = Cipher();
        cipher.Encrypt(
            nonce,
            plaintext,
            destination.AsSpan(Sm4Gcm.NonceSizeInBytes, plaintext.Length),
            destination.AsSpan()[^Sm4Gcm.MaxTagSizeInBytes..],
            associatedData);
        return destination;
    }

    /// <returns>The plaintext, which the caller zeroes; null where it was sealed by another key, with other associated data, or was changed.</returns>
    public byte[]? TryOpen(ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associatedData)
    {
        if (sealedBytes.Length < Overhead)
        {
            return null;
        }

        byte[] plaintext = GC.AllocateArray<byte>(sealedBytes.Length - Overhead, pinned: true);
        try
        {
            using Sm4Gcm cipher = Cipher();
            cipher.Decrypt(
                sealedBytes[..Sm4Gcm.NonceSizeInBytes],
                sealedBytes[Sm4Gcm.NonceSizeInBytes..^Sm4Gcm.MaxTagSizeInBytes],
                sealedBytes[^Sm4Gcm.MaxTagSizeInBytes..],
                plaintext,
                associatedData);
            return plaintext;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);

    private Sm4Gcm Cipher()
    {
        byte[] key = Derive("zwca-token seal"u8);
        try
        {
            return new Sm4Gcm(key.AsSpan(0, Sm4.KeySizeInBytes));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <returns>32 bytes; the caller zeroes them.</returns>
    private byte[] Derive(ReadOnlySpan<byte> use)
    {
        byte[] key = GC.AllocateArray<byte>(HmacSm3.HashSizeInBytes, pinned: true);
        HmacSm3.HashData(_secret, use, key);
        return key;
    }
}
