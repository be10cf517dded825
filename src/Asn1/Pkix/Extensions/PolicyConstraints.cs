using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// PolicyMappings ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE {
///     issuerDomainPolicy OBJECT IDENTIFIER, subjectDomainPolicy OBJECT IDENTIFIER }
/// </code>
/// RFC 5280 §4.2.1.5.
/// </summary>
public sealed record PolicyMappings(params IReadOnlyList<PolicyMapping> Mappings) : IExtensionValue<PolicyMappings>
{
    public static string Id => Oids.PolicyMappings;

    public IReadOnlyList<PolicyMapping> Mappings { get; } = Require.NotEmpty(Mappings);

    public static PolicyMappings Read(AsnReader reader) => new(reader.ReadSequenceOf<PolicyMapping>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Mappings);
}

/// <summary>One element of <see cref="PolicyMappings"/>; anyPolicy is mapped neither from nor to (RFC 5280 §4.2.1.5).</summary>
public sealed record PolicyMapping : IDer<PolicyMapping>
{
    /// <exception cref="ArgumentException">One of the two is anyPolicy.</exception>
    public PolicyMapping(string issuerDomainPolicy, string subjectDomainPolicy)
    {
        if (issuerDomainPolicy == Oids.AnyPolicy || subjectDomainPolicy == Oids.AnyPolicy)
        {
            throw new ArgumentException("anyPolicy cannot be mapped.");
        }

        IssuerDomainPolicy = Require.Oid(issuerDomainPolicy);
        SubjectDomainPolicy = Require.Oid(subjectDomainPolicy);
    }

    /// <summary>Dotted OID.</summary>
    public string IssuerDomainPolicy { get; }

    /// <summary>Dotted OID.</summary>
    public string SubjectDomainPolicy { get; }

    public static PolicyMapping Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string issuerDomainPolicy = sequence.ReadObjectIdentifier();
        string subjectDomainPolicy = sequence.ReadObjectIdentifier();
        sequence.ThrowIfNotEmpty();
        return issuerDomainPolicy == Oids.AnyPolicy || subjectDomainPolicy == Oids.AnyPolicy
            ? throw new AsnContentException("anyPolicy cannot be mapped.")
            : new PolicyMapping(issuerDomainPolicy, subjectDomainPolicy);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(IssuerDomainPolicy);
            writer.WriteObjectIdentifier(SubjectDomainPolicy);
        }
    }
}

/// <summary>
/// <code>
/// PolicyConstraints ::= SEQUENCE {
///     requireExplicitPolicy [0] IMPLICIT SkipCerts OPTIONAL,
///     inhibitPolicyMapping  [1] IMPLICIT SkipCerts OPTIONAL }
/// SkipCerts ::= INTEGER (0..MAX)
/// </code>
/// RFC 5280 §4.2.1.11: never empty.
/// </summary>
public sealed record PolicyConstraints : IExtensionValue<PolicyConstraints>
{
    /// <exception cref="ArgumentException">Both absent, or one negative.</exception>
    public PolicyConstraints(int? requireExplicitPolicy, int? inhibitPolicyMapping)
    {
        if ((requireExplicitPolicy is null && inhibitPolicyMapping is null) || requireExplicitPolicy < 0 || inhibitPolicyMapping < 0)
        {
            throw new ArgumentException("PolicyConstraints has at least one field, and none is negative.");
        }

        RequireExplicitPolicy = requireExplicitPolicy;
        InhibitPolicyMapping = inhibitPolicyMapping;
    }

    public static string Id => Oids.PolicyConstraints;

    public static bool? Critical => true;

    /// <summary>Certificates to skip.</summary>
    public int? RequireExplicitPolicy { get; }

    /// <summary>Certificates to skip.</summary>
    public int? InhibitPolicyMapping { get; }

    public static PolicyConstraints Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        int? requireExplicitPolicy = sequence.NextIs(Tags.Context0) ? sequence.ReadCount(Tags.Context0) : null;
        int? inhibitPolicyMapping = sequence.NextIs(Tags.Context1) ? sequence.ReadCount(Tags.Context1) : null;
        sequence.ThrowIfNotEmpty();
        return requireExplicitPolicy is null && inhibitPolicyMapping is null
            ? throw new AsnContentException("PolicyConstraints must not be empty.")
            : new PolicyConstraints(requireExplicitPolicy, inhibitPolicyMapping);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            if (RequireExplicitPolicy is { } requireExplicitPolicy)
            {
                writer.WriteInteger(requireExplicitPolicy, Tags.Context0);
            }

            if (InhibitPolicyMapping is { } inhibitPolicyMapping)
            {
                writer.WriteInteger(inhibitPolicyMapping, Tags.Context1);
            }
        }
    }
}

/// <summary>
/// <code>
/// InhibitAnyPolicy ::= SkipCerts
/// </code>
/// RFC 5280 §4.2.1.14.
/// </summary>
public sealed record InhibitAnyPolicy : IExtensionValue<InhibitAnyPolicy>
{
    /// <param name="skipCerts">Certificates to skip.</param>
    public InhibitAnyPolicy(int skipCerts)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(skipCerts);
        SkipCerts = skipCerts;
    }

    public static string Id => Oids.InhibitAnyPolicy;

    public static bool? Critical => true;

    public int SkipCerts { get; }

    public static InhibitAnyPolicy Read(AsnReader reader) => new(reader.ReadCount());

    public void Write(AsnWriter writer) => writer.WriteInteger(SkipCerts);
}
