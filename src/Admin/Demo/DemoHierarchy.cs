using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Demo;

/// <summary>
/// An SM2 root, an issuing CA and one person's signing certificate, laid out as GM/T 0015-2012 annex C has them. Every DN carries
/// <c>演示 DEMO</c> and every certificate the demo policy, so that none of this passes for the real thing. The keys never leave memory.
/// </summary>
internal sealed class DemoHierarchy : IDisposable
{
    // A UUID-based arc (ITU-T X.667), which needs no registration.
    private const string DemoPolicy = "2.25.133087218439051728419573051637118294073";

    private readonly Sm2PrivateKey _rootKey = Sm2PrivateKey.Generate();
    private readonly Sm2PrivateKey _issuingKey = Sm2PrivateKey.Generate();
    private readonly Sm2PrivateKey _personKey = Sm2PrivateKey.Generate();

    public DemoHierarchy(DateTimeOffset now)
    {
        Name rootName = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务CA"), (Oids.CommonName, "政务CA 根 S1 演示 DEMO"));
        Name issuingName = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务CA"), (Oids.CommonName, "政务CA 签发 演示 DEMO"));
        Name personName = Name.Create(
            (Oids.CountryName, "CN"),
            (Oids.StateOrProvinceName, "浙江省"),
            (Oids.OrganizationName, "演示市档案局 DEMO"),
            (Oids.CommonName, "张三"),
            (Oids.SerialNumber, "DEMO-000001"));

        Root = Issue(rootName, _rootKey, rootName, _rootKey, now, years: 20, CaExtensions(pathLength: 1));
        Issuing = Issue(rootName, _rootKey, issuingName, _issuingKey, now, years: 10, [.. CaExtensions(pathLength: 0), .. Pointers(Root)]);
        Person = Issue(issuingName, _issuingKey, personName, _personKey, now, years: 1, [Extension.Create(KeyUsage.Signing, critical: true), .. Pointers(Issuing)]);
    }

    public Certificate Root { get; }

    public Certificate Issuing { get; }

    public Certificate Person { get; }

    public void Dispose()
    {
        _rootKey.Dispose();
        _issuingKey.Dispose();
        _personKey.Dispose();
    }

    private static Certificate Issue(
        Name issuer, Sm2PrivateKey issuerKey, Name subject, Sm2PrivateKey subjectKey, DateTimeOffset now, int years, IReadOnlyList<Extension> extensions)
    {
        SubjectPublicKeyInfo spki = SubjectPublicKeyInfo.ForSm2(subjectKey.PublicKey.ToBytes());
        SubjectPublicKeyInfo issuerSpki = SubjectPublicKeyInfo.ForSm2(issuerKey.PublicKey.ToBytes());
        var tbs = new TbsCertificate(
            NextSerialNumber(),
            AlgorithmIdentifier.Sm3WithSm2,
            issuer,
            new Validity(Time.Truncate(now), Time.Truncate(now.AddYears(years))),
            subject,
            spki,
            new Extensions(
            [
                Extension.Create(new AuthorityKeyIdentifier(SubjectKeyIdentifier.Of(issuerSpki).KeyIdentifier), critical: false),
                Extension.Create(SubjectKeyIdentifier.Of(spki), critical: false),
                Extension.Create(new CertificatePolicies(new PolicyInformation(DemoPolicy)), critical: false),
                .. extensions,
            ]));
        byte[] tbsBytes = Der.Encode(tbs);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        issuerKey.Sign(tbsBytes, signature);
        return Certificate.Assemble(tbsBytes, Der.Encode(Sm2Signature.FromRaw(signature)));
    }

    // 16 bytes from the system's generator, the top bit cleared so that the INTEGER has 16 octets.
    private static SerialNumber NextSerialNumber()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(16);
        bytes[0] &= 0x7F;
        return SerialNumber.FromBytes(bytes);
    }

    private static Extension[] CaExtensions(int pathLength) =>
    [
        Extension.Create(new KeyUsage(KeyUsages.KeyCertSign | KeyUsages.CrlSign), critical: true),
        Extension.Create(BasicConstraints.Ca(pathLength), critical: true),
    ];

    // CDP and AIA name the issuer's key, so that a rollover never mixes up two keys of one name.
    private static Extension[] Pointers(Certificate issuer)
    {
        string ski = Convert.ToHexStringLower(issuer.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span);
        return
        [
            Extension.Create(new CrlDistributionPoints(DistributionPoint.At($"http://pki.zwca.example/crl/{ski}.crl")), critical: false),
            Extension.Create(
                new AuthorityInfoAccess(
                    AccessDescription.CaIssuers($"http://pki.zwca.example/ca/{ski}.cer"),
                    AccessDescription.Ocsp($"http://ocsp.zwca.example/{ski}")),
                critical: false),
        ];
    }
}
