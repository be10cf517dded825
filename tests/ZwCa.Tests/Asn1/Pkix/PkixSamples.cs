using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using Attribute = ZwCa.Asn1.Pkix.Attribute;

namespace ZwCa.Tests.Asn1.Pkix;

/// <summary>Samples of the types in Asn1/Pkix; every optional field occurs in one of them.</summary>
public sealed class PkixSamples : IDerSamples
{
    public static readonly Time ThisUpdate = new(new DateTimeOffset(2026, 7, 1, 8, 0, 0, TimeSpan.Zero));
    public static readonly Time NextUpdate = new(new DateTimeOffset(2026, 7, 2, 8, 0, 0, TimeSpan.Zero));
    public static readonly Time Year2051 = new(new DateTimeOffset(2051, 12, 31, 23, 59, 59, TimeSpan.Zero));

    public static readonly Name CaName = Name.Create(
        (Oids.CountryName, "CN"), (Oids.StateOrProvinceName, "福建省"), (Oids.OrganizationName, "政务外网管理中心"), (Oids.CommonName, "政务CA 签发一"));

    public static readonly Name PersonName = new([
        .. CaName.Rdns.Take(3),
        new RelativeDistinguishedName(
            AttributeTypeAndValue.Create(Oids.SerialNumber, "0001"),
            AttributeTypeAndValue.Create(Oids.CommonName, "张三𠮷")),
        new RelativeDistinguishedName(AttributeTypeAndValue.Create(Oids.EmailAddress, "zhangsan@example.cn")),
    ]);

    /// <summary>GB/T 32918.5, the public key of the signature example.</summary>
    public static readonly SubjectPublicKeyInfo Sm2Key = SubjectPublicKeyInfo.ForSm2(Convert.FromHexString(
        "04" + "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020" + "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"));

    public static readonly SubjectKeyIdentifier KeyId = SubjectKeyIdentifier.Of(Sm2Key);

    public static readonly Extensions CrlExtensions = new(
        Extension.Create(new AuthorityKeyIdentifier(KeyId.KeyIdentifier), critical: false),
        Extension.Create(new CrlNumber(300), critical: false));

    private static readonly DistributionPoint Point = DistributionPoint.At("http://crl.example.cn/7.crl");

    private static readonly byte[] Signature = Convert.FromHexString("3006020101020102");

    public IEnumerable<DerSample> Samples => [.. Names(), .. Certificates(), .. CertificateExtensions(), .. Crls(), .. Keys()];

    private static IEnumerable<DerSample> Names() => [
        DerSample.Of(AttributeTypeAndValue.Create(Oids.CommonName, "张三")),
        DerSample.Of<AttributeTypeAndValue>("3009 0603550403 1E02 4E00"),
        DerSample.Of(PersonName.Rdns[3]),
        DerSample.Of(PersonName),
        DerSample.Of(Name.Empty),
        DerSample.Of(new Attribute(Oids.ChallengePassword, (byte[])[0x0c, 0x01, 0x61], (byte[])[0x0c, 0x01, 0x62])),
        DerSample.Of<GeneralName>(new OtherName("1.3.6.1.4.1.311.20.2.3", (byte[])[0x0c, 0x02, 0x61, 0x62])),
        DerSample.Of<GeneralName>(new Rfc822Name("a@example.cn")),
        DerSample.Of<GeneralName>(new DnsName("example.cn")),
        DerSample.Of<GeneralName>("A300"),
        DerSample.Of<GeneralName>(new DirectoryName(CaName)),
        DerSample.Of<GeneralName>("A504A1020C00"),
        DerSample.Of<GeneralName>(new UniformResourceIdentifier("ldap://example.cn/")),
        DerSample.Of<GeneralName>(new IpAddress((byte[])[10, 0, 0, 1])),
        DerSample.Of<GeneralName>(new RegisteredId("1.2.156.10260.4.1.1")),
    ];

