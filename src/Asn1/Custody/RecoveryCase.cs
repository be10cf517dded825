using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Custody;

/// <summary>
/// <code>
/// RecoveryCase ::= SEQUENCE {
///     type         OBJECT IDENTIFIER,
///     partition    OCTET STRING (SIZE (16)),
///     caseNumber   UTF8String,
///     documentHash OCTET STRING (SIZE (32)),
///     keyId        OCTET STRING (SIZE (16)),
///     recipient    SubjectPublicKeyInfo,
///     notAfter     GeneralizedTime }
/// </code>
/// Judicial recovery (司法恢复) of one escrowed key to one recipient: what recovery officers sign and the device checks.
/// </summary>
public sealed class RecoveryCase : IDer<RecoveryCase>
{
    /// <param name="partition">16 bytes.</param>
    /// <param name="caseNumber">Of the deciding authority; 1 to 256 characters.</param>
    /// <param name="documentHash">SM3 of the document that orders it, 32 bytes.</param>
    /// <param name="keyId">16 bytes.</param>
    /// <param name="recipient">SM2.</param>
    /// <exception cref="ArgumentException">A field of another size, or a key that is not SM2.</exception>
    public RecoveryCase(
        ReadOnlyMemory<byte> partition,
        string caseNumber,
        ReadOnlyMemory<byte> documentHash,
        ReadOnlyMemory<byte> keyId,
        SubjectPublicKeyInfo recipient,
        Time notAfter)
    {
        Partition = CustodyFields.Exactly(partition, CustodyFields.IdLength, nameof(partition));
        CaseNumber = CustodyFields.Text(caseNumber, nameof(caseNumber));
        DocumentHash = CustodyFields.Exactly(documentHash, CustodyFields.HashLength, nameof(documentHash));
        KeyId = CustodyFields.Exactly(keyId, CustodyFields.IdLength, nameof(keyId));
        Recipient = CustodyFields.Sm2Key(recipient, nameof(recipient));
        NotAfter = notAfter;
    }

    public ReadOnlyMemory<byte> Partition { get; }

    public string CaseNumber { get; }

    public ReadOnlyMemory<byte> DocumentHash { get; }

    public ReadOnlyMemory<byte> KeyId { get; }

    public SubjectPublicKeyInfo Recipient { get; }

    /// <summary>The device refuses it after this.</summary>
    public Time NotAfter { get; }

    public static RecoveryCase Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.RecoveryCase);
        var recoveryCase = new RecoveryCase(
            CustodyFields.ReadExactly(sequence, CustodyFields.IdLength),
            CustodyFields.ReadText(sequence),
            CustodyFields.ReadExactly(sequence, CustodyFields.HashLength),
            CustodyFields.ReadExactly(sequence, CustodyFields.IdLength),
            CustodyFields.ReadSm2Key(sequence),
            Time.ReadGeneralized(sequence));
        sequence.ThrowIfNotEmpty();
        return recoveryCase;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.RecoveryCase);
            writer.WriteOctetString(Partition.Span);
            CustodyFields.WriteText(writer, CaseNumber);
            writer.WriteOctetString(DocumentHash.Span);
            writer.WriteOctetString(KeyId.Span);
            Recipient.Write(writer);
            NotAfter.WriteGeneralized(writer);
        }
    }
}
