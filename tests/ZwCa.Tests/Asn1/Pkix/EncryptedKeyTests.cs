using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Tests.Cryptography;

namespace ZwCa.Tests.Asn1.Pkix;

/// <summary>Private keys under a password; .NET judges, which writes and reads the same format with P-256 and SM2 keys.</summary>
public sealed class EncryptedKeyTests
{
    private const string Password = "口令 with spaces 𠮷";

    private static readonly PbeParameters Fast = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, Pbes2Parameters.MinIterations);

    [Fact]
    public void DotnetReads_WhatIsWritten()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] pkcs8 = key.ExportPkcs8PrivateKey();
        var encrypted = EncryptedPrivateKeyInfo.Encrypt(Der.Decode<PrivateKeyInfo>(pkcs8), Password);
        byte[] der = Der.Encode(encrypted);

        using ECDsa imported = ECDsa.Create();
        imported.ImportEncryptedPkcs8PrivateKey(Password, der, out int read);
        Assert.Equal(der.Length, read);
        Assert.Equal(pkcs8, imported.ExportPkcs8PrivateKey());
        Assert.Equal(pkcs8, Der.Decode<EncryptedPrivateKeyInfo>(der).Decrypt(Password));

        var parameters = Der.Decode<Pbes2Parameters>(encrypted.EncryptionAlgorithm.Parameters!.Value);
        Assert.Equal(600_000, parameters.Iterations);
        Assert.Equal(16, parameters.Salt.Length);
        var again = EncryptedPrivateKeyInfo.Encrypt(Der.Decode<PrivateKeyInfo>(pkcs8), Password);
        var others = Der.Decode<Pbes2Parameters>(again.EncryptionAlgorithm.Parameters!.Value);
        Assert.NotEqual(parameters.Salt.ToArray(), others.Salt.ToArray());
        Assert.NotEqual(parameters.Iv.ToArray(), others.Iv.ToArray());
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(100_000)]
    public void WhatDotnetWrites_IsRead(int iterations)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] der = key.ExportEncryptedPkcs8PrivateKey(
            Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, iterations));

        var encrypted = Der.Decode<EncryptedPrivateKeyInfo>(der);
        Assert.Equal(der, Der.Encode(encrypted));
        Assert.Equal(key.ExportPkcs8PrivateKey(), encrypted.Decrypt(Password));
        Assert.Throws<CryptographicException>(() => encrypted.Decrypt(Password + " "));
        Assert.Throws<CryptographicException>(() => encrypted.Decrypt(""));
    }

    public static TheoryData<PbeEncryptionAlgorithm, string, int, string> OtherWays => new()
    {
        { PbeEncryptionAlgorithm.Aes256Cbc, "SHA1", 20_000, "HMAC-SHA256" },
        { PbeEncryptionAlgorithm.Aes256Cbc, "SHA512", 20_000, "HMAC-SHA256" },
        { PbeEncryptionAlgorithm.Aes128Cbc, "SHA256", 20_000, "AES-256-CBC" },
        { PbeEncryptionAlgorithm.Aes256Cbc, "SHA256", 9_999, "iteration count" },
        { PbeEncryptionAlgorithm.Aes256Cbc, "SHA256", 1, "iteration count" },
        { PbeEncryptionAlgorithm.TripleDes3KeyPkcs12, "SHA1", 20_000, "PBES2" },
    };

    [Theory]
    [MemberData(nameof(OtherWays))]
    public void OtherWays_AreRefusedByName(PbeEncryptionAlgorithm algorithm, string hash, int iterations, string reason)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] der = key.ExportEncryptedPkcs8PrivateKey(Password, new PbeParameters(algorithm, new HashAlgorithmName(hash), iterations));

        var refusal = Assert.Throws<DerException>(() => Der.Decode<EncryptedPrivateKeyInfo>(der).Decrypt(Password));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Ten million iterations would be read, one more is not: at once, without deriving a key.</summary>
    [Theory]
    [InlineData("00989680", true)]
    [InlineData("00989681", false)]
    [InlineData("7fffffff", false)]
    [InlineData("008000000000", false)]
    [InlineData("2710", true)]
    [InlineData("270f", false)]
    [InlineData("00", false)]
    [InlineData("ff", false)]
    public void Iterations_AreBounded(string number, bool read)
    {
        Tlv tree = Tlv.Parse(Der.Encode(new Pbes2Parameters(new byte[16], 600_000, new byte[16])));
        tree.Children![0].Children![1].Children![1].Content = Convert.FromHexString(number);
        byte[] der = tree.Encode();

        Assert.Equal(read, Record.Exception(() => Der.Decode<Pbes2Parameters>(der)) is not DerException);
    }

    [Fact]
    public void WhatIsWeak_IsNotWritten()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var info = Der.Decode<PrivateKeyInfo>(key.ExportPkcs8PrivateKey());

        Assert.Throws<ArgumentException>(() => EncryptedPrivateKeyInfo.Encrypt(info, ""));
        Assert.Throws<ArgumentOutOfRangeException>(() => EncryptedPrivateKeyInfo.Encrypt(info, Password, 599_999));
        Assert.Throws<ArgumentOutOfRangeException>(() => EncryptedPrivateKeyInfo.Encrypt(info, Password, 10_000_001));
        Assert.Throws<ArgumentException>(() => new Pbes2Parameters(new byte[7], 600_000, new byte[16]));
        Assert.Throws<ArgumentException>(() => new Pbes2Parameters(new byte[129], 600_000, new byte[16]));
        Assert.Throws<ArgumentException>(() => new Pbes2Parameters(new byte[16], 600_000, new byte[15]));
        var lone = Assert.Throws<ArgumentException>(() => EncryptedPrivateKeyInfo.Encrypt(info, "secret\ud800"));
        Assert.DoesNotContain("d800", lone.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    public void DataThatAreNotWholeBlocks_AreRefused(int length)
    {
        var parameters = new Pbes2Parameters(new byte[16], 10_000, new byte[16]);
        var encrypted = new EncryptedPrivateKeyInfo(new AlgorithmIdentifier(Oids.Pbes2, Der.Encode(parameters)), new byte[length]);

        Assert.Throws<DerException>(() => encrypted.Decrypt(Password));
        Assert.Throws<DerException>(() => new EncryptedPrivateKeyInfo(new AlgorithmIdentifier(Oids.Pbes2), new byte[16]).Decrypt(Password));
    }

    /// <summary>What one wrong password in 256 comes to: the padding is right and the rest is not.</summary>
    [Fact]
    public void APaddingThatIsRightByChance_IsAWrongPassword()
    {
        var parameters = new Pbes2Parameters(new byte[16], 10_000, new byte[16]);
        using var aes = Aes.Create();
        aes.Key = Rfc2898DeriveBytes.Pbkdf2(Password, new byte[16], 10_000, HashAlgorithmName.SHA256, 32);
        byte[] data = aes.EncryptCbc("no private key"u8, new byte[16]);

        var encrypted = new EncryptedPrivateKeyInfo(new AlgorithmIdentifier(Oids.Pbes2, Der.Encode(parameters)), data);
        Assert.Throws<CryptographicException>(() => encrypted.Decrypt(Password));
    }

    [Fact]
    public void AnSm2KeyFile_IsReadBack()
    {
        using var key = Sm2PrivateKey.Generate();
        string pem = Sm2KeyFile.Write(key, Password);

        Assert.StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", pem, StringComparison.Ordinal);
        using Sm2PrivateKey read = Sm2KeyFile.Read(pem, Password);
        Assert.Equal(D(key), D(read));
        Assert.Throws<CryptographicException>(() => Sm2KeyFile.Read(pem, "another"));
        Assert.Throws<DerException>(() => Sm2KeyFile.Read(pem, null));
    }

    [Fact]
    public void AnSm2KeyFileOfDotnet_IsRead()
    {
        using var key = Sm2PrivateKey.Generate();
        using ECDsa theirs = Oracle.OpenSsl(key.PublicKey.ToBytes(), D(key));

        using Sm2PrivateKey encrypted = Sm2KeyFile.Read(Pem.Encode(Pem.EncryptedPrivateKey, theirs.ExportEncryptedPkcs8PrivateKey(Password, Fast)), Password);
        string plain = Pem.Encode(Pem.PrivateKey, theirs.ExportPkcs8PrivateKey());
        using Sm2PrivateKey open = Sm2KeyFile.Read(plain, null);
        Assert.Equal(D(key), D(encrypted));
        Assert.Equal(D(key), D(open));
        Assert.Throws<DerException>(() => Sm2KeyFile.Read(plain, Password));
    }

    /// <summary>CBC does not authenticate: the public key beside d tells a changed d.</summary>
    [Fact]
    public void ADamagedKeyFile_IsNoKey()
    {
        using var key = Sm2PrivateKey.Generate();
        using ECDsa theirs = Oracle.OpenSsl(key.PublicKey.ToBytes(), D(key));
        var whole = Der.Decode<EncryptedPrivateKeyInfo>(theirs.ExportEncryptedPkcs8PrivateKey(Password, Fast));
        for (int at = 0; at < whole.EncryptedData.Length; at++)
        {
            byte[] data = whole.EncryptedData.ToArray();
            data[at] ^= 1;
            string pem = Pem.Encode(Pem.EncryptedPrivateKey, Der.Encode(new EncryptedPrivateKeyInfo(whole.EncryptionAlgorithm, data)));
            Exception? refusal = Record.Exception(() => Sm2KeyFile.Read(pem, Password));
            Assert.True(refusal is DerException or CryptographicException, $"byte {at}: {refusal}");
        }
    }

    [Fact]
    public void OtherKeys_AreNoSm2KeyFile()
    {
        using var key = Sm2PrivateKey.Generate();
        using ECDsa p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] d = D(key);
        byte[] point = key.PublicKey.ToBytes();
        using var other = Sm2PrivateKey.Generate();
        byte[][] files = [
            p256.ExportPkcs8PrivateKey(),
            Pkcs8(AlgorithmIdentifier.EcKey(Oids.P256), new EcPrivateKey(d, publicKey: point)),
            Pkcs8(AlgorithmIdentifier.Sm2Key, new EcPrivateKey(d, Oids.P256, point)),
            Pkcs8(AlgorithmIdentifier.Sm2Key, new EcPrivateKey(d, publicKey: other.PublicKey.ToBytes())),
            Pkcs8(AlgorithmIdentifier.Sm2Key, new EcPrivateKey(d, publicKey: new byte[65])),
            Der.Encode(new PrivateKeyInfo(AlgorithmIdentifier.Sm2Key, d)),
        ];
        Assert.All(files, file => Assert.Throws<DerException>(() => Sm2KeyFile.Read(Pem.Encode(Pem.PrivateKey, file), null)));

        foreach (byte[] bad in (byte[][])[new byte[32], d[1..], [.. Enumerable.Repeat((byte)0xff, 32)]])
        {
            byte[] file = Pkcs8(AlgorithmIdentifier.Sm2Key, new EcPrivateKey(bad));
            Assert.Throws<CryptographicException>(() => Sm2KeyFile.Read(Pem.Encode(Pem.PrivateKey, file), null));
        }

        using Sm2PrivateKey good = Sm2KeyFile.Read(Pem.Encode(Pem.PrivateKey, Pkcs8(AlgorithmIdentifier.Sm2Key, new EcPrivateKey(d, Oids.Sm2))), null);
        Assert.Equal(d, D(good));
    }

    private static byte[] Pkcs8(AlgorithmIdentifier algorithm, EcPrivateKey key) => Der.Encode(new PrivateKeyInfo(algorithm, Der.Encode(key)));

    private static byte[] D(Sm2PrivateKey key)
    {
        byte[] d = new byte[32];
        key.ExportBytes(d);
        return d;
    }
}
