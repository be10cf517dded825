using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Token;

/// <summary>The encryption key as it is sent to a token: SM2EnvelopedKey (GM/T 0009 §7.4), or ENVELOPEDKEYBLOB (GM/T 0016), told apart by their first byte.</summary>
internal sealed class DeliveredEnvelope
{
    private const byte Sequence = 0x30;

    private readonly Sm2EnvelopedKey _key;

    private DeliveredEnvelope(Sm2EnvelopedKey key, byte[] digest)
    {
        _key = key;
        Digest = digest;
    }

    /// <summary>32 bytes: SM3 of the DER of SM2EnvelopedKey, as it came; for a blob, of that which says the same (<see cref="EnvelopedKeyBlob.ToEnvelopedKey"/>).</summary>
    public ReadOnlyMemory<byte> Digest { get; }

    /// <param name="bytes">Kept, not copied.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: neither form.</exception>
    public static DeliveredEnvelope Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            if (bytes.Span is [Sequence, ..])
            {
                return new DeliveredEnvelope(Sm2EnvelopedKey.DecodeLenient(bytes), Sm3.HashData(bytes.Span));
            }

            // Only what the digest covers is opened: the zeros of a blob that was changed on the way make no mismatch of an envelope that was right.
            Sm2EnvelopedKey key = EnvelopedKeyBlob.Parse(bytes.Span).ToEnvelopedKey();
            return new DeliveredEnvelope(key, Sm3.HashData(Der.Encode(key)));
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "加密密钥信封不是SM2EnvelopedKey（DER）或ENVELOPEDKEYBLOB，或已损坏，未导入。请重新领取。", inner: e);
        }
    }

    /// <summary>Opens it. The public key of what is inside is compared with the one that the envelope names, not with a certificate.</summary>
    /// <param name="recipient">The token's signing key.</param>
    /// <returns>The caller disposes it. Null: there is no private key in it, or that of another public key.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/>: it is for another recipient, or its SM4 key was changed.</exception>
    public Sm2PrivateKey? Open(Sm2PrivateKey recipient)
    {
        byte[] key;
        try
        {
            key = recipient.Decrypt(_key.SymEncryptedKey.Raw.Span);
        }
        catch (CryptographicException e)
        {
            throw new RefusalException(Refusal.BadPublicKey, "加密密钥信封不是封给本容器签名密钥的，或已损坏，未导入。请核对令牌和容器，或重新领取。", inner: e);
        }

        // SM4 in ECB mode authenticates nothing: any change shows only in that d·G is another point, or d is none.
        ReadOnlySpan<byte> encrypted = _key.Ciphertext.Span;
        byte[] decrypted = GC.AllocateArray<byte>(encrypted.Length, pinned: true);
        byte[] d = GC.AllocateArray<byte>(Sm2.ScalarSizeInBytes, pinned: true);
        try
        {
            if (key.Length != Sm4.KeySizeInBytes)
            {
                return null;
            }

            using var cipher = new Sm4(key);
            cipher.DecryptEcb(encrypted, decrypted, PaddingMode.None);
            Sm2EnvelopedKey.ReadPrivateKey(decrypted, d);
            var opened = Sm2PrivateKey.FromBytes(d);
            if (Sm2PublicKey.TryFromBytes(_key.PublicKey.Span, out Sm2PublicKey? named) && opened.PublicKey.ToBytes().AsSpan().SequenceEqual(named.ToBytes()))
            {
                return opened;
            }

            opened.Dispose();
            return null;
        }
        catch (Exception e) when (e is DerException or CryptographicException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(decrypted);
            CryptographicOperations.ZeroMemory(d);
        }
    }
}
