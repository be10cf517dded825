using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Validity ::= SEQUENCE { notBefore Time, notAfter Time }
/// </code>
/// RFC 5280 §4.1.2.5. Both ends belong to the period; it is never empty.
/// </summary>
public sealed record Validity : IDer<Validity>
{
    /// <exception cref="ArgumentException">The period ends before it begins.</exception>
    public Validity(Time notBefore, Time notAfter)
    {
        if (notAfter < notBefore)
        {
            throw new ArgumentException("The validity ends before it begins.", nameof(notAfter));
        }

        NotBefore = notBefore;
        NotAfter = notAfter;
    }

    public Time NotBefore { get; }

    public Time NotAfter { get; }

    public static Validity Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        Time notBefore = Time.Read(sequence);
        Time notAfter = Time.Read(sequence);
        sequence.ThrowIfNotEmpty();
        return notAfter < notBefore
            ? throw new AsnContentException("The validity ends before it begins.")
            : new Validity(notBefore, notAfter);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            NotBefore.Write(writer);
            NotAfter.Write(writer);
        }
    }
}
