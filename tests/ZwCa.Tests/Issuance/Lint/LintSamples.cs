using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Asn1.Gm;

namespace ZwCa.Tests.Issuance;

/// <summary>A good certificate and what is known of it.</summary>
internal sealed record LintSample(byte[] Bytes, Profile? Profile = null, Issuer? Issuer = null, Certificate? IssuerCertificate = null)
{
    /// <summary>The other one of the pair.</summary>
    public byte[]? Other { get; init; }

    public LintContext Context(LintKnowledge knowledge) => knowledge switch
    {
        LintKnowledge.Nothing => LintContext.None,
        LintKnowledge.Issuer => new LintContext { IssuerCertificate = IssuerCertificate },
        LintKnowledge.Pair => new LintContext { Other = CertificateView.Read(Other!) },
        _ => new LintContext { Profile = Profile, Issuer = Issuer },
    };
}

internal enum LintKnowledge
{
    Nothing,
    Issuer,
    Pair,

    /// <summary>Profile and issuer.</summary>
    Ours,
}

/// <summary>Good certificates of our own making and of openssl's.</summary>
internal static class LintSamples
{
    private const string Place = """
        { "type": "C", "source": "fixed", "text": "CN" },
        { "type": "ST", "source": "place" },
        { "type": "O", "source": "fixed", "text": "某市大数据局" },
        { "type": "OU", "minimum": 0, "maximum": 3 },
        { "type": "CN" },
        { "type": "serialNumber", "unique": true, "maxLength": 16, "pattern": "[0-9A-F]+" }
        """;

    private const string Places = """
        "policies": ["{policyArc}.1"],
        "crlDistributionPoints": ["{base}/crl/{ski}-{shard}.crl", "ldap://ldap.example.gov.cn/cn={ski}-{shard}?certificateRevocationList"],
        "crlShards": 4,
        "caIssuers": ["{base}/ca/{ski}.cer"],
        "ocsp": ["{base}/ocsp"],
        """;

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Publication Publication = new("http://pki.example.gov.cn", "1.2.156.112599.1");
    private static readonly Lazy<IReadOnlyDictionary<string, LintSample>> Made = new(Make);

    public static IReadOnlyDictionary<string, LintSample> All => Made.Value;

    private static Profile ParseProfile(string rest) => Profile.Parse(Encoding.UTF8.GetBytes($$"""{ "title": "样", "edition": "2012", "keys": [{ "algorithm": "sm2" }], {{rest}} }"""));

    private static string EndEntity(string name, string rest) =>
        $$"""
        "name": "{{name}}", "subject": [{{Place}}], "validity": { "maximumDays": 800 }, {{Places}} {{rest}}
        """;

    private static Profile[] Profiles() =>
    [
        ParseProfile("""
            "name": "root", "kind": "root", "subject": [{ "type": "C", "source": "fixed", "text": "CN" }, { "type": "CN", "unique": true }],
            "validity": { "maximumDays": 7400 }, "keyUsage": { "usages": ["keyCertSign", "crlSign"] }, "basicConstraints": { "authority": true, "pathLength": 1, "critical": true }
            """),
        ParseProfile($$"""
            "name": "ca", "kind": "authority", "subject": [{ "type": "C", "source": "fixed", "text": "CN" }, { "type": "CN", "unique": true }],
            "validity": { "maximumDays": 5500 }, {{Places}}
            "keyUsage": { "usages": ["keyCertSign", "crlSign"] }, "basicConstraints": { "authority": true, "pathLength": 0, "critical": true }
            """),
        ParseProfile(EndEntity("sign", """
            "half": "signing", "keyUsage": { "usages": ["digitalSignature", "nonRepudiation"] },
            "identities": [{ "name": "id", "oid": "1.2.156.10260.4.1.1", "form": "residenterCard", "check": "residentId", "required": true },
                { "name": "insurance", "oid": "1.2.156.10260.4.1.2" }, { "name": "organization", "oid": "1.2.156.10260.4.1.4", "check": "unifiedSocialCreditCode" }]
            """)),
        ParseProfile(EndEntity("encrypt", """
            "half": "encryption", "keyUsage": { "usages": ["keyEncipherment", "dataEncipherment", "keyAgreement"] }
            """)),
        ParseProfile(EndEntity("server", """
            "keyUsage": { "usages": ["digitalSignature"] }, "extendedKeyUsage": { "purposes": ["serverAuth", "clientAuth"] },
            "subjectAltName": { "kinds": ["dns", "ip"], "minimum": 1, "maximum": 4 }, "basicConstraints": { "authority": false, "critical": false }
            """)),
        ParseProfile(EndEntity("ocsp", """
            "keyUsage": { "usages": ["digitalSignature"] }, "extendedKeyUsage": { "purposes": ["ocspSigning"] }, "ocspNoCheck": true
            """)),
        ParseProfile(EndEntity("tsa", """
            "keyUsage": { "usages": ["digitalSignature", "nonRepudiation"] }, "extendedKeyUsage": { "purposes": ["timeStamping"], "critical": true }
            """)),
        ParseProfile(EndEntity("officer", """
            "keyUsage": { "usages": ["digitalSignature"] }, "extendedKeyUsage": { "purposes": ["clientAuth", "emailProtection"] }, "officerIdentity": true,
            "subjectAltName": { "kinds": ["email", "uri"], "maximum": 2 }
            """)),
    ];

