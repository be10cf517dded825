using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Authorities;

/// <summary>The extensions of GM/T 0015-2012 annex C.</summary>
internal static class TestProfiles
{
    public const string Policy = "1.2.156.10197.99.1";
    public const string CrlUri = "http://crl.example.cn/issuing/7.crl";
    public const string OcspUri = "http://ocsp.example.cn/";
    public const string IssuerUri = "http://aia.example.cn/issuing.cer";
    public const string CreditCode = "91350100M000100Y43";

    /// <summary>C.1; self-signed, so no AuthorityKeyIdentifier is needed (RFC 5280 §4.2.1.1).</summary>
    public static Extensions Root(SubjectPublicKeyInfo key) => new(
        Extension.Create(SubjectKeyIdentifier.Of(key), critical: false),
        Extension.Create(BasicConstraints.Ca(), critical: true),
        Extension.Create(new KeyUsage(KeyUsages.KeyCertSign | KeyUsages.CrlSign), critical: true));

    /// <summary>C.2.</summary>
    public static Extensions Issuing(SubjectPublicKeyInfo key, Holder issuer) => new(
        Extension.Create(new AuthorityKeyIdentifier(issuer.KeyIdentifier), critical: false),
        Extension.Create(SubjectKeyIdentifier.Of(key), critical: false),
        Extension.Create(BasicConstraints.Ca(pathLength: 0), critical: true),
        Extension.Create(new KeyUsage(KeyUsages.KeyCertSign | KeyUsages.CrlSign), critical: true),
        Extension.Create(new CertificatePolicies(new PolicyInformation(Policy)), critical: false),
        Extension.Create(new CrlDistributionPoints(DistributionPoint.At("http://crl.example.cn/root.crl")), critical: false));

    /// <summary>C.3.</summary>
    public static Extensions Signing(SubjectPublicKeyInfo key, Holder issuer) => EndEntity(key, issuer, KeyUsage.Signing);

    /// <summary>C.4.</summary>
    public static Extensions Encryption(SubjectPublicKeyInfo key, Holder issuer) => EndEntity(key, issuer, KeyUsage.Encryption);

    /// <summary>RFC 6960 §4.2.2.2.</summary>
    public static Extensions Responder(SubjectPublicKeyInfo key, Holder issuer) => new(
        Extension.Create(new AuthorityKeyIdentifier(issuer.KeyIdentifier), critical: false),
        Extension.Create(SubjectKeyIdentifier.Of(key), critical: false),
        Extension.Create(KeyUsage.Signing, critical: true),
        Extension.Create(new ExtendedKeyUsage(Oids.OcspSigning), critical: true),
        Extension.Create(new OcspNoCheck(), critical: false));

    private static Extensions EndEntity(SubjectPublicKeyInfo key, Holder issuer, KeyUsage keyUsage) => new(
        Extension.Create(new AuthorityKeyIdentifier(issuer.KeyIdentifier), critical: false),
        Extension.Create(SubjectKeyIdentifier.Of(key), critical: false),
        Extension.Create(keyUsage, critical: true),
        Extension.Create(new CertificatePolicies(new PolicyInformation(Policy)), critical: false),
        Extension.Create(new CrlDistributionPoints(DistributionPoint.At(CrlUri)), critical: false),
        Extension.Create(
            new AuthorityInfoAccess(AccessDescription.CaIssuers(IssuerUri), AccessDescription.Ocsp(OcspUri)),
            critical: false),
        Extension.Create(
            new SubjectAltName(new Rfc822Name("zhangsan@example.cn"), new DnsName("zwfw.example.cn"), new IpAddress(new byte[] { 10, 1, 2, 3 })),
            critical: false),
        Extension.Create(new OrganizationCode(CreditCode), critical: false));
}
