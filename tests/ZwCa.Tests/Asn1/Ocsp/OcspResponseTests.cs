using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Ocsp;

public class OcspResponseTests
{
    [Fact]
    public void PublishedResponse_IsReadAndReproduced()
    {
        byte[] der = Fixtures.Read("rfc6960/go-response.hex");

        var response = Der.Decode<OcspResponse>(der);
        BasicOcspResponse basic = response.DecodeBasic();
        SingleResponse single = Assert.Single(basic.Tbs.Responses);

        Assert.Equal(ResponseStatus.Successful, response.ResponseStatus);
        Assert.Equal("884451FF502A695E2D88F421BAD90CF2CECBEA7C", Convert.ToHexString(Assert.IsType<ResponderByKey>(basic.Tbs.ResponderId).KeyHash.Span));
        Assert.Equal("2013-06-18T07:24:43Z", basic.Tbs.ProducedAt.ToString());
        Assert.Equal("f78b13b946fc9635d8ab49de9d214821", single.CertId.SerialNumber.ToString());
        Assert.IsType<Good>(single.CertStatus);
        Assert.Equal("2013-06-18T07:24:43Z", single.ThisUpdate.ToString());
        Assert.Equal("2013-06-22T07:24:43Z", single.NextUpdate.ToString());
        Assert.Null(single.SingleExtensions);
        Assert.Null(basic.Tbs.ResponseExtensions);
        Assert.Null(basic.Certificates);
        Assert.Equal(256, basic.Signature.Length);
        Assert.Equal(der, Der.Encode(OcspResponse.Successful(basic)));
        Assert.Equal(basic.TbsBytes.ToArray(), Der.Encode(basic.Tbs));
    }

    [Fact]
    public void ResponseOfOpenSsl_WithAllStatuses_VerifiesOverTheKeptBytes()
    {
        byte[] der = Fixtures.Read("rfc6960/openssl-response.der");
        var request = Der.Decode<OcspRequest>(Fixtures.Read("rfc6960/openssl-request.der"));

        BasicOcspResponse basic = Der.Decode<OcspResponse>(der).DecodeBasic();
        Certificate certificate = Assert.Single(basic.Certificates!);
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Der.Encode(certificate.Tbs.SubjectPublicKeyInfo), out _);