    private static IEnumerable<DerSample> Certificates()
    {
        var tbs = new TbsCertificate(
            SerialNumber.Parse("80ff0102030405060708"),
            AlgorithmIdentifier.Sm3WithSm2,
            CaName,
            new Validity(ThisUpdate, Year2051),
            PersonName,
            Sm2Key,
            new Extensions(
                Extension.Create(new AuthorityKeyIdentifier(KeyId.KeyIdentifier), critical: false),
                Extension.Create(KeyUsage.Signing, critical: true)));
        var info = new CertificationRequestInfo(
            PersonName,
            Sm2Key,
            new Attribute(Oids.ExtensionRequest, Der.Encode(new Extensions(Extension.Create(KeyUsage.Signing, critical: true)))));
        return [
            DerSample.Of(SerialNumber.Parse("01")),
            DerSample.Of(SerialNumber.Parse("8000000000000000")),
            DerSample.Of(ThisUpdate),
            DerSample.Of(Year2051),
            DerSample.Of(tbs.Validity),
            DerSample.Of(Extension.Create(KeyUsage.Signing, critical: true)),
            DerSample.Of(Extension.Create(KeyId, critical: false)),
            DerSample.Of(tbs.Extensions!),
            DerSample.Of(tbs),
            DerSample.Of(Version1(tbs)),
            DerSample.Of(Version2(tbs)),
            DerSample.Of(Certificate.Assemble(Der.Encode(tbs), Signature)),
            DerSample.Of(info),
            DerSample.Of(new CertificationRequestInfo(Name.Empty, Sm2Key)),
            DerSample.Of(CertificationRequest.Assemble(Der.Encode(info), AlgorithmIdentifier.Sm3WithSm2, Signature)),
        ];
    }

    private static IEnumerable<DerSample> CertificateExtensions() => [
        DerSample.Of(new AuthorityKeyIdentifier(KeyId.KeyIdentifier)),
        DerSample.Of<AuthorityKeyIdentifier>("300B 800102 A103820161 820103"),
        DerSample.Of(KeyId),
        DerSample.Of(KeyUsage.Signing),
        DerSample.Of(KeyUsage.Encryption),
        DerSample.Of(new KeyUsage(KeyUsages.KeyAgreement | KeyUsages.DecipherOnly)),
        DerSample.Of(new CertificatePolicies(
            new PolicyInformation("1.2.156.1.1"), new PolicyInformation(Oids.AnyPolicy, PolicyQualifierInfo.Cps("http://example.cn/cps")))),
        DerSample.Of(new PolicyInformation("1.2.156.1.1", PolicyQualifierInfo.Cps("http://example.cn/cps"))),
        DerSample.Of(PolicyQualifierInfo.Cps("http://example.cn/cps")),
        DerSample.Of(new PolicyMappings(new PolicyMapping("1.2.3", "1.2.4"), new PolicyMapping("1.2.3", "1.2.5"))),
        DerSample.Of(new PolicyMapping("1.2.3", "1.2.4")),
        DerSample.Of(new PolicyConstraints(0, null)),
        DerSample.Of(new PolicyConstraints(1, 300)),
        DerSample.Of(new InhibitAnyPolicy(0)),
        DerSample.Of(new SubjectAltName(new DnsName("example.cn"), new IpAddress((byte[])[10, 0, 0, 1]))),
        DerSample.Of(new IssuerAltName(new Rfc822Name("ca@example.cn"))),
        DerSample.Of(new SubjectDirectoryAttributes(new Attribute(Oids.Title, (byte[])[0x0c, 0x01, 0x61]))),
        DerSample.Of(BasicConstraints.EndEntity),
        DerSample.Of(BasicConstraints.Ca()),
        DerSample.Of(BasicConstraints.Ca(3)),
        DerSample.Of(new NameConstraints([new GeneralSubtree(new DirectoryName(CaName))], [new GeneralSubtree(new DnsName(".com")), new GeneralSubtree(new DnsName(""))])),
        DerSample.Of(new NameConstraints([], [new GeneralSubtree(new IpAddress(new byte[8]))])),
        DerSample.Of(new GeneralSubtree(new DnsName("example.cn"))),
        DerSample.Of(new ExtendedKeyUsage(Oids.ClientAuth, Oids.EmailProtection)),
        DerSample.Of(new CrlDistributionPoints(Point)),
        DerSample.Of(new FreshestCrl(Point)),
        DerSample.Of(Point),
        DerSample.Of(new DistributionPoint(new NameRelativeToCrlIssuer(PersonName.Rdns[3]), ReasonFlags.KeyCompromise | ReasonFlags.AaCompromise)),
        DerSample.Of(new DistributionPoint(null, ReasonFlags.None, new DirectoryName(CaName))),
        DerSample.Of(Point.Name!),
        DerSample.Of<DistributionPointName>(new NameRelativeToCrlIssuer(PersonName.Rdns[3])),
        DerSample.Of(new AuthorityInfoAccess(AccessDescription.Ocsp("http://ocsp.example.cn"), AccessDescription.CaIssuers("http://example.cn/ca.cer"))),
        DerSample.Of(new SubjectInfoAccess(new AccessDescription(Oids.CaRepositoryAccess, new UniformResourceIdentifier("http://example.cn/")))),
        DerSample.Of(AccessDescription.Ocsp("http://ocsp.example.cn")),
        DerSample.Of(new PrivateKeyUsagePeriod(ThisUpdate, Year2051)),
        DerSample.Of(new PrivateKeyUsagePeriod(null, Year2051)),
    ];

