using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>Decrypts and never signs.</summary>
internal sealed class Sm2DecryptionKey(KeyLabel label, ReadOnlySpan<byte> d) : LiveKey(label, HsmKeyKind.Sm2Decryption)
{
    private readonly Sm2PrivateKey _key = Sm2PrivateKey.FromBytes(d);
    private byte[]? _publicKey;

    public override ReadOnlyMemory<byte> PublicKey => _publicKey ??= Der.Encode(SubjectPublicKeyInfo.ForSm2(_key.PublicKey.ToBytes()));

    /// <param name="ciphertext">04‖X‖Y‖C3‖C2.</param>
    /// <exception cref="CryptographicException">Not a ciphertext for this key.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> ciphertext) => _key.Decrypt(ciphertext);

    public override void Dispose() => _key.Dispose();
}

internal sealed class HmacKey : LiveKey
{
    private readonly byte[] _key = GC.AllocateArray<byte>(HmacSm3.HashSizeInBytes, pinned: true);

    /// <param name="key">Secret, 32 bytes.</param>
    public HmacKey(KeyLabel label, ReadOnlySpan<byte> key)
        : base(label, HsmKeyKind.HmacSm3) =>
        key.CopyTo(key.Length == _key.Length ? _key : throw new CryptographicException("An HMAC key has 32 bytes."));

    /// <returns>32 bytes.</returns>
    public byte[] Compute(ReadOnlySpan<byte> data) => HmacSm3.HashData(_key, data);

    public override void Dispose() => CryptographicOperations.ZeroMemory(_key);
}

/// <summary>
/// A key that encrypts keys. It does so under a subkey, HMAC-SM3(key, purpose ‖ 00 ‖ partition id ‖ label): were the kind of a key ever mistaken for
/// the other, what one kind wrapped would still be noise to the other.
/// </summary>
internal abstract class Kek : LiveKey
{
    /// <param name="key">Secret, 16 bytes.</param>
    private protected Kek(KeyLabel label, HsmKeyKind kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> partition, string purpose)
        : base(label, kind)
    {
        if (key.Length != Sm4.KeySizeInBytes)
        {
            throw new CryptographicException("An SM4 key has 16 bytes.");
        }

        Span<byte> derived = stackalloc byte[HmacSm3.HashSizeInBytes];
        HmacSm3.HashData(key, [.. Encoding.ASCII.GetBytes(purpose), 0, .. partition, .. Encoding.ASCII.GetBytes(label.Value)], derived);
        Cipher = new Sm4Gcm(derived[..Sm4.KeySizeInBytes]);
        CryptographicOperations.ZeroMemory(derived);
    }

    private protected Sm4Gcm Cipher { get; }

    public override void Dispose() => Cipher.Dispose();
}

/// <summary>Wraps data keys of the client: <c>01</c> ‖ nonce (12) ‖ ciphertext ‖ tag (16).</summary>
internal sealed class DataKek : Kek
{
    private const byte Version = 1;
    private const int Overhead = 1 + Sealed.Overhead;

    private readonly byte[] _domain;

    public DataKek(KeyLabel label, ReadOnlySpan<byte> key, ReadOnlySpan<byte> partition)
        : base(label, HsmKeyKind.DataKek, key, partition, "data key") =>
        _domain = [.. "zwca data key\0"u8, Version, .. partition, (byte)label.Value.Length, .. Encoding.ASCII.GetBytes(label.Value)];

    /// <param name="dataKey">1 to 64 bytes.</param>
    public byte[] Wrap(ReadOnlySpan<byte> dataKey, ReadOnlySpan<byte> context)
    {
        byte[] wrapped = new byte[Overhead + dataKey.Length];
        wrapped[0] = Version;
        Sealed.Seal(Cipher, dataKey, [.. _domain, .. context], wrapped.AsSpan(1));
        return wrapped;
    }

    /// <returns>The data key, secret; null where this is not the key or the context that it was wrapped with.</returns>
    public byte[]? Unwrap(ReadOnlySpan<byte> wrapped, ReadOnlySpan<byte> context)
    {
        if (wrapped.Length <= Overhead || wrapped[0] != Version)
        {
            return null;
        }

        byte[] dataKey = new byte[wrapped.Length - Overhead];
        return Sealed.TryOpen(Cipher, wrapped[1..], [.. _domain, .. context], dataKey) ? dataKey : null;
    }
}

/// <summary>Wraps subscribers' private keys; what is authenticated with them is in <see cref="EscrowedKey"/>.</summary>
internal sealed class EscrowKek(KeyLabel label, ReadOnlySpan<byte> key, ReadOnlySpan<byte> partition)
    : Kek(label, HsmKeyKind.EscrowKek, key, partition, "escrowed key")
{
    /// <summary>Bytes of a sealed d.</summary>
    public const int SealedLength = Sm2.ScalarSizeInBytes + Sealed.Overhead;

    public void Seal(ReadOnlySpan<byte> d, ReadOnlySpan<byte> metadata, Span<byte> destination) => Sealed.Seal(Cipher, d, metadata, destination);

    /// <inheritdoc cref="Sealed.TryOpen"/>
    public bool TryOpen(ReadOnlySpan<byte> source, ReadOnlySpan<byte> metadata, Span<byte> d) => Sealed.TryOpen(Cipher, source, metadata, d);
}
