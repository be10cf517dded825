using Org.BouncyCastle.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;
using ZwCa.Tests.Asn1.Pkix;
using Attribute = ZwCa.Asn1.Pkix.Attribute;
using Bc = Org.BouncyCastle.Asn1;

namespace ZwCa.Tests.Asn1.Cms;

/// <summary>What we write, Portable.BouncyCastle reads, field by field, and the other way round.</summary>
public class BouncyCastleCmsTests
{
    private static readonly IssuerAndSerialNumber Person = new(PkixSamples.CaName, SerialNumber.Parse("80ff01"));
    private static readonly Sm2Cipher Key = Sm2Cipher.FromRaw([0x04, .. Enumerable.Range(1, 112).Select(i => (byte)i)]);
    private static readonly Sm2Signature Signature = Sm2Signature.FromRaw(Convert.FromHexString(new string('9', 128)));
    private static readonly byte[] Certificate = Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64");

    [Fact]
    public void OurSignedData_IsReadFieldByField()
    {
        var attributes = new Attributes(new Attribute(Oids.MessageDigestAttribute, (byte[])[0x04, 0x01, 0x55]));
        var data = new SignedData([AlgorithmIdentifier.Sm3], ContentInfo.OfData([1, 2, 3]), [SignerInfo.Sm2(Person, Signature, attributes)])
        {
            Certificates = [Certificate],
        };

        var info = Bc.Pkcs.ContentInfo.GetInstance(Asn1Object.FromByteArray(Der.Encode(ContentInfo.Of(data))));
        var read = Bc.Pkcs.SignedData.GetInstance(info.Content);
        var signer = Bc.Pkcs.SignerInfo.GetInstance(read.SignerInfos[0]);

        Assert.Equal(Oids.GmSignedData, info.ContentType.Id);
        Assert.Equal(1, read.Version.IntValueExact);
        Assert.Equal(Oids.Sm3, Bc.X509.AlgorithmIdentifier.GetInstance(read.DigestAlgorithms[0]).Algorithm.Id);
        Assert.Equal([1, 2, 3], Bc.Asn1OctetString.GetInstance(read.ContentInfo.Content).GetOctets());
        Assert.Equal(Certificate, read.Certificates[0].GetDerEncoded());
        Assert.Equal(PkixSamples.CaName.Encoded.ToArray(), signer.IssuerAndSerialNumber.Name.GetDerEncoded());
        Assert.Equal("80ff01", signer.IssuerAndSerialNumber.CertificateSerialNumber.Value.ToString(16));
        Assert.Equal(attributes.Encoded.ToArray(), signer.AuthenticatedAttributes.GetDerEncoded());
        Assert.Equal(Oids.Sm2Sign, signer.DigestEncryptionAlgorithm.Algorithm.Id);
        Assert.Equal(Der.Encode(Signature), signer.EncryptedDigest.GetOctets());
    }

    [Fact]
    public void OurEnvelopedData_IsReadFieldByField()
    {
        var data = new EnvelopedData(
            [new RecipientInfo(Person, Key)],
            new EncryptedContentInfo(Oids.GmData, new AlgorithmIdentifier(Oids.Sm4Ecb), new byte[] { 7, 8 }));

        // The reader's CMS has versions 0 to 4 and does not mind the 1.
        var read = Bc.Cms.EnvelopedData.GetInstance(Asn1Object.FromByteArray(Der.Encode(data)));
        var recipient = Bc.Cms.KeyTransRecipientInfo.GetInstance(Bc.Cms.RecipientInfo.GetInstance(read.RecipientInfos[0]).Info);

        Assert.Equal(1, read.Version.IntValueExact);
        Assert.Equal("80ff01", Bc.Cms.IssuerAndSerialNumber.GetInstance(recipient.RecipientIdentifier.ID).SerialNumber.Value.ToString(16));
        Assert.Equal(Oids.Sm2Encrypt, recipient.KeyEncryptionAlgorithm.Algorithm.Id);
        Assert.Equal(Der.Encode(Key), recipient.EncryptedKey.GetOctets());
        Assert.Equal(Oids.GmData, read.EncryptedContentInfo.ContentType.Id);
        Assert.Equal(Oids.Sm4Ecb, read.EncryptedContentInfo.ContentEncryptionAlgorithm.Algorithm.Id);
        Assert.Equal([7, 8], read.EncryptedContentInfo.EncryptedContent.GetOctets());
    }

    [Fact]
    public void SignedDataOfTheOther_IsRead()
    {
        var signer = new Bc.Pkcs.SignerInfo(
            new DerInteger(1),
            new Bc.Pkcs.IssuerAndSerialNumber(Bc.X509.X509Name.GetInstance(Asn1Object.FromByteArray(PkixSamples.CaName.Encoded.ToArray())), new DerInteger(5)),
            new Bc.X509.AlgorithmIdentifier(new DerObjectIdentifier(Oids.Sm3), DerNull.Instance),
            null,
            new Bc.X509.AlgorithmIdentifier(new DerObjectIdentifier(Oids.Sm3WithSm2)),
            new DerOctetString(Signature.Raw.ToArray()),
            new DerSet(new DerSequence(new DerObjectIdentifier("1.2.3"), new DerSet(new DerInteger(9)))));
        var written = new Bc.Pkcs.SignedData(
            new DerInteger(1),
            new DerSet(new Bc.X509.AlgorithmIdentifier(new DerObjectIdentifier(Oids.Sm3))),
            new Bc.Pkcs.ContentInfo(new DerObjectIdentifier(Oids.Pkcs7Data), null),
            null,
            null,
            new DerSet(signer)).GetDerEncoded();

        var data = Der.Decode<SignedData>(written);

        Assert.Null(data.ContentInfo.Content);
        Assert.Null(data.Certificates);
        Assert.Equal(Signature, data.SignerInfos[0].DecodeSm2Signature());
        Assert.Equal("1.2.3", data.SignerInfos[0].UnauthenticatedAttributes!.Values[0].Type);
        Assert.Equal(written, Der.Encode(data));
    }
}
