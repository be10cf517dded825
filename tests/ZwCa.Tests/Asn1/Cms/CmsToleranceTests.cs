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
        byte[] der = Der.Encode(Signer(digest));

        var signer = Der.Decode<SignerInfo>(der);

        Assert.Equal(Signature, signer.DecodeSm2Signature());
        Assert.Equal(der, Der.Encode(signer));
        Assert.Throws<DerException>(Signer(digest[1..]).DecodeSm2Signature);

        SignerInfo Signer(byte[] encryptedDigest) =>
            new(Person, AlgorithmIdentifier.Sm3, null, new AlgorithmIdentifier(algorithm), encryptedDigest);
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
    public void AttributeTwice_IsRefusedAmongTheSignedOnesOnly()
    {
        // Two countersignatures (RFC 5652 §11.4).
        const string Twice = "22" + "300F06092A864886F70D01090631020400" + "300F06092A864886F70D01090631020500";
        byte[] der = Convert.FromHexString("31" + Twice);

        var attributes = Der.Decode<Attributes>(der);

        Assert.Equal(der, Der.Encode(attributes));
        Assert.Equal([4, 0], attributes.Find("1.2.840.113549.1.9.6")!.Values[0].ToArray());
        Assert.Throws<ArgumentException>(() => Signer(authenticated: attributes));
        Assert.Equal(2, Der.Decode<SignerInfo>(Der.Encode(Signer(unauthenticated: attributes))).UnauthenticatedAttributes!.Values.Count);

        // The same element under [0], where an attribute of the same length stood.
        string one = Convert.ToHexString(Der.Encode(Signer(authenticated: new Attributes(
            new Attribute("1.2.840.113549.1.9.6", (byte[])[0x04, 0x00]), new Attribute("1.2.840.113549.1.9.7", (byte[])[0x05, 0x00])))));
        string two = one.Replace("A022300F06092A864886F70D01090631020400300F06092A864886F70D01090731020500", "A0" + Twice, StringComparison.Ordinal);
        Assert.NotEqual(one, two);
        Assert.Equal(2, Der.Decode<SignerInfo>(Convert.FromHexString(one)).AuthenticatedAttributes!.Values.Count);
        Assert.Throws<DerException>(() => Der.Decode<SignerInfo>(Convert.FromHexString(two)));

        static SignerInfo Signer(Attributes? authenticated = null, Attributes? unauthenticated = null) =>
            new(Person, AlgorithmIdentifier.Sm3, authenticated, new AlgorithmIdentifier(Oids.Sm2Sign), Signature.Raw, unauthenticated);
    }

    [Fact]
    public void ListChangedAfterwards_ChangesNoMessage()
    {
        var attributes = new List<Attribute> { new(Oids.MessageDigestAttribute, (byte[])[0x04, 0x01, 0x55]) };
        var certificates = new List<ReadOnlyMemory<byte>> { (byte[])[0x30, 0x00] };
        var signers = new List<SignerInfo>();
        var algorithms = new List<AlgorithmIdentifier> { AlgorithmIdentifier.Sm3 };
        var set = new Attributes(attributes);
        var signer = SignerInfo.Sm2(Person, Signature, set);
        var data = new SignedData(algorithms, ContentInfo.OfData([1]), signers) { Certificates = certificates, Crls = certificates };
        byte[] before = Der.Encode(data);

        attributes.Add(new Attribute("1.2.3", (byte[])[0x05, 0x00]));
        certificates.Clear();
        signers.Add(signer);
        algorithms.Clear();

        Assert.Equal(before, Der.Encode(data));
        Assert.Single(set.Values);
        Assert.Equal(set.Encoded.ToArray(), Der.Decode<SignerInfo>(Der.Encode(signer)).AuthenticatedAttributes!.Encoded.ToArray());
    }

    [Theory]
    [InlineData("0500")]
    [InlineData("A100")] // the extended certificate or attribute certificate of PKCS #7 and CMS
    [InlineData("3100")]
    [InlineData("1000")]
    public void CertificateOrCrlOfAnotherTag_IsRefused(string element)
    {
        byte[] bytes = Convert.FromHexString(element);
        string good = Convert.ToHexString(Der.Encode(new SignedData([], ContentInfo.OfData([]), []) { Certificates = [(byte[])[0x30, 0x00]], Crls = [(byte[])[0x30, 0x00]] }));
        Assert.Contains("A0023000A1023000", good, StringComparison.Ordinal);

        Assert.Throws<ArgumentException>(() => new SignedData([], ContentInfo.OfData([]), []) { Certificates = [bytes] });
        Assert.Throws<ArgumentException>(() => new SignedData([], ContentInfo.OfData([]), []) { Crls = [bytes] });
        Assert.Throws<DerException>(() => Der.Decode<SignedData>(Convert.FromHexString(good.Replace("A0023000", "A002" + element, StringComparison.Ordinal))));
        Assert.Throws<DerException>(() => Der.Decode<SignedData>(Convert.FromHexString(good.Replace("A1023000", "A102" + element, StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("30800000")]
    [InlineData("040100FF")]
    [InlineData("0402FF")]
    public void ContentThatIsNotOneElement_IsABug(string content) =>
        Assert.Throws<ArgumentException>(() => new ContentInfo(Oids.GmData, Convert.FromHexString(content)));

    [Fact]
    public void RecipientIdentifiers_CompareByContent()
    {
        RecipientIdentifier[] different = [.. Enumerable.Range(0, 100).Select(i => new BySubjectKeyIdentifier((byte[])[(byte)i, .. new byte[19]]))];

        Assert.Equal(different[7], new BySubjectKeyIdentifier((byte[])[7, .. new byte[19]]));
        Assert.Equal(different[7].GetHashCode(), new BySubjectKeyIdentifier((byte[])[7, .. new byte[19]]).GetHashCode());
        Assert.NotEqual(different[7], different[8]);
        Assert.True(different.Select(d => d.GetHashCode()).Distinct().Count() > 90);
        Assert.Equal(new ByIssuerAndSerialNumber(Person), new ByIssuerAndSerialNumber(Der.Decode<IssuerAndSerialNumber>(Der.Encode(Person))));
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
