using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CertificateList ::= SEQUENCE { tbsCertList TBSCertList, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
/// </code>
/// RFC 5280 §5.1: a CRL, full, partitioned, of authorities (ARL) or delta, as its extensions say. The signature is over
/// <see cref="TbsBytes"/>, which are kept as read: verify those, never a re-encoding.
/// </summary>
public sealed class CertificateList : IDer<CertificateList>, IBoundedDer
{
    private CertificateList(TbsCertList tbs, ReadOnlyMemory<byte> tbsBytes, AlgorithmIdentifier signatureAlgorithm, ReadOnlyMemory<byte> signature)
    {
        Tbs = tbs;
        TbsBytes = tbsBytes;
        SignatureAlgorithm = signatureAlgorithm;
        Signature = signature;
    }

    public TbsCertList Tbs { get; }

    /// <summary>The DER of tbsCertList.</summary>
    public ReadOnlyMemory<byte> TbsBytes { get; }

    public AlgorithmIdentifier SignatureAlgorithm { get; }

    public ReadOnlyMemory<byte> Signature { get; }

    /// <summary>RFC 5280 §5.1.1.2: inner and outer AlgorithmIdentifier must be the same, parameters included. A reader that trusts the CRL must check it.</summary>
    public bool AlgorithmsAgree => Tbs.Signature == SignatureAlgorithm;

    int IBoundedDer.MaxEncodedLength =>
        DerHeader.MaxLength + TbsBytes.Length + SignatureAlgorithm.MaxEncodedLength + DerHeader.MaxLength + 1 + Signature.Length;

    /// <summary>Puts a signature to the bytes that were signed.</summary>
    /// <param name="tbsBytes">DER of a <see cref="TbsCertList"/>; kept, not copied. Its signature field becomes the outer one.</param>
    /// <exception cref="DerException"><paramref name="tbsBytes"/> are not a TBSCertList.</exception>
    public static CertificateList Assemble(ReadOnlyMemory<byte> tbsBytes, ReadOnlyMemory<byte> signature)
    {
        TbsCertList tbs = Der.Decode<TbsCertList>(tbsBytes);
        return new CertificateList(tbs, tbsBytes, tbs.Signature, signature);
    }

    public static CertificateList Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> tbsBytes = sequence.PeekEncodedValue();
        TbsCertList tbs = TbsCertList.Read(sequence);
        AlgorithmIdentifier signatureAlgorithm = AlgorithmIdentifier.Read(sequence);
        ReadOnlyMemory<byte> signature = sequence.ReadByteBitString();
        sequence.ThrowIfNotEmpty();
        return new CertificateList(tbs, tbsBytes, signatureAlgorithm, signature);
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
