using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// CertStatus ::= CHOICE { good [0] IMPLICIT NULL, revoked [1] IMPLICIT RevokedInfo, unknown [2] IMPLICIT UnknownInfo }
/// UnknownInfo ::= NULL
/// </code>
/// RFC 6960 §4.2.1.
/// </summary>
public abstract record CertStatus : IDer<CertStatus>
{
    // Closed: the alternatives are those of this file.
    private protected CertStatus()
    {
    }

    public static CertStatus Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        if (tag.TagClass != TagClass.ContextSpecific)
        {
            throw new AsnContentException("Not a CertStatus.");
        }

        switch (tag.TagValue)
        {
            case 0:
                reader.ReadNull(Tags.Context0);
                return new Good();
            case 1:
                return new Revoked(RevokedInfo.Read(reader, Tags.Context1));
            case 2:
                reader.ReadNull(Tags.Context2);
                return new Unknown();
            default:
                throw new AsnContentException("Not a CertStatus.");
        }
    }

    public abstract void Write(AsnWriter writer);
}

/// <summary>Issued by this CA and not revoked. Never for a serial number that was not issued.</summary>
public sealed record Good : CertStatus
{
    public override void Write(AsnWriter writer) => writer.WriteNull(Tags.Context0);
}

public sealed record Revoked(RevokedInfo Info) : CertStatus
{
    public override void Write(AsnWriter writer) => Info.Write(writer, Tags.Context1);
}

/// <summary>The responder does not know about the certificate.</summary>
public sealed record Unknown : CertStatus
{
    public override void Write(AsnWriter writer) => writer.WriteNull(Tags.Context2);
}

/// <summary>
/// <code>
/// RevokedInfo ::= SEQUENCE { revocationTime GeneralizedTime, revocationReason [0] EXPLICIT CRLReason OPTIONAL }
/// </code>
/// RFC 6960 §4.2.1.
/// </summary>
/// <param name="RevocationReason">Null when absent.</param>
/// <exception cref="ArgumentOutOfRangeException">Not a reason of RFC 5280.</exception>
public sealed record RevokedInfo(Time RevocationTime, RevocationReason? RevocationReason = null) : IDer<RevokedInfo>
{
    public RevocationReason? RevocationReason { get; } = RevocationReason is { } reason ? CrlReason.Check(reason) : null;

    public static RevokedInfo Read(AsnReader reader) => Read(reader, Asn1Tag.Sequence);

    internal static RevokedInfo Read(AsnReader reader, Asn1Tag tag)
    {
        AsnReader sequence = reader.ReadSequence(tag);
        var info = new RevokedInfo(
            Time.ReadGeneralized(sequence),
            sequence.NextIs(Tags.Context0) ? sequence.ReadExplicit(Tags.Context0, CrlReason.Read) : null);
        sequence.ThrowIfNotEmpty();
        return info;
    }

    public void Write(AsnWriter writer) => Write(writer, Asn1Tag.Sequence);

    internal void Write(AsnWriter writer, Asn1Tag tag)
    {
        using (writer.PushSequence(tag))
        {
            RevocationTime.WriteGeneralized(writer);
            if (RevocationReason is { } reason)
            {
                using (writer.PushSequence(Tags.Context0))
                {
                    CrlReason.Write(writer, reason);
                }
            }
        }
    }
}
