using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// SingleResponse ::= SEQUENCE {
///     certID               CertID,
///     certStatus           CertStatus,
///     thisUpdate           GeneralizedTime,
///     nextUpdate       [0] EXPLICIT GeneralizedTime OPTIONAL,
///     singleExtensions [1] EXPLICIT Extensions OPTIONAL }
/// </code>
/// RFC 6960 §4.2.1; times without fractions (RFC 5019 §2.2.4).
/// </summary>
public sealed class SingleResponse(
    CertId certId,
    CertStatus certStatus,
    Time thisUpdate,
    Time? nextUpdate = null,
    Extensions? singleExtensions = null) : IDer<SingleResponse>
{
    public CertId CertId { get; } = certId;

    public CertStatus CertStatus { get; } = certStatus;

    public Time ThisUpdate { get; } = thisUpdate;

    public Time? NextUpdate { get; } = nextUpdate;

    public Extensions? SingleExtensions { get; } = singleExtensions;

    public static SingleResponse Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var response = new SingleResponse(
            CertId.Read(sequence),
            CertStatus.Read(sequence),
            Time.ReadGeneralized(sequence),
            sequence.NextIs(Tags.Context0) ? sequence.ReadExplicit(Tags.Context0, t => Time.ReadGeneralized(t)) : null,
            sequence.ReadOptionalExplicit<Extensions>(Tags.Context1));
        sequence.ThrowIfNotEmpty();
        return response;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CertId.Write(writer);
            CertStatus.Write(writer);
            ThisUpdate.WriteGeneralized(writer);
            if (NextUpdate is { } time)
            {
                using (writer.PushSequence(Tags.Context0))
                {
                    time.WriteGeneralized(writer);
                }
            }

            writer.WriteOptionalExplicit(SingleExtensions, Tags.Context1);
        }
    }
}
