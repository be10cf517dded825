using System.Net;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa;

/// <summary>
/// An SM2 root with an issuing CA below it, a P-256 root of links, and for every shipped profile a request that it accepts. Keys follow from their names, and times are fixed: two
/// hierarchies differ in nothing but the random numbers of signatures. Linked into the test projects.
/// </summary>
internal sealed class SampleHierarchy : IAsyncDisposable
{
    public const string EntityId = "01KDYQ8S5X3M7R2T9V4WZ6ABCD";
    public const string ResidentIdNumber = "11010519491231002X";
    public const string CreditCode = "91350100M000100Y43";

    public static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>The arc is the example of X.667.</summary>
    public static readonly Publication Publication = new("http://pki.example.gov.cn", "2.25.329800735698586629295641978511506172918");

    public static readonly Name RootName = CaName("示例根CA S1");
    public static readonly Name SubName = CaName("示例签发CA S1");
    public static readonly Name SystemName = CaName("示例系统根CA");
    public static readonly Name OtherRootName = CaName("示例根CA S2");

    private SampleHierarchy(MemoryHsm hsm) => Hsm = hsm;

    public MemoryHsm Hsm { get; }

    public Issuer Root { get; private set; } = null!;

    public Issuer Sub { get; private set; } = null!;

    public Issuer System { get; private set; } = null!;

    /// <summary>For cross-certificates.</summary>
    public Certificate OtherRoot { get; private set; } = null!;

    public static async Task<SampleHierarchy> CreateAsync()
    {
        var hierarchy = new SampleHierarchy(new MemoryHsm());
        HsmSigner root = hierarchy.Signer("root", KeyAlgorithm.Sm2), sub = hierarchy.Signer("sub-ca", KeyAlgorithm.Sm2);
        HsmSigner system = hierarchy.Signer("system-root", KeyAlgorithm.P256), other = hierarchy.Signer("other-root", KeyAlgorithm.Sm2);
        hierarchy.Root = new Issuer(await SelfSignAsync("root", RootName, root), root, Publication);
        hierarchy.System = new Issuer(await SelfSignAsync("system-root", SystemName, system), system, Publication);
        hierarchy.OtherRoot = await SelfSignAsync("root", OtherRootName, other);
        hierarchy.Sub = new Issuer(await hierarchy.Root.IssueAsync(hierarchy.Root.Prepare(hierarchy.Request("sub-ca"))), sub, Publication);
        return hierarchy;
    }

    /// <summary>Who issues certificates of a profile; of a root, the root to be.</summary>
    public Issuer IssuerOf(string profile) => profile switch
    {
        "root" => Issuer.OfRoot(RootName, Signer("root", KeyAlgorithm.Sm2), Publication),
        "system-root" => Issuer.OfRoot(SystemName, Signer("system-root", KeyAlgorithm.P256), Publication),
        "sub-ca" or "cross" => Root,
        "link" or "officer-link" => System,
        _ => Sub,
    };

    public PreparedCertificate Prepare(IssuanceRequest request) => IssuerOf(request.Profile.Name).Prepare(request);

