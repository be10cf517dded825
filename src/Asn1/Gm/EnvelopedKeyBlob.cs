using System.Buffers.Binary;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// <code>
/// ENVELOPEDKEYBLOB {
///     ULONG Version; ULONG ulSymmAlgID; ULONG ulBits; BYTE cbEncryptedPriKey[64];
///     ECCPUBLICKEYBLOB PubKey { ULONG BitLen; BYTE XCoordinate[64]; BYTE YCoordinate[64]; };
///     ECCCIPHERBLOB ECCCipherBlob { BYTE XCoordinate[64]; BYTE YCoordinate[64]; BYTE HASH[32]; ULONG CipherLen; BYTE Cipher[CipherLen]; } }
/// </code>
/// GM/T 0016-2012 (GB/T 35291 §6.4.10), the argument of SKF_ImportECCKeyPair: an SM2 key pair for a USB token, its private key under
/// an SM4 key and that under the token's signing key. Packed; ULONG is 4 bytes, little-endian. A wrapped SM4 key has 16 bytes, so the
/// blob has 388. Coordinates are right-aligned in their 64 bytes.
/// </summary>
public sealed class EnvelopedKeyBlob
{
    public const int Length = 388;

    private const uint CurrentVersion = 1;
    private const uint Sm4Ecb = 0x00000401;
    private const uint KeyBits = 256;
    private const int FieldLength = 64;
    private const int CoordinateLength = 32;
    private const int HashLength = 32;
    private const int SymKeyLength = 16;

    /// <param name="encryptedPrivateKey">64 bytes: SM4-ECB without padding of 32 zero bytes and the private key.</param>
    /// <param name="publicKey">The key pair's, 04‖X‖Y.</param>
    /// <param name="cipher">The SM4 key under the token's signing public key.</param>
    /// <exception cref="ArgumentException">A field of another length.</exception>
    public EnvelopedKeyBlob(ReadOnlyMemory<byte> encryptedPrivateKey, ReadOnlyMemory<byte> publicKey, Sm2Cipher cipher)
        : this(KeyBits, encryptedPrivateKey, publicKey, cipher)
    {
        ArgumentNullException.ThrowIfNull(cipher);
        if (encryptedPrivateKey.Length != FieldLength)
        {
            throw new ArgumentException("The encrypted private key has 64 bytes.", nameof(encryptedPrivateKey));
        }

        if (publicKey.Span is not { Length: 65 } or not [0x04, ..])
        {
            throw new ArgumentException("The public key is 04, X and Y.", nameof(publicKey));
        }

        if (cipher.CipherText.Length != SymKeyLength)
        {
            throw new ArgumentException("An SM4 key has 16 bytes.", nameof(cipher));
        }
    }

    private EnvelopedKeyBlob(uint bits, ReadOnlyMemory<byte> encryptedPrivateKey, ReadOnlyMemory<byte> publicKey, Sm2Cipher cipher)
    {
        Bits = bits;
        EncryptedPrivateKey = encryptedPrivateKey;
        PublicKey = publicKey;
        Cipher = cipher;
    }

    /// <summary>
    /// ulBits. Tolerance: we write 256, the bits of the key pair; some code writes 128, those of the SM4 key; any value is read and means
    /// nothing.
    /// </summary>
    public uint Bits { get; }

    /// <summary>64 bytes of SM4-ECB; <see cref="Sm2EnvelopedKey.ReadPrivateKey"/> takes them decrypted.</summary>
    public ReadOnlyMemory<byte> EncryptedPrivateKey { get; }

    /// <summary>04‖X‖Y.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    public Sm2Cipher Cipher { get; }

    /// <summary>The blob of an envelope whose ciphertext has 64 bytes. From 32 it cannot be made without the SM4 key, whose zero blocks fill the left half.</summary>
    /// <exception cref="ArgumentException">Another length, a compressed public key, or a wrapped key that is not SM4's.</exception>
    public static EnvelopedKeyBlob FromEnvelopedKey(Sm2EnvelopedKey key) => new(key.Ciphertext, key.PublicKey, key.SymEncryptedKey);

