using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Certificate ::= SEQUENCE { tbsCertificate TBSCertificate, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
/// </code>
/// RFC 5280 §4.1. The signature is over <see cref="TbsBytes"/>, which are kept as read: verify those, never a re-encoding.
/// </summary>
public sealed class Certificate : IDer<Certificate>
{
    private Certificate(TbsCertificate tbs, ReadOnlyMemory<byte> tbsBytes, AlgorithmIdentifier signatureAlgorithm, ReadOnlyMemory<byte> signature)
    {
        Tbs = tbs;
        TbsBytes = tbsBytes;
        SignatureAlgorithm = signatureAlgorithm;
        Signature = signature;
    }

    public TbsCertificate Tbs { get; }

    /// <summary>The DER of tbsCertificate.</summary>
    public ReadOnlyMemory<byte> TbsBytes { get; }

    public AlgorithmIdentifier SignatureAlgorithm { get; }

    /// <summary>For SM2 and ECDSA the DER of SEQUENCE { r, s }, for RSA the bytes of PKCS #1.</summary>
    public ReadOnlyMemory<byte> Signature { get; }

    /// <summary>RFC 5280 §4.1.1.2: the inner and the outer AlgorithmIdentifier must be the same, parameters included. A reader that trusts the certificate must check it.</summary>
    public bool AlgorithmsAgree => Tbs.Signature == SignatureAlgorithm;

    /// <summary>Puts a signature to the bytes that were signed.</summary>
    /// <param name="tbsBytes">DER of a <see cref="TbsCertificate"/>; kept, not copied. Its signature field becomes the outer one.</param>
    /// <exception cref="DerException"><paramref name="tbsBytes"/> are not a TBSCertificate.</exception>
    public static Certificate Assemble(ReadOnlyMemory<byte> tbsBytes, ReadOnlyMemory<byte> signature)
    {
        TbsCertificate tbs = Der.Decode<TbsCertificate>(tbsBytes);
        return new Certificate(tbs, tbsBytes, tbs.Signature, signature);
    }

    public static Certificate Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> tbsBytes = sequence.PeekEncodedValue();
        TbsCertificate tbs = TbsCertificate.Read(sequence);
        AlgorithmIdentifier signatureAlgorithm = AlgorithmIdentifier.Read(sequence);
        ReadOnlyMemory<byte> signature = sequence.ReadByteBitString();
        sequence.ThrowIfNotEmpty();
        return new Certificate(tbs, tbsBytes, signatureAlgorithm, signature);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(TbsBytes.Span);
            SignatureAlgorithm.Write(writer);
            writer.WriteBitString(Signature.Span);
        }
    }
}
