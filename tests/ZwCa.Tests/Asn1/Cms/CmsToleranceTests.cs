using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;
using ZwCa.Tests.Asn1.Pkix;
using Attribute = ZwCa.Asn1.Pkix.Attribute;

namespace ZwCa.Tests.Asn1.Cms;

public class CmsToleranceTests
{
    private static readonly IssuerAndSerialNumber Person = new(PkixSamples.CaName, SerialNumber.Parse("1234"));
    private static readonly Sm2Cipher Key = Sm2Cipher.FromRaw([0x04, .. new byte[96], .. new byte[16]]);
    private static readonly Sm2Signature Signature = Sm2Signature.FromRaw(Convert.FromHexString(new string('5', 128)));
    private static readonly AlgorithmIdentifier Sm4 = new(Oids.Sm4Ecb);

    [Fact]
    public void EncryptedKeyAsSequence_IsReadAndReproduced()
    {
        byte[] strict = Der.Encode(new RecipientInfo(Person, Key));
        byte[] cipher = Der.Encode(Key);

        // 04 LL 30 LL … becomes 30 LL …, two bytes less.
        byte[] embedded = [0x30, 0x81, (byte)(strict[2] - 2), .. strict[3..^(cipher.Length + 2)], .. cipher];
        var recipient = Der.Decode<RecipientInfo>(embedded);

        Assert.Equal(Key, recipient.DecodeSm2Cipher());
        Assert.Equal(embedded, Der.Encode(recipient));
        Assert.Equal(strict, Der.Encode(Der.Decode<RecipientInfo>(strict)));
    }

    [Fact]
    public void EncryptedKeyAsAnotherSequence_IsRefused()
    {
        byte[] strict = Der.Encode(new RecipientInfo(Person, Key));
        byte[] wrong = [0x30, (byte)(strict[2] - Der.Encode(Key).Length), .. strict[3..^(Der.Encode(Key).Length + 2)], 0x30, 0x00];
        int length = wrong.Length - 2;
        wrong = length < 128 ? [0x30, (byte)length, .. wrong[2..]] : [0x30, 0x81, (byte)length, .. wrong[2..]];

        Assert.Throws<DerException>(() => Der.Decode<RecipientInfo>(wrong));
    }

    [Theory]
    [InlineData(0x80)]
    [InlineData(0x04)]
    public void EncryptedContent_TaggedOrNot_IsReadAndReproduced(byte tag)
    {
        byte[] der = Der.Encode(new EncryptedContentInfo(Oids.GmData, Sm4, new byte[32]));
        Assert.Equal(0x80, der[^34]);
        der[^34] = tag;

        var info = Der.Decode<EncryptedContentInfo>(der);

        Assert.Equal(32, info.EncryptedContent!.Value.Length);
        Assert.Equal(der, Der.Encode(info));
    }

    [Fact]
    public void AbsentAndEmptyContent_AreTwoThings()
    {
        var absent = Der.Decode<EncryptedContentInfo>(Der.Encode(new EncryptedContentInfo(Oids.GmData, Sm4, null)));
        var empty = Der.Decode<EncryptedContentInfo>(Der.Encode(new EncryptedContentInfo(Oids.GmData, Sm4, Array.Empty<byte>())));

        Assert.Null(absent.EncryptedContent);
        Assert.True(empty.EncryptedContent!.Value.IsEmpty);
        Assert.Null(Der.Decode<ContentInfo>(Der.Encode(new ContentInfo(Oids.GmData))).ContentOctets);
        Assert.True(Der.Decode<ContentInfo>(Der.Encode(ContentInfo.OfData([]))).ContentOctets!.Value.IsEmpty);
    }

    [Theory]
    [InlineData("0", "1.2.156.10197.1.301.1")]
    [InlineData("1", "1.2.156.10197.1.501")]
    public void Signature_AsDerOrAsRawBytes_UnderEitherAlgorithm_IsTheSame(string raw, string algorithm)
    {
        byte[] digest = raw == "1" ? Signature.Raw.ToArray() : Der.Encode(Signature);
        byte[] der = Der.Encode(new SignerInfo(Person, AlgorithmIdentifier.Sm3, null, new AlgorithmIdentifier(algorithm), digest));

        var signer = Der.Decode<SignerInfo>(der);

        Assert.Equal(Signature, signer.DecodeSm2Signature());
        Assert.Equal(der, Der.Encode(signer));
        Assert.Throws<DerException>(() => (signer with { EncryptedDigest = digest.AsMemory(1) }).DecodeSm2Signature());
    }

