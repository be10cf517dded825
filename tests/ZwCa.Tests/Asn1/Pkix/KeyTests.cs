using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class KeyTests
{
    [Fact]
    public void Private_keys_of_dotnet_are_reproduced_and_understood()
    {
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] pkcs8 = ecdsa.ExportPkcs8PrivateKey();
        var info = Der.Decode<PrivateKeyInfo>(pkcs8);
        Assert.Equal(pkcs8, Der.Encode(info));
        Assert.Equal(AlgorithmIdentifier.EcKey(Oids.P256), info.PrivateKeyAlgorithm);
        var key = Der.Decode<EcPrivateKey>(info.PrivateKey);
        Assert.Equal(ecdsa.ExportParameters(true).D, key.PrivateKey.ToArray());

        byte[] rfc5915 = ecdsa.ExportECPrivateKey();
        Assert.Equal(rfc5915, Der.Encode(Der.Decode<EcPrivateKey>(rfc5915)));

        using RSA rsa = RSA.Create(2048);
        Assert.Equal(rsa.ExportPkcs8PrivateKey(), Der.Encode(Der.Decode<PrivateKeyInfo>(rsa.ExportPkcs8PrivateKey())));
    }

    [Fact]
    public void Dotnet_imports_a_private_key_of_ours()
    {
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ECParameters parameters = ecdsa.ExportParameters(true);
        byte[] point = [0x04, .. parameters.Q.X!, .. parameters.Q.Y!];
        byte[] pkcs8 = Der.Encode(new PrivateKeyInfo(AlgorithmIdentifier.EcKey(Oids.P256), Der.Encode(new EcPrivateKey(parameters.D, publicKey: point))));
        using ECDsa imported = ECDsa.Create();
        imported.ImportPkcs8PrivateKey(pkcs8, out int read);
        Assert.Equal(pkcs8.Length, read);
        Assert.True(ecdsa.VerifyData("a"u8, imported.SignData("a"u8, HashAlgorithmName.SHA256), HashAlgorithmName.SHA256));
    }

    [Fact]
    public void Public_keys_are_those_of_dotnet()
    {
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        ECParameters parameters = ecdsa.ExportParameters(false);
        byte[] point = [0x04, .. parameters.Q.X!, .. parameters.Q.Y!];
        Assert.Equal(ecdsa.ExportSubjectPublicKeyInfo(), Der.Encode(SubjectPublicKeyInfo.ForP256(point)));

        using RSA rsa = RSA.Create(2048);
        RSAParameters numbers = rsa.ExportParameters(false);
        var rsaKey = new RsaPublicKey(numbers.Modulus, numbers.Exponent);
        Assert.Equal(rsa.ExportRSAPublicKey(), Der.Encode(rsaKey));
        Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), Der.Encode(SubjectPublicKeyInfo.ForRsa(rsaKey)));
        Assert.Equal(numbers.Modulus, Der.Decode<RsaPublicKey>(rsa.ExportRSAPublicKey()).Modulus.TrimStart((byte)0).ToArray());
    }

    [Fact]
    public void An_SM2_key_has_the_prefix_of_GMT_0009()
    {
        string der = Convert.ToHexString(Der.Encode(PkixSamples.Sm2Key));
        Assert.StartsWith("3059301306072A8648CE3D020106082A811CCF5501822D034200" + "04" + "09F9DF31", der, StringComparison.Ordinal);
        Assert.Equal(Oids.Sm2, PkixSamples.Sm2Key.NamedCurve);
        Assert.Null(SubjectPublicKeyInfo.ForRsa(new RsaPublicKey(new byte[] { 3 }, new byte[] { 3 })).NamedCurve);
        Assert.Null(new SubjectPublicKeyInfo(new AlgorithmIdentifier(Oids.EcPublicKey), new byte[65]).NamedCurve);
        Assert.Throws<DerException>(() => new SubjectPublicKeyInfo(new AlgorithmIdentifier(Oids.EcPublicKey, (byte[])[0x06, 0x00]), new byte[65]).NamedCurve);
    }

    [Theory]
    [InlineData(64, 0x04)]
    [InlineData(66, 0x04)]
    [InlineData(65, 0x03)]
    [InlineData(33, 0x02)]
    [InlineData(0, 0x04)]
    public void Other_points_are_not_written(int length, byte first)
    {
        byte[] point = new byte[length];
        point.AsSpan(0, Math.Min(1, length)).Fill(first);
        Assert.Throws<ArgumentException>(() => SubjectPublicKeyInfo.ForSm2(point));
        Assert.Throws<ArgumentException>(() => SubjectPublicKeyInfo.ForP256(point));
    }

    [Theory]
    [InlineData("3006020100020103")]
    [InlineData("3006020103020100")]
    [InlineData("30060201FF020103")]
    public void RSA_numbers_are_positive(string der)
    {
        Assert.Throws<DerException>(() => Der.Decode<RsaPublicKey>(Convert.FromHexString(der)));
    }

    [Fact]
    public void Secrets_are_neither_printed_nor_compared()
    {
        foreach (Type type in (Type[])[typeof(EcPrivateKey), typeof(PrivateKeyInfo)])
        {
            Assert.Equal(typeof(object), type.GetMethod(nameof(ToString), [])!.DeclaringType);
            Assert.Equal(typeof(object), type.GetMethod(nameof(Equals), [typeof(object)])!.DeclaringType);
        }
    }

    /// <summary>Two buffers: that of the writer, as large as needed from the start, and the result. A third would be one that held the secret and is not cleared.</summary>
    [Fact]
    public void A_secret_is_written_into_one_buffer()
    {
        const int Length = 20_000;
        var info = new PrivateKeyInfo(AlgorithmIdentifier.Rsa, new byte[Length]);
        var key = new EcPrivateKey(new byte[Length], Oids.Sm2, new byte[65]);
        Assert.InRange(AllocatedBy(() => Der.Encode(info)), Length, (2 * Length) + 2000);
        Assert.InRange(AllocatedBy(() => Der.Encode(key)), Length, (2 * Length) + 2000);
    }

    [Fact]
    public void Empty_attributes_are_reproduced()
    {
        byte[] der = Convert.FromHexString("3019" + "020100" + "300D06092A864886F70D0101010500" + "0403000000" + "A000");
        var info = Der.Decode<PrivateKeyInfo>(der);
        Assert.Empty(info.Attributes);
        Assert.Equal(der, Der.Encode(info));
        Assert.NotEqual(der, Der.Encode(new PrivateKeyInfo(info.PrivateKeyAlgorithm, info.PrivateKey)));
    }

    private static long AllocatedBy(Func<object> action)
    {
        action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        GC.KeepAlive(action());
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
