using ZwCa.Asn1;
using ZwCa.Issuance;
using static ZwCa.Tests.Issuance.CertificateBends;
using static ZwCa.Tests.Issuance.DerEdit;

namespace ZwCa.Tests.Issuance;

/// <summary>Certificates with one fault in extensions or beside the other one of the pair.</summary>
internal static class BadExtensions
{
    public static IReadOnlyList<BadCertificate> All { get; } =
    [
        // Extensions
        new("extensions-not-empty", "openssl-rsa", LintKnowledge.Nothing, Put(DerEdit.Extensions, "3000"), "aki-present"),
        new("extension-unique", "openssl-sm2", LintKnowledge.Nothing, Then(AddExtension("0500"), AddExtension("0500"))),
        new("extension-unique", "openssl-sm2", LintKnowledge.Nothing, Then([.. Enumerable.Repeat(AddExtension("0500"), 40)])),
        new("extension-value", "openssl-sm2", LintKnowledge.Nothing, AddExtension("")),
        new("extension-value", "openssl-sm2", LintKnowledge.Nothing, AddExtension("05000500")),
        new("extension-form", "openssl-sm2", LintKnowledge.Nothing, AddExtension("0500", Oids.PrivateKeyUsagePeriod)),
        new("extension-critical-known", "openssl-sm2", LintKnowledge.Nothing, AddExtension("0500", critical: true)),
        new("extension-not-critical", "openssl-sm2", LintKnowledge.Nothing, Critical(Oids.SubjectKeyIdentifier, true)),
        new("gm-extension-not-critical", "openssl-sm2", LintKnowledge.Nothing, Critical(Oids.CrlDistributionPoints, true)),
        new("gm-extension-not-critical", "openssl-sm2", LintKnowledge.Nothing, Critical(Oids.SubjectAltName, true)),
        new("extension-critical", "openssl-sm2-root", LintKnowledge.Nothing, AddExtension("3009a00730058203612e62", Oids.NameConstraints)),
        new("authority-extensions", "openssl-sm2", LintKnowledge.Nothing, AddExtension("3009a00730058203612e62", Oids.NameConstraints, critical: true)),
        new("constraints-not-empty", "openssl-sm2-root", LintKnowledge.Nothing, AddExtension("3000", Oids.PolicyConstraints, critical: true)),
        new("profile-extensions", "sign", LintKnowledge.Ours, AddExtension("0500")),

        // Key identifiers
        new("aki-present", "openssl-sm2", LintKnowledge.Nothing, Remove(Oids.AuthorityKeyIdentifier)),
        new("aki-only-key-identifier", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.AuthorityKeyIdentifier, value => Element(0x30, [.. Content(value), 0x82, 0x01, 0x05]))),
        new("aki-matches", "openssl-sm2", LintKnowledge.Issuer, At(Inside(Oids.AuthorityKeyIdentifier, 1, 0, 0), identifier => [.. identifier[..^1], (byte)(identifier[^1] ^ 1)])),
        new("aki-matches", "sign", LintKnowledge.Ours, At(Inside(Oids.AuthorityKeyIdentifier, 1, 0, 0), identifier => [.. identifier[..^1], (byte)(identifier[^1] ^ 1)])),
        new("ski-present", "openssl-sm2-root", LintKnowledge.Nothing, Remove(Oids.SubjectKeyIdentifier)),
        new("gm-ski-present", "openssl-sm2", LintKnowledge.Nothing, Remove(Oids.SubjectKeyIdentifier)),
        new("gm-ski-present", "sign", LintKnowledge.Ours, Remove(Oids.SubjectKeyIdentifier)),
        new("ski-length", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.SubjectKeyIdentifier, "04084011223344556677")),
        new("ski-of-key", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.SubjectKeyIdentifier, "04140102030405060708090a0b0c0d0e0f1011121314")),

        // Key usage
        new("key-usage-present", "openssl-sm2", LintKnowledge.Nothing, Remove(Oids.KeyUsage)),
        new("key-usage-critical", "openssl-sm2", LintKnowledge.Nothing, Critical(Oids.KeyUsage, false)),
        new("key-usage-not-empty", "sign", LintKnowledge.Nothing, Value(Oids.KeyUsage, "030100")),
        new("key-usage-known-bits", "sign", LintKnowledge.Nothing, Value(Oids.KeyUsage, "0303048010")),
        new("key-usage-minimal", "sign", LintKnowledge.Nothing, Value(Oids.KeyUsage, "030200c0")),
        new("cert-sign-needs-ca", "sign", LintKnowledge.Nothing, Value(Oids.KeyUsage, "03020284")),
        new("ca-needs-cert-sign", "openssl-sm2-root", LintKnowledge.Nothing, Value(Oids.KeyUsage, "03020102")),
        new("gm-key-usage-not-mixed", "sign", LintKnowledge.Nothing, Value(Oids.KeyUsage, "030205a0")),
        new("pair-signing-usage", "sign", LintKnowledge.Ours, Value(Oids.KeyUsage, "03020780"), "profile-key-usage"),
        new("pair-encryption-usage", "encrypt", LintKnowledge.Ours, Value(Oids.KeyUsage, "03020520"), "profile-key-usage"),
        new("key-usage-only-with-agreement", "openssl-rsa", LintKnowledge.Nothing, Value(Oids.KeyUsage, "03020081")),
        new("key-usage-fits-key", "openssl-rsa", LintKnowledge.Nothing, Value(Oids.KeyUsage, "03020388")),
        new("key-usage-fits-key", "openssl-p256", LintKnowledge.Nothing, Value(Oids.KeyUsage, "030205a0")),
        new("profile-key-usage", "ca", LintKnowledge.Ours, Value(Oids.KeyUsage, "03020186")),
        new("profile-key-usage", "tsa", LintKnowledge.Ours, Critical(Oids.KeyUsage, false), "key-usage-critical"),

        // Extended key usage
        new("ext-key-usage-not-empty", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.ExtendedKeyUsage, "3000")),
        new("ext-key-usage-unique", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.ExtendedKeyUsage, value => Element(0x30, [.. Content(value), .. Content(value)]))),
        new("ext-key-usage-any", "openssl-sm2", LintKnowledge.Nothing, Purposes("2.5.29.37.0")),
        new("server-auth-usage", "openssl-sm2", LintKnowledge.Nothing, Then(Purposes(Oids.ServerAuth), Value(Oids.KeyUsage, "03020640"))),
        new("client-auth-usage", "openssl-sm2", LintKnowledge.Nothing, Then(Purposes(Oids.ClientAuth), Value(Oids.KeyUsage, "03020640"))),
        new("email-protection-usage", "openssl-sm2", LintKnowledge.Nothing, Then(Purposes(Oids.EmailProtection), Value(Oids.KeyUsage, "03020410"))),
        new("ocsp-signing-usage", "ocsp", LintKnowledge.Nothing, Value(Oids.KeyUsage, "03020520")),
        new("time-stamping-usage", "tsa", LintKnowledge.Nothing, Value(Oids.KeyUsage, "03020520")),
        new("time-stamping-sole", "tsa", LintKnowledge.Nothing, Purposes(Oids.TimeStamping, Oids.EmailProtection)),
        new("time-stamping-critical", "tsa", LintKnowledge.Nothing, Critical(Oids.ExtendedKeyUsage, false)),
        new("ocsp-nocheck-present", "ocsp", LintKnowledge.Nothing, Remove(Oids.OcspNoCheck)),
        new("ocsp-nocheck-place", "openssl-sm2", LintKnowledge.Nothing, AddExtension("0500", Oids.OcspNoCheck)),
        new("ca-without-service-purposes", "openssl-sm2-root", LintKnowledge.Nothing, Then(AddExtension("300a06082b06010505070309", Oids.ExtendedKeyUsage), Value(Oids.KeyUsage, "03020186"))),
        new("profile-ext-key-usage", "server", LintKnowledge.Ours, Purposes(Oids.ServerAuth)),
        new("profile-ext-key-usage", "server", LintKnowledge.Ours, Critical(Oids.ExtendedKeyUsage, true)),
        new("profile-ocsp-nocheck", "ocsp", LintKnowledge.Ours, Remove(Oids.OcspNoCheck), "ocsp-nocheck-present"),

        // Basic constraints
        new("basic-constraints-critical", "openssl-sm2-root", LintKnowledge.Nothing, Critical(Oids.BasicConstraints, false)),
        new("gm-basic-constraints-not-critical", "openssl-sm2", LintKnowledge.Nothing, Critical(Oids.BasicConstraints, true)),
        new("path-length-of-ca", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.BasicConstraints, "3003020100")),
        new("path-length-of-ca", "ca", LintKnowledge.Nothing, Value(Oids.KeyUsage, "03020102"), "ca-needs-cert-sign"),
        new("path-length-not-negative", "openssl-sm2-root", LintKnowledge.Nothing, Value(Oids.BasicConstraints, "30060101ff0201ff")),
        new("path-length-below-issuer", "ca", LintKnowledge.Issuer, Value(Oids.BasicConstraints, "30060101ff020101")),
        new("profile-basic-constraints", "root", LintKnowledge.Ours, Value(Oids.BasicConstraints, "30030101ff")),

        // Policies
        new("gm-policies-present", "openssl-sm2", LintKnowledge.Nothing, Remove(Oids.CertificatePolicies)),
        new("gm-policies-present", "sign", LintKnowledge.Ours, Remove(Oids.CertificatePolicies), "profile-policies"),
        new("policies-not-empty", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.CertificatePolicies, "3000")),
        new("policies-unique", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.CertificatePolicies, value => Element(0x30, [.. Content(value), .. Content(value)]))),
        new("policies-any", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.CertificatePolicies, "300830060604551d2000")),
        new("policies-qualifiers", "openssl-rsa", LintKnowledge.Nothing, AtValue(Oids.CertificatePolicies, value => Policy(value, "3007300506032a0304"))),
        new("gm-policies-no-qualifiers", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.CertificatePolicies, value => Policy(value, "301a301806082b06010505070201160c687474703a2f2f612e636e2f"))),
        new("policy-mappings-any", "openssl-sm2-root", LintKnowledge.Nothing, AddExtension("300d300b06032a03040604551d2000", Oids.PolicyMappings, critical: true)),
        new("profile-policies", "sign", LintKnowledge.Ours, Value(Oids.CertificatePolicies, "3007300506032a0304")),
        new("demo-marked", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.CertificatePolicies, _ => Element(0x30, Element(0x30, Element(0x06, KnownOid.Content(Oids.DemoPolicyArc + ".1")))))),
        new("demo-policy", "openssl-sm2", LintKnowledge.Nothing, At([.. Subject, 1, 0, 1], _ => Element(0x0c, "某市 演示 DEMO"u8))),

        // Places of CRLs and issuers
        new("gm-cdp-present", "openssl-sm2", LintKnowledge.Nothing, Remove(Oids.CrlDistributionPoints)),
        new("ca-cdp-present", "ca", LintKnowledge.Nothing, Remove(Oids.CrlDistributionPoints)),
        new("cdp-not-empty", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.CrlDistributionPoints, "3000")),
        new("cdp-not-empty", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.CrlDistributionPoints, "3006300481020640"), "cdp-no-reasons"),
        new("cdp-uri", "openssl-sm2", LintKnowledge.Nothing, Place("ftp://a.cn/b")),
        new("cdp-uri", "openssl-sm2", LintKnowledge.Nothing, Place("/ca.crl")),
        new("cdp-uri", "openssl-sm2", LintKnowledge.Nothing, Place("http:///ca.crl")),
        new("cdp-plain-http", "openssl-sm2", LintKnowledge.Nothing, Place("https://a.cn/b")),
        new("cdp-no-reasons", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.CrlDistributionPoints, value => Point(value, "81020640"))),
        new("cdp-no-crl-issuer", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.CrlDistributionPoints, value => Point(value, "a206a40430023000"))),
        new("profile-cdp", "sign", LintKnowledge.Ours, At(Inside(Oids.CrlDistributionPoints, 1, 0, 0, 0, 0, 0), uri => Element(0x86, [.. Content(uri), (byte)'x']))),
        new("profile-cdp", "sign", LintKnowledge.Ours, Remove(Oids.CrlDistributionPoints), "gm-cdp-present"),
        new("own-cdp-of-issuer-key", "sign", LintKnowledge.Ours, Place("http://pki.example.gov.cn/ca.crl"), "profile-cdp"),
        new("gm-aia-ocsp", "openssl-sm2", LintKnowledge.Nothing, Put(Inside(Oids.AuthorityInfoAccess, 1, 0, 0), "")),
        new("gm-aia-ca-issuers", "openssl-sm2", LintKnowledge.Nothing, Put(Inside(Oids.AuthorityInfoAccess, 1, 0, 1), "")),
        new("aia-not-empty", "openssl-rsa", LintKnowledge.Nothing, Value(Oids.AuthorityInfoAccess, "3000")),
        new("aia-uri", "openssl-sm2", LintKnowledge.Nothing, At(Inside(Oids.AuthorityInfoAccess, 1, 0, 0, 1), _ => Element(0x86, "ocsp.example"u8))),
        new("aia-plain-http", "openssl-sm2", LintKnowledge.Nothing, At(Inside(Oids.AuthorityInfoAccess, 1, 0, 0, 1), _ => Element(0x86, "HTTPS://ocsp.example.cn"u8))),
        new("profile-aia", "sign", LintKnowledge.Ours, At(Inside(Oids.AuthorityInfoAccess, 1, 0, 0, 1), _ => Element(0x86, "http://ocsp.example.cn"u8))),
        new("profile-aia", "sign", LintKnowledge.Ours, At(Inside(Oids.AuthorityInfoAccess, 1, 0, 1), access => [.. access, .. access])),

        // Alternative names
        new("san-not-empty", "openssl-sm2", LintKnowledge.Nothing, Value(Oids.SubjectAltName, "3000"), "server-auth-san"),
        new("ian-not-empty", "openssl-sm2", LintKnowledge.Nothing, AddExtension("3000", Oids.IssuerAltName)),
        new("san-unique", "openssl-sm2", LintKnowledge.Nothing, AtValue(Oids.SubjectAltName, value => Element(0x30, [.. Content(value), .. Content(value)]))),
        new("san-dns", "openssl-sm2", LintKnowledge.Nothing, AddName(0x82, "a_b.example.cn"u8)),
        new("san-dns", "openssl-sm2", LintKnowledge.Nothing, AddName(0x82, "-a.example.cn"u8)),
        new("san-dns", "openssl-sm2", LintKnowledge.Nothing, AddName(0x82, "a..cn"u8)),
        new("san-dns", "openssl-sm2", LintKnowledge.Nothing, AddName(0x82, "www.*.cn"u8)),
        new("san-dns", "openssl-sm2", LintKnowledge.Nothing, AddName(0x82, "*.cn"u8)),
        new("san-dns", "openssl-sm2", LintKnowledge.Nothing, AddName(0x82, "a.cn."u8)),
        new("san-dns", "openssl-sm2", LintKnowledge.Nothing, AddName(0x82, "a b.cn"u8)),
        new("san-ip", "openssl-sm2", LintKnowledge.Nothing, AddName(0x87, [192, 0, 2])),
        new("san-email", "openssl-sm2", LintKnowledge.Nothing, AddName(0x81, "zhang@"u8)),
        new("san-email", "openssl-sm2", LintKnowledge.Nothing, AddName(0x81, "@a.cn"u8)),
        new("san-email", "openssl-sm2", LintKnowledge.Nothing, AddName(0x81, "a b@a.cn"u8)),
        new("san-email", "openssl-sm2", LintKnowledge.Nothing, AddName(0x81, "a..b@a.cn"u8)),
        new("san-email", "openssl-sm2", LintKnowledge.Nothing, AddName(0x81, "张@a.cn"u8)),
        new("san-uri", "openssl-sm2", LintKnowledge.Nothing, AddName(0x86, "www.example.cn/a"u8)),
        new("server-auth-san", "openssl-sm2", LintKnowledge.Nothing, Remove(Oids.SubjectAltName)),
        new("profile-san", "server", LintKnowledge.Ours, Remove(Oids.SubjectAltName), "server-auth-san"),
        new("profile-san", "server", LintKnowledge.Ours, AddName(0x81, "a@a.cn"u8)),
        new("profile-san", "server", LintKnowledge.Ours, Then(AddName(0x82, "a.cn"u8), AddName(0x82, "b.cn"u8))),

        // Identity numbers
        new("identity-not-critical", "sign", LintKnowledge.Nothing, Critical(Oids.IdentifyCode, true), "extension-critical-known"),
        new("identity-printable", "sign", LintKnowledge.Nothing, Value(Oids.InsuranceNumber, "0c0131")),
        new("identify-code-form", "sign", LintKnowledge.Nothing, Value(Oids.IdentifyCode, "a303130131")),
        new("resident-id-check", "sign", LintKnowledge.Nothing, At(Inside(Oids.IdentifyCode, 1, 0), code => Element(0xa0, Element(0x13, "110105194912310021"u8)))),
        new("credit-code-check", "sign", LintKnowledge.Nothing, AtValue(Oids.OrganizationCode, _ => Element(0x13, "91350100M000100Y44"u8))),
        new("officer-identity", "officer", LintKnowledge.Ours, Remove(Oids.OfficerIdentity)),
        new("officer-identity", "server", LintKnowledge.Ours, AddExtension("0500", Oids.OfficerIdentity), "profile-extensions"),
        new("profile-identities", "sign", LintKnowledge.Ours, Remove(Oids.IdentifyCode)),
        new("profile-identities", "sign", LintKnowledge.Ours, Value(Oids.IdentifyCode, "a203130141")),

        // Pairs
        new("pair-subject", "sign", LintKnowledge.Pair, Put([.. Subject, 5, 0, 1], "0c0141")),
        new("pair-issuer", "sign", LintKnowledge.Pair, Put([.. DerEdit.Issuer, 1, 0, 1], "0c0141")),
        new("pair-validity", "sign", LintKnowledge.Pair, Put(NotBefore, "170d3236303130313030303030315a")),
        new("pair-serial", "sign", LintKnowledge.Pair, der => Change(der, Serial, _ => Get(LintSamples.All["sign"].Other!, Serial))),
        new("pair-key", "sign", LintKnowledge.Pair, der => Change(der, Key, _ => Get(LintSamples.All["sign"].Other!, Key)), "ski-of-key"),
        new("pair-algorithm", "sign", LintKnowledge.Pair, Algorithms(_ => Convert.FromHexString("300a06082a8648ce3d040302"))),
        new("pair-usages", "sign", LintKnowledge.Pair, Value(Oids.KeyUsage, "03020338")),
    ];
}
