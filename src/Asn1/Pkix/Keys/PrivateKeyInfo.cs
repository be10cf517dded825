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
/// RFC 5208 (PKCS #8), the v1 of RFC 5958. Holds a secret: whoever owns the arrays behind it, and the encoding, zeroes them.
/// </summary>
/// <param name="PrivateKey">Content of the OCTET STRING: for SM2 and P-256 the DER of <see cref="EcPrivateKey"/>, for RSA that of RSAPrivateKey.</param>
/// <param name="Attributes">None: the field is absent.</param>
public sealed record PrivateKeyInfo(
    AlgorithmIdentifier PrivateKeyAlgorithm,
    ReadOnlyMemory<byte> PrivateKey,
    params IReadOnlyList<Attribute> Attributes) : IDer<PrivateKeyInfo>
{
    public static PrivateKeyInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(0);
        AlgorithmIdentifier algorithm = AlgorithmIdentifier.Read(sequence);
        ReadOnlyMemory<byte> privateKey = sequence.ReadOctets();
        IReadOnlyList<Attribute> attributes = sequence.NextIs(Tags.Context0) ? sequence.ReadSetOf<Attribute>(Tags.Context0) : [];
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
            if (Attributes.Count > 0)
            {
                writer.WriteSetOf(Attributes, Tags.Context0);
            }
        }
    }

    /// <summary>No key material in logs.</summary>
    public override string ToString() => nameof(PrivateKeyInfo);
}
