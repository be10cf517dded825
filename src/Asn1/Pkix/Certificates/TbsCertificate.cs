using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// TBSCertificate ::= SEQUENCE {
///     version         [0] EXPLICIT Version DEFAULT v1,
///     serialNumber        CertificateSerialNumber,
///     signature           AlgorithmIdentifier,
///     issuer              Name,
///     validity            Validity,
///     subject             Name,
///     subjectPublicKeyInfo SubjectPublicKeyInfo,
///     issuerUniqueID  [1] IMPLICIT UniqueIdentifier OPTIONAL,
///     subjectUniqueID [2] IMPLICIT UniqueIdentifier OPTIONAL,
///     extensions      [3] EXPLICIT Extensions OPTIONAL }
/// </code>
/// RFC 5280 §4.1, GM/T 0015-2012 §5.2. What we build is v3 with extensions and without unique identifiers; versions 1 and 2 and unique
/// identifiers are read only, because roots of that kind are still in trust lists.
/// </summary>
public sealed record TbsCertificate : IDer<TbsCertificate>
{
    /// <summary>A version 3 certificate.</summary>
    public TbsCertificate(
        SerialNumber serialNumber,
        AlgorithmIdentifier signature,
        Name issuer,
        Validity validity,
        Name subject,
        SubjectPublicKeyInfo subjectPublicKeyInfo,
        Extensions extensions)
        : this(3, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo)
    {
        Extensions = Require.NotNull(extensions);
    }

    private TbsCertificate(
        int version,
        SerialNumber serialNumber,
        AlgorithmIdentifier signature,
        Name issuer,
        Validity validity,
        Name subject,
        SubjectPublicKeyInfo subjectPublicKeyInfo)
    {
        Version = version;
        SerialNumber = Require.NotNull(serialNumber);
        Signature = Require.NotNull(signature);
        Issuer = Require.NotNull(issuer);
        Validity = Require.NotNull(validity);
        Subject = Require.NotNull(subject);
        SubjectPublicKeyInfo = Require.NotNull(subjectPublicKeyInfo);
    }

    /// <summary>1, 2 or 3; one more than the INTEGER on the wire.</summary>
    public int Version { get; }

    public SerialNumber SerialNumber { get; }

    /// <summary>Must be byte-identical to the outer one: <see cref="Certificate.AlgorithmsAgree"/>.</summary>
    public AlgorithmIdentifier Signature { get; }

    public Name Issuer { get; }

    public Validity Validity { get; }

    public Name Subject { get; }

    public SubjectPublicKeyInfo SubjectPublicKeyInfo { get; }

    public UniqueIdentifier? IssuerUniqueId { get; private init; }

    public UniqueIdentifier? SubjectUniqueId { get; private init; }

    public Extensions? Extensions { get; private init; }

    public static TbsCertificate Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();

        // Tolerance: versions 1 and 2 and unique identifiers, and a version 3 without extensions.
        int version = sequence.NextIs(Tags.Context0) ? sequence.ReadExplicit(Tags.Context0, ReadVersion) : 1;
        var tbs = new TbsCertificate(
            version,
            SerialNumber.Read(sequence),
            AlgorithmIdentifier.Read(sequence),
            Name.Read(sequence),
            Validity.Read(sequence),
            Name.Read(sequence),
            SubjectPublicKeyInfo.Read(sequence))
        {
            IssuerUniqueId = version >= 2 && sequence.NextIs(Tags.Context1) ? UniqueIdentifier.Read(sequence, Tags.Context1) : null,
            SubjectUniqueId = version >= 2 && sequence.NextIs(Tags.Context2) ? UniqueIdentifier.Read(sequence, Tags.Context2) : null,
            Extensions = version >= 3 ? sequence.ReadOptionalExplicit<Extensions>(Tags.Context3) : null,
        };
        sequence.ThrowIfNotEmpty();
        return tbs;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            if (Version != 1)
            {
                using (writer.PushSequence(Tags.Context0))
                {
                    writer.WriteInteger(Version - 1);
                }
            }

            SerialNumber.Write(writer);
            Signature.Write(writer);
            Issuer.Write(writer);
            Validity.Write(writer);
            Subject.Write(writer);
            SubjectPublicKeyInfo.Write(writer);
            IssuerUniqueId?.Write(writer, Tags.Context1);
            SubjectUniqueId?.Write(writer, Tags.Context2);
            writer.WriteOptionalExplicit(Extensions, Tags.Context3);
        }
    }

    /// <summary>No names in logs.</summary>
    public override string ToString() => $"{nameof(TbsCertificate)} {SerialNumber}";

    private static int ReadVersion(AsnReader reader) =>
        reader.TryReadInt32(out int version) && version is 1 or 2
            ? version + 1
            : throw new AsnContentException("The version is v2 or v3; the default v1 must be absent.");
}
