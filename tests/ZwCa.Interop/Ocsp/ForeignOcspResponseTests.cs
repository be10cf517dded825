using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Ocsp;

/// <summary>openssl as the responder: it understands our request, and we read and verify its answer.</summary>
public class ForeignOcspResponseTests
{
    public static MatrixTheoryData<KeyKind, CertIdHash, bool> Responses =>
        new(Enum.GetValues<KeyKind>(), Enum.GetValues<CertIdHash>(), [false, true]);

    [Theory]
    [MemberData(nameof(Responses))]
    public void ResponseOfOpenSsl_IsReadAndVerified(KeyKind kind, CertIdHash hash, bool byKey)
    {
        using var openssl = new OpenSsl();
        Certificate responder = MakeResponder(openssl, kind);
        CertId[] asked = [.. new[] { "0a", "0b", "0c" }.Select(n => CertIds.Of(SerialNumber.Parse(n), responder, hash))];
        var nonce = new Nonce(Enumerable.Range(1, 32).Select(i => (byte)i).ToArray());
        openssl.Write("request.der", Der.Encode(new OcspRequest(new TbsRequest(
            [.. asked.Select(id => new Request(id))],
            new Extensions(Extension.Create(nonce, critical: false))))));
        openssl.Run(
        [
            "ocsp", "-index", "index.txt", "-CA", "responder.pem", "-rsigner", "responder.pem", "-rkey", "responder.key",
            "-rmd", kind.Digest(), .. kind == KeyKind.Sm2 ? new[] { "-rsigopt", KeyKinds.DefaultId } : [], .. byKey ? new[] { "-resp_key_id" } : [],
            "-ndays", "1", "-reqin", "request.der", "-respout", "response.der",
        ]);

        byte[] encoded = openssl.Read("response.der");
        OcspResponse response = Der.Decode<OcspResponse>(encoded);
        BasicOcspResponse basic = response.DecodeBasic();

        Assert.Equal(encoded, Der.Encode(response));
        Assert.Equal(response.ResponseBytes!.Response.ToArray(), Der.Encode(basic));
        Assert.Equal(basic.TbsBytes.ToArray(), Der.Encode(basic.Tbs));
        Assert.Equal(kind.SignatureAlgorithm(), basic.SignatureAlgorithm);
        Assert.True(TestKey.Verify(responder.Tbs.SubjectPublicKeyInfo, basic.TbsBytes, basic.Signature));
        Assert.Equal(Der.Encode(responder), Der.Encode(basic.Certificates!.Single()));
        Assert.Equal(byKey, basic.Tbs.ResponderId is ResponderByKey);
        Assert.Equal(nonce, basic.Tbs.ResponseExtensions!.Find<Nonce>());
        Assert.Equal(asked, basic.Tbs.Responses.Select(r => r.CertId));
        var revokedAt = new Time(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        Assert.Equal(
            [new Good(), new Revoked(new RevokedInfo(revokedAt, RevocationReason.Superseded)), new Unknown()],
            basic.Tbs.Responses.Select(r => r.CertStatus));
    }

    /// <summary>A CA that answers for itself: 0a is valid, 0b revoked, and no other serial number was issued.</summary>
    private static Certificate MakeResponder(OpenSsl openssl, KeyKind kind)
    {
        openssl.Write("index.txt", "V\t301231235959Z\t\t0A\tunknown\t/CN=a\nR\t301231235959Z\t260102030405Z,superseded\t0B\tunknown\t/CN=b\n"u8);
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "responder.key"]);
        openssl.Run(
        [
            "req", "-new", "-x509", "-key", "responder.key", "-" + kind.Digest(), .. kind.SignOptions(),
            "-utf8", "-subj", "/C=CN/CN=某CA", "-out", "responder.pem",
        ]);
        return openssl.ReadPem<Certificate>("responder.pem", Pem.Certificate);
    }
}
