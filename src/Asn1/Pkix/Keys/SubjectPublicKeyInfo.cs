using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
/// </code>
/// RFC 5280 §4.1.2.7; SM2 keys are id-ecPublicKey with the curve OID of GM/T 0006 as parameters.
/// </summary>
/// <param name="PublicKey">The BIT STRING's bytes: for SM2 and P-256 the point 04‖X‖Y, for RSA the DER RSAPublicKey.</param>
public sealed record SubjectPublicKeyInfo(AlgorithmIdentifier Algorithm, ReadOnlyMemory<byte> PublicKey) : IDer<SubjectPublicKeyInfo>
{
    private const int UncompressedPointLength = 65;

    public AlgorithmIdentifier Algorithm { get; init; } = Require.NotNull(Algorithm);

    /// <summary>Dotted OID of the curve of an id-ecPublicKey, or null for other keys and for explicit parameters.</summary>
    /// <exception cref="DerException">The parameters claim to be an OID and are not.</exception>
    public string? NamedCurve
    {
        get
        {
            if (Algorithm.Algorithm != Oids.EcPublicKey || Algorithm.Parameters is not { Length: > 0 } parameters || parameters.Span[0] != 0x06)
            {
                return null;
            }

            return Der.Decode(parameters, static r => r.ReadObjectIdentifier(), "OBJECT IDENTIFIER of a curve");
        }
    }

    /// <param name="point">65 bytes, 04‖X‖Y: what GM/T 0015 profiles and all peers expect, though GM/T 0009-2023 §7.1 allows a compressed one.</param>
    /// <exception cref="ArgumentException">Not an uncompressed point. Whether it lies on the curve is for the key class to say.</exception>
    public static SubjectPublicKeyInfo ForSm2(ReadOnlyMemory<byte> point) => ForCurve(Oids.Sm2, point);

    /// <param name="point">65 bytes, 04‖X‖Y (RFC 5480 §2.2).</param>
    /// <exception cref="ArgumentException">Not an uncompressed point. Whether it lies on the curve is for the key class to say.</exception>
    public static SubjectPublicKeyInfo ForP256(ReadOnlyMemory<byte> point) => ForCurve(Oids.P256, point);

    /// <summary>The SM2 key that this is; false for a key of another kind and for a point off the curve. For keys from outside: it never throws.</summary>
    public bool TryGetSm2Key([NotNullWhen(true)] out Sm2PublicKey? key)
    {
        key = null;
        return Algorithm == AlgorithmIdentifier.Sm2Key && Sm2PublicKey.TryFromBytes(PublicKey.Span, out key);
    }

    public static SubjectPublicKeyInfo ForRsa(RsaPublicKey publicKey) => new(AlgorithmIdentifier.Rsa, Der.Encode(publicKey));

    private static SubjectPublicKeyInfo ForCurve(string curve, ReadOnlyMemory<byte> point)
    {
        if (point.Length != UncompressedPointLength || point.Span[0] != 0x04)
        {
            throw new ArgumentException("The point must be 65 bytes, 04, X and Y.", nameof(point));
        }

        return new SubjectPublicKeyInfo(AlgorithmIdentifier.EcKey(curve), point);
    }

    public bool Equals(SubjectPublicKeyInfo? other) =>
        other is not null && Algorithm == other.Algorithm && PublicKey.ContentEquals(other.PublicKey);

    public override int GetHashCode() => HashCode.Combine(Algorithm, PublicKey.ContentHash());

    public static SubjectPublicKeyInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        AlgorithmIdentifier algorithm = AlgorithmIdentifier.Read(sequence);
        ReadOnlyMemory<byte> publicKey = sequence.ReadByteBitString();
        sequence.ThrowIfNotEmpty();
        return new SubjectPublicKeyInfo(algorithm, publicKey);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Algorithm.Write(writer);
            writer.WriteBitString(PublicKey.Span);
        }
    }
}
