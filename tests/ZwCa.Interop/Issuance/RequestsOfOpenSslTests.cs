using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>Requests and keys as openssl makes them: proofs of possession hold, and good keys pass.</summary>
public class RequestsOfOpenSslTests
{
    [Theory]
    [InlineData("DER")]
    [InlineData("PEM")]
    public void Sm2RequestUnderTheDefaultIdentity_IsAccepted(string form)
    {
        using var openssl = new OpenSsl();

        CsrKey key = Verify(MakeRequest(openssl, KeyKind.Sm2, "-sm3", "-sigopt", KeyKinds.DefaultId, "-outform", form));

        Assert.False(key.UsesEmptyId);
        Assert.Null(KeyQuality.Find(key.PublicKey));
    }

    [Fact]
    public void Sm2RequestWithoutIdentity_IsAcceptedWhereTheProfileAllowsIt()
    {
        using var openssl = new OpenSsl();
        byte[] file = MakeRequest(openssl, KeyKind.Sm2, ["-sm3", .. openssl.SignsWithEmptyIdentity ? [] : (string[])["-sigopt", "distid:"]]);

        Assert.True(ProofOfPossession.Verify(CsrFile.Read(file), allowEmptyId: true).UsesEmptyId);
        Assert.Equal(Refusal.BadCsr, Assert.Throws<RefusalException>(() => Verify(file)).Kind);
    }

    [Theory]
    [InlineData(KeyKind.P256, "-sha256")]
    [InlineData(KeyKind.Rsa, "-sha256")]
    [InlineData(KeyKind.Rsa, "-sha384")]
    [InlineData(KeyKind.Rsa, "-sha512")]
    [InlineData(KeyKind.Rsa, "-sha256", "-newhdr")]
    [InlineData(KeyKind.Rsa, "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1")]
    [InlineData(KeyKind.Rsa, "-sha384", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1")]
    [InlineData(KeyKind.Rsa, "-sha512", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1")]
    public void Request_IsAccepted(KeyKind kind, params string[] options)
    {
        using var openssl = new OpenSsl();

        CsrKey key = Verify(MakeRequest(openssl, kind, options));

        Assert.Null(KeyQuality.Find(key.PublicKey));
    }

    [Theory]
    [InlineData(KeyKind.Rsa, "-sha1")]
    [InlineData(KeyKind.Rsa, "-sha224")]
    [InlineData(KeyKind.Rsa, "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:20")]
    [InlineData(KeyKind.P256, "-sha384")]
    public void RequestWithAnotherAlgorithm_IsRefused(KeyKind kind, params string[] options)
    {
        using var openssl = new OpenSsl();
        byte[] file = MakeRequest(openssl, kind, options);

        Assert.Equal(Refusal.BadCsr, Assert.Throws<RefusalException>(() => Verify(file)).Kind);
    }

    [Theory]
    [InlineData(KeyFault.RsaSize, "RSA", "rsa_keygen_bits:1024")]
    [InlineData(KeyFault.RsaExponent, "RSA", "rsa_keygen_bits:2048", "rsa_keygen_pubexp:3")]
    [InlineData(KeyFault.Algorithm, "EC", "ec_paramgen_curve:P-384")]
    [InlineData(KeyFault.Algorithm, "EC", "ec_paramgen_curve:SM2", "ec_param_enc:explicit")]
    [InlineData(KeyFault.Algorithm, "ED25519")]
    [InlineData(KeyFault.Algorithm, "RSA-PSS", "rsa_keygen_bits:2048")]
    public void OtherKeys_AreRefused(KeyFault fault, string algorithm, params string[] options)
    {
        using var openssl = new OpenSsl();
        openssl.Run(["genpkey", "-algorithm", algorithm, .. options.SelectMany(o => new[] { "-pkeyopt", o }), "-out", "key.pem"]);
        byte[] encoded = openssl.Run("pkey", "-in", "key.pem", "-pubout", "-outform", "DER").Bytes;

        Assert.Equal(fault, KeyQuality.Find(Der.Decode<SubjectPublicKeyInfo>(encoded)));
    }

    [Theory]
    [InlineData(2048, 20)]
    [InlineData(3072, 4)]
    [InlineData(4096, 2)]
    public void RsaKeys_Pass(int bits, int count)
    {
        using var openssl = new OpenSsl();
        for (int i = 0; i < count; i++)
        {
            openssl.Run("genpkey", "-algorithm", "RSA", "-pkeyopt", $"rsa_keygen_bits:{bits}", "-out", "key.pem");
            byte[] encoded = openssl.Run("pkey", "-in", "key.pem", "-pubout", "-outform", "DER").Bytes;

            Assert.Null(KeyQuality.Find(Der.Decode<SubjectPublicKeyInfo>(encoded)));
        }
    }

    private static CsrKey Verify(byte[] file) => ProofOfPossession.Verify(CsrFile.Read(file), allowEmptyId: false);

    private static byte[] MakeRequest(OpenSsl openssl, KeyKind kind, params string[] options)
    {
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "key.pem"]);
        return openssl.Run(["req", "-new", "-key", "key.pem", .. options, "-utf8", "-subj", "/C=CN/O=某局/CN=李四"]).Bytes;
    }
}
