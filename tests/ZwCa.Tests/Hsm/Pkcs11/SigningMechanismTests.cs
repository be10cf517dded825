using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Tests.Hsm.Pkcs11;

public class SigningMechanismTests
{
    /// <summary>What .NET pads for the same digest, taken out of its signature with the public key, is what we hand to CKM_RSA_PKCS.</summary>
    [Theory]
    [InlineData(SignatureScheme.RsaPkcs1Sha256, "SHA256")]
    [InlineData(SignatureScheme.RsaPkcs1Sha384, "SHA384")]
    [InlineData(SignatureScheme.RsaPkcs1Sha512, "SHA512")]
    public void DigestInfo_IsWhatNetSigns(SignatureScheme scheme, string hash)
    {
        byte[] digest = new TestRandom().Bytes(scheme.DigestLength());
        using var rsa = RSA.Create(2048);
        RSAParameters key = rsa.ExportParameters(includePrivateParameters: false);
        byte[] signature = rsa.SignHash(digest, new HashAlgorithmName(hash), RSASignaturePadding.Pkcs1);
        byte[] padded = System.Numerics.BigInteger
            .ModPow(Unsigned(signature), Unsigned(key.Exponent!), Unsigned(key.Modulus!)).ToByteArray(isUnsigned: true, isBigEndian: true);

        var mechanism = SigningMechanism.Of(scheme);

        Assert.Equal(Cryptoki.CKM_RSA_PKCS, mechanism.Mechanism);
        Assert.Empty(mechanism.Parameter);
        Assert.Equal(padded[(Array.IndexOf(padded, (byte)0) + 1)..], mechanism.Data(digest));

        static System.Numerics.BigInteger Unsigned(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
    }

    [Theory]
    [InlineData(SignatureScheme.RsaPkcs1Sha256, "2.16.840.1.101.3.4.2.1")]
    [InlineData(SignatureScheme.RsaPkcs1Sha384, "2.16.840.1.101.3.4.2.2")]
    [InlineData(SignatureScheme.RsaPkcs1Sha512, "2.16.840.1.101.3.4.2.3")]
    public void DigestInfo_IsDer(SignatureScheme scheme, string hash)
    {
        byte[] digest = new byte[scheme.DigestLength()];
        var reader = new AsnReader(SigningMechanism.Of(scheme).Data(digest), AsnEncodingRules.DER);

        AsnReader info = reader.ReadSequence();
        AsnReader algorithm = info.ReadSequence();
        Assert.Equal(hash, algorithm.ReadObjectIdentifier());
        algorithm.ReadNull();
        algorithm.ThrowIfNotEmpty();
        Assert.Equal(digest, info.ReadOctetString());
        info.ThrowIfNotEmpty();
        reader.ThrowIfNotEmpty();
    }

    /// <summary>CK_RSA_PKCS_PSS_PARAMS on a little-endian LP64 machine: CKM of the hash, CKG of the mask, salt length.</summary>
    [Theory]
    [InlineData(SignatureScheme.RsaPssSha256, "500200000000000002000000000000002000000000000000")]
    [InlineData(SignatureScheme.RsaPssSha384, "600200000000000003000000000000003000000000000000")]
    [InlineData(SignatureScheme.RsaPssSha512, "700200000000000004000000000000004000000000000000")]
    public void PssParameters_LieAsInC(SignatureScheme scheme, string parameters)
    {
        byte[] digest = new byte[scheme.DigestLength()];
        var mechanism = SigningMechanism.Of(scheme);

        Assert.Equal((nuint)0x0D, mechanism.Mechanism);
        Assert.Equal(parameters, Convert.ToHexString(mechanism.Parameter));
        Assert.Equal(digest, mechanism.Data(digest));
    }

    [Fact]
    public void Ecdsa_TakesTheDigestAlone()
    {
        var mechanism = SigningMechanism.Of(SignatureScheme.EcdsaSha256);

        Assert.Equal((nuint)0x1041, mechanism.Mechanism);
        Assert.Equal([1, 2], mechanism.Data([1, 2]));
    }

    [Fact]
    public void Sm2_IsNoSchemeOfPkcs11() => Assert.Throws<ArgumentOutOfRangeException>(() => SigningMechanism.Of(SignatureScheme.Sm2));
}
