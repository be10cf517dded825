using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// CertificateOrder ::= SEQUENCE { body CertificateBody, request CertificationRequest }
/// </code>
/// Parameters of the command that has a certificate issued. The request proves that its key's owner has the private key; nothing else of it is looked at.
/// </summary>
public sealed record CertificateOrder(CertificateBody Body, CertificationRequest Request) : IDer<CertificateOrder>
{
    public CertificateBody Body { get; } = Require.NotNull(Body);

    public CertificationRequest Request { get; } = Require.NotNull(Request);

    public static CertificateOrder Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new CertificateOrder(CertificateBody.Read(sequence), CertificationRequest.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Body.Write(writer);
            Request.Write(writer);
        }
    }

    /// <summary>No names in logs.</summary>
    public override string ToString() => Body.ToString();
}

/// <summary>What a client of a service is, on the wire; never changes its meaning.</summary>
public enum LinkKind
{
    Ca = 1,
    Kmc = 2,
    Ra = 3,
    Ocsp = 4,
    Officer = 5,
}

/// <summary>
/// <code>
/// ClientRegistration ::= SEQUENCE {
///     name  UTF8String,
///     kind  ENUMERATED { ca(1), kmc(2), ra(3), ocsp(4), officer(5) },
///     order CertificateOrder }
/// </code>
/// Parameters of the command that gives somebody a link: the certificate, and as what it is known once it is issued.
/// </summary>
/// <param name="Name">1 to 256 characters.</param>
public sealed record ClientRegistration(string Name, LinkKind Kind, CertificateOrder Order) : IDer<ClientRegistration>
{
    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public LinkKind Kind { get; } = Enum.IsDefined(Kind) ? Kind : throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "No such kind.");

    public CertificateOrder Order { get; } = Require.NotNull(Order);

    public static ClientRegistration Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new ClientRegistration(CustodyFields.ReadText(sequence), CustodyFields.ReadEnumerated<LinkKind>(sequence), CertificateOrder.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            writer.WriteEnumeratedValue(Kind);
            Order.Write(writer);
        }
    }

    /// <summary>No names in logs.</summary>
    public override string ToString() => Kind.ToString();
}

/// <summary>
/// <code>
/// ClientSwitch ::= SEQUENCE { thumbprint OCTET STRING (SIZE (32)), reason UTF8String }
/// </code>
/// Parameters of the commands that disable and enable a link.
/// </summary>
/// <param name="Thumbprint">SHA-256 of the link certificate, 32 bytes.</param>
/// <param name="Reason">1 to 256 characters, for the record.</param>
public sealed record ClientSwitch(ReadOnlyMemory<byte> Thumbprint, string Reason) : IDer<ClientSwitch>
{
    public ReadOnlyMemory<byte> Thumbprint { get; } = CustodyFields.Exactly(Thumbprint, CustodyFields.HashLength, nameof(Thumbprint));

    public string Reason { get; } = CustodyFields.Text(Reason, nameof(Reason));

    public bool Equals(ClientSwitch? other) => other is not null && Thumbprint.ContentEquals(other.Thumbprint) && Reason == other.Reason;

    public override int GetHashCode() => HashCode.Combine(Thumbprint.ContentHash(), Reason);

    public static ClientSwitch Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var read = new ClientSwitch(CustodyFields.ReadExactly(sequence, CustodyFields.HashLength), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return read;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Thumbprint.Span);
            CustodyFields.WriteText(writer, Reason);
        }
    }
}
