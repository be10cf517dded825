using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Decisions;

/// <summary>What an application asks for; the number is on the wire and never changes its meaning.</summary>
public enum DecisionKind
{
    /// <summary>签发; the body is a <see cref="CertificateBody"/>, as it is of the next two.</summary>
    Issue = 1,

    /// <summary>更新: the same key for longer.</summary>
    Renew = 2,

    /// <summary>换发: a new key for the same entity.</summary>
    Rekey = 3,

    /// <summary>吊销; the body is a <see cref="StatusBody"/>, as it is of suspension and resumption.</summary>
    Revoke = 4,

    /// <summary>密钥恢复; the body is a <see cref="RecoveryBody"/>.</summary>
    Recovery = 5,

    /// <summary>冻结.</summary>
    Suspend = 6,

    /// <summary>解冻.</summary>
    Resume = 7,

    /// <summary>A command of officers to a service; the body is a <see cref="CommandBody"/>.</summary>
    Command = 16,
}

/// <summary>
/// <code>
/// Application ::= SEQUENCE {
///     type         OBJECT IDENTIFIER,
///     version      INTEGER { v1(1) },
///     kind         ENUMERATED,
///     caName       UTF8String,
///     raName       UTF8String,
///     region       PrintableString (SIZE (6)),
///     enrollmentId UTF8String,
///     body         ANY DEFINED BY kind }
/// </code>
/// All that officers decide about. They sign <see cref="Digest"/> in an <see cref="Approval"/>; whoever acts on it has the application itself
/// and does nothing that it does not say.
/// </summary>
public sealed class Application : IDer<Application>
{
    private const int Version = 1;

    /// <param name="caName">1 to 256 characters, as are the RA's name and the enrollment's id.</param>
    /// <param name="region">GB/T 2260, six digits.</param>
    /// <param name="body">One DER element.</param>
    /// <exception cref="ArgumentException">A field of another form.</exception>
    public Application(DecisionKind kind, string caName, string raName, string region, string enrollmentId, ReadOnlyMemory<byte> body)
    {
        Kind = Enum.IsDefined(kind) ? kind : throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such kind of decision.");
        CaName = CustodyFields.Text(caName, nameof(caName));
        RaName = CustodyFields.Text(raName, nameof(raName));
        Region = CustodyFields.Region(region, nameof(region));
        EnrollmentId = CustodyFields.Text(enrollmentId, nameof(enrollmentId));
        Body = Require.Element(body);
    }

    public DecisionKind Kind { get; }

    public string CaName { get; }

    public string RaName { get; }

    /// <summary>GB/T 2260.</summary>
    public string Region { get; }

    public string EnrollmentId { get; }

    /// <summary>One DER element, whose type <see cref="Kind"/> says; nothing in it is checked.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>SM3 of the DER, 32 bytes: what an approval lists.</summary>
    public byte[] Digest => Sm3.HashData(Der.Encode(this));

    public static Application Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.Application);
        sequence.ReadVersion(Version);
        DecisionKind kind = CustodyFields.ReadEnumerated<DecisionKind>(sequence);
        string caName = CustodyFields.ReadText(sequence);
        string raName = CustodyFields.ReadText(sequence);
        string region = CustodyFields.ReadRegion(sequence);
        string enrollmentId = CustodyFields.ReadText(sequence);
        ReadOnlyMemory<byte> body = sequence.ReadEncodedValue();
        sequence.ThrowIfNotEmpty();
        return new Application(kind, caName, raName, region, enrollmentId, body);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.Application);
            writer.WriteInteger(Version);
            writer.WriteEnumeratedValue(Kind);
            CustodyFields.WriteText(writer, CaName);
            CustodyFields.WriteText(writer, RaName);
            CustodyFields.WriteRegion(writer, Region);
            CustodyFields.WriteText(writer, EnrollmentId);
            writer.WriteEncodedValue(Body.Span);
        }
    }
}

/// <summary>
/// <code>
/// RecoveryBody ::= SEQUENCE {
///     issuer    OCTET STRING,
///     serial    CertificateSerialNumber,
///     recipient SubjectPublicKeyInfo }
/// </code>
/// The encryption certificate by its issuer's SubjectKeyIdentifier and its serial number, and the signing key that its private key shall come to.
/// </summary>
/// <param name="Recipient">SM2.</param>
public sealed record RecoveryBody(ReadOnlyMemory<byte> Issuer, SerialNumber SerialNumber, SubjectPublicKeyInfo Recipient) : IDer<RecoveryBody>
{
    public SerialNumber SerialNumber { get; } = Require.NotNull(SerialNumber);

    public SubjectPublicKeyInfo Recipient { get; } = CustodyFields.Sm2Key(Recipient, nameof(Recipient));

    public bool Equals(RecoveryBody? other) =>
        other is not null && Issuer.ContentEquals(other.Issuer) && SerialNumber == other.SerialNumber && Recipient == other.Recipient;

    public override int GetHashCode() => HashCode.Combine(Issuer.ContentHash(), SerialNumber, Recipient);

    public static RecoveryBody Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var body = new RecoveryBody(sequence.ReadOctets(), SerialNumber.Read(sequence), CustodyFields.ReadSm2Key(sequence));
        sequence.ThrowIfNotEmpty();
        return body;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Issuer.Span);
            SerialNumber.Write(writer);
            Recipient.Write(writer);
        }
    }
}
