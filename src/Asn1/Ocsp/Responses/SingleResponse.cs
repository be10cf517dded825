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
public sealed record SingleResponse(
    CertId CertId,
    CertStatus CertStatus,
    Time ThisUpdate,
    Time? NextUpdate = null,
    Extensions? SingleExtensions = null) : IDer<SingleResponse>
{
    public static SingleResponse Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var response = new SingleResponse(
            CertId.Read(sequence),
            CertStatus.Read(sequence),
            Time.ReadGeneralized(sequence),
            sequence.NextIs(Tags.Context0) ? ReadNextUpdate(sequence) : null,
            OcspFields.ReadOptional<Extensions>(sequence, Tags.Context1));
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
            if (NextUpdate is { } nextUpdate)
            {
                using (writer.PushSequence(Tags.Context0))
                {
                    nextUpdate.WriteGeneralized(writer);
                }
            }

            OcspFields.WriteOptional(writer, SingleExtensions, Tags.Context1);
        }
    }

    private static Time ReadNextUpdate(AsnReader sequence)
    {
        AsnReader explicitTime = sequence.ReadSequence(Tags.Context0);
        Time nextUpdate = Time.ReadGeneralized(explicitTime);
        explicitTime.ThrowIfNotEmpty();
        return nextUpdate;
    }
}
