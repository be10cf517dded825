using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.ServiceDefaults;

/// <summary>Certificates in a service's configuration, looked at when it starts.</summary>
public static class ServiceCertificates
{
    private const string DemoMark = "演示 DEMO";

    /// <param name="file">PEM.</param>
    /// <exception cref="StartCheckException">It is none.</exception>
    public static Certificate Read(string file)
    {
        try
        {
            return Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, File.ReadAllText(file)));
        }
        catch (DerException e)
        {
            throw new StartCheckException($"{file} is no certificate in PEM: {e.Message}");
        }
    }

    /// <summary>That of a key in the device, which is valid now.</summary>
    /// <exception cref="StartCheckException">It is none, is another key's, or out of its time.</exception>
    public static Certificate ReadOwn(string file, HsmKey key, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(key);
        Certificate certificate = Read(file);
        Validity validity = certificate.Tbs.Validity;
        return certificate.Tbs.SubjectPublicKeyInfo != key.PublicKey ? throw new StartCheckException($"{file} is not of the key {key.Label}.")
            : now < validity.NotBefore.Value || now > validity.NotAfter.Value ? throw new StartCheckException($"{file} is valid from {validity.NotBefore.Value:u} to {validity.NotAfter.Value:u}.")
            : certificate;
    }

    /// <summary>Demo material never grows into production: its names say what it is (docs/CEREMONY.md).</summary>
    /// <returns>Whether its subject or its issuer is of a demonstration.</returns>
    public static bool IsDemo(Certificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return IsDemo(certificate.Tbs.Subject) || IsDemo(certificate.Tbs.Issuer);
    }

    private static bool IsDemo(Name name) => name.Rdns.Any(rdn => rdn.Attributes.Any(attribute => attribute.Text?.Contains(DemoMark, StringComparison.Ordinal) == true));
}
