using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Ceremony;

/// <summary>openssl looks at every link of both hierarchies that the plan of docs/ceremony makes, at the cross-certificates, and at every CRL.</summary>
[Collection(nameof(DocsCeremony))]
public sealed class HierarchyTests(DocsCeremony docs)
{
    [Fact]
    public void VerifyIsGreen() => Assert.Empty(CeremonyVerification.Check(docs.Output).Faults);

    [Fact]
    public void EveryLink_IsVerifiedByOpenssl()
    {
        using var openssl = new OpenSsl();
        foreach (InventoryCertificate entry in Made.Inventory(docs.Output).Certificates)
        {
            Certificate certificate = docs.Certificate(entry.Id);
            if (entry.Issuer == entry.Id)
            {
                openssl.VerifiesUnder(certificate, Der.Encode(certificate));
            }
            else
            {
                openssl.VerifiesLink(docs.Certificate(entry.Issuer), certificate);
            }
        }

        openssl.RefusesLink(docs.Certificate("ops-s1"), docs.Certificate("ocsp-s1"));
    }

    [Fact]
    public void TheRootsCertifyEachOther()
    {
        using var openssl = new OpenSsl();
        (Certificate s1, Certificate r1) = (docs.Certificate("root-s1"), docs.Certificate("root-r1"));
        (Certificate s1ByR1, Certificate r1ByS1) = (docs.Certificate("root-s1-by-r1"), docs.Certificate("root-r1-by-s1"));

        openssl.VerifiesLink(s1, r1ByS1);
        openssl.VerifiesLink(r1ByS1, docs.Certificate("issuing-r1"));
        openssl.VerifiesLink(r1, s1ByR1);
        openssl.VerifiesLink(s1ByR1, docs.Certificate("issuing-s1"));
        Assert.NotEqual(s1.Tbs.Subject, r1.Tbs.Subject);
    }

    [Theory]
    [InlineData("arl-root-s1", "root-s1", true)]
    [InlineData("arl-root-r1", "root-r1", true)]
    [InlineData("crl-issuing-s1", "issuing-s1", false)]
    [InlineData("crl-issuing-r1", "issuing-r1", false)]
    [InlineData("crl-ops-s1", "ops-s1", false)]
    [InlineData("crl-system", "system", false)]
    public void EachCrl_IsWhatOpensslExpects(string id, string issuer, bool isArl)
    {
        using var openssl = new OpenSsl();
        byte[] crl = Made.Crl(docs.Output, id);
        Certificate ca = docs.Certificate(issuer);
        string file = openssl.Write("the.crl", crl);
        string authority = openssl.WritePem("ca.pem", Pem.Certificate, ca);

        OpenSsl.Output text = openssl.Run("crl", "-in", file, "-inform", "DER", "-noout", "-text");

        text.HasLines("X509v3 CRL Number:", "1");
        Assert.Contains("No Revoked Certificates.", text.Lines);
        Assert.Equal(isArl, text.Says("X509v3 Issuing Distribution Point: critical"));
        Assert.Equal(isArl, text.Says("Only CA Certificates"));
        TbsCertList tbs = Der.Decode<CertificateList>(crl).Tbs;
        Assert.Equal(TimeSpan.FromDays(isArl ? 183 : 7), tbs.NextUpdate!.Value.Value - tbs.ThisUpdate.Value);
        openssl.VerifiesUnder(ca, crl);
        if (Made.KindOf(ca) != KeyKind.Sm2)
        {
            // The command knows no distid: SM2 it cannot verify.
            Assert.True(openssl.Run("crl", "-in", file, "-inform", "DER", "-noout", "-CAfile", authority).Says("verify OK"));
        }
    }

    /// <summary>Incident 6: what is published for one CA can never be taken for another's.</summary>
    [Fact]
    public void EveryUrl_HasTheIssuersKeyIdentifier()
    {
        foreach (InventoryCertificate entry in Made.Inventory(docs.Output).Certificates.Where(entry => entry.Issuer != entry.Id))
        {
            Extensions extensions = docs.Certificate(entry.Id).Tbs.Extensions!;
            string ski = Made.SkiOf(docs.Certificate(entry.Issuer));
            IEnumerable<GeneralName> crls = extensions.Find<CrlDistributionPoints>()?.Points.SelectMany(point => ((FullName)point.Name!).Names) ?? [];
            Assert.All(crls, name => Assert.Contains($"/{ski}/", ((UniformResourceIdentifier)name).Uri, StringComparison.Ordinal));
            IEnumerable<AccessDescription> issuers = extensions.Find<AuthorityInfoAccess>()!.Descriptions.Where(each => each.AccessMethod == Oids.CaIssuersAccess);
            Assert.All(issuers, each => Assert.Contains(ski, ((UniformResourceIdentifier)each.AccessLocation).Uri, StringComparison.Ordinal));
        }
    }
}
