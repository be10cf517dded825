using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Algorithms;

/// <summary>SM2 signatures and ciphertexts both ways, in the DER of GM/T 0009.</summary>
public class Sm2Tests
{
    /// <summary>Lengths around the block of SM3, which both e and the key derivation are made of.</summary>
    public static TheoryData<int> Lengths => [1, 16, 31, 32, 33, 64, 700];

    public static MatrixTheoryData<string, int> Ids => new(["1234567812345678", "TLSv1.3+GM+Cipher+Suite", "某人@example.cn"], [0, 1, 700]);

    [Theory]
    [MemberData(nameof(Ids))]
    public void OurSignature_IsVerified(string id, int length)
    {
        using var openssl = new OpenSsl();
        using var key = Sm2PrivateKey.Generate();
        WritePublicKey(openssl, key);
        openssl.Write("message.bin", Patterns.Bytes(length));
        openssl.Write("signature.der", TestKey.Sign(key, Patterns.Bytes(length), System.Text.Encoding.UTF8.GetBytes(id)));

        openssl.Run(Dgst("-verify", "public.pem", id, "-signature", "signature.der")).HasLines("Verified OK");
        openssl.Run(
            "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-digest", "sm3", "-pkeyopt", $"distid:{id}",
            "-sigfile", "signature.der", "-in", "message.bin").HasLines("Signature Verified Successfully");
        openssl.Refuses("Verification failure", Dgst("-verify", "public.pem", id + "x", "-signature", "signature.der"));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void SignatureOfOpenSsl_Verifies(string id, int length)
    {
        using var openssl = new OpenSsl();
        Sm2PublicKey key = GenerateKey(openssl);
        byte[] idBytes = System.Text.Encoding.UTF8.GetBytes(id);
        byte[] message = Patterns.Bytes(length);
        openssl.Write("message.bin", message);

        byte[][] signatures =
        [
            openssl.Run(Dgst("-sign", "key.pem", id)).Bytes,
            openssl.Run(
                "pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-digest", "sm3", "-pkeyopt", $"distid:{id}", "-in", "message.bin").Bytes,
        ];

        Assert.All(signatures, encoded =>
        {
            Sm2Signature signature = Der.Decode<Sm2Signature>(encoded);
            Assert.Equal(encoded, Der.Encode(signature));
            Assert.True(key.Verify(message, signature.Raw.Span, idBytes));
            Assert.False(key.Verify([.. message, 0], signature.Raw.Span, idBytes));
            Assert.False(key.Verify(message, signature.Raw.Span, [.. idBytes, 0]));
        });
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void OurCiphertext_IsDecrypted(int length)
    {
        using var openssl = new OpenSsl();
        Sm2PublicKey key = GenerateKey(openssl);
        byte[] plaintext = Patterns.Bytes(length);
        byte[] ciphertext = key.Encrypt(plaintext);

        openssl.Write("ciphertext.der", Der.Encode(Sm2Cipher.FromRaw(ciphertext)));
        Assert.Equal(plaintext, openssl.Run("pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ciphertext.der").Bytes);

        ciphertext[^1] ^= 1;
        openssl.Write("ciphertext.der", Der.Encode(Sm2Cipher.FromRaw(ciphertext)));
        openssl.Refuses("Public Key operation error", "pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ciphertext.der");
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void CiphertextOfOpenSsl_IsDecrypted(int length)
    {
        using var openssl = new OpenSsl();
        using var key = Sm2PrivateKey.Generate();
        byte[] plaintext = Patterns.Bytes(length);
        WritePublicKey(openssl, key);
        openssl.Write("plaintext.bin", plaintext);

        byte[] encoded = openssl.Run("pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem", "-in", "plaintext.bin").Bytes;
        Sm2Cipher cipher = Der.Decode<Sm2Cipher>(encoded);

        Assert.Equal(encoded, Der.Encode(cipher));
        Assert.Equal(plaintext, key.Decrypt(cipher.Raw.Span));
        byte[] changed = cipher.Raw.ToArray();
        changed[^1] ^= 1;
        Assert.Throws<CryptographicException>(() => key.Decrypt(changed));
    }

    private static string[] Dgst(string action, string key, string id, params string[] options) =>
        ["dgst", "-sm3", action, key, "-sigopt", $"distid:{id}", .. options, "message.bin"];

    private static void WritePublicKey(OpenSsl openssl, Sm2PrivateKey key) =>
        openssl.WritePem("public.pem", Pem.PublicKey, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));

    /// <summary>openssl's own key pair, in key.pem.</summary>
    private static Sm2PublicKey GenerateKey(OpenSsl openssl)
    {
        openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem");
        return Sm2PublicKey.FromBytes(openssl.ReadPem<SubjectPublicKeyInfo>("public.pem", Pem.PublicKey).PublicKey.Span);
    }
}
