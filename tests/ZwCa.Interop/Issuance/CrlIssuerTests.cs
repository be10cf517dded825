using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Interop.Authorities;
using ZwCa.Interop.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>CRLs of the issuer before openssl.</summary>
public sealed class CrlIssuerTests
{
    private static readonly FullName Point = new(new UniformResourceIdentifier(TestProfiles.CrlUri));

    private static readonly string[] Scopes =
    [
        "X509v3 Issuing Distribution Point: critical", $"URI:{TestProfiles.CrlUri}", "Only User Certificates", "Only CA Certificates", "X509v3 Delta CRL Indicator: critical",
    ];

    public static MatrixTheoryData<KeyKind, CrlKind, bool> Crls => new(Enum.GetValues<KeyKind>(), Enum.GetValues<CrlKind>(), [false, true]);

    [Theory]
    [MemberData(nameof(Crls))]
    public async Task EveryKind_IsReadAndItsSignatureVerified(KeyKind kind, CrlKind scope, bool delta)
    {
        using var openssl = new OpenSsl();
        await using var hsm = new MemoryHsm();
        (TestAuthority authority, Issuer issuer) = await CreateAsync(hsm, kind);
        byte[] crl = await IssueAsync(issuer, Request(scope) with { BaseNumber = delta ? 299 : null }, authority.Signing);

        OpenSsl.Output text = openssl.Run(["crl", "-inform", "DER", "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb"], crl);

        text.HasLines("Version 2 (0x1)", $"Signature Algorithm: {kind.SignatureAlgorithmName()}", "Issuer: C = CN, O = 政务, CN = 政务运营CA");
        text.HasLines("X509v3 CRL Number:", "300");
        text.HasLines("X509v3 CRL Reason Code:", "Key Compromise");
        string[] expected = scope switch
        {
            CrlKind.Partition => Scopes[..3],
            CrlKind.Authorities => [Scopes[0], Scopes[3]],
            _ => [],
        };
        Assert.Equal(delta ? [.. expected, Scopes[4]] : expected, Scopes.Where(text.Says));
        openssl.VerifiesSigned(kind, authority.Issuing.Key.PublicKey, crl);
    }

    /// <summary>Where openssl can verify CRLs itself, which SM2 ones it cannot.</summary>
    [Theory]
    [InlineData(KeyKind.P256)]
    [InlineData(KeyKind.Rsa)]
    public async Task CrlCommand_VerifiesTheIssuersAndNoOther(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        await using var hsm = new MemoryHsm();
        (TestAuthority authority, Issuer issuer) = await CreateAsync(hsm, kind);
        byte[] crl = await IssueAsync(issuer, Request(CrlKind.Partition), authority.Signing);

        Assert.Contains("verify OK", Verdict(authority.Issuing), StringComparison.Ordinal);
        Assert.DoesNotContain("verify OK", Verdict(authority.Root), StringComparison.Ordinal);

        string Verdict(Holder ca) => openssl.Try(["crl", "-inform", "DER", "-in", openssl.Write("x.crl", crl), "-noout", "-CAfile", ca.WriteTo(openssl, "ca.pem")]).Error;
    }

    /// <summary>openssl finds the partition by the name in the certificate, and the certificate in it.</summary>
    [Theory]
    [InlineData(KeyKind.P256, CrlKind.Complete)]
    [InlineData(KeyKind.P256, CrlKind.Partition)]
    [InlineData(KeyKind.Rsa, CrlKind.Complete)]
    [InlineData(KeyKind.Rsa, CrlKind.Partition)]
    public async Task RelyingParty_RefusesWhatTheCrlRevokes(KeyKind kind, CrlKind scope)
    {
        using var openssl = new OpenSsl();
        await using var hsm = new MemoryHsm();
        (TestAuthority authority, Issuer issuer) = await CreateAsync(hsm, kind);
        string[] verify =
        [
            "verify", "-partial_chain", "-crl_check", "-extended_crl", "-CRLfile", "crl.pem",
            "-trusted", authority.Issuing.WriteTo(openssl, "issuing.pem"), authority.Signing.WriteTo(openssl, "signing.pem"),
        ];

        await WriteAsync(authority.Encryption);
        openssl.Run(verify);
        await WriteAsync(authority.Signing);
        openssl.Refuses("certificate revoked", verify);

        async Task WriteAsync(Holder revoked) =>
            openssl.WritePem("crl.pem", Pem.X509Crl, Der.Decode<CertificateList>(await IssueAsync(issuer, Request(scope), revoked)));
    }

    internal static async Task<(TestAuthority Authority, Issuer Issuer)> CreateAsync(MemoryHsm hsm, KeyKind kind)
    {
        // Root, issuing CA, subscriber, OCSP responder.
        int keys = 0;
        var authority = TestAuthority.WithKeys(kind, () => hsm.GenerateTestKey(new KeyLabel($"key-{keys++}"), kind));
        return (authority, new Issuer(authority.Issuing.Certificate, await SignerAsync(hsm, 1), new Publication("http://pki.example.cn", TestProfiles.Policy)));
    }

    internal static async Task<HsmSigner> SignerAsync(MemoryHsm hsm, int number) =>
        new(hsm, (await hsm.FindKeyAsync(new KeyLabel($"key-{number}"), TestContext.Current.CancellationToken))!);

    private static CrlRequest Request(CrlKind kind) => new()
    {
        Kind = kind,
        Number = 300,
        ThisUpdate = TestAuthority.In(TimeSpan.FromMinutes(-5)).Value,
        NextUpdate = TestAuthority.In(TimeSpan.FromHours(12)).Value,
        DistributionPoint = kind == CrlKind.Partition ? Point : null,
        OnlyUserCertificates = kind == CrlKind.Partition,
    };

    private static async Task<byte[]> IssueAsync(Issuer issuer, CrlRequest request, Holder revoked)
    {
        using var output = new MemoryStream();
        var entry = new CrlEntry(revoked.Certificate.Tbs.SerialNumber, TestAuthority.In(TimeSpan.FromMinutes(-30)), RevocationReason.KeyCompromise);
        await CrlIssuer.IssueAsync(issuer, request, [entry], output, TestContext.Current.CancellationToken);
        return output.ToArray();
    }
}
