using System.Formats.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// LogRollback ::= SEQUENCE {
///     origin        UTF8String,
///     abandonedSize INTEGER,
///     abandonedRoot OCTET STRING (SIZE (32)),
///     keptSize      INTEGER,
///     reason        UTF8String }
/// </code>
/// Parameters of the command that lets a log go on from an older state: which log, the highest checkpoint that is given up, and how many events remain. So a
/// decision is about one loss and no other.
/// </summary>
/// <param name="Origin">Name of the log, 1 to 256 characters, as is the reason.</param>
/// <param name="AbandonedSize">Not negative, nor is the kept size.</param>
/// <param name="AbandonedRoot">32 bytes.</param>
public sealed record LogRollback(string Origin, long AbandonedSize, ReadOnlyMemory<byte> AbandonedRoot, long KeptSize, string Reason) : IDer<LogRollback>
{
    public string Origin { get; } = CustodyFields.Text(Origin, nameof(Origin));

    public long AbandonedSize { get; } = LogFields.Count(AbandonedSize, nameof(AbandonedSize));

    public ReadOnlyMemory<byte> AbandonedRoot { get; } = CustodyFields.Exactly(AbandonedRoot, CustodyFields.HashLength, nameof(AbandonedRoot));

    public long KeptSize { get; } = LogFields.Count(KeptSize, nameof(KeptSize));

    public string Reason { get; } = CustodyFields.Text(Reason, nameof(Reason));

    public bool Equals(LogRollback? other) =>
        other is not null && Origin == other.Origin && AbandonedSize == other.AbandonedSize && AbandonedRoot.ContentEquals(other.AbandonedRoot)
        && KeptSize == other.KeptSize && Reason == other.Reason;

    public override int GetHashCode() => HashCode.Combine(Origin, AbandonedSize, AbandonedRoot.ContentHash(), KeptSize, Reason);

    public static LogRollback Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var rollback = new LogRollback(
            CustodyFields.ReadText(sequence),
            LogFields.ReadCount(sequence),
            CustodyFields.ReadExactly(sequence, CustodyFields.HashLength),
            LogFields.ReadCount(sequence),
            CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return rollback;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Origin);
            writer.WriteInteger(AbandonedSize);
            writer.WriteOctetString(AbandonedRoot.Span);
            writer.WriteInteger(KeptSize);
            CustodyFields.WriteText(writer, Reason);
        }
    }
}
