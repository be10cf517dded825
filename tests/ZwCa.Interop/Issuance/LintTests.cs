using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>CRLs that openssl has made before our rules.</summary>
public sealed class LintTests
{
    /// <summary>With and without the extensions that RFC 5280 demands, which openssl leaves out unless told otherwise.</summary>
    [Theory]
    [InlineData(KeyKind.P256, true)]
    [InlineData(KeyKind.P256, false)]
    [InlineData(KeyKind.Rsa, true)]
    [InlineData(KeyKind.Rsa, false)]
    public void CrlOfOpenSsl_IsJudged(KeyKind kind, bool extensions)
    {
        using var openssl = new OpenSsl();
        openssl.Write("ca.cnf", """
            [ca]
            default_ca = own
            [own]
            database = index.txt
            crlnumber = number.txt
            default_md = sha256
            default_crl_days = 1
            certificate = ca.pem
            private_key = key.pem
            [with]
            authorityKeyIdentifier = keyid:always
            [req]
            distinguished_name = subject
            [subject]
            [root]
            basicConstraints = critical, CA:TRUE
            keyUsage = critical, keyCertSign, cRLSign
            subjectKeyIdentifier = hash
            """u8);
        openssl.Write("index.txt", "R\t360101000000Z\t250101000000Z,keyCompromise\t4001\tunknown\t/CN=a\nR\t360101000000Z\t250201000000Z\t4002\tunknown\t/CN=b\n"u8);
        openssl.Write("number.txt", "0A\n"u8);
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run("req", "-new", "-x509", "-config", "ca.cnf", "-extensions", "root", "-key", "key.pem", "-subj", "/C=CN/CN=ca", "-days", "30", "-sha256", "-out", "ca.pem");
        openssl.Run(["ca", "-config", "ca.cnf", "-gencrl", .. extensions ? ["-crlexts", "with"] : Array.Empty<string>(), "-out", "crl.pem"]);
        byte[] crl = Pem.Decode(Pem.X509Crl, System.Text.Encoding.ASCII.GetString(openssl.Read("crl.pem")));
        Certificate issuer = openssl.ReadPem<Certificate>("ca.pem", Pem.Certificate);

        IEnumerable<string> broken = CrlLint.Check(crl, new CrlLintContext { Issuer = issuer, MaximumValidity = TimeSpan.FromDays(2) }).Select(finding => finding.Rule);

        // A crlnumber file makes openssl write the number, and with it version 2.
        Assert.Equal(extensions ? [] : ["crl-key-identifier-present"], broken);
    }
}
