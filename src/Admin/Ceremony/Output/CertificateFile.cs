using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Ceremony;

/// <summary>One certificate as PEM.</summary>
internal static class CertificateFile
{
    /// <param name="name">For the message.</param>
    /// <exception cref="CeremonyException">Something else.</exception>
    public static Certificate Read(ReadOnlySpan<byte> pem, string name)
    {
        try
        {
            return Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, System.Text.Encoding.UTF8.GetString(pem)));
        }
        catch (DerException e)
        {
            throw new CeremonyException($"{name} is no certificate: {e.Message}", e);
        }
    }

    public static byte[] Write(Certificate certificate) => System.Text.Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
}
