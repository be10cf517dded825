using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// ECPrivateKey ::= SEQUENCE {
///     version        INTEGER { ecPrivkeyVer1(1) },
///     privateKey     OCTET STRING,
///     parameters [0] EXPLICIT ECParameters OPTIONAL,     -- namedCurve OBJECT IDENTIFIER
///     publicKey  [1] EXPLICIT BIT STRING OPTIONAL }
/// </code>
/// RFC 5915 §3. Holds a secret: whoever owns the arrays behind it, and the encoding, zeroes them. Not a record: secrets are neither
/// compared nor printed.
/// </summary>
public sealed class EcPrivateKey : IDer<EcPrivateKey>, IBoundedDer
{
    /// <param name="privateKey">Big-endian, as long as the order of the curve: 32 bytes for SM2 and P-256.</param>
    /// <param name="namedCurve">Dotted OID, or null when absent (within PKCS #8 the algorithm names the curve).</param>
    /// <param name="publicKey">The point 04‖X‖Y, or null when absent.</param>
    public EcPrivateKey(ReadOnlyMemory<byte> privateKey, string? namedCurve = null, ReadOnlyMemory<byte>? publicKey = null)
    {
        PrivateKey = privateKey;
        NamedCurve = namedCurve is null ? null : Require.Oid(namedCurve);
        PublicKey = publicKey;
    }

    public ReadOnlyMemory<byte> PrivateKey { get; }

    public string? NamedCurve { get; }

    public ReadOnlyMemory<byte>? PublicKey { get; }

    int IBoundedDer.MaxEncodedLength =>
        DerHeader.MaxLength + 3 + DerHeader.MaxLength + PrivateKey.Length
        + (2 * DerHeader.MaxLength) + (NamedCurve?.Length ?? 0)
        + (2 * DerHeader.MaxLength) + 1 + PublicKey.GetValueOrDefault().Length;

    public static EcPrivateKey Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(1);
        ReadOnlyMemory<byte> privateKey = sequence.ReadOctets();
        string? namedCurve = sequence.NextIs(Tags.Context0)
            ? sequence.ReadExplicit(Tags.Context0, static r => r.ReadObjectIdentifier())
            : null;
        ReadOnlyMemory<byte>? publicKey = sequence.NextIs(Tags.Context1)
            ? sequence.ReadExplicit(Tags.Context1, static r => r.ReadByteBitString())
            : default(ReadOnlyMemory<byte>?);
        sequence.ThrowIfNotEmpty();
        return new EcPrivateKey(privateKey, namedCurve, publicKey);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            writer.WriteOctetString(PrivateKey.Span);
            if (NamedCurve is not null)
            {
                using (writer.PushSequence(Tags.Context0))
                {
                    writer.WriteObjectIdentifier(NamedCurve);
                }
            }

            if (PublicKey is { } publicKey)
            {
                using (writer.PushSequence(Tags.Context1))
                {
                    writer.WriteBitString(publicKey.Span);
                }
            }
        }
    }
}
