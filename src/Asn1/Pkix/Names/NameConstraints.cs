using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// NameConstraints ::= SEQUENCE {
///     permittedSubtrees [0] IMPLICIT GeneralSubtrees OPTIONAL,
///     excludedSubtrees  [1] IMPLICIT GeneralSubtrees OPTIONAL }
/// GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
/// </code>
/// RFC 5280 §4.2.1.10: never empty.
/// </summary>
public sealed record NameConstraints : IExtensionValue<NameConstraints>
{
    /// <summary>An empty list is an absent field.</summary>
    /// <exception cref="ArgumentException">Both are empty.</exception>
    public NameConstraints(IReadOnlyList<GeneralSubtree> permittedSubtrees, IReadOnlyList<GeneralSubtree> excludedSubtrees)
    {
        PermittedSubtrees = Require.NoNull(permittedSubtrees);
        ExcludedSubtrees = Require.NoNull(excludedSubtrees);
        if (PermittedSubtrees.Count == 0 && ExcludedSubtrees.Count == 0)
        {
            throw new ArgumentException("NameConstraints must not be empty.");
        }
    }

    public static string Id => Oids.NameConstraints;

    public static bool? Critical => true;

    public IReadOnlyList<GeneralSubtree> PermittedSubtrees { get; }

    public IReadOnlyList<GeneralSubtree> ExcludedSubtrees { get; }

    public static NameConstraints Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        IReadOnlyList<GeneralSubtree> permitted =
            sequence.NextIs(Tags.Context0) ? sequence.ReadSequenceOf<GeneralSubtree>(Tags.Context0) : [];
        IReadOnlyList<GeneralSubtree> excluded =
            sequence.NextIs(Tags.Context1) ? sequence.ReadSequenceOf<GeneralSubtree>(Tags.Context1) : [];
        sequence.ThrowIfNotEmpty();
        return permitted.Count == 0 && excluded.Count == 0
            ? throw new AsnContentException("NameConstraints must not be empty.")
            : new NameConstraints(permitted, excluded);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            if (PermittedSubtrees.Count > 0)
            {
                writer.WriteSequenceOf(PermittedSubtrees, Tags.Context0);
            }

            if (ExcludedSubtrees.Count > 0)
            {
                writer.WriteSequenceOf(ExcludedSubtrees, Tags.Context1);
            }
        }
    }
}

/// <summary>
/// <code>
/// GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] BaseDistance DEFAULT 0, maximum [1] BaseDistance OPTIONAL }
/// </code>
/// RFC 5280 §4.2.1.10: within that profile minimum is 0 and maximum absent, so only the base is on the wire; anything else is refused, for
/// whoever ignored it would widen what the CA allowed.
/// </summary>
/// <param name="Base">Here alone a dNSName or rfc822Name may be empty: it covers all names of its kind.</param>
public sealed record GeneralSubtree(GeneralName Base) : IDer<GeneralSubtree>
{
    public GeneralName Base { get; } = Require.NotNull(Base);

    public static GeneralSubtree Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        GeneralName name = GeneralName.Read(sequence);
        sequence.ThrowIfNotEmpty();
        return new GeneralSubtree(name);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Base.Write(writer);
        }
    }
}
