using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// <code>
/// SM2EnvelopedKey ::= SEQUENCE {
///     symAlgID               AlgorithmIdentifier,
///     symEncryptedKey        SM2Cipher,
///     sm2PublicKey           SM2PublicKey,
///     sm2EncryptedPrivateKey BIT STRING }
/// SM2PublicKey ::= BIT STRING
/// </code>
/// GM/T 0009-2012 §7.4. An SM4 key under the receiver's public key, and an SM2 key pair whose private half is under that SM4 key in ECB mode.
/// Whoever opens it must check that the private key belongs to <see cref="PublicKey"/>.
/// </summary>
public sealed class Sm2EnvelopedKey : IDer<Sm2EnvelopedKey>
{
    private const int KeyLength = 32;
    private const int BlockLength = 16;

    /// <summary>Of sm2EncryptedPrivateKey; 0 but for the tolerance below.</summary>
    private readonly int _unusedBits;

    /// <param name="symEncryptedKey">The SM4 key under the receiver's public key.</param>
    /// <param name="publicKey">The enveloped key pair's, 04‖X‖Y.</param>
    /// <param name="encryptedPrivateKey">
    /// SM4-ECB without padding: 32 bytes (GM/T 0009-2023 §7.4 b), or 64 of 32 zero bytes and the key, which a token's blob can be made of.
    /// </param>
    /// <exception cref="ArgumentException">A key or ciphertext of another length.</exception>
    public Sm2EnvelopedKey(Sm2Cipher symEncryptedKey, ReadOnlyMemory<byte> publicKey, ReadOnlyMemory<byte> encryptedPrivateKey)
        : this(new AlgorithmIdentifier(Oids.Sm4Ecb), symEncryptedKey, publicKey, encryptedPrivateKey, unusedBits: 0)
    {
        ArgumentNullException.ThrowIfNull(symEncryptedKey);
        if (publicKey.Span is not { Length: 65 } or not [0x04, ..])
        {
            throw new ArgumentException("The public key is 04, X and Y.", nameof(publicKey));
        }

        if (encryptedPrivateKey.Length is not (KeyLength or 2 * KeyLength))
        {
            throw new ArgumentException("The encrypted private key has 32 or 64 bytes.", nameof(encryptedPrivateKey));
        }
    }

    private Sm2EnvelopedKey(
        AlgorithmIdentifier symAlgId,
        Sm2Cipher symEncryptedKey,
        ReadOnlyMemory<byte> publicKey,
        ReadOnlyMemory<byte> encryptedPrivateKey,
        int unusedBits)
    {
        SymAlgId = symAlgId;
        SymEncryptedKey = symEncryptedKey;
        PublicKey = publicKey;
        EncryptedPrivateKey = encryptedPrivateKey;
        _unusedBits = unusedBits;
    }

    /// <summary>SM4-ECB, or plain SM4, which many products write where they mean ECB; parameters NULL or absent.</summary>
    public AlgorithmIdentifier SymAlgId { get; }

    public Sm2Cipher SymEncryptedKey { get; }

    /// <summary>04‖X‖Y, or 02/03‖X (GM/T 0009-2023 §7.1).</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>As on the wire; decrypt <see cref="Ciphertext"/>.</summary>
    public ReadOnlyMemory<byte> EncryptedPrivateKey { get; }

    /// <summary>
    /// What to decrypt with SM4-ECB, without removing padding: 32, 48 or 64 bytes. <see cref="ReadPrivateKey"/> takes the result.
    /// Tolerance: OpenSSL's encoder drops trailing zero bytes of a BIT STRING unless told not to, so about one envelope in 256 of some
    /// producers lacks its last byte; zeros fill it up to whole blocks.
    /// </summary>
    public ReadOnlyMemory<byte> Ciphertext
    {
        get
        {
            int missing = -EncryptedPrivateKey.Length & (BlockLength - 1);
            return missing == 0 ? EncryptedPrivateKey : (byte[])[.. EncryptedPrivateKey.Span, .. new byte[missing]];
        }
    }

