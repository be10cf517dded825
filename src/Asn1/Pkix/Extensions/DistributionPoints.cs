using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CRLDistributionPoints ::= SEQUENCE SIZE (1..MAX) OF DistributionPoint
/// </code>
/// RFC 5280 §4.2.1.13.
/// </summary>
public sealed record CrlDistributionPoints(params IReadOnlyList<DistributionPoint> Points) : IExtensionValue<CrlDistributionPoints>
{
    public static string Id => Oids.CrlDistributionPoints;

    public IReadOnlyList<DistributionPoint> Points { get; } = Require.NotEmpty(Points);

    public static CrlDistributionPoints Read(AsnReader reader) => new(reader.ReadSequenceOf<DistributionPoint>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Points);
}

/// <summary>
/// <code>
/// FreshestCRL ::= CRLDistributionPoints
/// </code>
/// RFC 5280 §4.2.1.15, §5.2.6: where the delta CRLs are.
/// </summary>
public sealed record FreshestCrl(params IReadOnlyList<DistributionPoint> Points) : IExtensionValue<FreshestCrl>
{
    public static string Id => Oids.FreshestCrl;

    public static bool? Critical => false;

    public IReadOnlyList<DistributionPoint> Points { get; } = Require.NotEmpty(Points);

    public static FreshestCrl Read(AsnReader reader) => new(reader.ReadSequenceOf<DistributionPoint>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Points);
}

/// <summary>
/// <code>
/// DistributionPoint ::= SEQUENCE {
///     distributionPoint [0] EXPLICIT DistributionPointName OPTIONAL,
///     reasons           [1] IMPLICIT ReasonFlags OPTIONAL,
///     cRLIssuer         [2] IMPLICIT GeneralNames OPTIONAL }
/// </code>
/// RFC 5280 §4.2.1.13: the name or the CRL issuer is there.
/// </summary>
public sealed record DistributionPoint : IDer<DistributionPoint>
{
    /// <param name="crlIssuer">Only for indirect CRLs; empty: the field is absent.</param>
    /// <exception cref="ArgumentException">Neither a name nor a CRL issuer.</exception>
    public DistributionPoint(
        DistributionPointName? name,
        ReasonFlags reasons = ReasonFlags.None,
        params IReadOnlyList<GeneralName> crlIssuer)
    {
        Name = name;
        Reasons = ReasonFlagsField.Check(reasons);
        CrlIssuer = Require.NoNull(crlIssuer);
        if (Name is null && CrlIssuer.Count == 0)
        {
            throw new ArgumentException("A DistributionPoint has a name or a cRLIssuer.");
        }
    }

    public DistributionPointName? Name { get; }

    /// <summary>None: the field is absent, and the CRL covers all reasons.</summary>
    public ReasonFlags Reasons { get; }

    public IReadOnlyList<GeneralName> CrlIssuer { get; }

    /// <summary>One full name, a URI.</summary>
    public static DistributionPoint At(string uri) => new(new FullName(new UniformResourceIdentifier(uri)));

    public static DistributionPoint Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var name = sequence.ReadOptionalExplicit<DistributionPointName>(Tags.Context0);
        ReasonFlags reasons = ReasonFlagsField.ReadOptional(sequence, Tags.Context1);
        IReadOnlyList<GeneralName> crlIssuer = sequence.NextIs(Tags.Context2) ? sequence.ReadSequenceOf<GeneralName>(Tags.Context2) : [];
        sequence.ThrowIfNotEmpty();
        return name is null && crlIssuer.Count == 0
            ? throw new AsnContentException("A DistributionPoint has a name or a cRLIssuer.")
            : new DistributionPoint(name, reasons, crlIssuer);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOptionalExplicit(Name, Tags.Context0);
            ReasonFlagsField.WriteOptional(writer, Reasons, Tags.Context1);
            if (CrlIssuer.Count > 0)
            {
                writer.WriteSequenceOf(CrlIssuer, Tags.Context2);
            }
        }
    }
}

/// <summary>
/// <code>
/// DistributionPointName ::= CHOICE {
///     fullName                [0] IMPLICIT GeneralNames,
///     nameRelativeToCRLIssuer [1] IMPLICIT RelativeDistinguishedName }
/// </code>
/// RFC 5280 §4.2.1.13. The name in an IssuingDistributionPoint must be one that stands in the certificates, so it compares by its DER.
/// </summary>
public abstract record DistributionPointName : IDer<DistributionPointName>
{
    private protected DistributionPointName()
    {
    }

    public static DistributionPointName Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        if (tag.HasSameClassAndValue(Tags.Context0))
        {
            return new FullName(reader.ReadSequenceOf<GeneralName>(Tags.Context0));
        }

        return tag.HasSameClassAndValue(Tags.Context1)
            ? new NameRelativeToCrlIssuer(RelativeDistinguishedName.Read(reader, Tags.Context1))
            : throw new AsnContentException("Not a DistributionPointName.");
    }

    public abstract void Write(AsnWriter writer);

    public bool DerEquals(DistributionPointName other) => Der.Encode(this).AsSpan().SequenceEqual(Der.Encode(other));
}

public sealed record FullName(params IReadOnlyList<GeneralName> Names) : DistributionPointName
{
    public IReadOnlyList<GeneralName> Names { get; } = Require.NotEmpty(Names);

    public override void Write(AsnWriter writer) => writer.WriteSequenceOf(Names, Tags.Context0);
}

public sealed record NameRelativeToCrlIssuer(RelativeDistinguishedName Name) : DistributionPointName
{
    public RelativeDistinguishedName Name { get; } = Require.NotNull(Name);

    public override void Write(AsnWriter writer) => Name.Write(writer, Tags.Context1);
}
