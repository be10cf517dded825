using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using DotnetRequest = System.Security.Cryptography.X509Certificates.CertificateRequest;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class CertificateTests
{
    private static readonly DateTimeOffset From = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("RSA", 2040)]
    [InlineData("RSA", 2060)]
    [InlineData("P-256", 2049)]
    public void Certificates_made_by_dotnet_are_reproduced_and_understood(string key, int endYear)
    {
        using RSA rsa = RSA.Create(2048);
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DotnetRequest request = Request(key == "RSA" ? rsa : null, ecdsa);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 2, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        using X509Certificate2 theirs = request.CreateSelfSigned(From, new DateTimeOffset(endYear, 12, 31, 0, 0, 0, TimeSpan.Zero));

        var ours = Der.Decode<Certificate>(theirs.RawData);

        Assert.Equal(theirs.RawData, Der.Encode(ours));
        Assert.Equal(ours.TbsBytes.ToArray(), Der.Encode(ours.Tbs));
        Assert.Equal(3, ours.Tbs.Version);
        Assert.Equal(theirs.SerialNumber, Convert.ToHexString(ours.Tbs.SerialNumber.Content));
        Assert.Equal(theirs.SubjectName.RawData, ours.Tbs.Subject.Encoded.ToArray());
        Assert.True(ours.Tbs.Subject.DerEquals(ours.Tbs.Issuer));
        Assert.Equal(theirs.NotBefore.ToUniversalTime(), ours.Tbs.Validity.NotBefore.Value.UtcDateTime);
        Assert.Equal(theirs.NotAfter.ToUniversalTime(), ours.Tbs.Validity.NotAfter.Value.UtcDateTime);
        Assert.Equal(theirs.PublicKey.ExportSubjectPublicKeyInfo(), Der.Encode(ours.Tbs.SubjectPublicKeyInfo));
        Assert.Equal(2, ours.Tbs.Extensions!.Find<BasicConstraints>()!.PathLength);
        Assert.Equal(KeyUsages.KeyCertSign | KeyUsages.CrlSign, ours.Tbs.Extensions.Find<KeyUsage>()!.Usages);
        Assert.True(ours.AlgorithmsAgree);
        Assert.Equal(key == "RSA" ? AlgorithmIdentifier.Sha256WithRsa : AlgorithmIdentifier.EcdsaWithSha256, ours.SignatureAlgorithm);
        Assert.True(key == "RSA"
            ? rsa.VerifyData(ours.TbsBytes.Span, ours.Signature.Span, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : ecdsa.VerifyData(ours.TbsBytes.Span, ours.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    [Fact]
    public void Dotnet_verifies_and_understands_a_certificate_of_ours()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo());
        var keyId = SubjectKeyIdentifier.Of(publicKey);
        var tbs = new TbsCertificate(
            SerialNumber.Parse("7fffffffffffffffffffffffffffffffffffffff"),
            AlgorithmIdentifier.EcdsaWithSha256,
            PkixSamples.CaName,
            new Validity(new Time(From), Time.NoWellDefinedExpiration),
            PkixSamples.CaName,
            publicKey,
            new ZwCa.Asn1.Pkix.Extensions(
                Extension.Create(new AuthorityKeyIdentifier(keyId.KeyIdentifier), critical: false),
                Extension.Create(keyId, critical: false),
                Extension.Create(BasicConstraints.Ca(), critical: true),
                Extension.Create(new KeyUsage(KeyUsages.KeyCertSign), critical: true),
                Extension.Create(new CertificatePolicies(new PolicyInformation("1.2.156.1.1")), critical: false),
                Extension.Create(new SubjectAltName(new DnsName("example.cn")), critical: false)));
        byte[] tbsBytes = Der.Encode(tbs);
        Certificate ours = Certificate.Assemble(tbsBytes, key.SignData(tbsBytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));

        using X509Certificate2 theirs = X509CertificateLoader.LoadCertificate(Der.Encode(ours));

        Assert.Equal("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", theirs.SerialNumber);
        Assert.Equal(3, theirs.Version);
        Assert.Equal(PkixSamples.CaName.Encoded.ToArray(), theirs.SubjectName.RawData);
        Assert.Equal("政务CA 签发一", theirs.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        Assert.Equal(["example.cn"], theirs.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(theirs);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = From.UtcDateTime.AddDays(1);
        Assert.True(chain.Build(theirs), string.Join(' ', chain.ChainStatus.Select(s => s.StatusInformation)));
    }

    [Fact]
    public void Bouncy_castle_reads_an_SM2_certificate_of_ours()
    {
        byte[] der = new PkixSamples().Samples.Single(s => s.Type == typeof(Certificate)).Bytes;
        var theirs = new Org.BouncyCastle.X509.X509CertificateParser().ReadCertificate(der);
        Assert.Equal(Oids.Sm3WithSm2, theirs.SigAlgOid);
        Assert.Equal("80ff0102030405060708", theirs.SerialNumber.ToString(16));
        Assert.Equal(der, theirs.GetEncoded());
        Assert.Equal([true, true, false], theirs.GetKeyUsage()[..3]);
    }

    [Fact]
    public void SM2_with_NULL_parameters_is_read_and_a_disagreement_is_seen()
    {
        Tlv tree = Tlv.Parse(new PkixSamples().Samples.Single(s => s.Type == typeof(Certificate)).Bytes);
        Tlv inner = tree.Children![0].Children![2];
        Tlv outer = tree.Children[1];
        Assert.True(Der.Decode<Certificate>(tree.Encode()).AlgorithmsAgree);

        outer.Children!.Add(Tlv.Parse([0x05, 0x00]));
        var disagreeing = Der.Decode<Certificate>(tree.Encode());
        Assert.False(disagreeing.AlgorithmsAgree);
        Assert.Equal(tree.Encode(), Der.Encode(disagreeing));

        inner.Children!.Add(Tlv.Parse([0x05, 0x00]));
        Assert.True(Der.Decode<Certificate>(tree.Encode()).AlgorithmsAgree);
    }

    [Theory]
    [InlineData(0, false)] // v1, but the extensions are there
    [InlineData(1, false)] // v2, likewise
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(255, false)]
    public void Fields_belong_to_their_version(byte version, bool accepted)
    {
        Tlv tree = Tlv.Parse(new PkixSamples().Samples.First(s => s.Type == typeof(TbsCertificate)).Bytes);
        tree.Children![0].Children![0].Content = [version];
        if (accepted)
        {
            Assert.Equal(version + 1, Der.Decode<TbsCertificate>(tree.Encode()).Version);
        }
        else
        {
            Assert.Throws<DerException>(() => Der.Decode<TbsCertificate>(tree.Encode()));
        }
    }

    [Fact]
    public void Assembling_refuses_bytes_that_are_no_TBSCertificate()
    {
        Assert.Throws<DerException>(() => Certificate.Assemble(Der.Encode(PkixSamples.CaName), new byte[] { 1 }));
    }

    [Theory]
    [InlineData("RSA")]
    [InlineData("P-256")]
    public void Requests_made_by_dotnet_are_reproduced_and_understood(string key)
    {
        using RSA rsa = RSA.Create(2048);
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DotnetRequest request = Request(key == "RSA" ? rsa : null, ecdsa);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation, true));
        request.OtherRequestAttributes.Add(new AsnEncodedData(new Oid(Oids.ChallengePassword), [0x0c, 0x01, 0x61]));
        byte[] theirs = request.CreateSigningRequest();

        var ours = Der.Decode<CertificationRequest>(theirs);

        Assert.Equal(theirs, Der.Encode(ours));
        Assert.Equal(ours.InfoBytes.ToArray(), Der.Encode(ours.Info));
        Assert.Equal(request.SubjectName.RawData, ours.Info.Subject.Encoded.ToArray());
        Assert.Equal(KeyUsage.Signing, ours.Info.FindRequestedExtensions()!.Find<KeyUsage>());
        Assert.Equal(2, ours.Info.Attributes.Count);
        Assert.True(key == "RSA"
            ? rsa.VerifyData(ours.InfoBytes.Span, ours.Signature.Span, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : ecdsa.VerifyData(ours.InfoBytes.Span, ours.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    [Fact]
    public void Dotnet_reads_a_request_of_ours()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var info = new CertificationRequestInfo(PkixSamples.PersonName, Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo()));
        byte[] infoBytes = Der.Encode(info);
        var ours = CertificationRequest.Assemble(
            infoBytes, AlgorithmIdentifier.EcdsaWithSha256, key.SignData(infoBytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        DotnetRequest theirs = DotnetRequest.LoadSigningRequest(Der.Encode(ours), HashAlgorithmName.SHA256);
        Assert.Equal(PkixSamples.PersonName.Encoded.ToArray(), theirs.SubjectName.RawData);
        Assert.Null(info.FindRequestedExtensions());
    }

    [Fact]
    public void Two_extension_requests_are_refused()
    {
        byte[] value = Der.Encode(PkixSamples.CrlExtensions);
        var twoValues = new CertificationRequestInfo(Name.Empty, PkixSamples.Sm2Key, new ZwCa.Asn1.Pkix.Attribute(Oids.ExtensionRequest, value, value));
        Assert.Throws<DerException>(twoValues.FindRequestedExtensions);
        var attribute = new ZwCa.Asn1.Pkix.Attribute(Oids.ExtensionRequest, value);
        var twoAttributes = new CertificationRequestInfo(Name.Empty, PkixSamples.Sm2Key, attribute, attribute);
        Assert.Throws<DerException>(twoAttributes.FindRequestedExtensions);
    }

    private static DotnetRequest Request(RSA? rsa, ECDsa ecdsa)
    {
        var subject = new X500DistinguishedName("CN=张三, OU=某处, O=某局, C=CN");
        return rsa is null
            ? new DotnetRequest(subject, ecdsa, HashAlgorithmName.SHA256)
            : new DotnetRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }
}
