using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Interop.Authorities;
using ZwCa.Interop.Ocsp;
using ZwCa.Interop.Pkix;

namespace ZwCa.Interop.Hsm;

/// <summary>All that a CA signs, signed by a device and accepted by openssl.</summary>
public class HsmDocumentsTests
{
    [Theory]
    [MemberData(nameof(TestDevice.WithKinds), MemberType = typeof(TestDevice))]
    public async Task CertificateRequestCrlAndOcspResponse_AreAccepted(string device, KeyKind kind)
    {
        using var openssl = new OpenSsl();
        await using OpenDevice open = await TestDevice.Of(device).OpenAsync();
        int made = 0;
        TestAuthority authority = TestAuthority.WithKeys(kind, () => open.Hsm.GenerateTestKey(new KeyLabel($"key-{++made}"), kind));

        VerifiesCertificates(openssl, authority);
        VerifiesRequest(openssl, authority);
        VerifiesCrl(openssl, kind, authority);
        VerifiesOcspResponse(openssl, kind, authority);

        // The keys were the device's: it still has them.
        for (int i = 1; i <= made; i++)
        {
            HsmKey? key = await open.Hsm.FindKeyAsync(new KeyLabel($"key-{i}"), TestContext.Current.CancellationToken);
            Assert.Contains(key!.PublicKey, new[] { authority.Root, authority.Issuing, authority.Signing, authority.Responder }.Select(h => h.Key.PublicKey));
        }
    }

    private static void VerifiesCertificates(OpenSsl openssl, TestAuthority authority)
    {
        // -check_ss_sig verifies a trusted root under the empty identity: an SM2 root is verified as a leaf, without it.
        openssl.Run(CertificateTests.Verify(openssl, authority.Root.Certificate, authority.Root, authority.Root.Key.Kind == KeyKind.Sm2 ? [] : ["-check_ss_sig"]));
        openssl.VerifiesSigned(authority.Root.Key.Kind, authority.Root.Key.PublicKey, Der.Encode(authority.Root.Certificate));
        openssl.Run(CertificateTests.Verify(openssl, authority.Issuing.Certificate, authority.Root, "-x509_strict"));
        openssl.Run(CertificateTests.Verify(openssl, authority.Signing.Certificate, authority.Issuing, "-x509_strict"));
        openssl.Run(CertificateTests.Verify(openssl, authority.Responder.Certificate, authority.Issuing, "-x509_strict"));
    }

    private static void VerifiesRequest(OpenSsl openssl, TestAuthority authority)
    {
        TestKey key = authority.Signing.Key;
        CertificationRequest request = CertificationRequestTests.Request(key, key);
        string file = openssl.WritePem("request.pem", Pem.CertificateRequest, request);

        Assert.Contains("self-signature verify OK", openssl.Run(["req", "-in", file, "-verify", .. key.Kind.VerifyOptions(), "-noout"]).Error);
        openssl.VerifiesSigned(key.Kind, key.PublicKey, Der.Encode(request));
    }

    private static void VerifiesCrl(OpenSsl openssl, KeyKind kind, TestAuthority authority)
    {
        var revoked = new CrlEntry(authority.Signing.Certificate.Tbs.SerialNumber, TestAuthority.In(TimeSpan.FromHours(-1)), RevocationReason.KeyCompromise);
        byte[] crl = TestCrls.Stream(authority.Issuing, authority.Issuing.Key, CrlShape.Full, [revoked]);

        openssl.VerifiesSigned(kind, authority.Issuing.Key.PublicKey, crl);
        if (kind != KeyKind.Sm2)
        {
            string issuer = authority.Issuing.WriteTo(openssl, "issuing.pem");
            Assert.Contains("verify OK", openssl.Run(["crl", "-inform", "DER", "-noout", "-CAfile", issuer], crl).Error);
        }
    }

    private static void VerifiesOcspResponse(OpenSsl openssl, KeyKind kind, TestAuthority authority)
    {
        CertId certId = CertIds.Of(authority.Signing, authority.Issuing, CertIdHash.Sha1);
        byte[] response = OcspResponseTests.Respond(authority, authority.Responder, authority.Responder.Key, certId, new Good(), byKey: true);

        OpenSsl.Output output = openssl.Run(
            OcspResponseTests.Ask(openssl, authority, response, CertIdHash.Sha1, kind == KeyKind.Sm2 ? ["-noverify"] : []));

        output.HasLines("signing.pem: good");
        Assert.Equal(kind != KeyKind.Sm2, output.Error.Contains("Response verify OK", StringComparison.Ordinal));
        openssl.VerifiesSigned(kind, authority.Responder.Key.PublicKey, OcspResponseTests.BasicResponse(openssl, response));
    }
}
