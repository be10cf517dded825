using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Interop.Issuance;

/// <summary>What each shipped profile makes, read and verified by openssl link by link.</summary>
public class ProfileTests
{
    private const string Sign = "Digital Signature, Non Repudiation";
    private const string Encrypt = "Key Encipherment, Data Encipherment, Key Agreement";
    private const string Links = "TLS Web Client Authentication";
    private const string Mail = Links + ", E-mail Protection";
    private const string Documents = Mail + ", 1.3.6.1.5.5.7.3.36";
    private const string Device = Links + ", TLS Web Server Authentication";

    /// <summary>Name, key usage, extended key usage, number of the policy, file of the CRL, and a purpose that openssl checks.</summary>
    public static TheoryData<string, string, string?, int, string?, string> Expected => new()
    {
        { "person-signing", Sign, Documents, 1, "32-", "sslclient" },
        { "person-signing-2023", Sign, Documents, 1, "32-", "smimesign" },
        { "person-encryption", Encrypt, Mail, 1, "32-", "smimeencrypt" },
        { "person-encryption-2023", Encrypt, Mail, 1, "32-", "smimeencrypt" },
        { "organization-signing", Sign, Documents, 2, "32-", "smimesign" },
        { "organization-signing-2023", Sign, Documents, 2, "32-", "smimesign" },
        { "organization-encryption", Encrypt, Mail, 2, "32-", "smimeencrypt" },
        { "organization-encryption-2023", Encrypt, Mail, 2, "32-", "smimeencrypt" },
        { "device-signing", Sign, Device, 3, "32-", "sslserver" },
        { "device-signing-2023", Sign, Device, 3, "32-", "sslclient" },
        { "device-encryption", Encrypt, Device, 3, "32-", "sslserver" },
        { "device-encryption-2023", Encrypt, Device, 3, "32-", "sslclient" },
        { "tls-server", "Digital Signature", "TLS Web Server Authentication", 4, "32-", "sslserver" },
        { "officer", Sign, null, 11, "all.crl", "any" },
        { "ra-system", Sign, null, 12, "all.crl", "any" },
        { "service-signer", Sign, null, 13, "all.crl", "any" },
        { "link", "Digital Signature", Device, 14, "all.crl", "sslserver" },
        { "officer-link", "Digital Signature", Links, 15, "all.crl", "sslclient" },
        { "ocsp-responder", "Digital Signature", "OCSP Signing", 16, null, "ocsphelper" },
        { "ocsp-node", "Digital Signature", "OCSP Signing", 16, null, "ocsphelper" },
        { "tsa", Sign, "Time Stamping", 17, "all.crl", "timestampsign" },
        { "sub-ca", "Certificate Sign, CRL Sign", null, 20, "all.crl", "crlsign" },
        { "cross", "Certificate Sign, CRL Sign", null, 20, "all.crl", "crlsign" },
        { "root", "Certificate Sign, CRL Sign", null, 20, null, "crlsign" },
        { "system-root", "Certificate Sign, CRL Sign", null, 20, null, "crlsign" },
    };

    [Theory]
    [MemberData(nameof(Expected))]
    public async Task OpenSsl_ReadsAndVerifiesIt(string name, string keyUsage, string? purposes, int policy, string? crl, string purpose)
    {
        using var openssl = new OpenSsl();
        await using SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();
        IssuanceRequest request = hierarchy.Request(name);
        Issuer issuer = hierarchy.IssuerOf(name);
        Certificate certificate = await issuer.IssueAsync(issuer.Prepare(request), TestContext.Current.CancellationToken);

        OpenSsl.Output text = Text(openssl, certificate);

        text.HasLines("X509v3 Key Usage: critical", keyUsage);
        text.HasLines("X509v3 Certificate Policies:", $"Policy: {SampleHierarchy.Publication.PolicyArc}.{policy}");
        Assert.Equal(purposes is not null, text.Says("Extended Key Usage"));
        if (purposes is not null)
        {
            text.HasLines($"X509v3 Extended Key Usage:{(name == "tsa" ? " critical" : "")}", purposes);
        }

        string ski = Convert.ToHexStringLower(issuer.KeyIdentifier.Span);
        Assert.Equal(crl is not null, text.Says($"URI:http://pki.example.gov.cn/crl/{ski}/{crl}"));
        Assert.Equal(crl is not null, text.Says("CRL Distribution Points"));
        Assert.Equal(name is not ("root" or "system-root"), text.Says($"CA Issuers - URI:http://pki.example.gov.cn/ca/{ski}.cer"));
        Assert.Equal(request.Profile.IsAuthority, text.Says("CA:TRUE"));
        Assert.Equal(name.StartsWith("ocsp-", StringComparison.Ordinal), text.Says("OCSP No Check"));
        openssl.Run("asn1parse", "-inform", "DER", "-i", "-in", openssl.Write("certificate.der", Der.Encode(certificate)));

        KeyKind signer = issuer.Algorithm == AlgorithmIdentifier.Sm3WithSm2 ? KeyKind.Sm2 : KeyKind.P256;
        openssl.VerifiesSigned(signer, issuer.SubjectPublicKeyInfo, Der.Encode(certificate));
        Assert.Contains(": OK", openssl.Run(Verify(openssl, certificate, issuer.Certificate ?? certificate, signer, "-purpose", purpose)).Text, StringComparison.Ordinal);
    }

    /// <summary>The purposes that a certificate does not have are refused by openssl: a link of officers is no server, and a person no CA.</summary>
    [Theory]
    [InlineData("officer-link", "sslserver")]
    [InlineData("tls-server", "sslclient")]
    [InlineData("person-encryption", "smimesign")]
    [InlineData("person-signing", "smimeencrypt")]
    [InlineData("person-signing", "timestampsign")]
    [InlineData("person-signing", "crlsign")]
    [InlineData("link", "smimesign")]
    [InlineData("tsa", "sslclient")]
    public async Task OpenSsl_RefusesAnotherPurpose(string name, string purpose)
    {
        using var openssl = new OpenSsl();
        await using SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();
        Issuer issuer = hierarchy.IssuerOf(name);
        Certificate certificate = await issuer.IssueAsync(issuer.Prepare(hierarchy.Request(name)), TestContext.Current.CancellationToken);
        KeyKind signer = issuer.Algorithm == AlgorithmIdentifier.Sm3WithSm2 ? KeyKind.Sm2 : KeyKind.P256;

        openssl.Refuses("purpose", Verify(openssl, certificate, issuer.Certificate!, signer, "-purpose", purpose));
    }

    /// <summary>At a time when every sample is valid.</summary>
    internal static string[] Verify(OpenSsl openssl, Certificate certificate, Certificate issuer, KeyKind signer, params string[] options) =>
    [
        "verify", "-x509_strict", "-attime", SampleHierarchy.Now.AddDays(1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), .. options, .. signer.VerifyOptions(),
        "-partial_chain", "-trusted", openssl.WritePem("issuer.pem", Pem.Certificate, issuer), openssl.WritePem("certificate.pem", Pem.Certificate, certificate),
    ];

    internal static OpenSsl.Output Text(OpenSsl openssl, Certificate certificate) => openssl.Run(
        "x509", "-noout", "-text", "-nameopt", "utf8,-esc_msb,sep_comma_plus_space,sname", "-in", openssl.WritePem("certificate.pem", Pem.Certificate, certificate));
}
