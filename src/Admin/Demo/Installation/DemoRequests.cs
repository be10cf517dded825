using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Admin.Demo;

/// <summary>PKCS #10 requests with an empty subject: the CA takes the public key and nothing else.</summary>
internal static class DemoRequests
{
    public static async Task<CertificationRequest> OfAsync(HsmSigner signer)
    {
        byte[] info = Der.Encode(new CertificationRequestInfo(Name.Create(), signer.SubjectPublicKeyInfo, []));
        return CertificationRequest.Assemble(info, signer.AlgorithmIdentifier, await signer.SignAsync(info));
    }

    public static CertificationRequest Of(ECDsa key) => Der.Decode<CertificationRequest>(
        new CertificateRequest(new X500DistinguishedName([0x30, 0x00]), key, HashAlgorithmName.SHA256).CreateSigningRequest());
}
