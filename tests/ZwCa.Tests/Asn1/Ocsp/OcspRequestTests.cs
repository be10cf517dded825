using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Ocsp;

public class OcspRequestTests
{
    private const int MaxBytes = 4096;

    [Fact]
    public void PublishedRequest_IsReadAndReproduced()
    {
        byte[] der = Fixtures.Read("rfc6960/go-request.hex");

        var request = OcspRequest.Decode(der, MaxBytes, 1);
        CertId id = Assert.Single(request.Tbs.RequestList).ReqCert;

        Assert.Equal(Oids.Sha1, id.HashAlgorithm.Algorithm);
        Assert.Equal([0x05, 0x00], id.HashAlgorithm.Parameters!.Value.ToArray());
        Assert.Equal("C0FE0278FC99188891B3F212E9C7E1B21AB7BFC0", Convert.ToHexString(id.IssuerNameHash.Span));
        Assert.Equal("0DFC1DF0A9E0F01CE7F2B213177E6F8D157CD4F6", Convert.ToHexString(id.IssuerKeyHash.Span));
        Assert.Equal("017f77deb3bcbb235d44ccc7dba62e72", id.SerialNumber.ToString());
        Assert.Null(request.OptionalSignature);
        Assert.Equal(der, Der.Encode(request));
        Assert.Equal(der, Der.Encode(new OcspRequest(new TbsRequest([new Request(id)]))));
    }

    [Fact]
    public void RequestOfOpenSsl_WithFourIdentifiersAndNonce_IsReadAndReproduced()
    {
        byte[] der = Fixtures.Read("rfc6960/openssl-request.der");

        var request = OcspRequest.Decode(der, MaxBytes, 4);

        Assert.Equal(["1001", "1002", "1003", "1004"], request.Tbs.RequestList.Select(r => r.ReqCert.SerialNumber.ToString()));
        Assert.Equal([Oids.Sha1, Oids.Sha1, Oids.Sha256, Oids.Sha256], request.Tbs.RequestList.Select(r => r.ReqCert.HashAlgorithm.Algorithm));
        Assert.Equal("BEF481E963BA95F3CC1D3AF5E6E94DE9", Convert.ToHexString(request.Tbs.RequestExtensions!.Find<Nonce>()!.Octets.Span));
        Assert.Equal(der, Der.Encode(request));
        Assert.Equal(der, Der.Encode(new OcspRequest(new TbsRequest(request.Tbs.RequestList, request.Tbs.RequestExtensions))));
    }

    [Fact]
    public void SignedRequestOfOpenSsl_VerifiesOverTheKeptBytes()
    {
        byte[] der = Fixtures.Read("rfc6960/openssl-signed-request.der");

        var request = OcspRequest.Decode(der, MaxBytes, 1);
        Certificate certificate = Assert.Single(request.OptionalSignature!.Certificates!);
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Der.Encode(certificate.Tbs.SubjectPublicKeyInfo), out _);

