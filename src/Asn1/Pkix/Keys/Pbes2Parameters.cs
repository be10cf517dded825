using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// PBES2-params ::= SEQUENCE {
///     keyDerivationFunc SEQUENCE { id-PBKDF2, SEQUENCE {
///         salt           OCTET STRING,
///         iterationCount INTEGER (1..MAX),
///         keyLength      INTEGER (1..MAX) OPTIONAL,
///         prf            SEQUENCE { id-hmacWithSHA256, NULL } } },
///     encryptionScheme  SEQUENCE { aes256-CBC-PAD, OCTET STRING (SIZE (16)) } }
/// </code>
/// RFC 8018 appendix A.2, A.4, B.1.2, B.2.5, of which only PBKDF2 with HMAC-SHA256 and AES-256-CBC are read.
/// </summary>
public sealed class Pbes2Parameters : IDer<Pbes2Parameters>
{
    /// <summary>Fewer, and the password is guessed.</summary>
    public const int MinIterations = 10_000;

    /// <summary>More, and who sent the file keeps us busy: these take seconds.</summary>
    public const int MaxIterations = 10_000_000;

    internal const int KeyLength = 32;
    internal const int IvLength = 16;

    private const int MinSaltLength = 8;
    private const int MaxSaltLength = 128;

    private static readonly byte[] DerNull = [0x05, 0x00];
    private static readonly AlgorithmIdentifier HmacWithSha256 = new(Oids.HmacWithSha256, DerNull);

    /// <summary>The keyLength is optional; one that was read is written again.</summary>
    private readonly bool _hasKeyLength;

    private Pbes2Parameters(ReadOnlyMemory<byte> salt, int iterations, bool hasKeyLength, ReadOnlyMemory<byte> iv)
    {
        Salt = salt;
        Iterations = iterations;
        _hasKeyLength = hasKeyLength;
        Iv = iv;
    }

    /// <param name="salt">8 to 128 bytes.</param>
    /// <param name="iterations">10,000 to 10,000,000.</param>
    /// <param name="iv">16 bytes.</param>
    /// <exception cref="ArgumentException">Other sizes.</exception>
    public Pbes2Parameters(ReadOnlyMemory<byte> salt, int iterations, ReadOnlyMemory<byte> iv)
        : this(salt, iterations, hasKeyLength: false, iv)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, MinIterations);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(iterations, MaxIterations);
        if (salt.Length is < MinSaltLength or > MaxSaltLength || iv.Length != IvLength)
        {
            throw new ArgumentException("The salt has 8 to 128 bytes, the initialization vector 16.");
        }
    }

    public ReadOnlyMemory<byte> Salt { get; }

    public int Iterations { get; }

    public ReadOnlyMemory<byte> Iv { get; }

    public static Pbes2Parameters Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        AsnReader keyDerivation = sequence.ReadSequence();
        RequireAlgorithm(keyDerivation, Oids.Pbkdf2, "PBKDF2");
        AsnReader pbkdf2 = keyDerivation.ReadSequence();
        ReadOnlyMemory<byte> salt = pbkdf2.ReadOctets();
        int iterations = ReadIterations(pbkdf2);
        bool hasKeyLength = pbkdf2.NextIs(Asn1Tag.Integer);
        if (hasKeyLength && pbkdf2.ReadCount() != KeyLength)
        {
            throw new AsnContentException("The key of AES-256 has 32 bytes.");
        }

        // Without it HMAC-SHA1 is meant.
        if (!pbkdf2.HasData || AlgorithmIdentifier.Read(pbkdf2) != HmacWithSha256)
        {
            throw new AsnContentException("Only HMAC-SHA256 is supported.");
        }

        pbkdf2.ThrowIfNotEmpty();
        keyDerivation.ThrowIfNotEmpty();
        AsnReader encryption = sequence.ReadSequence();
        RequireAlgorithm(encryption, Oids.Aes256Cbc, "AES-256-CBC");
        ReadOnlyMemory<byte> iv = encryption.ReadOctets();
        encryption.ThrowIfNotEmpty();
        sequence.ThrowIfNotEmpty();
        return salt.Length is >= MinSaltLength and <= MaxSaltLength && iv.Length == IvLength
            ? new Pbes2Parameters(salt, iterations, hasKeyLength, iv)
            : throw new AsnContentException("The salt has 8 to 128 bytes, the initialization vector 16.");
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.Pbkdf2);
                using (writer.PushSequence())
                {
                    writer.WriteOctetString(Salt.Span);
                    writer.WriteInteger(Iterations);
                    if (_hasKeyLength)
                    {
                        writer.WriteInteger(KeyLength);
                    }

                    HmacWithSha256.Write(writer);
                }
            }

            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(Oids.Aes256Cbc);
                writer.WriteOctetString(Iv.Span);
            }
        }
    }

    private static int ReadIterations(AsnReader reader) =>
        reader.TryReadInt32(out int iterations) && iterations is >= MinIterations and <= MaxIterations
            ? iterations
            : throw new AsnContentException("The iteration count is not 10,000 to 10,000,000.");

    private static void RequireAlgorithm(AsnReader reader, string expected, string name)
    {
        string algorithm = reader.ReadObjectIdentifier();
        if (algorithm != expected)
        {
            throw new AsnContentException($"Only {name} is supported, not {algorithm}.");
        }
    }
}
