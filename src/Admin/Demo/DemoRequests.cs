using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Demo;

/// <summary>PKCS #10 requests with an empty subject: the CA takes the public key and nothing else.</summary>
internal static class DemoRequests
{
    public static CertificationRequest Of(Sm2PrivateKey key)
    {
        byte[] info = Info(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(info, signature);
        return CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, Der.Encode(Sm2Signature.FromRaw(signature)));
    }

    public static CertificationRequest Of(ECDsa key) => Der.Decode<CertificationRequest>(
        new CertificateRequest(new X500DistinguishedName([0x30, 0x00]), key, HashAlgorithmName.SHA256).CreateSigningRequest());

    public static CertificationRequest Of(RSA key) => Der.Decode<CertificationRequest>(
        new CertificateRequest(new X500DistinguishedName([0x30, 0x00]), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest());

    private static byte[] Info(SubjectPublicKeyInfo key) => Der.Encode(new CertificationRequestInfo(Name.Create(), key, []));
}