        Assert.Equal(Oids.Sm3, request.Tbs.RequestList[0].ReqCert.HashAlgorithm.Algorithm);
        Assert.Equal(certificate.Tbs.Subject, Assert.IsType<DirectoryName>(request.Tbs.RequestorName).Name);
        Assert.True(key.VerifyData(
            request.TbsBytes.Span, request.OptionalSignature.Value.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        Assert.Equal(der, Der.Encode(request));
        Assert.Equal(der, Der.Encode(OcspRequest.Assemble(request.TbsBytes, request.OptionalSignature)));
    }

    [Fact]
    public void MoreBytesOrRequestsThanAllowed_AreRefused()
    {
        byte[] der = Fixtures.Read("rfc6960/openssl-request.der");

        Assert.NotNull(OcspRequest.Decode(der, der.Length, 4));
        Assert.Throws<DerException>(() => OcspRequest.Decode(der, der.Length - 1, 4));
        Assert.Throws<DerException>(() => OcspRequest.Decode(der, der.Length, 3));
    }

    [Theory]
    [InlineData(0)] // v1, the default
    [InlineData(1)]
    public void ExplicitVersion_IsRefused(byte version)
    {
        byte[] requestList = Sequence(Sequence(Der.Encode(OcspSamples.CertId)));

        Assert.Throws<DerException>(() => Der.Decode<TbsRequest>(Sequence([0xa0, 0x03, 0x02, 0x01, version, .. requestList])));
        Assert.Single(Der.Decode<TbsRequest>(Sequence(requestList)).RequestList);
    }

    [Fact]
    public void EmptyRequestList_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new TbsRequest([]));
        Assert.Throws<DerException>(() => Der.Decode<OcspRequest>(Sequence(Sequence(Sequence([])))));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(20, true)]
    [InlineData(21, false)]
    public void SerialNumber_HasAtMost20Octets(int octets, bool accepted)
    {
        byte[] serial = [0x02, (byte)octets, 0x7f, .. new byte[octets - 1]];
        byte[] certId = Sequence([.. Der.Encode(AlgorithmIdentifier.Sm3), 0x04, 0x00, 0x04, 0x00, .. serial]);

        Assert.Equal(accepted, Accepts<CertId>(certId));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void Nonce_Has1To128Octets(int octets, bool accepted)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(new byte[octets]);

        Assert.Equal(accepted, Accepts<Nonce>(writer.Encode()));
        if (!accepted)
        {
            Assert.Throws<ArgumentException>(() => new Nonce(new byte[octets]));
        }
    }

    [Fact]
    public void AbsentParametersAndNull_AreDifferentIdentifiers_AndBothStay()
    {
        var absent = OcspSamples.CertId;
        var isNull = absent with { HashAlgorithm = new AlgorithmIdentifier(Oids.Sm3, new byte[] { 5, 0 }) };

        Assert.NotEqual(absent, isNull);
        Assert.Equal(absent, Der.Decode<CertId>(Der.Encode(absent)));
        Assert.Equal(absent.GetHashCode(), Der.Decode<CertId>(Der.Encode(absent)).GetHashCode());
        Assert.Equal(isNull, Der.Decode<CertId>(Der.Encode(isNull)));
        Assert.Equal(Der.Encode(absent).Length + 2, Der.Encode(isNull).Length);
        Assert.NotEqual(absent, absent with { SerialNumber = SerialNumber.Parse("01") });
        Assert.NotEqual(absent, absent with { IssuerNameHash = new byte[31] });
        Assert.NotEqual(absent, absent with { IssuerKeyHash = new byte[31] });
    }

    [Fact]
    public void OurRequest_IsReadByBouncyCastle()
    {
        var tbs = new TbsRequest(
            [new Request(OcspSamples.CertId)],
            new Extensions(Extension.Create(new Nonce(new byte[32]), critical: false)),
            new DirectoryName(PkixSamples.CaName));
        var signature = new Signature(AlgorithmIdentifier.Sm3WithSm2, new byte[] { 1 });

        var request = new Org.BouncyCastle.Ocsp.OcspReq(Der.Encode(OcspRequest.Assemble(Der.Encode(tbs), signature)));
        var id = Assert.Single(request.GetRequestList()).GetCertID();

        Assert.Equal(Oids.Sm3, id.HashAlgOid);
        Assert.Equal(32, id.GetIssuerNameHash().Length);
        Assert.Equal("80ff", id.SerialNumber.ToString(16));
        Assert.True(request.IsSigned);
        Assert.Equal(4, request.RequestorName.TagNo);
        Assert.Equal(Der.Encode(new Nonce(new byte[32])), request.GetExtensionValue(new Org.BouncyCastle.Asn1.DerObjectIdentifier(Oids.OcspNonce)).GetOctets());
    }

    [Fact]
    public void RequestOfBouncyCastle_IsReadAndReproduced()
    {
        var generator = new Org.BouncyCastle.Ocsp.OcspReqGenerator();
        generator.AddRequest(new Org.BouncyCastle.Ocsp.CertificateID(new Org.BouncyCastle.Asn1.Ocsp.CertID(
            new Org.BouncyCastle.Asn1.X509.AlgorithmIdentifier(new Org.BouncyCastle.Asn1.DerObjectIdentifier(Oids.Sm3)),
            new Org.BouncyCastle.Asn1.DerOctetString(new byte[32]),
            new Org.BouncyCastle.Asn1.DerOctetString(new byte[32]),
            new Org.BouncyCastle.Asn1.DerInteger(0x80ff))));
        byte[] der = generator.Generate().GetEncoded();

        Assert.Equal(OcspSamples.CertId, Der.Decode<OcspRequest>(der).Tbs.RequestList[0].ReqCert);
        Assert.Equal(der, Der.Encode(new OcspRequest(new TbsRequest([new Request(OcspSamples.CertId)]))));
    }

    private static bool Accepts<T>(byte[] der)
        where T : IDer<T>
    {
        try
        {
            return der.AsSpan().SequenceEqual(Der.Encode(Der.Decode<T>(der)));
        }
        catch (DerException)
        {
            return false;
        }
    }

    private static byte[] Sequence(byte[] content) =>
        content.Length < 0x80 ? [0x30, (byte)content.Length, .. content] : [0x30, 0x81, (byte)content.Length, .. content];
}
