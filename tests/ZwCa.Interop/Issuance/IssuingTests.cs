using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>An RSA hierarchy beside the SM2 one, and cross-certificates between the two roots in both directions: openssl verifies each link.</summary>
public class IssuingTests
{
    private static readonly Name RsaRoot = CaName("示例根CA R1");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SignatureScheme.RsaPkcs1Sha256)]
    [InlineData(SignatureScheme.RsaPssSha384)]
    public async Task TwoHierarchiesAndTheirCrossCertificates(SignatureScheme scheme)
    {
        using var openssl = new OpenSsl();
        await using SampleHierarchy sm2 = await SampleHierarchy.CreateAsync();

        Issuer root = await RootAsync(sm2, scheme);
        HsmSigner subKey = await SignerAsync(sm2, "rsa-sub", HsmKeyKind.Rsa3072, scheme);
        Certificate sub = await IssueAsync(root, sm2.Request("sub-ca") with { SubjectPublicKeyInfo = subKey.SubjectPublicKeyInfo });
        var issuing = new Issuer(sub, subKey, SampleHierarchy.Publication);
        HsmSigner personKey = await SignerAsync(sm2, "rsa-person", HsmKeyKind.Rsa2048, SignatureScheme.RsaPkcs1Sha256);
        Certificate person = await IssueAsync(issuing, sm2.Request("person-signing") with { SubjectPublicKeyInfo = personKey.SubjectPublicKeyInfo });

        IssuanceRequest cross = sm2.Request("cross");
        Certificate rsaUnderSm2 = await IssueAsync(sm2.Root, cross with { Authority = root.Certificate, SubjectPublicKeyInfo = root.SubjectPublicKeyInfo });
        Certificate sm2UnderRsa = await IssueAsync(root, cross with { Authority = sm2.Root.Certificate, SubjectPublicKeyInfo = sm2.Root.SubjectPublicKeyInfo });

        Accepts(root.Certificate!, root.Certificate!, KeyKind.Rsa);
        Accepts(sub, root.Certificate!, KeyKind.Rsa);
        Accepts(person, sub, KeyKind.Rsa);
        Accepts(rsaUnderSm2, sm2.Root.Certificate!, KeyKind.Sm2);
        Accepts(sm2UnderRsa, root.Certificate!, KeyKind.Rsa);

        // Over the bridge: who trusts one root verifies below the other.
        Accepts(sub, rsaUnderSm2, KeyKind.Rsa);
        Accepts(sm2.Sub.Certificate!, sm2UnderRsa, KeyKind.Sm2);
        openssl.Refuses("error", ProfileTests.Verify(openssl, person, root.Certificate!, KeyKind.Rsa));

        void Accepts(Certificate certificate, Certificate issuer, KeyKind signer) => Assert.Contains(
            ": OK", openssl.Run(ProfileTests.Verify(openssl, certificate, issuer, signer)).Text, StringComparison.Ordinal);
    }

    private static async Task<Issuer> RootAsync(SampleHierarchy hierarchy, SignatureScheme scheme)
    {
        HsmSigner key = await SignerAsync(hierarchy, "rsa-root", HsmKeyKind.Rsa3072, scheme);
        var self = Issuer.OfRoot(RsaRoot, key, SampleHierarchy.Publication);
        Certificate certificate = await IssueAsync(self, hierarchy.Request("root") with
        {
            SubjectPublicKeyInfo = key.SubjectPublicKeyInfo,
            Subject = [.. RsaRoot.Rdns.Skip(1).Select(rdn => new SubjectText(rdn.Attributes[0].Type, rdn.Attributes[0].Text!))],
        });
        return new Issuer(certificate, key, SampleHierarchy.Publication);
    }

    private static Task<Certificate> IssueAsync(Issuer issuer, IssuanceRequest request) =>
        issuer.IssueAsync(issuer.Prepare(request with { SerialNumber = SerialNumbers.Create() }), Token);

    private static async Task<HsmSigner> SignerAsync(SampleHierarchy hierarchy, string label, HsmKeyKind kind, SignatureScheme scheme) =>
        new(hierarchy.Hsm, await hierarchy.Hsm.GenerateKeyAsync(new KeyLabel(label), kind, Token), scheme);

    private static Name CaName(string name) => Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "示例省政务服务管理局"), (Oids.CommonName, name));
}