    /// <summary>A request that the profile accepts, with all that it may have, and a key of the first kind that it takes.</summary>
    public IssuanceRequest Request(string name)
    {
        Profile profile = ProfileCatalogue.Shipped[name];
        bool isCross = profile.Kind == ProfileKind.Cross;
        return new IssuanceRequest
        {
            Profile = profile,
            SerialNumber = SerialNumber.FromBytes([0x40, .. Sm3.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, SerialNumbers.Octets - 1)]),
            SubjectPublicKeyInfo = isCross ? OtherRoot.Tbs.SubjectPublicKeyInfo : PublicKey(name, profile.Options.Keys[0].Algorithm),
            Subject = [.. Texts(profile, AttributeSource.Request)],
            Place = [.. Texts(profile, AttributeSource.Place)],
            NotBefore = Now,
            NotAfter = Now.AddDays(profile.Options.Validity.MaximumDays),
            IntendedAt = Now,
            AlternativeNames = [.. AlternativeNames(profile)],
            Identities = profile.Options.Identities.DistinctBy(each => each.Oid).ToDictionary(each => each.Name, each => Identity(each.Name)),
            Officer = profile.Options.OfficerIdentity ? new OfficerIdentity(Sm3.HashData("person"u8).AsMemory(0, 16), OfficerKind.Operator, "审核员", "320100") : null,
            Authority = isCross ? OtherRoot : null,
        };
    }

    /// <summary>A public key that follows from its name.</summary>
    public static SubjectPublicKeyInfo PublicKey(string name, KeyAlgorithm algorithm)
    {
        if (algorithm == KeyAlgorithm.P256)
        {
            using ECDsa ecdsa = P256Key(name);
            return Der.Decode<SubjectPublicKeyInfo>(ecdsa.ExportSubjectPublicKeyInfo());
        }

        using Sm2PrivateKey key = Sm2Key(name);
        return SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
    }

    /// <summary>A signer in the device, whose key follows from its name.</summary>
    public HsmSigner Signer(string name, KeyAlgorithm algorithm)
    {
        var label = new KeyLabel(name);
        return new HsmSigner(Hsm, algorithm == KeyAlgorithm.P256 ? Hsm.AddP256Key(label, P256Key(name)) : Hsm.AddSm2Key(label, Sm2Key(name)));
    }

    public ValueTask DisposeAsync() => Hsm.DisposeAsync();

    private static Name CaName(string name) => Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "示例省政务服务管理局"), (Oids.CommonName, name));

    private static async Task<Certificate> SelfSignAsync(string profile, Name name, HsmSigner signer)
    {
        var issuer = Issuer.OfRoot(name, signer, Publication);
        Profile root = ProfileCatalogue.Shipped[profile];
        return await issuer.IssueAsync(issuer.Prepare(new IssuanceRequest
        {
            Profile = root,
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = signer.SubjectPublicKeyInfo,
            Subject = [.. name.Rdns.Skip(1).Select(rdn => new SubjectText(rdn.Attributes[0].Type, rdn.Attributes[0].Text!))],
            NotBefore = Now,
            NotAfter = Now.AddDays(root.Options.Validity.MaximumDays),
            IntendedAt = Now,
        }));
    }

    private static IEnumerable<SubjectText> Texts(Profile profile, AttributeSource source)
    {
        foreach (SubjectAttribute attribute in profile.Attributes.Where(attribute => attribute.Options.Source == source))
        {
            yield return new SubjectText(attribute.Type, attribute.Type switch
            {
                Oids.StateOrProvinceName => "江苏省",
                Oids.LocalityName => "南京市",
                Oids.OrganizationName => "示例省政务服务管理局",
                Oids.OrganizationalUnitName => "信息中心",
                Oids.SerialNumber => EntityId,
                _ => profile.Name switch
                {
                    "root" => "示例根CA S1",
                    "system-root" => "示例系统根CA",
                    "sub-ca" => "示例签发CA S1",
                    "tls-server" => "www.example.gov.cn",
                    "link" => "ca-1",
                    _ when profile.Name.StartsWith("person", StringComparison.Ordinal) || profile.Options.OfficerIdentity => "张三",
                    _ => "示例主体甲",
                },
            });
        }
    }

    private static IEnumerable<GeneralName> AlternativeNames(Profile profile) => (profile.Options.SubjectAltName?.Kinds ?? []).Select(kind => (GeneralName)(kind switch
    {
        AlternativeNameKind.Dns => new DnsName("www.example.gov.cn"),
        AlternativeNameKind.Ip => new IpAddress(new IPAddress([10, 1, 2, 3]).GetAddressBytes()),
        AlternativeNameKind.Email => new Rfc822Name("zhangsan@example.gov.cn"),
        _ => new UniformResourceIdentifier("http://www.example.gov.cn/"),
    }));

    private static string Identity(string name) => name switch
    {
        "residentId" => ResidentIdNumber,
        "unifiedSocialCreditCode" => CreditCode,
        _ => "E12345678",
    };

    private static Sm2PrivateKey Sm2Key(string name) => Sm2PrivateKey.FromBytes(Sm3.HashData(Encoding.UTF8.GetBytes(name)));

    private static ECDsa P256Key(string name) =>
        ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = SHA256.HashData(Encoding.UTF8.GetBytes(name)) });
}
