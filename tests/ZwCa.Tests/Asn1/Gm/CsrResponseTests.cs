using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Gm;

public class CsrResponseTests
{
    private static readonly Certificate Long = Der.Decode<Certificate>(Fixtures.Read("gmt0010/anxin-encryption-certificate.b64"));
    private static readonly Certificate Short = Der.Decode<Certificate>(Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64"));
    private static readonly Sm2EnvelopedKey Key = Sm2EnvelopedKey.DecodeLenient(Fixtures.Read("gmt0009/enveloped-key.b64"));

    [Fact]
    public void CertificatesKeepTheirOrder_SubscribersFirst()
    {
        // Sorted as DER has it, the short certificate would come first.
        byte[] der = Der.Encode(new CsrResponse([Long, Short], Key, [Long, Short]));

        var response = Der.Decode<CsrResponse>(der);

        Assert.Equal(Der.Encode(Long), Der.Encode(response.SignCertificates[0]));
        Assert.Equal(Der.Encode(Short), Der.Encode(response.SignCertificates[1]));
        Assert.Equal(Der.Encode(Long), Der.Encode(response.EncryptCertificates![0]));
        Assert.Equal(Der.Encode(Key), Der.Encode(response.EncryptedPrivateKey!));
        Assert.Equal(der, Der.Encode(response));
    }

    [Fact]
    public void Shape_IsThatOfTheStandard()
    {
        var sequence = new AsnReader(Der.Encode(new CsrResponse([Long], Key, [Short])), AsnEncodingRules.DER).ReadSequence();

        Assert.Equal(Der.Encode(Long), sequence.ReadSetOf().ReadEncodedValue().ToArray());
        Assert.Equal(Der.Encode(Key), sequence.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0)).ReadEncodedValue().ToArray());
        Assert.Equal(Der.Encode(Short), sequence.ReadSetOf(new Asn1Tag(TagClass.ContextSpecific, 1)).ReadEncodedValue().ToArray());
        Assert.False(sequence.HasData);
    }

    [Fact]
    public void SigningCertificateAlone_HasNoOptionalField()
    {
        var response = Der.Decode<CsrResponse>(Der.Encode(new CsrResponse([Long])));

        Assert.Null(response.EncryptedPrivateKey);
        Assert.Null(response.EncryptCertificates);
    }

    [Fact]
    public void NoCertificate_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new CsrResponse([]));
        Assert.Throws<ArgumentException>(() => new CsrResponse([Long], Key, []));
        Assert.Throws<DerException>(() => Der.Decode<CsrResponse>(new byte[] { 0x30, 0x02, 0x31, 0x00 }));
    }
}
