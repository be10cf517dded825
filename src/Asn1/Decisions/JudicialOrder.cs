using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// JudicialOrder ::= SEQUENCE {
///     caName    UTF8String,
///     serial    CertificateSerialNumber,
///     statement SignedStatement }
/// </code>
/// Parameters of the command that has a subscriber's key recovered for an authority (司法恢复): the encryption certificate, and the case that recovery officers have signed.
/// </summary>
/// <param name="CaName">Of the CA that had the key bound, as the KMC knows it; 1 to 256 characters.</param>
/// <param name="Statement">Over a <see cref="RecoveryCase"/>.</param>
public sealed record JudicialOrder(string CaName, SerialNumber SerialNumber, SignedStatement Statement) : IDer<JudicialOrder>
{
    public string CaName { get; } = CustodyFields.Text(CaName, nameof(CaName));

    public SerialNumber SerialNumber { get; } = Require.NotNull(SerialNumber);

    public SignedStatement Statement { get; } = Require.NotNull(Statement);

    /// <exception cref="DerException">They signed something else.</exception>
    public RecoveryCase DecodeCase() => Der.Decode<RecoveryCase>(Statement.Statement);

    public static JudicialOrder Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var order = new JudicialOrder(CustodyFields.ReadText(sequence), SerialNumber.Read(sequence), SignedStatement.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return order;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, CaName);
            SerialNumber.Write(writer);
            Statement.Write(writer);
        }
    }

    /// <summary>No case numbers in logs.</summary>
    public override string ToString() => SerialNumber.ToString();
}
