using System.Formats.Asn1;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// <code>
/// SM2Cipher ::= SEQUENCE {
///     XCoordinate INTEGER,
///     YCoordinate INTEGER,
///     HASH        OCTET STRING (SIZE(32)),
///     CipherText  OCTET STRING }
/// </code>
/// GM/T 0009-2012 §7.2: C1 as coordinates, then C3, then C2. CipherText is as long as the plaintext, one byte at least.
/// </summary>
public sealed record Sm2Cipher : IDer<Sm2Cipher>
{
    private const int PointLength = 1 + (2 * Integer256.Length);
    private const int HashLength = 32;
    private const int HeaderLength = PointLength + HashLength;

    private readonly byte[] _raw;

    private Sm2Cipher(byte[] raw) => _raw = raw;

    /// <summary>04‖X‖Y‖C3‖C2: 97 bytes and the ciphertext, the form of ZwCa.Cryptography.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>32 bytes, big-endian.</summary>
    public ReadOnlyMemory<byte> X => _raw.AsMemory(1, Integer256.Length);

    /// <summary>32 bytes, big-endian.</summary>
    public ReadOnlyMemory<byte> Y => _raw.AsMemory(1 + Integer256.Length, Integer256.Length);

    /// <summary>C3, 32 bytes of SM3.</summary>
    public ReadOnlyMemory<byte> Hash => _raw.AsMemory(PointLength, HashLength);

    /// <summary>C2.</summary>
    public ReadOnlyMemory<byte> CipherText => _raw.AsMemory(HeaderLength);

    /// <param name="raw">04‖X‖Y‖C3‖C2; copied.</param>
    /// <exception cref="ArgumentException">Not an uncompressed point, or no ciphertext.</exception>
    public static Sm2Cipher FromRaw(ReadOnlySpan<byte> raw) =>
        raw.Length > HeaderLength && raw[0] == 0x04
            ? new Sm2Cipher(raw.ToArray())
            : throw new ArgumentException("A raw SM2 ciphertext is 04, X, Y, C3 and at least one byte of C2.", nameof(raw));

    /// <summary>Tolerance: besides DER, coordinates without their sign octet and lengths in the long form; see AlmostDer.</summary>
    /// <exception cref="DerException">Another form.</exception>
    public static Sm2Cipher DecodeLenient(ReadOnlyMemory<byte> bytes) => Der.Decode<Sm2Cipher>(bytes, AlmostDer.ToDer);

    public static Sm2Cipher Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        Span<byte> coordinates = stackalloc byte[2 * Integer256.Length];
        Integer256.Read(sequence, coordinates[..Integer256.Length]);
        Integer256.Read(sequence, coordinates[Integer256.Length..]);
        ReadOnlyMemory<byte> hash = sequence.ReadOctets();
        ReadOnlyMemory<byte> cipherText = sequence.ReadOctets();
        sequence.ThrowIfNotEmpty();
        if (hash.Length != HashLength || cipherText.IsEmpty)
        {
            throw new AsnContentException("HASH has 32 bytes and CipherText at least one.");
        }

        return new Sm2Cipher([0x04, .. coordinates, .. hash.Span, .. cipherText.Span]);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Integer256.Write(writer, X.Span);
            Integer256.Write(writer, Y.Span);
            writer.WriteOctetString(Hash.Span);
            writer.WriteOctetString(CipherText.Span);
        }
    }

    public bool Equals(Sm2Cipher? other) => other is not null && Raw.ContentEquals(other.Raw);

    public override int GetHashCode() => Raw.ContentHash();
}
