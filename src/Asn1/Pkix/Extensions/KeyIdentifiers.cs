using System.Formats.Asn1;
using System.Security.Cryptography;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// AuthorityKeyIdentifier ::= SEQUENCE {
///     keyIdentifier             [0] IMPLICIT OCTET STRING OPTIONAL,
///     authorityCertIssuer       [1] IMPLICIT GeneralNames OPTIONAL,
///     authorityCertSerialNumber [2] IMPLICIT CertificateSerialNumber OPTIONAL }
/// </code>
/// RFC 5280 §4.2.1.1. The key identifier is copied from the issuer's <see cref="SubjectKeyIdentifier"/>, not computed anew. Issuer and
/// serial number come together or not at all; we write the key identifier alone (GM/T 0015-2012 annex C).
/// </summary>
public sealed record AuthorityKeyIdentifier : IExtensionValue<AuthorityKeyIdentifier>
{
    private AuthorityKeyIdentifier(
        ReadOnlyMemory<byte>? keyIdentifier,
        IReadOnlyList<GeneralName>? authorityCertIssuer,
        SerialNumber? authorityCertSerialNumber)
    {
        KeyIdentifier = keyIdentifier;
        AuthorityCertIssuer = authorityCertIssuer;
        AuthorityCertSerialNumber = authorityCertSerialNumber;
    }

    public AuthorityKeyIdentifier(ReadOnlyMemory<byte> keyIdentifier)
        : this(keyIdentifier, null, null)
    {
    }

    public static string Id => Oids.AuthorityKeyIdentifier;

    public static bool? Critical => false;

    public ReadOnlyMemory<byte>? KeyIdentifier { get; }

    public IReadOnlyList<GeneralName>? AuthorityCertIssuer { get; }

    public SerialNumber? AuthorityCertSerialNumber { get; }

    public bool Equals(AuthorityKeyIdentifier? other) =>
        other is not null
        && KeyIdentifier.ContentEquals(other.KeyIdentifier)
        && (AuthorityCertIssuer is null) == (other.AuthorityCertIssuer is null)
        && (AuthorityCertIssuer ?? []).SequenceEqual(other.AuthorityCertIssuer ?? [])
        && AuthorityCertSerialNumber == other.AuthorityCertSerialNumber;

    public override int GetHashCode() => HashCode.Combine(KeyIdentifier.GetValueOrDefault().ContentHash(), AuthorityCertSerialNumber);

    public static AuthorityKeyIdentifier Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte>? keyIdentifier = sequence.NextIs(Tags.Context0) ? sequence.ReadOctets(Tags.Context0) : default(ReadOnlyMemory<byte>?);
        IReadOnlyList<GeneralName>? issuer = sequence.NextIs(Tags.Context1) ? sequence.ReadSequenceOf<GeneralName>(Tags.Context1) : null;
        SerialNumber? serialNumber = sequence.NextIs(Tags.Context2) ? SerialNumber.Read(sequence, Tags.Context2) : null;
        sequence.ThrowIfNotEmpty();
        return (issuer is null) == (serialNumber is null)
            ? new AuthorityKeyIdentifier(keyIdentifier, issuer, serialNumber)
            : throw new AsnContentException("authorityCertIssuer and authorityCertSerialNumber come together.");
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            if (KeyIdentifier is { } keyIdentifier)
            {
                writer.WriteOctetString(keyIdentifier.Span, Tags.Context0);
            }

            if (AuthorityCertIssuer is not null)
            {
                writer.WriteSequenceOf(AuthorityCertIssuer, Tags.Context1);
            }

            AuthorityCertSerialNumber?.Write(writer, Tags.Context2);
        }
    }
}

/// <summary>
/// <code>
/// SubjectKeyIdentifier ::= OCTET STRING
/// </code>
/// RFC 5280 §4.2.1.2.
/// </summary>
public sealed record SubjectKeyIdentifier(ReadOnlyMemory<byte> KeyIdentifier) : IExtensionValue<SubjectKeyIdentifier>
{
    public static string Id => Oids.SubjectKeyIdentifier;

    public static bool? Critical => false;

    /// <returns>
    /// 20 bytes, method 1 of RFC 5280 §4.2.1.2: SHA-1 of the BIT STRING's bytes. SHA-1 names the key here and protects nothing;
    /// GM/T 0015-2012 keeps it for SM2 keys too.
    /// </returns>
    public static SubjectKeyIdentifier Of(SubjectPublicKeyInfo subjectPublicKeyInfo) => new(SHA1.HashData(subjectPublicKeyInfo.PublicKey.Span));

    public bool Equals(SubjectKeyIdentifier? other) => other is not null && KeyIdentifier.ContentEquals(other.KeyIdentifier);

    public override int GetHashCode() => KeyIdentifier.ContentHash();

    public static SubjectKeyIdentifier Read(AsnReader reader) => new(reader.ReadOctets());

    public void Write(AsnWriter writer) => writer.WriteOctetString(KeyIdentifier.Span);
}