    [Fact]
    public void OurOwnMessages_AreInTheFormOfGmT0010()
    {
        var signer = SignerInfo.Sm2(Person, Signature);
        var message = ContentInfo.Of(new SignedAndEnvelopedData(
            [new RecipientInfo(Person, Key)], [AlgorithmIdentifier.Sm3], new EncryptedContentInfo(Oids.GmData, Sm4, new byte[32]), [signer]));

        Assert.Equal("1.2.156.10197.6.1.4.2.4", message.ContentType);
        Assert.Equal("1.2.156.10197.1.301.1", signer.DigestEncryptionAlgorithm.Algorithm);
        Assert.Equal("1.2.156.10197.1.301.3", message.DecodeSignedAndEnvelopedData().RecipientInfos[0].KeyEncryptionAlgorithm.Algorithm);
        Assert.Equal(1, message.DecodeSignedAndEnvelopedData().RecipientInfos[0].Version);
        Assert.Equal("1.2.156.10197.6.1.4.2.2", ContentInfo.Of(new SignedData([], ContentInfo.OfData([1]), [])).ContentType);
        Assert.Equal(
            "1.2.156.10197.6.1.4.2.3",
            ContentInfo.Of(new EnvelopedData([new RecipientInfo(Person, Key)], new EncryptedContentInfo(Oids.GmData, Sm4, null))).ContentType);
    }

    [Theory]
    [InlineData(0)] // version 0 with a key identifier
    [InlineData(1)]
    [InlineData(3)] // no such version
    public void KeyIdentifierUnderAnotherVersion_IsRefused(byte version)
    {
        byte[] der = Der.Encode(Der.Decode<ContentInfo>(Fixtures.Read("gmt0010/cfca-enveloped.b64")).DecodeEnvelopedData().RecipientInfos[0]);
        int at = der.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x02, 0x01, 0x02]);
        der[at + 2] = version;

        Assert.Throws<DerException>(() => Der.Decode<RecipientInfo>(der));
    }

    [Fact]
    public void WithoutAttributes_TheContentIsSigned_WithThem_TheirSetOf()
    {
        byte[] content = [1, 2, 3];
        var attributes = new Attributes(
            new Attribute(Oids.MessageDigestAttribute, (byte[])[0x04, 0x01, 0x55]),
            new Attribute(Oids.ContentTypeAttribute, Convert.FromHexString("060A2A811CCF550601040201")));
        byte[] der = Der.Encode(SignerInfo.Sm2(Person, Signature, attributes));
        var signer = Der.Decode<SignerInfo>(der);

        byte[] signed = signer.SignedBytes(content).ToArray();

        // RFC 2315 §9.3: tag 31 in place of A0; sorted as DER has it, the shorter attribute first.
        Assert.Equal(content, SignerInfo.Sm2(Person, Signature).SignedBytes(content).ToArray());
        Assert.Equal(
            "312D" + "301006092A864886F70D0109043103040155" + "301906092A864886F70D010903310C060A2A811CCF550601040201",
            Convert.ToHexString(signed));
        Assert.Equal(signed, signer.AuthenticatedAttributes!.Encoded.ToArray());
        Assert.True(der.AsSpan().IndexOf(signed.AsSpan(1)) > 0);
        Assert.Equal(0xa0, der[der.AsSpan().IndexOf(signed.AsSpan(1)) - 1]);
    }

    [Fact]
    public void AttributeTwice_IsRefused()
    {
        var one = new Attribute(Oids.ContentTypeAttribute, (byte[])[0x05, 0x00]);
        var other = new Attribute(Oids.ContentTypeAttribute, (byte[])[0x06, 0x01, 0x2a]);

        Assert.Throws<ArgumentException>(() => new Attributes(one, other));
        Assert.Throws<DerException>(() => Der.Decode<Attributes>(Convert.FromHexString(
            "3123" + "300F06092A864886F70D01090331020500" + "301006092A864886F70D010903310306012A")));
        Assert.Single(Der.Decode<Attributes>(Convert.FromHexString("3111" + "300F06092A864886F70D01090331020500")).Values);
    }

    [Fact]
    public void CertificatesKeepTheirOrder()
    {
        byte[] longer = Fixtures.Read("gmt0010/anxin-encryption-certificate.b64");
        byte[] shorter = Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64");
        var data = new SignedData([], ContentInfo.OfData([]), []) { Certificates = [longer, shorter], Crls = [] };
        byte[] der = Der.Encode(data);

        var read = Der.Decode<SignedData>(der);

        Assert.Equal([longer, shorter], read.Certificates!.Select(c => c.ToArray()));
        Assert.Empty(read.Crls!);
        Assert.Equal(der, Der.Encode(read));
    }
}
