using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Pkix;

/// <summary>Our certificates before openssl, link by link: openssl 3.0 gives the SM2 identity to the leaf of a chain only.</summary>
public class CertificateTests
{
    private static readonly string[] Strict = ["-x509_strict", "-policy_check"];

    public static MatrixTheoryData<KeyKind, string> Links => new(Enum.GetValues<KeyKind>(), ["issuing", "signing", "encryption", "responder"]);

    [Theory]
    [MemberData(nameof(Links))]
    public void EachLink_IsVerified(KeyKind kind, string link)
    {
        using var openssl = new OpenSsl();
        (Holder holder, Holder issuer) = Link(kind, link);

        openssl.Run(Verify(openssl, holder.Certificate, issuer, Strict));
    }

    [Theory]
    [MemberData(nameof(Links))]
    public void LinkOfAnotherIssuerOfTheSameNameAndKeyIdentifier_IsRefused(KeyKind kind, string link)
    {
        using var openssl = new OpenSsl();
        (Holder holder, Holder issuer) = Link(kind, link);
        byte[] tbs = holder.Certificate.TbsBytes.ToArray();
        var forged = Certificate.Assemble(tbs, TestAuthority.Of(kind).Stranger.Sign(tbs));

        openssl.Refuses("certificate signature failure", Verify(openssl, forged, issuer));
    }

    [Fact]
    public void Sm2SignatureWithAnotherIdentity_IsRefused()
    {
        using var openssl = new OpenSsl();
        (Holder holder, Holder issuer) = Link(KeyKind.Sm2, "signing");
        string[] verify = Verify(openssl, holder.Certificate, issuer);

        openssl.Refuses("certificate signature failure", [.. verify.Select(a => a == KeyKinds.DefaultId ? "distid:8765432187654321" : a)]);
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void SelfSignatureOfTheRoot_IsVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        Holder root = TestAuthority.Of(kind).Root;

        openssl.VerifiesSigned(kind, root.Key.PublicKey, Der.Encode(root.Certificate));
    }

    /// <summary>An SM2 CA under a root of RSA, and the other way round: the identity goes with the signer's key, not with the subject's.</summary>
    [Theory]
    [InlineData(KeyKind.Rsa, KeyKind.Sm2)]
    [InlineData(KeyKind.P256, KeyKind.Sm2)]
    [InlineData(KeyKind.Sm2, KeyKind.Rsa)]
    [InlineData(KeyKind.Sm2, KeyKind.P256)]
    public void LinkAcrossAlgorithms_IsVerified(KeyKind issuerKind, KeyKind subjectKind)
    {
        using var openssl = new OpenSsl();
        Holder root = TestAuthority.Of(issuerKind).Root;
        Holder issuing = TestAuthority.Issue(root, subjectKind, TestAuthority.IssuingName, TestProfiles.Issuing);

        openssl.Run(Verify(openssl, issuing.Certificate, root, Strict));
    }

    /// <summary>Whole chains where openssl can: it then also applies the path length and the key usage of the CAs.</summary>
    [Theory]
    [InlineData(KeyKind.P256)]
    [InlineData(KeyKind.Rsa)]
    public void WholeChain_IsVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);

        openssl.Run(
            "verify", "-x509_strict", "-check_ss_sig",
            "-trusted", authority.Root.WriteTo(openssl, "root.pem"),
            "-untrusted", authority.Issuing.WriteTo(openssl, "issuing.pem"),
            authority.Signing.WriteTo(openssl, "signing.pem"));
    }

    /// <summary>GM/T 0015-2012 §5.2: the pair does not share usages.</summary>
    [Theory]
    [InlineData(KeyKind.Sm2, "signing", "smimesign", "smimeencrypt")]
    [InlineData(KeyKind.Sm2, "encryption", "smimeencrypt", "smimesign")]
    [InlineData(KeyKind.Sm2, "issuing", "crlsign", "timestampsign")]
    [InlineData(KeyKind.Rsa, "signing", "smimesign", "smimeencrypt")]
    [InlineData(KeyKind.Rsa, "encryption", "smimeencrypt", "smimesign")]
    [InlineData(KeyKind.P256, "signing", "smimesign", "smimeencrypt")]
    [InlineData(KeyKind.P256, "encryption", "smimeencrypt", "smimesign")]
    public void Purpose_FollowsFromTheKeyUsage(KeyKind kind, string link, string fit, string unfit)
    {
        using var openssl = new OpenSsl();
        (Holder holder, Holder issuer) = Link(kind, link);

        openssl.Run(Verify(openssl, holder.Certificate, issuer, "-purpose", fit));
        openssl.Refuses("unsuitable certificate purpose", Verify(openssl, holder.Certificate, issuer, "-purpose", unfit));
    }

    private static (Holder Holder, Holder Issuer) Link(KeyKind kind, string link)
    {
        TestAuthority authority = TestAuthority.Of(kind);
        return link switch
        {
            "issuing" => (authority.Issuing, authority.Root),
            "signing" => (authority.Signing, authority.Issuing),
            "encryption" => (authority.Encryption, authority.Issuing),
            _ => (authority.Responder, authority.Issuing),
        };
    }

    /// <summary>The command that verifies one link.</summary>
    internal static string[] Verify(OpenSsl openssl, Certificate certificate, Holder issuer, params string[] options) =>
    [
        "verify", .. issuer.Key.Kind.VerifyOptions(), "-partial_chain", .. options,
        "-trusted", issuer.WriteTo(openssl, "issuer.pem"),
        openssl.WritePem("certificate.pem", Pem.Certificate, certificate),
    ];
}
