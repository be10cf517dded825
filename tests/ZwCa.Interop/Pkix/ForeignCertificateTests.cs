using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Pkix;

/// <summary>Certificates and CRLs that openssl made: read, written back byte for byte, their signatures verified by our code.</summary>
public class ForeignCertificateTests
{
    /// <summary>Everything of RFC 5280 that openssl's configuration can say.</summary>
    private const string Configuration = """
        [req]
        distinguished_name = subject
        string_mask = utf8only
        [subject]
        [authority]
        subjectKeyIdentifier = hash
        authorityKeyIdentifier = keyid, issuer:always
        basicConstraints = critical, CA:TRUE, pathlen:3
        keyUsage = critical, keyCertSign, cRLSign
        [subscriber]
        subjectKeyIdentifier = hash
        authorityKeyIdentifier = keyid, issuer:always
        basicConstraints = CA:FALSE
        keyUsage = critical, digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyAgreement, encipherOnly, decipherOnly
        extendedKeyUsage = clientAuth, emailProtection, 1.2.3.4
        certificatePolicies = 1.2.156.1, @policy
        subjectAltName = @alternatives
        issuerAltName = URI:http://ca.example.cn
        authorityInfoAccess = OCSP;URI:http://ocsp.example.cn, caIssuers;URI:http://ca.example.cn/ca.cer
        subjectInfoAccess = 1.3.6.1.5.5.7.48.3;URI:http://tsa.example.cn
        crlDistributionPoints = point, URI:http://crl.example.cn/2.crl
        freshestCRL = URI:http://crl.example.cn/delta.crl
        nameConstraints = critical, permitted;DNS:example.cn, excluded;email:example.org, permitted;IP:10.0.0.0/255.0.0.0
        policyConstraints = requireExplicitPolicy:1, inhibitPolicyMapping:0
        inhibitAnyPolicy = 2
        policyMappings = 1.2.156.1:1.2.156.2
        noCheck = yes
        [policy]
        policyIdentifier = 1.2.156.2
        CPS.1 = http://cps.example.cn
        userNotice.1 = @notice
        [notice]
        explicitText = UTF8:说明
        organization = 某局
        noticeNumbers = 1, 2
        [alternatives]
        DNS.1 = *.example.cn
        email.1 = a@example.cn
        IP.1 = 2001:db8::1
        RID.1 = 1.2.3.4
        URI.1 = https://example.cn/
        dirName.1 = name
        otherName.1 = 1.3.6.1.4.1.311.20.2.3;UTF8:张三@example.cn
        [name]
        C = CN
        CN = 别名
        [point]
        fullname = URI:http://crl.example.cn/1.crl, dirName:name
        reasons = keyCompromise, CACompromise
        CRLissuer = dirName:name
        [ca]
        default_ca = lists
        [lists]
        database = index.txt
        crlnumber = number.txt
        default_crl_days = 7
        unique_subject = no
        [crl]
        authorityKeyIdentifier = keyid:always
        issuingDistributionPoint = critical, @scope
        [scope]
        fullname = URI:http://crl.example.cn/1.crl
        onlyuser = TRUE
        """;