    private static IEnumerable<DerSample> Crls()
    {
        var revoked = RevokedCertificate.Create(SerialNumber.Parse("1234"), ThisUpdate, RevocationReason.KeyCompromise, NextUpdate);
        var tbs = new TbsCertList(
            AlgorithmIdentifier.Sm3WithSm2,
            CaName,
            ThisUpdate,
            NextUpdate,
            [revoked, RevokedCertificate.Create(SerialNumber.Parse("1235"), Year2051)],
            CrlExtensions);
        return [
            DerSample.Of(new CrlNumber(0)),
            DerSample.Of(new CrlNumber(System.Numerics.BigInteger.Pow(2, 159) - 1)),
            DerSample.Of(new DeltaCrlIndicator(300)),
            DerSample.Of(new ReasonCode(RevocationReason.CertificateHold)),
            DerSample.Of(new InvalidityDate(ThisUpdate)),
            DerSample.Of(new CertificateIssuer(new DirectoryName(CaName))),
            DerSample.Of(new IssuingDistributionPoint(Point.Name, onlyContainsUserCerts: true)),
            DerSample.Of(new IssuingDistributionPoint(onlyContainsCaCerts: true, onlySomeReasons: ReasonFlags.CaCompromise, indirectCrl: true)),
            DerSample.Of(new IssuingDistributionPoint(onlyContainsAttributeCerts: true)),
            DerSample.Of(revoked),
            DerSample.Of(RevokedCertificate.Create(SerialNumber.Parse("1235"), Year2051)),
            DerSample.Of(tbs),
            DerSample.Of(new TbsCertList(AlgorithmIdentifier.Sha256WithRsa, CaName, ThisUpdate, Year2051, [], CrlExtensions)),
            DerSample.Of(CertificateList.Assemble(Der.Encode(tbs), Signature)),
        ];
    }

    private static IEnumerable<DerSample> Keys()
    {
        var key = new EcPrivateKey(new byte[32], Oids.Sm2, Sm2Key.PublicKey);
        var rsa = new RsaPublicKey(Enumerable.Repeat((byte)0xc5, 64).ToArray(), (byte[])[1, 0, 1]);
        return [
            DerSample.Of(AlgorithmIdentifier.Sm3WithSm2),
            DerSample.Of(AlgorithmIdentifier.Sha256WithRsa),
            DerSample.Of(AlgorithmIdentifier.EcKey(Oids.Sm2)),
            DerSample.Of(Sm2Key),
            DerSample.Of(SubjectPublicKeyInfo.ForRsa(rsa)),
            DerSample.Of(rsa),
            DerSample.Of(key),
            DerSample.Of(new EcPrivateKey(new byte[32])),
            DerSample.Of(new PrivateKeyInfo(AlgorithmIdentifier.EcKey(Oids.Sm2), Der.Encode(key))),
            DerSample.Of<PrivateKeyInfo>("3023 020100 300D06092A864886F70D0101010500 0403000000 A00A 300806022A0331020500"),
            DerSample.Of<PrivateKeyInfo>("3019 020100 300D06092A864886F70D0101010500 0403000000 A000"),
            DerSample.Of(new Pbes2Parameters(new byte[16], 600_000, new byte[16])),
            DerSample.Of<Pbes2Parameters>(
                "304E 302D 06092A864886F70D01050C 3020 0408 0102030405060708 0203 0927C0 0201 20 300C 06082A864886F70D0209 0500"
                + "301D 060960864801650304012A 0410 000102030405060708090A0B0C0D0E0F"),
            DerSample.Of(new EncryptedPrivateKeyInfo(AlgorithmIdentifier.Rsa, new byte[48])),
        ];
    }

    /// <summary>Without version and extensions, as old roots are.</summary>
    private static TbsCertificate Version1(TbsCertificate tbs)
    {
        Tlv tree = Tlv.Parse(Der.Encode(tbs));
        tree.Children!.RemoveAt(7);
        tree.Children.RemoveAt(0);
        return Der.Decode<TbsCertificate>(tree.Encode());
    }

    /// <summary>With unique identifiers in place of extensions.</summary>
    private static TbsCertificate Version2(TbsCertificate tbs)
    {
        Tlv tree = Tlv.Parse(Der.Encode(tbs));
        tree.Children![0].Children![0].Content = [1];
        tree.Children[7] = Tlv.Parse([0x81, 0x02, 0x04, 0xf0]);
        tree.Children.Add(Tlv.Parse([0x82, 0x02, 0x00, 0x0f]));
        return Der.Decode<TbsCertificate>(tree.Encode());
    }
}
