using System.Formats.Asn1;

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
