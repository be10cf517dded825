using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
/// </code>
/// RFC 8017 appendix A.1.1. Only form is checked here; key quality belongs to issuance.
/// </summary>
public sealed record RsaPublicKey : IDer<RsaPublicKey>
{
    /// <param name="modulus">Unsigned, big-endian, positive; leading zeros are dropped.</param>
    /// <param name="publicExponent">Unsigned, big-endian, positive; leading zeros are dropped.</param>
    /// <exception cref="ArgumentException">One of them is zero.</exception>
    public RsaPublicKey(ReadOnlyMemory<byte> modulus, ReadOnlyMemory<byte> publicExponent)
    {
        Modulus = modulus.TrimStart((byte)0);
        PublicExponent = publicExponent.TrimStart((byte)0);
        if (Modulus.IsEmpty || PublicExponent.IsEmpty)
        {
            throw new ArgumentException("Modulus and exponent are positive.");
        }
    }

    /// <summary>Unsigned, big-endian, no leading zero.</summary>
    public ReadOnlyMemory<byte> Modulus { get; }

    /// <summary>Unsigned, big-endian, no leading zero.</summary>
    public ReadOnlyMemory<byte> PublicExponent { get; }

    public bool Equals(RsaPublicKey? other) =>
        other is not null && Modulus.ContentEquals(other.Modulus) && PublicExponent.ContentEquals(other.PublicExponent);

    public override int GetHashCode() => HashCode.Combine(Modulus.ContentHash(), PublicExponent.ContentHash());

    public static RsaPublicKey Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> modulus = ReadPositive(sequence);
        ReadOnlyMemory<byte> publicExponent = ReadPositive(sequence);
        sequence.ThrowIfNotEmpty();
        return new RsaPublicKey(modulus, publicExponent);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(Modulus.Span);
            writer.WriteIntegerUnsigned(PublicExponent.Span);
        }
    }

    private static ReadOnlyMemory<byte> ReadPositive(AsnReader reader)
    {
        ReadOnlyMemory<byte> content = reader.ReadIntegerBytes();
        return content.Span[0] < 0x80 && content.Span is not [0] ? content : throw new AsnContentException("Modulus and exponent are positive.");
    }
}
