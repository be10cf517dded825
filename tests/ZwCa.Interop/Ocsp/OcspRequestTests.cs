using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Ocsp;

public class OcspRequestTests
{
    public static MatrixTheoryData<KeyKind, CertIdHash, bool> Requests =>
        new(Enum.GetValues<KeyKind>(), Enum.GetValues<CertIdHash>(), [false, true]);

    [Theory]
    [MemberData(nameof(Requests))]
    public void RequestOfOpenSsl_IsReadAndWrittenBack(KeyKind kind, CertIdHash hash, bool nonce)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        openssl.Run(
            "ocsp", "-issuer", authority.Issuing.WriteTo(openssl, "issuing.pem"),
            hash.Option(), "-cert", authority.Signing.WriteTo(openssl, "signing.pem"),
            "-sha1", "-cert", authority.Encryption.WriteTo(openssl, "encryption.pem"),
            nonce ? "-nonce" : "-no_nonce", "-reqout", "request.der");

        byte[] encoded = openssl.Read("request.der");
        OcspRequest request = OcspRequest.Decode(encoded, maxBytes: 4096, maxRequests: 2);

        Assert.Equal(encoded, Der.Encode(request));
        Assert.Equal(request.TbsBytes.ToArray(), Der.Encode(request.Tbs));

        Assert.Equal(
            [CertIds.Of(authority.Signing, authority.Issuing, hash), CertIds.Of(authority.Encryption, authority.Issuing, CertIdHash.Sha1)],
            request.Tbs.RequestList.Select(r => r.ReqCert));
        Assert.Equal(nonce, request.Tbs.RequestExtensions?.Find<Nonce>() is not null);
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public void OurRequest_IsReadByOpenSsl(KeyKind kind, CertIdHash hash, bool nonce)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        CertId[] certIds = [CertIds.Of(authority.Signing, authority.Issuing, hash), CertIds.Of(authority.Encryption, authority.Issuing, hash)];
        byte[] octets = [.. Enumerable.Range(0x40, 32).Select(i => (byte)i)];
        var tbs = new TbsRequest(
            [.. certIds.Select(id => new Request(id))],
            nonce ? new Extensions(Extension.Create(new Nonce(octets), critical: false)) : null,
            new DirectoryName(TestAuthority.SubscriberName));
        openssl.Write("request.der", Der.Encode(new OcspRequest(tbs)));

        IReadOnlyList<string> lines = openssl.Run("ocsp", "-reqin", "request.der", "-req_text").Lines;

        Assert.Equal(hash.ToString().ToLowerInvariant(), Values("Hash Algorithm").Distinct().Single());
        Assert.Equal(certIds.Select(id => Convert.ToHexString(id.IssuerNameHash.Span)), Values("Issuer Name Hash"));
        Assert.Equal(certIds.Select(id => Convert.ToHexString(id.IssuerKeyHash.Span)), Values("Issuer Key Hash"));
        Assert.Equal(certIds.Select(id => id.SerialNumber.ToString().ToUpperInvariant()), Values("Serial Number"));
        Assert.Equal(nonce, lines.Contains("OCSP Nonce:"));
        Assert.Contains(lines, l => l.StartsWith("Requestor Name: DirName:C = CN", StringComparison.Ordinal));

        IEnumerable<string> Values(string field) =>
            from line in lines
            where line.StartsWith(field + ": ", StringComparison.Ordinal)
            select line[(field.Length + 2)..];
    }

    /// <summary>A request that the requestor signed (RFC 6960 §4.1.1).</summary>
    [Theory]
    [InlineData(KeyKind.P256)]
    [InlineData(KeyKind.Rsa)]
    public void SignedRequestOfOpenSsl_IsReadAndVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "requestor.key"]);
        openssl.Run(
            "req", "-new", "-x509", "-key", "requestor.key", "-" + kind.Digest(), "-subj", "/CN=requestor", "-out", "requestor.pem");
        openssl.Run(
            "ocsp", "-issuer", authority.Issuing.WriteTo(openssl, "issuing.pem"), "-cert", authority.Signing.WriteTo(openssl, "signing.pem"),
            "-signer", "requestor.pem", "-signkey", "requestor.key", "-reqout", "request.der");

        byte[] encoded = openssl.Read("request.der");
        OcspRequest request = Der.Decode<OcspRequest>(encoded);
        Signature signature = request.OptionalSignature!;

        Assert.Equal(encoded, Der.Encode(request));
        Assert.Equal(kind.SignatureAlgorithm(), signature.SignatureAlgorithm);
        Assert.Equal("CN=requestor", signature.Certificates!.Single().Tbs.Subject.ToString());
        Assert.True(TestKey.Verify(signature.Certificates![0].Tbs.SubjectPublicKeyInfo, request.TbsBytes, signature.Value));
    }
}
