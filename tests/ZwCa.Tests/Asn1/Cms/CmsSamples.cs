using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;
using ZwCa.Tests.Asn1.Pkix;
using Attribute = ZwCa.Asn1.Pkix.Attribute;

namespace ZwCa.Tests.Asn1.Cms;

/// <summary>Every optional field and every tolerance occurs in one of them.</summary>
public sealed class CmsSamples : IDerSamples
{
    private static readonly IssuerAndSerialNumber Person = new(PkixSamples.CaName, SerialNumber.Parse("1234"));
    private static readonly Sm2Cipher Cipher = Sm2Cipher.FromRaw([0x04, .. new byte[31], 1, .. new byte[31], 2, .. new byte[32], .. new byte[16]]);
    private static readonly Sm2Signature Signature = Sm2Signature.FromRaw(Convert.FromHexString(new string('9', 64) + new string('1', 64)));
    private static readonly RecipientInfo Recipient = new(Person, Cipher);

    private static readonly Attributes Attributes = new(
        new Attribute(Oids.MessageDigestAttribute, (byte[])[0x04, 0x01, 0x55]),
        new Attribute(Oids.ContentTypeAttribute, Convert.FromHexString("060A2A811CCF550601040201")));

    private static readonly EncryptedContentInfo Encrypted = new(Oids.GmData, new AlgorithmIdentifier(Oids.Sm4Ecb), new byte[32])
    {
        SharedInfo1 = new byte[] { 1 },
        SharedInfo2 = new byte[] { 2 },
    };

    private static readonly SignerInfo Signer = new(
        Person,
        AlgorithmIdentifier.Sm3,
        Attributes,
        new AlgorithmIdentifier(Oids.Sm2Sign),
        Signature.Raw,
        new Attributes(new Attribute("1.2.3", (byte[])[0x05, 0x00])));

    private static readonly byte[] Certificate = Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64");

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(new ContentInfo(Oids.GmData)),
        DerSample.Of(ContentInfo.OfData([1, 2])),
        DerSample.Of(Person),
        DerSample.Of(Attributes),
        DerSample.Of(SignerInfo.Sm2(Person, Signature)),
        DerSample.Of(Signer),
        DerSample.Of(Recipient),
        DerSample.Of(Der.Decode<ContentInfo>(Fixtures.Read("gmt0010/cfca-enveloped.b64")).DecodeEnvelopedData().RecipientInfos[0]),
        DerSample.Of<RecipientInfo>(
            "3057 020101 3008 3000 020401020304 300B 06092A811CCF5501822D03 303B 020101 020102 0420" + new string('0', 64) + "0411" + new string('0', 34)),
        DerSample.Of<RecipientIdentifier>(new ByIssuerAndSerialNumber(Person)),
        DerSample.Of<RecipientIdentifier>(new BySubjectKeyIdentifier(new byte[20])),
        DerSample.Of(Encrypted),
        DerSample.Of<EncryptedContentInfo>("3019 060A2A811CCF550601040201 3009 06072A811CCF550168 0400"),
        DerSample.Of(new SignedData([], ContentInfo.OfData([1]), [])),
        DerSample.Of(new SignedData([AlgorithmIdentifier.Sm3], ContentInfo.OfData([1]), [Signer])
        {
            Certificates = [Certificate],
            Crls = [(byte[])[0x30, 0x00]],
        }),
        DerSample.Of(new EnvelopedData([Recipient], Encrypted)),
        DerSample.Of(Der.Decode<ContentInfo>(Fixtures.Read("gmt0010/cfca-enveloped.b64")).DecodeEnvelopedData()),
        DerSample.Of(new SignedAndEnvelopedData([Recipient], [AlgorithmIdentifier.Sm3], Encrypted, [Signer])),
        DerSample.Of(Der.Decode<SignedAndEnvelopedData>(Fixtures.Read("gmt0010/anxin-signed-and-enveloped.b64"))),
    ];
}
