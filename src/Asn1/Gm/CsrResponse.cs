using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// <code>
/// CSRResponse ::= SEQUENCE {
///     signCertificate         CertificateSet,
///     encryptedPrivateKey [0] EXPLICIT SM2EnvelopedKey OPTIONAL,
///     encryptCertificate  [1] IMPLICIT CertificateSet OPTIONAL }
/// CertificateSet ::= SET OF Certificate
/// </code>
/// GM/T 0092-2020 §8 and appendix A: what a server gets for its CSR. The private key is enveloped to the CSR's own public key. The text
/// leaves the kind of tagging open; this is the one in use.
/// Tolerance: readers take the first certificate of a set for the subscriber's, so the sets keep their order and are not sorted as DER
/// would have it (X.690 §11.6), neither read nor written.
/// </summary>
public sealed class CsrResponse : IDer<CsrResponse>
{
    /// <param name="signCertificates">One at least; the subscriber's first.</param>
    /// <exception cref="ArgumentException">No certificate.</exception>
    public CsrResponse(IReadOnlyList<Certificate> signCertificates) => SignCertificates = Require.NotEmpty(signCertificates);

    /// <param name="signCertificates">One at least; the subscriber's first.</param>
    /// <param name="encryptedPrivateKey">Of the first of <paramref name="encryptCertificates"/>.</param>
    /// <param name="encryptCertificates">One at least; the subscriber's first.</param>
    /// <exception cref="ArgumentException">No certificate.</exception>
    public CsrResponse(IReadOnlyList<Certificate> signCertificates, Sm2EnvelopedKey encryptedPrivateKey, IReadOnlyList<Certificate> encryptCertificates)
        : this(signCertificates)
    {
        ArgumentNullException.ThrowIfNull(encryptedPrivateKey);
        EncryptedPrivateKey = encryptedPrivateKey;
        EncryptCertificates = Require.NotEmpty(encryptCertificates);
    }

    public IReadOnlyList<Certificate> SignCertificates { get; }

    public Sm2EnvelopedKey? EncryptedPrivateKey { get; private init; }

    public IReadOnlyList<Certificate>? EncryptCertificates { get; private init; }

    public static CsrResponse Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var response = new CsrResponse(ReadCertificates(sequence, Asn1Tag.SetOf))
        {
            EncryptedPrivateKey = sequence.ReadOptionalExplicit<Sm2EnvelopedKey>(Tags.Context0),
            EncryptCertificates = sequence.NextIs(Tags.Context1) ? ReadCertificates(sequence, Tags.Context1) : null,
        };
        sequence.ThrowIfNotEmpty();
        return response;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            // An AsnWriter under DER sorts a SET OF; under BER it keeps the order, and its lengths are definite all the same.
            var signCertificates = new AsnWriter(AsnEncodingRules.BER);
            signCertificates.WriteSetOf(SignCertificates);
            writer.WriteEncodedValue(signCertificates.Encode());
            writer.WriteOptionalExplicit(EncryptedPrivateKey, Tags.Context0);
            if (EncryptCertificates is not null)
            {
                writer.WriteSequenceOf(EncryptCertificates, Tags.Context1);
            }
        }
    }

    private static IReadOnlyList<Certificate> ReadCertificates(AsnReader reader, Asn1Tag tag) =>
        reader.ReadSetOf(skipSortOrderValidation: true, tag).AtLeastOne().ReadAll<Certificate>();
}
