using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Tests.Hsm.Pkcs11;

/// <summary>.NET says what the SubjectPublicKeyInfo has to be.</summary>
public class PublicKeyAttributesTests
{
    private static readonly byte[] P256 = Convert.FromHexString("06082A8648CE3D030107");

    [Fact]
    public void ParametersOfP256_AreItsOid() => Assert.Equal(P256, PublicKeyAttributes.P256Parameters);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Point_IsReadWithAndWithoutItsOctetString(bool wrapped)
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        (HsmKeyKind kind, SubjectPublicKeyInfo key) = PublicKeyAttributes.Ec(P256, Point(ecdsa, wrapped))!.Value;

        Assert.Equal(HsmKeyKind.P256, kind);
        Assert.Equal(ecdsa.ExportSubjectPublicKeyInfo(), Der.Encode(key));
    }

    [Fact]
    public void AnotherCurve_OrAPointOfAnotherForm_IsNoKeyOfOurs()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] point = Point(ecdsa, wrapped: false);
        byte[] compressed = [2, .. point[1..33]];

        Assert.Null(PublicKeyAttributes.Ec(Convert.FromHexString("06052B81040022"), point));
        Assert.Null(PublicKeyAttributes.Ec(P256, compressed));
        Assert.Null(PublicKeyAttributes.Ec(P256, point[..^1]));
        Assert.Null(PublicKeyAttributes.Ec(P256, []));
    }

    [Theory]
    [InlineData(2048, HsmKeyKind.Rsa2048, false)]
    [InlineData(3072, HsmKeyKind.Rsa3072, false)]
    [InlineData(2048, HsmKeyKind.Rsa2048, true)]
    public void RsaKey_IsRead_AlsoWithLeadingZeros(int bits, HsmKeyKind expected, bool zeros)
    {
        using var rsa = RSA.Create(bits);
        RSAParameters parameters = rsa.ExportParameters(includePrivateParameters: false);
        byte[] before = zeros ? [0] : [];

        (HsmKeyKind kind, SubjectPublicKeyInfo key) =
            PublicKeyAttributes.Rsa([.. before, .. parameters.Modulus!], [.. before, .. parameters.Exponent!])!.Value;

        Assert.Equal(expected, kind);
        Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), Der.Encode(key));
    }

    /// <summary>2047 bits in 256 bytes are not 2048.</summary>
    [Theory]
    [InlineData(128, 0x80)]
    [InlineData(256, 0x7F)]
    [InlineData(257, 0x01)]
    public void RsaKeyOfAnotherSize_IsNoKeyOfOurs(int length, byte first)
    {
        byte[] modulus = new byte[length];
        modulus[0] = first;

        Assert.Null(PublicKeyAttributes.Rsa(modulus, PublicKeyAttributes.PublicExponent));
    }

    private static byte[] Point(ECDsa ecdsa, bool wrapped)
    {
        ECPoint q = ecdsa.ExportParameters(includePrivateParameters: false).Q;
        byte[] point = [4, .. q.X!, .. q.Y!];
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(point);
        return wrapped ? writer.Encode() : point;
    }
}
