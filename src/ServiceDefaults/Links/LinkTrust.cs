using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>
/// Which link certificates belong to this system: P-256, issued by the system CA, valid now, for the purpose that its extendedKeyUsage names.
/// </summary>
/// <param name="authorities">The system CA; during its renewal the old one and the new one.</param>
public sealed class LinkTrust(X509Certificate2Collection authorities, TimeProvider time)
{
    public static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");
    public static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");

    private const string P256 = "1.2.840.10045.3.1.7";

    /// <summary>Whether one of them is of a demonstration: its names say so (docs/CEREMONY.md).</summary>
    internal bool HasDemo => authorities.Any(each => ServiceCertificates.IsDemo(Der.Decode<Certificate>(each.RawData)));

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="CryptographicException">It holds no certificate.</exception>
    public static LinkTrust Load(string file, TimeProvider time)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? new LinkTrust(authorities, time) : throw new CryptographicException($"{file} holds no certificate.");
    }

    /// <summary>Builds the chain: some hundred microseconds. Nothing is fetched; revocation is the table of registered clients.</summary>
    /// <returns>Null: trusted. Otherwise the reason, for the log.</returns>
    public string? WhyNot(X509Certificate2 certificate, Oid purpose)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(purpose);
        try
        {
            return Judge(certificate, purpose);
        }
        catch (CryptographicException)
        {
            // Anybody may present anything: a key on a curve that nobody knows, an extension that is no DER.
            return "it cannot be read";
        }
    }

    private string? Judge(X509Certificate2 certificate, Oid purpose)
    {
        using (ECDsa? key = certificate.GetECDsaPublicKey())
        {
            if (key?.ExportParameters(false).Curve is not { IsNamed: true, Oid.Value: P256 })
            {
                return "its key is not P-256";
            }
        }

        // X509Chain takes a certificate without the extension for one of every purpose.
        IEnumerable<Oid> named = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(usage => usage.EnhancedKeyUsages.Cast<Oid>());
        if (!named.Any(each => each.Value == purpose.Value))
        {
            return $"its extendedKeyUsage lacks {purpose.Value}";
        }

        using var chain = new X509Chain
        {
            ChainPolicy =
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
                VerificationTime = time.GetUtcNow().LocalDateTime,
                ApplicationPolicy = { purpose },
            },
        };
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        bool trusted = chain.Build(certificate);
        string? reason = trusted ? null : string.Join(", ", chain.ChainStatus.Select(status => status.Status));
        foreach (X509ChainElement element in chain.ChainElements)
        {
            element.Certificate.Dispose();
        }

        return reason;
    }

    /// <summary>Whether now is between notBefore and notAfter: all of the judgement that changes with time.</summary>
    public bool IsValidNow(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        DateTimeOffset now = time.GetUtcNow();
        return now >= certificate.NotBefore && now <= certificate.NotAfter;
    }
}
