using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// PrivateKeyUsagePeriod ::= SEQUENCE {
///     notBefore [0] IMPLICIT GeneralizedTime OPTIONAL,
///     notAfter  [1] IMPLICIT GeneralizedTime OPTIONAL }
/// </code>
/// RFC 3280 §4.2.1.4, GM/T 0015-2012 §5.2.4: never empty, and it does not end before it begins.
/// </summary>
public sealed record PrivateKeyUsagePeriod : IExtensionValue<PrivateKeyUsagePeriod>
{
    /// <exception cref="ArgumentException">Both absent, or the end before the beginning.</exception>
    public PrivateKeyUsagePeriod(Time? notBefore, Time? notAfter)
    {
        if (!IsPeriod(notBefore, notAfter))
        {
            throw new ArgumentException("A period has a beginning or an end, in that order.");
        }

        NotBefore = notBefore;
        NotAfter = notAfter;
    }

    public static string Id => Oids.PrivateKeyUsagePeriod;

    public Time? NotBefore { get; }

    public Time? NotAfter { get; }

    public static PrivateKeyUsagePeriod Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        Time? notBefore = sequence.NextIs(Tags.Context0) ? Time.ReadGeneralized(sequence, Tags.Context0) : null;
        Time? notAfter = sequence.NextIs(Tags.Context1) ? Time.ReadGeneralized(sequence, Tags.Context1) : null;
        sequence.ThrowIfNotEmpty();
        return IsPeriod(notBefore, notAfter)
            ? new PrivateKeyUsagePeriod(notBefore, notAfter)
            : throw new AsnContentException("A period has a beginning or an end, in that order.");
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            NotBefore?.WriteGeneralized(writer, Tags.Context0);
            NotAfter?.WriteGeneralized(writer, Tags.Context1);
        }
    }

    private static bool IsPeriod(Time? notBefore, Time? notAfter) =>
        (notBefore is not null || notAfter is not null) && !(notAfter < notBefore);
}
