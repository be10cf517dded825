using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Pkix;

/// <summary>What openssl reads in our certificates.</summary>
public class CertificateTextTests
{
    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void Names_AreUtf8InWireOrder(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        string file = TestAuthority.Of(kind).Signing.WriteTo(openssl, "certificate.pem");

        OpenSsl.Output output = openssl.Run("x509", "-in", file, "-noout", "-subject", "-issuer", "-nameopt", "oneline,utf8,-esc_msb");

        Assert.Equal(
            ["subject=C = CN, ST = 浙江省, O = 某市政务服务数据管理局, CN = 张三", "issuer=C = CN, O = 政务, CN = 政务运营CA"],
            output.Lines);
    }

    /// <summary>GM/T 0015-2012 §5.2.4: the country is a PrintableString, the rest UTF8String.</summary>
    [Fact]
    public void StringTypes_AreThoseOfTheStandard()
    {
        using var openssl = new OpenSsl();
        string file = TestAuthority.Of(KeyKind.Sm2).Signing.WriteTo(openssl, "certificate.pem");

        OpenSsl.Output output = openssl.Run("x509", "-in", file, "-noout", "-subject", "-nameopt", "oneline,utf8,-esc_msb,show_type");

        Assert.Equal(
            ["subject=C = PRINTABLESTRING:CN, ST = UTF8STRING:浙江省, O = UTF8STRING:某市政务服务数据管理局, CN = UTF8STRING:张三"],
            output.Lines);
    }

    [Theory]
    [InlineData(KeyKind.Sm2, "signing", "Digital Signature, Non Repudiation")]
    [InlineData(KeyKind.Sm2, "encryption", "Key Encipherment, Data Encipherment, Key Agreement")]
    [InlineData(KeyKind.P256, "signing", "Digital Signature, Non Repudiation")]
    [InlineData(KeyKind.P256, "encryption", "Key Encipherment, Data Encipherment, Key Agreement")]
    [InlineData(KeyKind.Rsa, "signing", "Digital Signature, Non Repudiation")]
    [InlineData(KeyKind.Rsa, "encryption", "Key Encipherment, Data Encipherment, Key Agreement")]
    public void EndEntity_HasTheExtensionsOfItsProfile(KeyKind kind, string half, string keyUsage)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        Holder holder = half == "signing" ? authority.Signing : authority.Encryption;

        OpenSsl.Output text = Text(openssl, holder.Certificate);

        text.HasLines("Version: 3 (0x2)");
        text.HasLines($"Signature Algorithm: {kind.SignatureAlgorithmName()}");
        text.HasLines("X509v3 Authority Key Identifier:", Hex(authority.Issuing.KeyIdentifier));
        text.HasLines("X509v3 Subject Key Identifier:", Hex(holder.KeyIdentifier));
        text.HasLines("X509v3 Key Usage: critical", keyUsage);
        text.HasLines("X509v3 Certificate Policies:", $"Policy: {TestProfiles.Policy}");
        text.HasLines("X509v3 CRL Distribution Points:", "Full Name:", $"URI:{TestProfiles.CrlUri}");
        text.HasLines("Authority Information Access:", $"CA Issuers - URI:{TestProfiles.IssuerUri}", $"OCSP - URI:{TestProfiles.OcspUri}");
        text.HasLines("X509v3 Subject Alternative Name:", "email:zhangsan@example.cn, DNS:zwfw.example.cn, IP Address:10.1.2.3");
        text.HasLines("1.2.156.10260.4.1.4:", ".." + TestProfiles.CreditCode);
        Assert.False(text.Says("Basic Constraints"));
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void Authorities_HaveTheExtensionsOfTheirProfile(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);

        OpenSsl.Output root = Text(openssl, authority.Root.Certificate);
        OpenSsl.Output issuing = Text(openssl, authority.Issuing.Certificate);
        OpenSsl.Output responder = Text(openssl, authority.Responder.Certificate);

        root.HasLines("X509v3 Basic Constraints: critical", "CA:TRUE");
        root.HasLines("X509v3 Key Usage: critical", "Certificate Sign, CRL Sign");
        issuing.HasLines("X509v3 Basic Constraints: critical", "CA:TRUE, pathlen:0");
        issuing.HasLines("X509v3 Key Usage: critical", "Certificate Sign, CRL Sign");
        issuing.HasLines("X509v3 Authority Key Identifier:", Hex(authority.Root.KeyIdentifier));
        responder.HasLines("X509v3 Extended Key Usage: critical", "OCSP Signing");
        responder.HasLines("OCSP No Check:");
    }

    /// <summary>The public key that openssl finds in the certificate, and the key type that it takes it for.</summary>
    [Theory]
    [InlineData(KeyKind.Sm2, "ASN1 OID: SM2")]
    [InlineData(KeyKind.P256, "ASN1 OID: prime256v1")]
    [InlineData(KeyKind.Rsa, "Public-Key: (2048 bit)")]
    public void PublicKey_IsTheSubjects(KeyKind kind, string type)
    {
        using var openssl = new OpenSsl();
        Holder holder = TestAuthority.Of(kind).Signing;
        string file = holder.WriteTo(openssl, "certificate.pem");

        byte[] publicKey = Pem.Decode(Pem.PublicKey, openssl.Run("x509", "-in", file, "-noout", "-pubkey").Text);

        Text(openssl, holder.Certificate).HasLines(type);
        Assert.Equal(Der.Encode(holder.Key.PublicKey), publicKey);
    }

    private static OpenSsl.Output Text(OpenSsl openssl, Certificate certificate) =>
        openssl.Run("x509", "-in", openssl.WritePem("text.pem", Pem.Certificate, certificate), "-noout", "-text");

    private static string Hex(ReadOnlyMemory<byte> octets) => BitConverter.ToString(octets.ToArray()).Replace('-', ':');
}
