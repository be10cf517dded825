using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CertificationRequestInfo ::= SEQUENCE {
///     version       INTEGER { v1(0) },
///     subject       Name,
///     subjectPKInfo SubjectPublicKeyInfo,
///     attributes    [0] IMPLICIT SET OF Attribute }
/// </code>
/// RFC 2986 §4.1. The attributes may be none, but the field is there: it is not OPTIONAL, and a request without it is refused. Whoever sends
/// one hears so at once and can send another.
/// </summary>
public sealed record CertificationRequestInfo(Name Subject, SubjectPublicKeyInfo SubjectPublicKeyInfo, params IReadOnlyList<Attribute> Attributes)
    : IDer<CertificationRequestInfo>
{
    public Name Subject { get; } = Require.NotNull(Subject);

    public SubjectPublicKeyInfo SubjectPublicKeyInfo { get; } = Require.NotNull(SubjectPublicKeyInfo);

    public IReadOnlyList<Attribute> Attributes { get; } = Require.NoNull(Attributes);

    public static CertificationRequestInfo Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(0);
        Name subject = Name.Read(sequence);
        SubjectPublicKeyInfo subjectPublicKeyInfo = SubjectPublicKeyInfo.Read(sequence);
        IReadOnlyList<Attribute> attributes = sequence.ReadSetOf(Tags.Context0).ReadAll<Attribute>();
        sequence.ThrowIfNotEmpty();
        return new CertificationRequestInfo(subject, subjectPublicKeyInfo, attributes);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            Subject.Write(writer);
            SubjectPublicKeyInfo.Write(writer);
            writer.WriteSetOf(Attributes, Tags.Context0);
        }
    }

    /// <summary>No names in logs.</summary>
    public override string ToString() => nameof(CertificationRequestInfo);

    /// <summary>The extensions that the requester wishes for (RFC 2985 §5.4.2): one attribute extensionRequest with one value.</summary>
    /// <returns>Null when there is no such attribute.</returns>
    /// <exception cref="DerException">More than one attribute or value, or a value that is not Extensions.</exception>
    public Extensions? FindRequestedExtensions()
    {
        Extensions? extensions = null;
        foreach (Attribute attribute in Attributes)
        {
            if (attribute.Type == Oids.ExtensionRequest)
            {
                if (extensions is not null || attribute.Values.Count != 1)
                {
                    throw new DerException("extensionRequest is single-valued and occurs once.");
                }

                extensions = Der.Decode<Extensions>(attribute.Values[0]);
            }
        }

        return extensions;
    }
}