    private static readonly (string InIndex, RevocationReason Reason)[] Reasons =
    [
        ("unspecified", RevocationReason.Unspecified),
        ("keyCompromise", RevocationReason.KeyCompromise),
        ("CACompromise", RevocationReason.CaCompromise),
        ("affiliationChanged", RevocationReason.AffiliationChanged),
        ("superseded", RevocationReason.Superseded),
        ("cessationOfOperation", RevocationReason.CessationOfOperation),
        ("certificateHold", RevocationReason.CertificateHold),
        ("removeFromCRL", RevocationReason.RemoveFromCrl),
        ("keyTime,20260101000000Z", RevocationReason.KeyCompromise),
    ];

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void CertificatesOfOpenSsl_AreReadAndVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        MakeAuthority(openssl, kind);
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "subscriber.key"]);
        openssl.Run(
        [
            "req", "-new", "-key", "subscriber.key", "-" + kind.Digest(), .. kind.SignOptions(),
            "-utf8", "-subj", "/C=CN/CN=李四", "-out", "subscriber.csr",
        ]);
        openssl.Run(
        [
            "x509", "-req", "-in", "subscriber.csr", .. kind.VerifyOptions(),
            "-CA", "authority.pem", "-CAkey", "authority.key", "-" + kind.Digest(), .. kind.SignOptions(),
            "-set_serial", "0x7f00ff", "-days", "9", "-extfile", "openssl.cnf", "-extensions", "subscriber", "-out", "subscriber.pem",
        ]);

        Certificate authority = Check(openssl, kind, "authority.pem", issuer: null);
        Certificate subscriber = Check(openssl, kind, "subscriber.pem", authority);

        Assert.Equal("C=CN,O=某局,CN=某CA", authority.Tbs.Subject.ToWireString());
        Assert.Equal(3, authority.Tbs.Extensions!.Find<BasicConstraints>()!.PathLength);
        Assert.Equal("7f00ff", subscriber.Tbs.SerialNumber.ToString());
        Assert.Equal(authority.Tbs.Subject, subscriber.Tbs.Issuer);
        Assert.Equal(
            authority.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.ToArray(),
            subscriber.Tbs.Extensions!.Find<AuthorityKeyIdentifier>()!.KeyIdentifier!.Value.ToArray());
        CheckExtensions(subscriber.Tbs.Extensions);
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void CrlsOfOpenSsl_AreReadAndVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        Certificate issuer = MakeAuthority(openssl, kind);
        openssl.Write("number.txt", "1F00"u8);
        openssl.Write("index.txt", Encoding.ASCII.GetBytes(string.Concat(
            Reasons.Select((r, i) => $"R\t301231235959Z\t26010203040{i}Z,{r.InIndex}\t8{i:x}FF\tunknown\t/CN=a\n"))));
        openssl.Run(
        [
            "ca", "-gencrl", "-config", "openssl.cnf", "-keyfile", "authority.key", "-cert", "authority.pem",
            "-md", kind.Digest(), .. kind.SignOptions(), "-crlexts", "crl", "-out", "crl.pem",
        ]);

        CertificateList crl = openssl.ReadPem<CertificateList>("crl.pem", Pem.X509Crl);

        Assert.Equal(Pem.Decode(Pem.X509Crl, Encoding.ASCII.GetString(openssl.Read("crl.pem"))), Der.Encode(crl));
        Assert.True(TestKey.Verify(issuer.Tbs.SubjectPublicKeyInfo, crl.TbsBytes, crl.Signature));
        Assert.True(crl.AlgorithmsAgree);
        Assert.Equal(issuer.Tbs.Subject, crl.Tbs.Issuer);
        Assert.Equal(0x1f00, crl.Tbs.CrlExtensions!.Find<CrlNumber>()!.Number);
        Assert.True(crl.Tbs.CrlExtensions.Find<IssuingDistributionPoint>()!.OnlyContainsUserCerts);
        Assert.Equal(
            Reasons.Select(r => r.Reason),
            crl.Tbs.RevokedCertificates.Select(r => r.CrlEntryExtensions?.Find<ReasonCode>()!.Reason ?? RevocationReason.Unspecified));
        Assert.Equal("2026-01-01T00:00:00Z", crl.Tbs.RevokedCertificates[8].CrlEntryExtensions!.Find<InvalidityDate>()!.Date.ToString());
        Assert.Equal("80ff", crl.Tbs.RevokedCertificates[0].UserCertificate.ToString());
        Assert.Equal("2026-01-02T03:04:01Z", crl.Tbs.RevokedCertificates[1].RevocationDate.ToString());
    }

    private static Certificate MakeAuthority(OpenSsl openssl, KeyKind kind)
    {
        openssl.Write("openssl.cnf", Encoding.UTF8.GetBytes(Configuration));
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "authority.key"]);
        openssl.Run(
        [
            "req", "-new", "-x509", "-key", "authority.key", "-" + kind.Digest(), .. kind.SignOptions(), "-days", "9",
            "-utf8", "-subj", "/C=CN/O=某局/CN=某CA", "-extensions", "authority", "-out", "authority.pem",
        ]);
        return openssl.ReadPem<Certificate>("authority.pem", Pem.Certificate);
    }

    private static Certificate Check(OpenSsl openssl, KeyKind kind, string file, Certificate? issuer)
    {
        byte[] encoded = Pem.Decode(Pem.Certificate, Encoding.ASCII.GetString(openssl.Read(file)));
        Certificate certificate = Der.Decode<Certificate>(encoded);
        SubjectPublicKeyInfo key = (issuer ?? certificate).Tbs.SubjectPublicKeyInfo;

        Assert.Equal(encoded, Der.Encode(certificate));
        Assert.Equal(certificate.TbsBytes.ToArray(), Der.Encode(certificate.Tbs));
        Assert.Equal(kind.SignatureAlgorithm(), certificate.SignatureAlgorithm);
        Assert.True(certificate.AlgorithmsAgree);
        Assert.True(TestKey.Verify(key, certificate.TbsBytes, certificate.Signature));

        byte[] changed = certificate.TbsBytes.ToArray();
        changed[^1] ^= 1;
        Assert.False(TestKey.Verify(key, changed, certificate.Signature));
        return certificate;
    }

    /// <summary>Each is read as its type and written back as it was.</summary>
    private static void CheckExtensions(Extensions extensions)
    {
        Same<SubjectKeyIdentifier>();
        Same<AuthorityKeyIdentifier>();
        Same<BasicConstraints>();
        Same<KeyUsage>();
        Same<ExtendedKeyUsage>();
        Same<CertificatePolicies>();
        Same<SubjectAltName>();
        Same<IssuerAltName>();
        Same<AuthorityInfoAccess>();
        Same<SubjectInfoAccess>();
        Same<CrlDistributionPoints>();
        Same<FreshestCrl>();
        Same<NameConstraints>();
        Same<PolicyConstraints>();
        Same<InhibitAnyPolicy>();
        Same<PolicyMappings>();
        Same<Asn1.Ocsp.OcspNoCheck>();

        void Same<T>()
            where T : class, IExtensionValue<T>
        {
            Extension extension = extensions.Find(T.Id)!;
            Assert.Equal(extension.Value.ToArray(), Der.Encode(extension.Decode<T>()));
        }
    }
}
