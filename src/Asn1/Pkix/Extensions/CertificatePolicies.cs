using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CertificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation
/// </code>
/// RFC 5280 §4.2.1.4: no policy occurs twice.
/// </summary>
public sealed record CertificatePolicies : IExtensionValue<CertificatePolicies>
{
    /// <exception cref="ArgumentException">No policy, or one twice.</exception>
    public CertificatePolicies(params IReadOnlyList<PolicyInformation> policies)
    {
        Policies = Require.NotEmpty(policies);
        if (!AreDistinct(Policies))
        {
            throw new ArgumentException("A policy occurs twice.", nameof(policies));
        }
    }

    public static string Id => Oids.CertificatePolicies;

    public IReadOnlyList<PolicyInformation> Policies { get; }

    public static CertificatePolicies Read(AsnReader reader)
    {
        IReadOnlyList<PolicyInformation> policies = reader.ReadSequenceOf<PolicyInformation>();
        return AreDistinct(policies) ? new CertificatePolicies(policies) : throw new AsnContentException("A policy occurs twice.");
    }

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Policies);

    private static bool AreDistinct(IReadOnlyList<PolicyInformation> policies) =>
        policies.Count == 1 || policies.Select(p => p.PolicyIdentifier).Distinct().Count() == policies.Count;
}

/// <summary>
/// <code>
/// PolicyInformation ::= SEQUENCE {
///     policyIdentifier OBJECT IDENTIFIER,
///     policyQualifiers SEQUENCE SIZE (1..MAX) OF PolicyQualifierInfo OPTIONAL }
/// </code>
/// RFC 5280 §4.2.1.4.
/// </summary>
public sealed record PolicyInformation : IDer<PolicyInformation>
{
    /// <param name="policyIdentifier">Dotted OID.</param>
    /// <param name="policyQualifiers">None: the field is absent, as GM/T 0015-2012 C.3 recommends.</param>
    public PolicyInformation(string policyIdentifier, params IReadOnlyList<PolicyQualifierInfo> policyQualifiers)
    {
        PolicyIdentifier = Require.Oid(policyIdentifier);
        PolicyQualifiers = Require.NoNull(policyQualifiers);
    }

    public string PolicyIdentifier { get; }

    public IReadOnlyList<PolicyQualifierInfo> PolicyQualifiers { get; }

    public static PolicyInformation Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string identifier = sequence.ReadObjectIdentifier();
        IReadOnlyList<PolicyQualifierInfo> qualifiers = sequence.HasData ? sequence.ReadSequenceOf<PolicyQualifierInfo>() : [];
        sequence.ThrowIfNotEmpty();
        return new PolicyInformation(identifier, qualifiers);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(PolicyIdentifier);
            if (PolicyQualifiers.Count > 0)
            {
                writer.WriteSequenceOf(PolicyQualifiers);
            }
        }
    }
}

/// <summary>
/// <code>
/// PolicyQualifierInfo ::= SEQUENCE { policyQualifierId OBJECT IDENTIFIER, qualifier ANY DEFINED BY policyQualifierId }
/// </code>
/// RFC 5280 §4.2.1.4. Qualifiers are kept as they are.
/// </summary>
/// <param name="PolicyQualifierId">Dotted OID.</param>
/// <param name="Qualifier">One DER element, of which only tag and length are checked.</param>
public sealed record PolicyQualifierInfo(string PolicyQualifierId, ReadOnlyMemory<byte> Qualifier) : IDer<PolicyQualifierInfo>
{
    public string PolicyQualifierId { get; init; } = Require.Oid(PolicyQualifierId);

    /// <summary><c>CPSuri ::= IA5String</c>: where the certification practice statement is published.</summary>
    public static PolicyQualifierInfo Cps(string uri)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.IA5String, uri);
        return new PolicyQualifierInfo(Oids.CpsQualifier, writer.Encode());
    }

    public bool Equals(PolicyQualifierInfo? other) =>
        other is not null && PolicyQualifierId == other.PolicyQualifierId && Qualifier.ContentEquals(other.Qualifier);

    public override int GetHashCode() => HashCode.Combine(PolicyQualifierId, Qualifier.ContentHash());

    public static PolicyQualifierInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string id = sequence.ReadObjectIdentifier();
        ReadOnlyMemory<byte> qualifier = sequence.ReadEncodedValue();
        sequence.ThrowIfNotEmpty();
        return new PolicyQualifierInfo(id, qualifier);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(PolicyQualifierId);
            writer.WriteEncodedValue(Qualifier.Span);
        }
    }
}
