using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// KSRespond ::= SEQUENCE {
///     version     INTEGER { v1(1) },
///     kmName      EntName,
///     respondList SEQUENCE OF Respond,
///     respondTime GeneralizedTime,
///     taskNO      INTEGER }
/// </code>
/// GM/T 0014-2012 §5.2.3. One answer at least.
/// </summary>
public sealed class KsRespond : IDer<KsRespond>
{
    /// <exception cref="ArgumentException">No answer.</exception>
    public KsRespond(EntName kmName, IReadOnlyList<Respond> respondList, Time respondTime, TaskNumber taskNo)
    {
        KmName = kmName;
        RespondList = Require.NotEmpty(respondList);
        RespondTime = respondTime;
        TaskNo = taskNo;
    }

    public EntName KmName { get; }

    public IReadOnlyList<Respond> RespondList { get; }

    /// <summary>When the KM made the response.</summary>
    public Time RespondTime { get; }

    /// <summary>That of the request; the CA refuses any other.</summary>
    public TaskNumber TaskNo { get; }

    public static KsRespond Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(KeyManagementFields.Version);
        var respond = new KsRespond(
            EntName.Read(sequence),
            sequence.ReadSequenceOf<Respond>(),
            Time.ReadGeneralized(sequence),
            TaskNumber.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return respond;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(KeyManagementFields.Version);
            KmName.Write(writer);
            writer.WriteSequenceOf(RespondList);
            RespondTime.WriteGeneralized(writer);
            TaskNo.Write(writer);
        }
    }
}