    /// <summary>
    /// Tolerance: GM/T 0009-2012 does not say how the private key is padded before encryption, so three forms are met: 32 bytes, the key
    /// itself (the 2023 edition's only form); 48, the key and a block of PKCS #7 padding; 64, the key right-aligned after 32 zero bytes, as
    /// in the token blob of GM/T 0016.
    /// </summary>
    /// <param name="decrypted">Secret. <see cref="Ciphertext"/> after SM4-ECB.</param>
    /// <param name="privateKey">Receives 32 bytes, big-endian. Its range and its public key are not checked here.</param>
    /// <exception cref="ArgumentException"><paramref name="privateKey"/> has another length.</exception>
    /// <exception cref="DerException">None of the three forms.</exception>
    public static void ReadPrivateKey(ReadOnlySpan<byte> decrypted, Span<byte> privateKey)
    {
        if (privateKey.Length != KeyLength)
        {
            throw new ArgumentException("A private key has 32 bytes.", nameof(privateKey));
        }

        ReadOnlySpan<byte> key = decrypted.Length switch
        {
            KeyLength => decrypted,
            KeyLength + BlockLength when Is(decrypted[KeyLength..], BlockLength) => decrypted[..KeyLength],
            2 * KeyLength when Is(decrypted[..KeyLength], 0) => decrypted[KeyLength..],
            _ => throw new DerException("The decrypted private key has none of the known forms."),
        };
        key.CopyTo(privateKey);
    }

    /// <summary>Tolerance: besides DER, coordinates without their sign octet and lengths in the long form; see AlmostDer.</summary>
    /// <exception cref="DerException">Another form.</exception>
    public static Sm2EnvelopedKey DecodeLenient(ReadOnlyMemory<byte> bytes) => Der.Decode<Sm2EnvelopedKey>(bytes, AlmostDer.ToDer);

    public static Sm2EnvelopedKey Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        AlgorithmIdentifier symAlgId = AlgorithmIdentifier.Read(sequence);
        if (symAlgId.Algorithm is not (Oids.Sm4 or Oids.Sm4Ecb) || symAlgId.Parameters is { Span: not [0x05, 0x00] })
        {
            throw new AsnContentException("symAlgID must be SM4 in ECB mode.");
        }

        Sm2Cipher symEncryptedKey = Sm2Cipher.Read(sequence);
        ReadOnlyMemory<byte> publicKey = sequence.ReadByteBitString();
        if (!IsPublicKey(publicKey.Span))
        {
            throw new AsnContentException("sm2PublicKey is not an encoded point.");
        }

        // Tolerance: the encoder that drops trailing zero bytes (see Ciphertext) also counts the zero bits of the last byte as unused.
        // DER makes unused bits zero, so the bytes are those that were encrypted.
        if (!sequence.TryReadPrimitiveBitString(out int unusedBits, out ReadOnlyMemory<byte> encryptedPrivateKey)
            || encryptedPrivateKey.Length is <= BlockLength or > 2 * KeyLength)
        {
            throw new AsnContentException("sm2EncryptedPrivateKey has two to four blocks.");
        }

        sequence.ThrowIfNotEmpty();
        return new Sm2EnvelopedKey(symAlgId, symEncryptedKey, publicKey, encryptedPrivateKey, unusedBits);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            SymAlgId.Write(writer);
            SymEncryptedKey.Write(writer);
            writer.WriteBitString(PublicKey.Span);
            writer.WriteBitString(EncryptedPrivateKey.Span, _unusedBits);
        }
    }

    private static bool IsPublicKey(ReadOnlySpan<byte> point) =>
        point is { Length: 65 } and [0x04, ..] or { Length: 33 } and [0x02 or 0x03, ..];

    /// <summary>In a time that does not depend on the bytes: they are decrypted ones.</summary>
    private static bool Is(ReadOnlySpan<byte> bytes, byte value)
    {
        Span<byte> expected = stackalloc byte[bytes.Length];
        expected.Fill(value);
        return CryptographicOperations.FixedTimeEquals(bytes, expected);
    }
}
