using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Algorithms;

/// <summary>The parameters of RSASSA-PSS as openssl writes them.</summary>
public class RsaPssTests
{
    [Theory]
    [InlineData("sha256", Oids.Sha256, 32)]
    [InlineData("sha384", Oids.Sha384, 48)]
    [InlineData("sha512", Oids.Sha512, 64)]
    public void AlgorithmIdentifiers_AreThoseOfOpenSsl(string name, string hash, int saltLength)
    {
        using var openssl = new OpenSsl();
        openssl.Run(["genpkey", .. KeyKind.Rsa.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run(
            "req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=pss", "-" + name,
            "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", "-out", "certificate.pem");

        var certificate = openssl.ReadPem<Certificate>("certificate.pem", Pem.Certificate);

        Assert.Equal(AlgorithmIdentifier.RsaPss(hash, saltLength), certificate.SignatureAlgorithm);
    }
}
