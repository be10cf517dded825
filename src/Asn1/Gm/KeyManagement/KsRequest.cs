using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// KSRequest ::= SEQUENCE {
///     version     INTEGER { v1(1) },
///     caName      EntName,
///     requestList SEQUENCE OF Request,
///     requestTime GeneralizedTime,
///     taskNO      INTEGER }
/// </code>
/// GM/T 0014-2012 §5.2.3.1. One request at least: an empty list asks nothing and has no answer.
/// </summary>
public sealed class KsRequest : IDer<KsRequest>
{
    /// <exception cref="ArgumentException">No request.</exception>
    public KsRequest(EntName caName, IReadOnlyList<Request> requestList, Time requestTime, TaskNumber taskNo)
    {
        CaName = caName;
        RequestList = Require.NotEmpty(requestList);
        RequestTime = requestTime;
        TaskNo = taskNo;
    }

    public EntName CaName { get; }

    public IReadOnlyList<Request> RequestList { get; }

    /// <summary>When the CA made the request; the KM bounds its age.</summary>
    public Time RequestTime { get; }

    public TaskNumber TaskNo { get; }

    public static KsRequest Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(KeyManagementFields.Version);
        var request = new KsRequest(
            EntName.Read(sequence),
            sequence.ReadSequenceOf<Request>(),
            Time.ReadGeneralized(sequence),
            TaskNumber.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return request;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(KeyManagementFields.Version);
            CaName.Write(writer);
            writer.WriteSequenceOf(RequestList);
            RequestTime.WriteGeneralized(writer);
            TaskNo.Write(writer);
        }
    }
}
