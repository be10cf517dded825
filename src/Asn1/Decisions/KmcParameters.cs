using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Decisions;

/// <summary>What of retPriKey a KMC signs: peers differ (GM/T 0010-2012 says the content). On the wire and in the database; never changes its meaning.</summary>
public enum SignedPart : short
{
    /// <summary>The private key d, inside the device.</summary>
    Content = 1,

    /// <summary>DER of EncryptedContentInfo.</summary>
    EncryptedContentInfo = 2,
}

/// <summary>How signatures stand in retPriKey: peers differ. On the wire and in the database; never changes its meaning.</summary>
public enum SignatureForm : short
{
    /// <summary>SM2Signature of GM/T 0009.</summary>
    Der = 1,

    /// <summary>64 bytes r‖s.</summary>
    Raw = 2,
}

/// <summary>
/// <code>
/// CaRegistration ::= SEQUENCE {
///     name          UTF8String,
///     certificate   Certificate,
///     link          UTF8String,
///     signedPart    ENUMERATED { content(1), encryptedContentInfo(2) },
///     signatureForm ENUMERATED { der(1), raw(2) } }
/// </code>
/// Parameters of the command that lets a CA be served by a KMC.
/// </summary>
/// <param name="Name">As in the policy of the device, 1 to 256 characters.</param>
/// <param name="Certificate">Of the key that signs its messages.</param>
/// <param name="Link">Name of the client over whose link it speaks.</param>
public sealed record CaRegistration(string Name, Certificate Certificate, string Link, SignedPart SignedPart, SignatureForm SignatureForm) : IDer<CaRegistration>
{
    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public Certificate Certificate { get; } = Require.NotNull(Certificate);

    public string Link { get; } = CustodyFields.Text(Link, nameof(Link));

    public SignedPart SignedPart { get; } = Enum.IsDefined(SignedPart) ? SignedPart : throw new ArgumentOutOfRangeException(nameof(SignedPart), SignedPart, "No such part.");

    public SignatureForm SignatureForm { get; } =
        Enum.IsDefined(SignatureForm) ? SignatureForm : throw new ArgumentOutOfRangeException(nameof(SignatureForm), SignatureForm, "No such form.");

    public static CaRegistration Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new CaRegistration(
            CustodyFields.ReadText(sequence),
            Certificate.Read(sequence),
            CustodyFields.ReadText(sequence),
            CustodyFields.ReadEnumerated<SignedPart>(sequence),
            CustodyFields.ReadEnumerated<SignatureForm>(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            Certificate.Write(writer);
            CustodyFields.WriteText(writer, Link);
            writer.WriteEnumeratedValue(SignedPart);
            writer.WriteEnumeratedValue(SignatureForm);
        }
    }
}

/// <summary>
/// <code>
/// CaSwitch ::= SEQUENCE { name UTF8String, reason UTF8String }
/// </code>
/// Parameters of the commands that freeze and unfreeze a CA at a KMC.
/// </summary>
/// <param name="Reason">1 to 256 characters, for the record; as has the name.</param>
public sealed record CaSwitch(string Name, string Reason) : IDer<CaSwitch>
{
    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public string Reason { get; } = CustodyFields.Text(Reason, nameof(Reason));

    public static CaSwitch Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new CaSwitch(CustodyFields.ReadText(sequence), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            CustodyFields.WriteText(writer, Reason);
        }
    }
}

/// <summary>
/// <code>
/// StockDiscard ::= SEQUENCE { reason UTF8String }
/// </code>
/// Parameters of the command that throws away the stock of a KMC: keys that are nobody's, after its device was restored.
/// </summary>
/// <param name="Reason">1 to 256 characters, for the record.</param>
public sealed record StockDiscard(string Reason) : IDer<StockDiscard>
{
    public string Reason { get; } = CustodyFields.Text(Reason, nameof(Reason));

    public static StockDiscard Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new StockDiscard(CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Reason);
        }
    }
}

/// <summary>
/// <code>
/// ClientAdmission ::= SEQUENCE {
///     name        UTF8String,
///     kind        ENUMERATED { ca(1), kmc(2), ra(3), ocsp(4), officer(5) },
///     certificate Certificate }
/// </code>
/// Parameters of the command that lets a link certificate in which the system CA has issued already: for services that issue none themselves.
/// </summary>
/// <param name="Name">As what the client is known, 1 to 256 characters; of an officer his person's id.</param>
/// <param name="Certificate">Of the link, P-256.</param>
public sealed record ClientAdmission(string Name, LinkKind Kind, Certificate Certificate) : IDer<ClientAdmission>
{
    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public LinkKind Kind { get; } = Enum.IsDefined(Kind) ? Kind : throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "No such kind.");

    public Certificate Certificate { get; } = Require.NotNull(Certificate);

    public static ClientAdmission Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new ClientAdmission(CustodyFields.ReadText(sequence), CustodyFields.ReadEnumerated<LinkKind>(sequence), Certificate.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            writer.WriteEnumeratedValue(Kind);
            Certificate.Write(writer);
        }
    }

    /// <summary>No names in logs.</summary>
    public override string ToString() => Kind.ToString();
}
