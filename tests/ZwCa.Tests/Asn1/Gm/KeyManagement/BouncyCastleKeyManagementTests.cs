using Org.BouncyCastle.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Pkix;
using static ZwCa.Tests.Asn1.Gm.KeyManagement.KeyManagementSamples;
using Bc = Org.BouncyCastle.Asn1;

namespace ZwCa.Tests.Asn1.Gm.KeyManagement;

/// <summary>The messages taken apart and put together by Portable.BouncyCastle, which does not know them: tags and types one by one.</summary>
public class BouncyCastleKeyManagementTests
{
    /// <summary>GB/T 32918.5, the private key of <see cref="PkixSamples.Sm2Key"/>.</summary>
    private const string PrivateKey = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";

    [Fact]
    public void OurRequest_IsReadFieldByField()
    {
        Asn1Sequence message = Sequence(Der.Encode(SignedRequest), 3);
        Asn1Sequence request = Sequence(message[0], 5);
        Asn1Sequence name = Sequence(request[1], 4);
        Asn1Sequence list = Sequence(request[2], 3);

        Assert.Equal(Oids.Sm3WithSm2, Bc.X509.AlgorithmIdentifier.GetInstance(message[1]).Algorithm.Id);
        Assert.Equal(Der.Encode(Signature), Octets(message[2]));
        Assert.Equal(1, Integer(request[0]));
        Assert.Equal(Oids.Sm3, Bc.X509.AlgorithmIdentifier.GetInstance(name[0]).Algorithm.Id);
        Assert.Equal(Bc.X509.GeneralName.DirectoryName, Bc.X509.GeneralName.GetInstance(name[1]).TagNo);
        Assert.Equal(32, Octets(name[2]).Length);
        Assert.Equal(0x80ff01, Integer(name[3]));
        Assert.Equal("20260701080000Z", ((DerGeneralizedTime)request[3]).TimeString);
        Assert.Equal(1_000_000_007, Integer(request[4]));

        Asn1Sequence apply = Implicit(list[0], 0, 6);
        Assert.Equal(
            [Oids.Sm2, Oids.Sm2Encrypt, Oids.Sm4, Oids.Sm3],
            new[] { apply[0], apply[2], apply[3], apply[4] }.Select(a => Bc.X509.AlgorithmIdentifier.GetInstance(a).Algorithm.Id));
        Assert.Equal(256, Integer(apply[1]));
        Asn1Sequence info = Sequence(apply[5], 7);
        Assert.Equal(0x4d2f, Integer(info[0]));
        Assert.Equal(Der.Encode(PkixSamples.Sm2Key), Bc.X509.SubjectPublicKeyInfo.GetInstance(info[1]).GetDerEncoded());
        Assert.Equal("20310701080000Z", ((DerGeneralizedTime)info[3]).TimeString);
        Assert.Equal("张三"u8.ToArray(), Octets(Explicit(info[4], 0)));
        Assert.Equal("350100", ((DerIA5String)Explicit(info[5], 1)).GetString());
        Assert.Equal("x=1", ((DerIA5String)Explicit(info[6], 2)).GetString());

        Asn1Sequence restore = Implicit(list[1], 1, 5);
        Assert.Equal(0x4d2f, Integer(restore[3]));
        Assert.Equal(Der.Encode(PkixSamples.Sm2Key), restore[4].GetDerEncoded());
        Assert.Equal(0x4d2f, Integer(Implicit(list[2], 2, 1)[0]));
    }