    private static Dictionary<string, LintSample> Make()
    {
        var profiles = Profiles().ToDictionary(profile => profile.Name);
        var hsm = new MemoryHsm();
        var samples = new Dictionary<string, LintSample>();
        HsmSigner rootSigner = Signer(hsm, "root");
        HsmSigner caSigner = Signer(hsm, "ca");
        var rootName = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "某市政务根CA S1"));

        var rootToBe = Issuer.OfRoot(rootName, rootSigner, Publication);
        Certificate root = Issue(rootToBe, Request(profiles["root"], rootSigner.SubjectPublicKeyInfo, 7300) with { Subject = [new SubjectText(Oids.CommonName, "某市政务根CA S1")], Place = [] });
        samples["root"] = new LintSample(Der.Encode(root), profiles["root"], rootToBe, root);

        var rootIssuer = new Issuer(root, rootSigner, Publication);
        Certificate ca = Issue(rootIssuer, Request(profiles["ca"], caSigner.SubjectPublicKeyInfo, 5400) with { Subject = [new SubjectText(Oids.CommonName, "某市政务CA S1")], Place = [] });
        samples["ca"] = new LintSample(Der.Encode(ca), profiles["ca"], rootIssuer, root);

        var issuer = new Issuer(ca, caSigner, Publication);
        foreach (Profile profile in profiles.Values.Where(each => each.Kind == ProfileKind.EndEntity))
        {
            using var key = Sm2PrivateKey.Generate();
            IssuanceRequest request = Request(profile, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), 730) with
            {
                AlternativeNames = profile.Name switch
                {
                    "server" => [new DnsName("www.example.gov.cn"), new DnsName("*.example.gov.cn"), new IpAddress(new byte[] { 192, 0, 2, 1 })],
                    "officer" => [new Rfc822Name("zhang.san@example.gov.cn"), new UniformResourceIdentifier("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")],
                    _ => [],
                },
                Identities = profile.Name != "sign" ? new Dictionary<string, string>()
                    : new Dictionary<string, string> { ["id"] = "11010519491231002X", ["insurance"] = "110105194912310021", ["organization"] = "91350100M000100Y43" },
                Officer = profile.Options.OfficerIdentity ? new OfficerIdentity(new byte[16], OfficerKind.Operator, "clerk", "110105") : null,
            };
            samples[profile.Name] = new LintSample(Der.Encode(Issue(issuer, request)), profile, issuer, ca);
        }

        (byte[] signing, byte[] encryption) = (samples["sign"].Bytes, samples["encrypt"].Bytes);
        samples["sign"] = samples["sign"] with { Other = encryption };
        samples["encrypt"] = samples["encrypt"] with { Other = signing };
        foreach (string kind in (string[])["sm2", "rsa", "p256"])
        {
            var foreignRoot = Der.Decode<Certificate>(Fixtures.Read($"openssl-certificates/{kind}-root.der"));
            samples[$"openssl-{kind}"] = new LintSample(Fixtures.Read($"openssl-certificates/{kind}-server.der"), IssuerCertificate: foreignRoot);
            samples[$"openssl-{kind}-root"] = new LintSample(Der.Encode(foreignRoot), IssuerCertificate: foreignRoot);
        }

        return samples;
    }

    private static HsmSigner Signer(MemoryHsm hsm, string label) => new(hsm, hsm.GenerateKeyAsync(new KeyLabel(label), HsmKeyKind.Sm2).GetAwaiter().GetResult());

    private static Certificate Issue(Issuer issuer, IssuanceRequest request) => issuer.IssueAsync(issuer.Prepare(request)).GetAwaiter().GetResult();

    private static IssuanceRequest Request(Profile profile, SubjectPublicKeyInfo key, int days) => new()
    {
        Profile = profile,
        SerialNumber = SerialNumbers.Create(),
        SubjectPublicKeyInfo = key,
        Subject =
        [
            new SubjectText(Oids.OrganizationalUnitName, "一科"), new SubjectText(Oids.OrganizationalUnitName, "𠮷·二科"),
            new SubjectText(Oids.CommonName, "张三"), new SubjectText(Oids.SerialNumber, "0123456789ABCDEF"),
        ],
        Place = [new SubjectText(Oids.StateOrProvinceName, "某省")],
        NotBefore = Start,
        NotAfter = Start.AddDays(days).AddSeconds(-1),
        IntendedAt = Start,
    };
}
