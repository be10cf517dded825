using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }
/// </code>
/// RFC 5280 §4.2.1.9: a path length only beside cA.
/// </summary>
public sealed record BasicConstraints : IExtensionValue<BasicConstraints>
{
    private BasicConstraints(bool isCa, int? pathLength)
    {
        IsCa = isCa;
        PathLength = pathLength;
    }

    public static string Id => Oids.BasicConstraints;

    /// <summary>The empty SEQUENCE.</summary>
    public static BasicConstraints EndEntity { get; } = new(false, null);

    public bool IsCa { get; }

    /// <summary>Non-self-issued intermediate certificates that may follow; null: no limit.</summary>
    public int? PathLength { get; }

    /// <param name="pathLength">Not negative; null: no limit.</param>
    public static BasicConstraints Ca(int? pathLength = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pathLength ?? 0, nameof(pathLength));
        return new BasicConstraints(true, pathLength);
    }

    public static BasicConstraints Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        bool isCa = sequence.ReadDefaultFalse(Asn1Tag.Boolean);
        int? pathLength = sequence.HasData ? sequence.ReadCount() : null;
        sequence.ThrowIfNotEmpty();
        return pathLength is null || isCa
            ? new BasicConstraints(isCa, pathLength)
            : throw new AsnContentException("pathLenConstraint needs cA.");
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteDefaultFalse(IsCa, Asn1Tag.Boolean);
            if (PathLength is { } pathLength)
            {
                writer.WriteInteger(pathLength);
            }
        }
    }
}
