using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Interop.Algorithms;

/// <summary>Keys as files both ways: PKCS #8, RFC 5915 and SubjectPublicKeyInfo.</summary>
public class KeyFileTests
{
    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void KeyFilesOfOpenSsl_AreReadAndWrittenBack(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem");

        PrivateKeyInfo privateKey = Same<PrivateKeyInfo>(openssl, "key.pem", Pem.PrivateKey);
        SubjectPublicKeyInfo publicKey = Same<SubjectPublicKeyInfo>(openssl, "public.pem", Pem.PublicKey);

        Assert.Equal(publicKey.Algorithm, privateKey.PrivateKeyAlgorithm);
        if (kind == KeyKind.Rsa)
        {
            Assert.Equal(publicKey.PublicKey.ToArray(), Der.Encode(Der.Decode<RsaPublicKey>(publicKey.PublicKey)));
        }
        else
        {
            EcPrivateKey inner = Der.Decode<EcPrivateKey>(privateKey.PrivateKey);
            Assert.Equal(privateKey.PrivateKey.ToArray(), Der.Encode(inner));
            Assert.Equal(publicKey.PublicKey.ToArray(), inner.PublicKey!.Value.ToArray());
            Assert.Equal(kind == KeyKind.Sm2 ? Oids.Sm2 : Oids.P256, publicKey.NamedCurve);
        }
    }

    /// <summary>d of openssl's files makes the public key of openssl's files.</summary>
    [Fact]
    public void Sm2PrivateKeyOfOpenSsl_HasThePublicKeyOfOpenSsl()
    {
        using var openssl = new OpenSsl();
        openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem");

        // openssl labels this file SM2 PRIVATE KEY, which is a label of nobody else; the DER is that of RFC 5915.
        byte[] encoded = openssl.Run("ec", "-in", "key.pem", "-outform", "DER").Bytes;
        EcPrivateKey sec1 = Der.Decode<EcPrivateKey>(encoded);
        EcPrivateKey pkcs8 = Der.Decode<EcPrivateKey>(openssl.ReadPem<PrivateKeyInfo>("key.pem", Pem.PrivateKey).PrivateKey);
        using var key = Sm2PrivateKey.FromBytes(sec1.PrivateKey.Span);

        Assert.Equal(encoded, Der.Encode(sec1));
        Assert.Equal(Oids.Sm2, sec1.NamedCurve);
        Assert.Equal(sec1.PrivateKey.ToArray(), pkcs8.PrivateKey.ToArray());
        Assert.Equal(openssl.ReadPem<SubjectPublicKeyInfo>("public.pem", Pem.PublicKey).PublicKey.ToArray(), key.PublicKey.ToBytes());
    }

