using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZwCa;

/// <summary>A system CA of the tests: issues P-256 link certificates. Linked into the test projects.</summary>
internal sealed class SystemCa : IDisposable
{
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public SystemCa(string name = "Test System CA")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1));
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>A link certificate with its key.</summary>
    /// <param name="purposes">Of extendedKeyUsage; by default client and server.</param>
    /// <param name="rawPurposes">Instead of them: bytes of the extension.</param>
    /// <param name="dnsName">The server's name; also reachable as 127.0.0.1 and localhost where null.</param>
    /// <param name="issuersAt">Where it says that its issuer's certificate can be fetched.</param>
    public X509Certificate2 Issue(
        string name, string[]? purposes = null, DateTimeOffset? notBefore = null, TimeSpan? validity = null, string? dnsName = null, ECCurve? curve = null,
        byte[]? rawPurposes = null, Uri? issuersAt = null)
    {
        using var key = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request(name, key, rawPurposes is null ? purposes : [], dnsName);
        if (rawPurposes is not null)
        {
            request.CertificateExtensions.Add(new X509Extension("2.5.29.37", rawPurposes, critical: true));
        }

        if (issuersAt is not null)
        {
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(null, [issuersAt.AbsoluteUri]));
        }

        DateTimeOffset from = notBefore ?? DateTimeOffset.UtcNow.AddMinutes(-5);
        using X509Certificate2 certificate = request.Create(
            Certificate, from, from + (validity ?? TimeSpan.FromDays(60)), RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>One signed by somebody who is no CA.</summary>
    public static X509Certificate2 IssueBy(X509Certificate2 issuer, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using ECDsa issuerKey = issuer.GetECDsaPrivateKey()!;
        using X509Certificate2 certificate = Request(name, key, null, null).Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuerKey), issuer.NotBefore, issuer.NotAfter, RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>One that nobody else signed.</summary>
    public static X509Certificate2 SelfSigned(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Request(name, key, null, null).CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddDays(60));
    }

    /// <summary>Writes certificate and key as a service reads them.</summary>
    /// <param name="password">Null: the key is not encrypted.</param>
    public static void Write(X509Certificate2 certificate, string certificateFile, string keyFile, string? password, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        string pem = password is null
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000));
        File.Delete(keyFile);
        File.WriteAllText(keyFile, pem);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(keyFile, mode);
        }

        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
    }

    public void Dispose() => Certificate.Dispose();

    private static CertificateRequest Request(string name, ECDsa key, string[]? purposes, string? dnsName)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        if (purposes is not { Length: 0 })
        {
            var usage = new OidCollection();
            foreach (string purpose in purposes ?? [ClientAuthentication, ServerAuthentication])
            {
                usage.Add(new Oid(purpose));
            }

            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usage, true));
        }

        var names = new SubjectAlternativeNameBuilder();
        if (dnsName is null)
        {
            names.AddIpAddress(System.Net.IPAddress.Loopback);
        }

        names.AddDnsName(dnsName ?? "localhost");
        request.CertificateExtensions.Add(names.Build());
        return request;
    }
}
