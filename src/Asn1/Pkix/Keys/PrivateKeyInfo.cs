using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// PrivateKeyInfo ::= SEQUENCE {
///     version             INTEGER { v1(0) },
///     privateKeyAlgorithm AlgorithmIdentifier,
///     privateKey          OCTET STRING,
///     attributes      [0] IMPLICIT SET OF Attribute OPTIONAL }
/// </code>
/// RFC 5208 (PKCS #8). The v2 of RFC 5958, which has a public key too, is refused: for EC keys <see cref="EcPrivateKey"/> has its place.
/// Holds a secret: whoever owns the arrays behind it, and the encoding, zeroes them. Not a record: secrets are neither compared nor printed.
/// </summary>
public sealed class PrivateKeyInfo : IDer<PrivateKeyInfo>, IBoundedDer
{
    /// <summary>RFC 5208 lets the SET be empty: an empty one that was read is written again.</summary>
    private readonly bool _hasAttributes;

    private PrivateKeyInfo(AlgorithmIdentifier privateKeyAlgorithm, ReadOnlyMemory<byte> privateKey, IReadOnlyList<Attribute>? attributes)
    {
        PrivateKeyAlgorithm = Require.NotNull(privateKeyAlgorithm);
        PrivateKey = privateKey;
        Attributes = attributes ?? [];
        _hasAttributes = attributes is not null;
    }

    public PrivateKeyInfo(AlgorithmIdentifier privateKeyAlgorithm, ReadOnlyMemory<byte> privateKey)
        : this(privateKeyAlgorithm, privateKey, null)
    {
    }

    public AlgorithmIdentifier PrivateKeyAlgorithm { get; }

    /// <summary>Content of the OCTET STRING: for SM2 and P-256 the DER of <see cref="EcPrivateKey"/>, for RSA that of RSAPrivateKey.</summary>
    public ReadOnlyMemory<byte> PrivateKey { get; }

    /// <summary>Read, never made.</summary>
    public IReadOnlyList<Attribute> Attributes { get; }

    int IBoundedDer.MaxEncodedLength =>
        DerHeader.MaxLength + 3
        + PrivateKeyAlgorithm.MaxEncodedLength
        + DerHeader.MaxLength + PrivateKey.Length
        + DerHeader.MaxLength + Attributes.Sum(a => (3 * DerHeader.MaxLength) + a.Type.Length + a.Values.Sum(v => v.Length));

    public static PrivateKeyInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(0);
        AlgorithmIdentifier algorithm = AlgorithmIdentifier.Read(sequence);
        ReadOnlyMemory<byte> privateKey = sequence.ReadOctets();
        IReadOnlyList<Attribute>? attributes = sequence.NextIs(Tags.Context0) ? sequence.ReadSetOf(Tags.Context0).ReadAll<Attribute>() : null;
        sequence.ThrowIfNotEmpty();
        return new PrivateKeyInfo(algorithm, privateKey, attributes);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            PrivateKeyAlgorithm.Write(writer);
            writer.WriteOctetString(PrivateKey.Span);
            if (_hasAttributes)
            {
                writer.WriteSetOf(Attributes, Tags.Context0);
            }
        }
    }
}