    [Fact]
    public void OurRespond_IsReadFieldByField()
    {
        Asn1Sequence message = Sequence(Der.Encode(SignedRespond), 3);
        Asn1Sequence respond = Sequence(message[0], 5);
        Asn1Sequence list = Sequence(respond[2], 4);

        Assert.Equal(1, Integer(respond[0]));
        Assert.Equal(Der.Encode(CaName), respond[1].GetDerEncoded());
        Assert.Equal("20260701080000Z", ((DerGeneralizedTime)respond[3]).TimeString);
        Assert.Equal(1_000_000_007, Integer(respond[4]));
        for (int tag = 0; tag < 2; tag++)
        {
            Asn1Sequence key = Implicit(list[tag], tag, 3);
            Assert.Equal(0x4d2f, Integer(key[0]));
            Assert.Equal(Der.Encode(PkixSamples.Sm2Key), key[1].GetDerEncoded());
            Assert.Equal(5, Sequence(key[2], 5).Count);
        }

        Assert.Equal(0x4d2f, Integer(Implicit(list[2], 2, 1)[0]));
        Asn1Sequence error = Implicit(list[3], 3, 2);
        Assert.Equal(7, Integer(error[0]));
        Assert.Equal("没有该密钥", ((DerUtf8String)Sequence(Explicit(error[1], 0), 1)[0]).GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // as a known pair of CA and KM does it
    public void RequestOfTheOther_IsReadAndReproduced(bool explicitTags)
    {
        var info = new DerSequence(
            new DerInteger(0x4d2f),
            Asn1Object.FromByteArray(Der.Encode(PkixSamples.Sm2Key)),
            new DerGeneralizedTime("20260701080000Z"),
            new DerGeneralizedTime("20310701080000Z"),
            new DerTaggedObject(true, 0, new DerOctetString([1])),
            new DerTaggedObject(true, 1, new DerOctetString("350100"u8.ToArray())),
            new DerTaggedObject(true, 2, new DerSequence(new DerUtf8String("扩展"))));
        var apply = new DerSequence(Algorithm(Oids.Sm2), new DerInteger(256), Algorithm(Oids.Sm2Encrypt), Algorithm(Oids.Sm4), Algorithm(Oids.Sm3), info);
        var request = new DerSequence(
            new DerInteger(1),
            new DerSequence(
                Algorithm(Oids.Sm3), new Bc.X509.GeneralName(Bc.X509.GeneralName.DnsName, "CN=ca"), new DerOctetString(new byte[32]), new DerInteger(5)),
            new DerSequence(new DerTaggedObject(explicitTags, 0, apply)),
            new DerGeneralizedTime("20260701080000Z"),
            new DerInteger(long.MaxValue));
        byte[] signed = request.GetDerEncoded();
        byte[] signature = BouncyCastleSm2.Sign(BouncyCastleSm2.PrivateKey(PrivateKey), signed);
        byte[] message = new DerSequence(request, Algorithm(Oids.Sm3WithSm2), new DerOctetString(signature)).GetDerEncoded();

        CaRequest read = CaRequest.Decode(message, 4096, 1);

        Assert.Equal(message, Der.Encode(read));
        Assert.Equal(signed, read.KsRequestBytes.ToArray());
        Assert.True(BouncyCastleSm2.Verify(PkixSamples.Sm2Key.PublicKey, read.KsRequestBytes.ToArray(), read.DecodeSm2Signature()));
        Assert.Equal(long.MaxValue, read.KsRequest.TaskNo.Value);
        Assert.Equal(new DnsName("CN=ca"), read.KsRequest.CaName.Name);
        var applied = Assert.IsType<ApplyKeyReq>(Assert.Single(read.KsRequest.RequestList));
        Assert.Equal(explicitTags, applied.TagIsExplicit);
        Assert.Equal(UserCertNo, applied.AppUserInfo.UserCertNo);
        Assert.Equal("350100", Assert.IsType<OctetText>(applied.AppUserInfo.DsCode).Text);
        Assert.Equal("扩展", Assert.IsType<Utf8Text>(applied.AppUserInfo.ExtendInfo).Text);
    }

    private static Bc.X509.AlgorithmIdentifier Algorithm(string oid) => new(new DerObjectIdentifier(oid));

    private static Asn1Sequence Sequence(byte[] der, int count) => Sequence(Asn1Object.FromByteArray(der), count);

    private static Asn1Sequence Sequence(Asn1Encodable element, int count)
    {
        var sequence = (Asn1Sequence)element.ToAsn1Object();
        Assert.Equal(count, sequence.Count);
        return sequence;
    }

    private static Asn1Sequence Implicit(Asn1Encodable element, int tag, int count)
    {
        var tagged = (Asn1TaggedObject)element;
        Assert.Equal(tag, tagged.TagNo);
        Assert.Equal(0xa0 | tag, element.GetDerEncoded()[0]);
        return Sequence(Asn1Sequence.GetInstance(tagged, false), count);
    }

    private static Asn1Object Explicit(Asn1Encodable element, int tag)
    {
        var tagged = (Asn1TaggedObject)element;
        Assert.Equal(tag, tagged.TagNo);
        return tagged.GetObject();
    }

    private static long Integer(Asn1Encodable element) => ((DerInteger)element).LongValueExact;

    private static byte[] Octets(Asn1Encodable element) => ((Asn1OctetString)element).GetOctets();
}
