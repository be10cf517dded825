using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>openssl asks, the responder answers, openssl judges.</summary>
public sealed class OcspResponderTests
{
    public static MatrixTheoryData<KeyKind, CertIdHash, bool> Questions => new(Enum.GetValues<KeyKind>(), Enum.GetValues<CertIdHash>(), [false, true]);

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task Answer_IsTakenByWhoAsked(KeyKind kind, CertIdHash hash, bool delegated)
    {
        using var openssl = new OpenSsl();
        await using var hsm = new MemoryHsm();
        (TestAuthority authority, Issuer issuer) = await CrlIssuerTests.CreateAsync(hsm, kind);
        OcspResponder responder = delegated
            ? OcspResponder.Delegated(authority.Issuing.Certificate, authority.Responder.Certificate, await CrlIssuerTests.SignerAsync(hsm, 3))
            : OcspResponder.Of(issuer);
        string option = "-" + hash.ToString().ToLowerInvariant();
        string[] question =
        [
            "-issuer", authority.Issuing.WriteTo(openssl, "issuing.pem"), option, "-cert", authority.Signing.WriteTo(openssl, "signing.pem"),
            option, "-cert", authority.Encryption.WriteTo(openssl, "encryption.pem"),
        ];
        openssl.Run(["ocsp", .. question, "-nonce", "-reqout", "request.der"]);
        byte[] encoded = openssl.Read("request.der");
        OcspRequest request = Der.Decode<OcspRequest>(encoded);
        CertId[] asked = [.. request.Tbs.RequestList.Select(each => each.ReqCert)];
        Assert.All(asked, certId => Assert.Same(authority.Issuing.Certificate, new CertIdIndex(authority.Root.Certificate, authority.Issuing.Certificate).Find(certId)));
        Assert.Equal(CertIds.Of(authority.Issuing.Certificate, authority.Signing.Certificate.Tbs.SerialNumber, hash), asked[0]);

        Time now = TestAuthority.In(TimeSpan.FromMinutes(-1));
        OcspResponse response = await responder.RespondAsync(
            new OcspAnswer
            {
                ProducedAt = now,
                Nonce = request.Tbs.RequestExtensions!.Find<Nonce>(),
                Statements = [Statement(asked[0], new Good()), Statement(asked[1], OcspStatement.RevokedAt(now, RevocationReason.Superseded))],
            },
            TestContext.Current.CancellationToken);

        byte[] der = Der.Encode(response);
        openssl.Write("response.der", der);
        OpenSsl.Output output = openssl.Run(
            ["ocsp", "-respin", "response.der", "-resp_text", "-no_nonce", .. question, "-partial_chain", "-CAfile", "issuing.pem", .. kind == KeyKind.Sm2 ? ["-noverify"] : Array.Empty<string>()]);
        output.HasLines("signing.pem: good");
        Assert.Contains("encryption.pem: revoked", output.Lines);
        output.HasLines("OCSP Response Status: successful (0x0)");
        output.HasLines("Revocation Reason: superseded (0x4)");
        Assert.Equal(kind != KeyKind.Sm2, output.Error.Contains("Response verify OK", StringComparison.Ordinal));

        // Nonce and CertIDs byte for byte; the latter as openssl cuts them out of its request.
        OpenSsl.Output compared = openssl.Try("ocsp", "-reqin", "request.der", "-no_nonce", "-respin", "response.der", "-partial_chain", "-CAfile", "issuing.pem");
        Assert.False(compared.Says("Nonce Verify error"), compared.ToString());
        ParsedDer parsed = ParsedDer.Of(openssl, encoded);
        ParsedDer.Element[] certIds = [.. parsed.AtDepth(4).Where(element => element.Type == "SEQUENCE").Take(2)];
        Assert.Equal(2, certIds.Length);
        Assert.All(certIds, certId => Assert.NotEqual(-1, der.AsSpan().IndexOf(parsed.Encoded(certId))));

        ParsedDer outer = ParsedDer.Of(openssl, der);
        byte[] basic = outer.Content(outer.Elements.Single(element => element is { Depth: 3, Type: "OCTET STRING" }));
        openssl.VerifiesSigned(kind, (delegated ? authority.Responder : authority.Issuing).Key.PublicKey, basic);

        OcspStatement Statement(CertId certId, CertStatus status) =>
            new() { CertId = certId, Status = status, ThisUpdate = now, NextUpdate = TestAuthority.In(TimeSpan.FromHours(1)) };
    }
}