    /// <summary>ECB enciphers each block by itself: the last 32 bytes are the private key's own ciphertext, which is what GM/T 0009-2023 asks for.</summary>
    public Sm2EnvelopedKey ToEnvelopedKey() => new(Cipher, PublicKey, EncryptedPrivateKey[CoordinateLength..]);

    /// <exception cref="DerException">Not such a blob, or bytes left over.</exception>
    public static EnvelopedKeyBlob Parse(ReadOnlySpan<byte> blob)
    {
        Expect(blob.Length == Length, "the length is 388");
        Expect(ReadUInt32(ref blob) == CurrentVersion, "Version is 1");
        Expect(ReadUInt32(ref blob) == Sm4Ecb, "ulSymmAlgID is SM4-ECB");
        uint bits = ReadUInt32(ref blob);
        byte[] encryptedPrivateKey = ReadBytes(ref blob, FieldLength).ToArray();
        Expect(ReadUInt32(ref blob) == KeyBits, "BitLen is 256");
        byte[] publicKey = [0x04, .. ReadCoordinate(ref blob), .. ReadCoordinate(ref blob)];
        ReadOnlySpan<byte> x = ReadCoordinate(ref blob);
        ReadOnlySpan<byte> y = ReadCoordinate(ref blob);
        ReadOnlySpan<byte> hash = ReadBytes(ref blob, HashLength);
        Expect(ReadUInt32(ref blob) == SymKeyLength, "CipherLen is 16");
        var cipher = Sm2Cipher.FromRaw([0x04, .. x, .. y, .. hash, .. blob]);
        return new EnvelopedKeyBlob(bits, encryptedPrivateKey, publicKey, cipher);
    }

    /// <returns>388 bytes.</returns>
    public byte[] ToBytes()
    {
        byte[] blob = new byte[Length];
        Span<byte> rest = blob;
        Write(ref rest, CurrentVersion);
        Write(ref rest, Sm4Ecb);
        Write(ref rest, Bits);
        Write(ref rest, EncryptedPrivateKey.Span, FieldLength);
        Write(ref rest, KeyBits);
        Write(ref rest, PublicKey.Span.Slice(1, CoordinateLength), FieldLength);
        Write(ref rest, PublicKey.Span[(1 + CoordinateLength)..], FieldLength);
        Write(ref rest, Cipher.X.Span, FieldLength);
        Write(ref rest, Cipher.Y.Span, FieldLength);
        Write(ref rest, Cipher.Hash.Span, HashLength);
        Write(ref rest, SymKeyLength);
        Write(ref rest, Cipher.CipherText.Span, SymKeyLength);
        return blob;
    }

    private static void Expect(bool condition, string rule)
    {
        if (!condition)
        {
            throw new DerException($"Not an ENVELOPEDKEYBLOB: {rule}.");
        }
    }

    private static uint ReadUInt32(ref ReadOnlySpan<byte> blob) => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(ref blob, sizeof(uint)));

    private static ReadOnlySpan<byte> ReadCoordinate(ref ReadOnlySpan<byte> blob)
    {
        ReadOnlySpan<byte> field = ReadBytes(ref blob, FieldLength);
        Expect(!field[..^CoordinateLength].ContainsAnyExcept((byte)0), "a coordinate has 256 bits");
        return field[^CoordinateLength..];
    }

    private static ReadOnlySpan<byte> ReadBytes(ref ReadOnlySpan<byte> blob, int count)
    {
        ReadOnlySpan<byte> bytes = blob[..count];
        blob = blob[count..];
        return bytes;
    }

    private static void Write(ref Span<byte> rest, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(rest, value);
        rest = rest[sizeof(uint)..];
    }

    /// <summary>Right-aligned in its field.</summary>
    private static void Write(ref Span<byte> rest, ReadOnlySpan<byte> value, int fieldLength)
    {
        value.CopyTo(rest[(fieldLength - value.Length)..]);
        rest = rest[fieldLength..];
    }
}
