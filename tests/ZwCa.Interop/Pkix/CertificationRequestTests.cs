using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Interop.Authorities;
using Attribute = ZwCa.Asn1.Pkix.Attribute;

namespace ZwCa.Interop.Pkix;

/// <summary>Requests both ways: ours before openssl, openssl's read and verified by our code.</summary>
public class CertificationRequestTests
{
    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void OurRequest_IsVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        Holder subject = TestAuthority.Of(kind).Signing;
        string file = openssl.WritePem("request.pem", Pem.CertificateRequest, Request(subject.Key, subject.Key));

        OpenSsl.Output output = openssl.Run(
            ["req", "-in", file, "-verify", .. kind.VerifyOptions(), "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb"]);

        Assert.Contains("self-signature verify OK", output.Error);
        output.HasLines("Subject: C = CN, ST = 浙江省, O = 某市政务服务数据管理局, CN = 张三");
        output.HasLines("Requested Extensions:", "X509v3 Subject Alternative Name:", "DNS:zwfw.example.cn");
        output.HasLines($"Signature Algorithm: {kind.SignatureAlgorithmName()}");
        openssl.VerifiesSigned(kind, subject.Key.PublicKey, Der.Encode(Request(subject.Key, subject.Key)));
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void RequestSignedByAnotherKey_IsRefused(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        string file = openssl.WritePem("request.pem", Pem.CertificateRequest, Request(authority.Signing.Key, authority.Stranger));

        // openssl 3.0 says so, but ends with exit code 0.
        OpenSsl.Output output = openssl.Run(["req", "-in", file, "-verify", .. kind.VerifyOptions(), "-noout"]);

        Assert.Contains("self-signature verify failure", output.Error);
        Assert.DoesNotContain("verify OK", output.Error);
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void RequestOfOpenSsl_IsReadAndVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();

        byte[] encoded = MakeRequest(openssl, kind, kind.SignOptions());
        CertificationRequest request = Der.Decode<CertificationRequest>(encoded);

        Assert.Equal(encoded, Der.Encode(request));
        Assert.Equal("C=CN,O=某局,CN=李四", request.Info.Subject.ToWireString());
        Assert.Equal([new DnsName("a.example.cn")], request.Info.FindRequestedExtensions()!.Find<SubjectAltName>()!.Names);
        Assert.Equal(kind.SignatureAlgorithm(), request.SignatureAlgorithm);
        Assert.True(TestKey.Verify(request.Info.SubjectPublicKeyInfo, request.InfoBytes, request.Signature));

        byte[] changed = request.InfoBytes.ToArray();
        changed[^1] ^= 1;
        Assert.False(TestKey.Verify(request.Info.SubjectPublicKeyInfo, changed, request.Signature));
    }

    /// <summary>Without <c>distid</c> openssl 3.0 signs with the empty identity, unlike 4.0 and every other SM2 product.</summary>
    [Fact]
    public void Sm2RequestWithoutIdentity_VerifiesWithTheEmptyIdentityOnly()
    {
        using var openssl = new OpenSsl();

        byte[] encoded = MakeRequest(openssl, KeyKind.Sm2, openssl.SignsWithEmptyIdentity ? [] : ["-sigopt", "distid:"]);
        CertificationRequest request = Der.Decode<CertificationRequest>(encoded);

        Assert.Equal(encoded, Der.Encode(request));
        Assert.False(TestKey.VerifySm2(request.Info.SubjectPublicKeyInfo, request.InfoBytes, request.Signature, Sm2.DefaultId));
        Assert.True(TestKey.VerifySm2(request.Info.SubjectPublicKeyInfo, request.InfoBytes, request.Signature, []));
    }

    internal static CertificationRequest Request(TestKey subject, TestKey signer)
    {
        var extensions = new Extensions(Extension.Create(new SubjectAltName(new DnsName("zwfw.example.cn")), critical: false));
        var info = new CertificationRequestInfo(
            TestAuthority.SubscriberName,
            subject.PublicKey,
            new Attribute(Oids.ExtensionRequest, Der.Encode(extensions)));
        byte[] infoBytes = Der.Encode(info);
        return CertificationRequest.Assemble(infoBytes, subject.Kind.SignatureAlgorithm(), signer.Sign(infoBytes));
    }

    private static byte[] MakeRequest(OpenSsl openssl, KeyKind kind, params string[] signOptions)
    {
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "key.pem"]);
        return openssl.Run(
        [
            "req", "-new", "-key", "key.pem", "-" + kind.Digest(), .. signOptions, "-outform", "DER",
            "-utf8", "-subj", "/C=CN/O=某局/CN=李四", "-addext", "subjectAltName=DNS:a.example.cn",
        ]).Bytes;
    }
}
