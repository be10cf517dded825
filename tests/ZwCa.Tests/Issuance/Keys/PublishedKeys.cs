using System.Numerics;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Gm;

namespace ZwCa.Tests.Issuance.Keys;

/// <summary>The keys of tests/testdata/keys.</summary>
internal static class PublishedKeys
{
    /// <param name="name">Without folder and extension.</param>
    public static SubjectPublicKeyInfo Read(string name)
    {
        string text = Encoding.ASCII.GetString(Fixtures.Read($"keys/{name}.pem"));
        return text.Contains("RSA PUBLIC KEY", StringComparison.Ordinal)
            ? SubjectPublicKeyInfo.ForRsa(Der.Decode<RsaPublicKey>(Pem.Decode("RSA PUBLIC KEY", text)))
            : Der.Decode<SubjectPublicKeyInfo>(Pem.Decode(Pem.PublicKey, text));
    }

    public static BigInteger ReadModulus(string name) =>
        new(Der.Decode<RsaPublicKey>(Read(name).PublicKey).Modulus.Span, isUnsigned: true, isBigEndian: true);
}
