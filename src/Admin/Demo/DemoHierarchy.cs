using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.Admin.Demo;

/// <summary>
/// An SM2 root, an issuing CA and one person's signing certificate, laid out as GM/T 0015-2012 annex C has them. Every DN carries
/// <c>演示 DEMO</c> and every certificate the demo policy, so that none of this passes for the real thing. The CAs' keys are made in the device
/// and stay there; the person's lies in memory and stands for a USB key.
/// </summary>
internal sealed record DemoHierarchy(Certificate Root, Certificate Issuing, Certificate Person)
{
    // A UUID-based arc (ITU-T X.667), which needs no registration.
    private const string DemoPolicy = "2.25.133087218439051728419573051637118294073";

    /// <exception cref="HsmException">The device refused, or is away.</exception>
    public static async Task<DemoHierarchy> CreateAsync(IHsm rootDevice, IHsm caDevice, DateTimeOffset now)
    {
        Name rootName = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务CA"), (Oids.CommonName, "政务CA 根 S1 演示 DEMO"));
        Name issuingName = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务CA"), (Oids.CommonName, "政务CA 签发 演示 DEMO"));
        Name personName = Name.Create(
            (Oids.CountryName, "CN"),
            (Oids.StateOrProvinceName, "浙江省"),
            (Oids.OrganizationName, "演示市档案局 DEMO"),
            (Oids.CommonName, "张三"),
            (Oids.SerialNumber, "DEMO-000001"));

        HsmSigner rootSigner = await NewSignerAsync(rootDevice, "root-s1");
        HsmSigner issuingSigner = await NewSignerAsync(caDevice, "issuing-s1");
        using var personKey = Sm2PrivateKey.Generate();

        Certificate root = await IssueAsync(rootName, rootSigner, rootName, rootSigner.SubjectPublicKeyInfo, now, years: 20, CaExtensions(pathLength: 1));
        Certificate issuing = await IssueAsync(
            rootName, rootSigner, issuingName, issuingSigner.SubjectPublicKeyInfo, now, years: 10, [.. CaExtensions(pathLength: 0), .. Pointers(root)]);
        Certificate person = await IssueAsync(
            issuingName,
            issuingSigner,
            personName,
            SubjectPublicKeyInfo.ForSm2(personKey.PublicKey.ToBytes()),
            now,
            years: 1,
            [Extension.Create(KeyUsage.Signing, critical: true), .. Pointers(issuing)]);
        return new DemoHierarchy(root, issuing, person);
    }

    private static async Task<HsmSigner> NewSignerAsync(IHsm device, string label) =>
        new(device, await device.GenerateKeyAsync(new KeyLabel(label), HsmKeyKind.Sm2), SignatureScheme.Sm2);

    private static async Task<Certificate> IssueAsync(
        Name issuer,
        HsmSigner signer,
        Name subject,
        SubjectPublicKeyInfo subjectKey,
        DateTimeOffset now,
        int years,
        IReadOnlyList<Extension> extensions)
    {
        var tbs = new TbsCertificate(
            NextSerialNumber(),
            signer.AlgorithmIdentifier,
            issuer,
            new Validity(Time.Truncate(now), Time.Truncate(now.AddYears(years))),
            subject,
            subjectKey,
            new Extensions(
            [
                Extension.Create(new AuthorityKeyIdentifier(SubjectKeyIdentifier.Of(signer.SubjectPublicKeyInfo).KeyIdentifier), critical: false),
                Extension.Create(SubjectKeyIdentifier.Of(subjectKey), critical: false),
                Extension.Create(new CertificatePolicies(new PolicyInformation(DemoPolicy)), critical: false),
                .. extensions,
            ]));
        byte[] tbsBytes = Der.Encode(tbs);
        return Certificate.Assemble(tbsBytes, await signer.SignAsync(tbsBytes));
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
