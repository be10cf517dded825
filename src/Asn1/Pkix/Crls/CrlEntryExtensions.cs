using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// reasonCode ::= { CRLReason }
/// </code>
/// RFC 5280 §5.3.1; non-critical. An unspecified reason is said by leaving the extension out.
/// </summary>
public sealed record ReasonCode(RevocationReason Reason) : IExtensionValue<ReasonCode>
{
    public static string Id => Oids.ReasonCode;

    public static bool? Critical => false;

    public RevocationReason Reason { get; } = CrlReason.Check(Reason);

    public static ReasonCode Read(AsnReader reader) => new(CrlReason.Read(reader));

    public void Write(AsnWriter writer) => CrlReason.Write(writer, Reason);
}

/// <summary>
/// <code>
/// InvalidityDate ::= GeneralizedTime
/// </code>
/// RFC 5280 §5.3.2; non-critical: when the key is suspected to have been compromised.
/// </summary>
public sealed record InvalidityDate(Time Date) : IExtensionValue<InvalidityDate>
{
    public static string Id => Oids.InvalidityDate;

    public static bool? Critical => false;

    public static InvalidityDate Read(AsnReader reader) => new(Time.ReadGeneralized(reader));

    public void Write(AsnWriter writer) => Date.WriteGeneralized(writer);
}

/// <summary>
/// <code>
/// CertificateIssuer ::= GeneralNames
/// </code>
/// RFC 5280 §5.3.3; critical; only in indirect CRLs.
/// </summary>
public sealed record CertificateIssuer(params IReadOnlyList<GeneralName> Names) : IExtensionValue<CertificateIssuer>
{
    public static string Id => Oids.CertificateIssuer;

    public static bool? Critical => true;

    public IReadOnlyList<GeneralName> Names { get; } = Require.NotEmpty(Names);

    public static CertificateIssuer Read(AsnReader reader) => new(reader.ReadSequenceOf<GeneralName>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Names);
}
