using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Custody;

/// <summary>
/// <code>
/// BackupStatement ::= SEQUENCE { type OBJECT IDENTIFIER, partition OCTET STRING (SIZE (16)), notAfter GeneralizedTime }
/// </code>
/// m of n holders sign it to have a backup made of one partition until a time. The backup opens only with m holders again.
/// </summary>
/// <param name="Partition">16 bytes.</param>
/// <param name="NotAfter">The device makes no backup for it after this.</param>
public sealed record BackupStatement(ReadOnlyMemory<byte> Partition, Time NotAfter) : IDer<BackupStatement>
{
    public ReadOnlyMemory<byte> Partition { get; } = CustodyFields.Exactly(Partition, CustodyFields.IdLength, nameof(Partition));

    public bool Equals(BackupStatement? other) => other is not null && Partition.ContentEquals(other.Partition) && NotAfter == other.NotAfter;

    public override int GetHashCode() => HashCode.Combine(Partition.ContentHash(), NotAfter);

    public static BackupStatement Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.BackupStatement);
        var statement = new BackupStatement(CustodyFields.ReadExactly(sequence, CustodyFields.IdLength), Time.ReadGeneralized(sequence));
        sequence.ThrowIfNotEmpty();
        return statement;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.BackupStatement);
            writer.WriteOctetString(Partition.Span);
            NotAfter.WriteGeneralized(writer);
        }
    }
}