    /// <summary>The ends of the range, a d with leading zeros, and the key of GB/T 32918.5.</summary>
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000001")]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000ff")]
    [InlineData("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")]
    [InlineData("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54121")]
    public void OurSm2KeyFiles_AreReadByOpenSsl(string d)
    {
        using var openssl = new OpenSsl();
        byte[] bytes = Convert.FromHexString(d);
        using var key = Sm2PrivateKey.FromBytes(bytes);
        byte[] point = key.PublicKey.ToBytes();
        SubjectPublicKeyInfo publicKey = SubjectPublicKeyInfo.ForSm2(point);
        string[] files =
        [
            openssl.WritePem("pkcs8.pem", Pem.PrivateKey, Pkcs8(new EcPrivateKey(bytes, publicKey: point))),
            openssl.WritePem("pkcs8-without-public-key.pem", Pem.PrivateKey, Pkcs8(new EcPrivateKey(bytes))),
            openssl.WritePem("pkcs8-with-curve.pem", Pem.PrivateKey, Pkcs8(new EcPrivateKey(bytes, Oids.Sm2, point))),
            openssl.WritePem("sec1.pem", Pem.EcPrivateKey, new EcPrivateKey(bytes, Oids.Sm2, point)),
            openssl.WritePem("sec1-without-public-key.pem", Pem.EcPrivateKey, new EcPrivateKey(bytes, Oids.Sm2)),
        ];

        Assert.All(files, file =>
        {
            OpenSsl.Output output = openssl.Run("pkey", "-in", file, "-pubout");
            Assert.Equal(Der.Encode(publicKey), Pem.Decode(Pem.PublicKey, output.Text));
        });
        openssl.Run("pkey", "-in", "pkcs8.pem", "-check", "-noout").HasLines("Key is valid");
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void OurPublicKeyFile_IsReadByOpenSsl(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        SubjectPublicKeyInfo key = Authorities.TestAuthority.Of(kind).Signing.Key.PublicKey;
        string file = openssl.WritePem("public.pem", Pem.PublicKey, key);

        openssl.Run("pkey", "-pubin", "-in", file, "-pubcheck", "-noout").HasLines("Key is valid");
        Assert.Equal(Der.Encode(key), openssl.Run("pkey", "-pubin", "-in", file, "-pubout", "-outform", "DER").Bytes);
    }

    /// <summary>GM/T 0009-2023 §7.1 allows compressed points; openssl makes them, our key class reads them.</summary>
    [Fact]
    public void CompressedSm2PublicKeyOfOpenSsl_IsRead()
    {
        using var openssl = new OpenSsl();
        openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem");
        openssl.Run("ec", "-in", "key.pem", "-pubout", "-conv_form", "compressed", "-out", "compressed.pem");

        SubjectPublicKeyInfo compressed = Same<SubjectPublicKeyInfo>(openssl, "compressed.pem", Pem.PublicKey);
        SubjectPublicKeyInfo uncompressed = Same<SubjectPublicKeyInfo>(openssl, "public.pem", Pem.PublicKey);

        Assert.Equal(33, compressed.PublicKey.Length);
        Assert.Equal(uncompressed.PublicKey.ToArray(), Sm2PublicKey.FromBytes(compressed.PublicKey.Span).ToBytes());
    }

    /// <summary>A password as people type it, one that is not ASCII, and a long one.</summary>
    public static TheoryData<string> Passwords => ["secret word", "口令", new string('x', 200)];

    [Theory]
    [MemberData(nameof(Passwords))]
    public void OurEncryptedSm2KeyFile_IsReadByOpenSsl(string password)
    {
        using var openssl = new OpenSsl();
        using var key = Sm2PrivateKey.Generate();
        openssl.Write("key.pem", Encoding.ASCII.GetBytes(Sm2KeyFile.Write(key, password)));

        OpenSsl.Output output = openssl.Run("pkey", "-in", "key.pem", "-passin", "pass:" + password, "-pubout");
        Assert.Equal(Der.Encode(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())), Pem.Decode(Pem.PublicKey, output.Text));
        openssl.Run("pkey", "-in", "key.pem", "-passin", "pass:" + password, "-check", "-noout").HasLines("Key is valid");
        Assert.NotEqual(0, openssl.Try("pkey", "-in", "key.pem", "-passin", "pass:another", "-noout").ExitCode);

        string listing = openssl.Run("asn1parse", "-in", "key.pem").Text;
        Assert.Contains("PBES2", listing, StringComparison.Ordinal);
        Assert.Contains("PBKDF2", listing, StringComparison.Ordinal);
        Assert.Contains("hmacWithSHA256", listing, StringComparison.Ordinal);
        Assert.Contains("aes-256-cbc", listing, StringComparison.Ordinal);
        Assert.Contains(":0927C0", listing, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Passwords))]
    public void EncryptedSm2KeyFileOfOpenSsl_IsRead(string password)
    {
        using var openssl = new OpenSsl();
        openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem");
        openssl.Run(
            "pkcs8", "-topk8", "-in", "key.pem", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "600000",
            "-passout", "pass:" + password, "-out", "encrypted.pem");
        byte[] point = openssl.ReadPem<SubjectPublicKeyInfo>("public.pem", Pem.PublicKey).PublicKey.ToArray();

        using Sm2PrivateKey encrypted = Sm2KeyFile.Read(Text(openssl, "encrypted.pem"), password);
        using Sm2PrivateKey open = Sm2KeyFile.Read(Text(openssl, "key.pem"), null);

        Assert.Equal(point, encrypted.PublicKey.ToBytes());
        Assert.Equal(point, open.PublicKey.ToBytes());
        Same<EncryptedPrivateKeyInfo>(openssl, "encrypted.pem", Pem.EncryptedPrivateKey);
    }

    /// <summary>openssl's default of 2,048 iterations is too little.</summary>
    [Fact]
    public void EncryptedKeyFileOfFewIterations_IsRefused()
    {
        using var openssl = new OpenSsl();
        openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run("pkcs8", "-topk8", "-in", "key.pem", "-v2", "aes-256-cbc", "-passout", "pass:secret", "-out", "encrypted.pem");

        var refusal = Assert.Throws<DerException>(() => Sm2KeyFile.Read(Text(openssl, "encrypted.pem"), "secret"));
        Assert.Contains("iteration count", refusal.Message, StringComparison.Ordinal);
    }

    private static string Text(OpenSsl openssl, string file) => Encoding.ASCII.GetString(openssl.Read(file));

    private static PrivateKeyInfo Pkcs8(EcPrivateKey key) => new(AlgorithmIdentifier.EcKey(Oids.Sm2), Der.Encode(key));

    private static T Same<T>(OpenSsl openssl, string file, string label)
        where T : IDer<T>
    {
        byte[] encoded = Pem.Decode(label, Encoding.ASCII.GetString(openssl.Read(file)));
        T value = Der.Decode<T>(encoded);
        Assert.Equal(encoded, Der.Encode(value));
        return value;
    }
}
