using System.Text;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Paddings;
using Org.BouncyCastle.Crypto.Parameters;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;

namespace ZwCa.Tests.Asn1.Cms;

/// <summary>Messages of Chinese CAs and toolkits, decoded by us, opened and verified by Portable.BouncyCastle.</summary>
public class PublishedMessageTests
{
    /// <summary>The recipient's issuer is <c>00 00</c> in the publication, which is not a Name; an empty Name has the same length.</summary>
    private static byte[] GmCert
    {
        get
        {
            byte[] bytes = Fixtures.Read("gmt0010/gmcert-signed-and-enveloped.b64");
            Assert.Equal([0x00, 0x00, 0x02, 0x08], bytes[38..42]);
            bytes[38] = 0x30;
            return bytes;
        }
    }

    [Fact]
    public void GmCert_SignedAndEnveloped_GivesTheEncryptionKey()
    {
        ContentInfo message = Der.Decode<ContentInfo>(GmCert);
        SignedAndEnvelopedData data = message.DecodeSignedAndEnvelopedData();
        RecipientInfo recipient = Assert.Single(data.RecipientInfos);
        var receiver = BouncyCastleSm2.PrivateKeyOfPkcs8(Fixtures.Read("gmt0010/gmcert-sign-key.b64"));
        var certificate = Der.Decode<Certificate>(Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64"));

        byte[] sm4Key = BouncyCastleSm2.Decrypt(receiver, recipient.DecodeSm2Cipher());
        byte[] content = BouncyCastleSm2.Sm4Ecb(encrypt: false, sm4Key, data.EncryptedContentInfo.EncryptedContent!.Value.Span);
        byte[] privateKey = new byte[32];
        Sm2EnvelopedKey.ReadPrivateKey(content, privateKey);

        Assert.Equal(64, content.Length);
        Assert.Equal(BouncyCastleSm2.PrivateKeyOfPkcs8(Fixtures.Read("gmt0010/gmcert-encryption-key.b64")).D.ToByteArrayUnsigned(), privateKey);
        Assert.Equal(certificate.Tbs.SerialNumber, Assert.IsType<ByIssuerAndSerialNumber>(recipient.Recipient).IssuerAndSerialNumber.SerialNumber);
        Assert.Equal(GmCert, Der.Encode(ContentInfo.Of(data)));

        // No attributes: the signature is over all 64 bytes of the plaintext.
        var signerCertificate = Der.Decode<Certificate>(Assert.Single(data.Certificates!));
        SignerInfo signer = Assert.Single(data.SignerInfos);
        Assert.Equal(IssuerAndSerialNumber.Of(signerCertificate), signer.IssuerAndSerialNumber);
        Assert.True(BouncyCastleSm2.Verify(
            signerCertificate.Tbs.SubjectPublicKeyInfo.PublicKey, signer.SignedBytes(content).ToArray(), signer.DecodeSm2Signature()));
    }

    [Fact]
    public void GmCert_RecipientWithoutIssuer_IsRefusedAsPublished() =>
        Assert.Throws<DerException>(() =>
            Der.Decode<ContentInfo>(Fixtures.Read("gmt0010/gmcert-signed-and-enveloped.b64")).DecodeSignedAndEnvelopedData());

    [Fact]
    public void AnXin_BareSignedAndEnveloped_IsReadAndReproduced()
    {
        byte[] der = Fixtures.Read("gmt0010/anxin-signed-and-enveloped.b64");

        var data = Der.Decode<SignedAndEnvelopedData>(der);

        Assert.Equal(0, data.RecipientInfos[0].Version);
        Assert.Equal(new AlgorithmIdentifier(Oids.Sm2Encrypt), data.RecipientInfos[0].KeyEncryptionAlgorithm);
        Assert.Equal(Oids.GmData, data.EncryptedContentInfo.ContentType);
        Assert.Equal(new AlgorithmIdentifier(Oids.Sm4), data.EncryptedContentInfo.ContentEncryptionAlgorithm);
        Assert.Throws<DerException>(() => Der.Decode<Sm2Cipher>(data.RecipientInfos[0].EncryptedKey)); // 30 81 79
        Assert.Equal(16, data.RecipientInfos[0].DecodeSm2Cipher().CipherText.Length);
        Assert.Equal(64, data.EncryptedContentInfo.EncryptedContent!.Value.Length);
        Assert.Equal(new AlgorithmIdentifier(Oids.Sm2Sign), data.SignerInfos[0].DigestEncryptionAlgorithm);
        Assert.Equal(der, Der.Encode(data));
    }

    [Theory]
    [InlineData("gmt0010/cfca-signed.b64", false)]
    [InlineData("gmt0010/cfca-signed-detached.b64", true)]
    public void Cfca_SignedData_Verifies(string path, bool detached)
    {
        byte[] der = Fixtures.Read(path);
        var message = Der.Decode<ContentInfo>(der);
        SignedData data = message.DecodeSignedData();
        SignerInfo signer = Assert.Single(data.SignerInfos);
        var certificate = Der.Decode<Certificate>(Assert.Single(data.Certificates!));

        ReadOnlyMemory<byte>? enclosed = data.ContentInfo.ContentOctets;
        byte[] content = enclosed?.ToArray() ?? Encoding.ASCII.GetBytes("Hello Secret World!");

        Assert.Equal(Oids.GmSignedData, message.ContentType);
        Assert.Equal(detached, enclosed is null);
        Assert.Equal("Hello Secret World!", Encoding.ASCII.GetString(content));
        Assert.True(Verifies(content));
        Assert.False(Verifies(Encoding.ASCII.GetBytes("Hello Secret World?")));
        Assert.Equal(der, Der.Encode(message));
        Assert.Equal(der, Der.Encode(ContentInfo.Of(data)));

        bool Verifies(byte[] signed) => BouncyCastleSm2.Verify(
            certificate.Tbs.SubjectPublicKeyInfo.PublicKey, signer.SignedBytes(signed).ToArray(), signer.DecodeSm2Signature());
    }

    [Fact]
    public void Cfca_EnvelopeToAKeyIdentifier_IsOpened()
    {
        byte[] der = Fixtures.Read("gmt0010/cfca-enveloped.b64");
        EnvelopedData data = Der.Decode<ContentInfo>(der).DecodeEnvelopedData();
        RecipientInfo recipient = Assert.Single(data.RecipientInfos);
        var receiver = BouncyCastleSm2.PrivateKey("f043481ce3ba1332cc266ae795f2a41f100e52e47ee560de15d9e014acab35c9");

        byte[] sm4Key = BouncyCastleSm2.Decrypt(receiver, recipient.DecodeSm2Cipher());
        AlgorithmIdentifier algorithm = data.EncryptedContentInfo.ContentEncryptionAlgorithm;

        Assert.Equal(2, data.Version);
        Assert.Equal(2, recipient.Version);
        Assert.Equal(
            "D0CF1913500004B2633A70CCF2C8D0FD9F1DB0F6",
            Convert.ToHexString(Assert.IsType<BySubjectKeyIdentifier>(recipient.Recipient).KeyIdentifier.Span));
        Assert.Equal(Oids.Sm4, algorithm.Algorithm);
        byte[] iv = algorithm.Parameters!.Value[2..].ToArray();
        Assert.Equal("Hello World!", Encoding.ASCII.GetString(Cbc(sm4Key, iv, data.EncryptedContentInfo.EncryptedContent!.Value.ToArray())));
        Assert.Equal(der, Der.Encode(ContentInfo.Of(data)));
    }

    [Fact]
    public void Pkcs7_BagOfCertificates_IsReadUnderItsOwnContentType()
    {
        byte[] der = Fixtures.Read("gmt0010/gmssl-certificates.b64");
        var message = Der.Decode<ContentInfo>(der);

        SignedData data = message.DecodeSignedData();

        Assert.Equal(Oids.Pkcs7SignedData, message.ContentType);
        Assert.Equal(Oids.Pkcs7Data, data.ContentInfo.ContentType);
        Assert.Equal(2, data.Certificates!.Count);
        Assert.Empty(data.SignerInfos);
        Assert.Empty(data.DigestAlgorithms);
        Assert.Equal(der, Der.Encode(message));
        Assert.Throws<DerException>(message.DecodeEnvelopedData);
    }

    private static byte[] Cbc(byte[] key, byte[] iv, byte[] ciphertext)
    {
        var cipher = new PaddedBufferedBlockCipher(new CbcBlockCipher(new SM4Engine()), new Pkcs7Padding());
        cipher.Init(false, new ParametersWithIV(new KeyParameter(key), iv));
        return cipher.DoFinal(ciphertext);
    }
}