        Time revoked = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        CertStatus[] statuses = [
            new Good(), new Revoked(new RevokedInfo(revoked, RevocationReason.KeyCompromise)), new Revoked(new RevokedInfo(revoked)), new Unknown(),
        ];
        Assert.Equal(statuses, basic.Tbs.Responses.Select(r => r.CertStatus));
        Assert.Equal(request.Tbs.RequestList.Select(r => r.ReqCert), basic.Tbs.Responses.Select(r => r.CertId));
        Assert.Equal(request.Tbs.RequestExtensions!.Find<Nonce>(), basic.Tbs.ResponseExtensions!.Find<Nonce>());
        Assert.Equal(
            SHA1.HashData(certificate.Tbs.SubjectPublicKeyInfo.PublicKey.Span),
            Assert.IsType<ResponderByKey>(basic.Tbs.ResponderId).KeyHash.ToArray());
        Assert.True(key.VerifyData(basic.TbsBytes.Span, basic.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        Assert.Equal(der, Der.Encode(OcspResponse.Successful(basic)));
        Assert.Equal(der, Der.Encode(OcspResponse.Successful(
            BasicOcspResponse.Assemble(Der.Encode(basic.Tbs), basic.SignatureAlgorithm, basic.Signature, basic.Certificates))));
    }

    [Fact]
    public void ResponseByName_IsReadAndReproduced()
    {
        byte[] der = Fixtures.Read("rfc6960/openssl-response-by-name.der");

        BasicOcspResponse basic = Der.Decode<OcspResponse>(der).DecodeBasic();

        Assert.Equal("CN=OCSP fixture responder,O=ZWCA test,C=CN", Assert.IsType<ResponderByName>(basic.Tbs.ResponderId).Name.ToString());
        Assert.Null(basic.Tbs.Responses[0].NextUpdate);
        Assert.Equal(Oids.Sm3, basic.Tbs.Responses[0].CertId.HashAlgorithm.Algorithm);
        Assert.Equal(der, Der.Encode(OcspResponse.Successful(basic)));
    }

    [Theory]
    [InlineData("30030A0101", ResponseStatus.MalformedRequest)]
    [InlineData("30030A0102", ResponseStatus.InternalError)]
    [InlineData("30030A0103", ResponseStatus.TryLater)]
    [InlineData("30030A0105", ResponseStatus.SigRequired)]
    [InlineData("30030A0106", ResponseStatus.Unauthorized)]
    public void Errors_AreFiveBytes(string der, ResponseStatus status)
    {
        Assert.Equal(der, Convert.ToHexString(Der.Encode(OcspResponse.Error(status))));
        Assert.Equal(status, Der.Decode<OcspResponse>(Convert.FromHexString(der)).ResponseStatus);
        Assert.Throws<DerException>(() => OcspResponse.Error(status).DecodeBasic());
    }

    [Theory]
    [InlineData("30030A0100")] // success without bytes
    [InlineData("30030A0104")] // 4 is not used
    [InlineData("30030A0107")]
    [InlineData("30030A01FF")]
    [InlineData("30040A020001")] // not minimal
    [InlineData("30070A0580000000" + "01")] // beyond 32 bits
    [InlineData("3009" + "0A0101" + "A0043002" + "0600")] // error with bytes, which are none
    [InlineData("3012" + "0A0106" + "A00D300B06092B0601050507300101")]
    [InlineData("3014" + "0A0101" + "A00F" + "300D" + "06062B0601050507" + "0403" + "020101")]
    public void ErrorInAnotherForm_IsRefused(string der) =>
        Assert.Throws<DerException>(() => Der.Decode<OcspResponse>(Convert.FromHexString(der)));

    [Fact]
    public void SuccessAsAnError_IsABug()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => OcspResponse.Error(ResponseStatus.Successful));
        Assert.Throws<ArgumentOutOfRangeException>(() => OcspResponse.Error((ResponseStatus)4));
    }

    [Theory]
    [InlineData("8000", "Good")]
    [InlineData("8200", "Unknown")]
    [InlineData("A111180F32303236303130313030303030305A", "Revoked")]
    [InlineData("A116180F32303236303130313030303030305AA0030A0101", "Revoked")]
    public void CertStatus_HasThreeAlternatives(string der, string name)
    {
        var status = Der.Decode<CertStatus>(Convert.FromHexString(der));

        Assert.Equal(name, status.GetType().Name);
        Assert.Equal(der, Convert.ToHexString(Der.Encode(status)));
    }

    [Theory]
    [InlineData("A002" + "0500")] // good, constructed
    [InlineData("8001" + "00")] // good with content
    [InlineData("8300")]
    [InlineData("0500")]
    [InlineData("A113" + "181132303236303130313030303030302E355A")] // fraction of a second
    [InlineData("A10F" + "170D3236303130313030303030305A")] // UTCTime
    [InlineData("A116180F32303236303130313030303030305AA0030A0107")] // reason 7
    [InlineData("A116180F32303236303130313030303030305AA003020101")] // INTEGER for ENUMERATED
    public void CertStatusInAnotherForm_IsRefused(string der) =>
        Assert.Throws<DerException>(() => Der.Decode<CertStatus>(Convert.FromHexString(der)));

    [Theory]
    [InlineData(7)]
    [InlineData(11)]
    [InlineData(-1)]
    public void ReasonThatDoesNotExist_IsABug(int reason) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new RevokedInfo(PkixSamples.ThisUpdate, (RevocationReason)reason));

    [Fact]
    public void ExplicitVersion1_IsRefused()
    {
        var data = new ResponseData(
            new ResponderByKey(new byte[20]), PkixSamples.ThisUpdate, [new SingleResponse(OcspSamples.CertId, new Good(), PkixSamples.ThisUpdate)]);
        byte[] der = Der.Encode(data);
        Assert.Equal([0x30, 0x81], der[..2]);

        byte[] withVersion = [0x30, 0x81, (byte)(der[2] + 5), 0xa0, 0x03, 0x02, 0x01, 0x00, .. der[3..]];

        Assert.Throws<DerException>(() => Der.Decode<ResponseData>(withVersion));
    }

    [Fact]
    public void OurResponse_IsReadByBouncyCastle()
    {
        var issued = Der.Decode<Certificate>(Fixtures.Read("gmt0010/gmcert-encryption-certificate.b64"));
        var data = new ResponseData(
            new ResponderByName(PkixSamples.CaName),
            PkixSamples.ThisUpdate,
            [
                new SingleResponse(OcspSamples.CertId, new Good(), PkixSamples.ThisUpdate, PkixSamples.NextUpdate),
                new SingleResponse(OcspSamples.CertId, new Revoked(new RevokedInfo(PkixSamples.ThisUpdate, RevocationReason.CertificateHold)), PkixSamples.ThisUpdate),
                new SingleResponse(OcspSamples.CertId, new Unknown(), PkixSamples.ThisUpdate),
            ],
            new Extensions(Extension.Create(new Nonce(new byte[32]), critical: false), Extension.Create(new ExtendedRevoke(), critical: false)));
        byte[] tbs = Der.Encode(data);

        var response = new Org.BouncyCastle.Ocsp.OcspResp(Der.Encode(OcspResponse.Successful(
            BasicOcspResponse.Assemble(tbs, AlgorithmIdentifier.Sm3WithSm2, new byte[] { 1, 2 }, [issued]))));
        var basic = (Org.BouncyCastle.Ocsp.BasicOcspResp)response.GetResponseObject();
        var revoked = (Org.BouncyCastle.Ocsp.RevokedStatus)basic.Responses[1].GetCertStatus();

        Assert.Equal(0, response.Status);
        Assert.Equal(tbs, basic.GetTbsResponseData());
        Assert.Equal([1, 2], basic.GetSignature());
        Assert.Equal(Oids.Sm3WithSm2, basic.SignatureAlgOid);
        Assert.Equal(PkixSamples.ThisUpdate.Value.UtcDateTime, basic.ProducedAt);
        Assert.Null(basic.Responses[0].GetCertStatus());
        Assert.Equal(PkixSamples.NextUpdate.Value.UtcDateTime, basic.Responses[0].NextUpdate!.Value);
        Assert.Equal(6, revoked.RevocationReason);
        Assert.IsType<Org.BouncyCastle.Ocsp.UnknownStatus>(basic.Responses[2].GetCertStatus());
        Assert.Equal(PkixSamples.CaName.Encoded.ToArray(), basic.ResponderId.ToAsn1Object().Name.GetDerEncoded());
        Assert.Equal([5, 0], basic.GetExtensionValue(new Org.BouncyCastle.Asn1.DerObjectIdentifier("1.3.6.1.5.5.7.48.1.9")).GetOctets());
        Assert.Equal(Der.Encode(issued), Assert.Single(basic.GetCerts()).GetEncoded());
    }

    [Fact]
    public void Extensions_HaveTheIdentifiersOfTheRfc()
    {
        Assert.Equal("1.3.6.1.5.5.7.48.1.2", Nonce.Id);
        Assert.Equal("1.3.6.1.5.5.7.48.1.5", OcspNoCheck.Id);
        Assert.Equal("1.3.6.1.5.5.7.48.1.6", ArchiveCutoff.Id);
        Assert.Equal("1.3.6.1.5.5.7.48.1.9", ExtendedRevoke.Id);
        Assert.Equal("180F32303236303730313038303030305A", Convert.ToHexString(Der.Encode(new ArchiveCutoff(PkixSamples.ThisUpdate))));
    }
}
