using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Interop.Algorithms;

/// <summary>SM4 both ways with <c>openssl enc</c>, which has no GCM.</summary>
public class Sm4Tests
{
    private static readonly byte[] Key = Convert.FromHexString("0123456789abcdeffedcba9876543210");

    /// <summary>The counter carries through all of its 128 bits within the longer messages.</summary>
    private static readonly byte[] Iv = Convert.FromHexString("fffffffffffffffffffffffffffffffd");

    /// <summary>Less than a block, whole blocks, and more than the widest stride of the implementation (256 bytes).</summary>
    public static MatrixTheoryData<string, int> Messages => new(["sm4-ecb", "sm4-cbc", "sm4-ctr"], [1, 15, 16, 17, 64, 255, 256, 257, 5003]);

    public static MatrixTheoryData<string, int> WholeBlocks => new(["sm4-ecb", "sm4-cbc"], [16, 32, 4096]);

    [Theory]
    [MemberData(nameof(Messages))]
    public void Ciphertext_IsThatOfOpenSsl(string mode, int length)
    {
        using var openssl = new OpenSsl();
        byte[] plaintext = Patterns.Bytes(length);

        byte[] ciphertext = Encrypt(mode, plaintext, PaddingMode.PKCS7);

        Assert.Equal(Run(openssl, mode, plaintext, "-e"), ciphertext);
        Assert.Equal(plaintext, Run(openssl, mode, ciphertext, "-d"));
        Assert.Equal(plaintext, Decrypt(mode, ciphertext, PaddingMode.PKCS7));
    }

    [Theory]
    [MemberData(nameof(WholeBlocks))]
    public void CiphertextWithoutPadding_IsThatOfOpenSsl(string mode, int length)
    {
        using var openssl = new OpenSsl();
        byte[] plaintext = Patterns.Bytes(length);

        byte[] ciphertext = Encrypt(mode, plaintext, PaddingMode.None);

        Assert.Equal(Run(openssl, mode, plaintext, "-e", "-nopad"), ciphertext);
        Assert.Equal(plaintext, Run(openssl, mode, ciphertext, "-d", "-nopad"));
        Assert.Equal(plaintext, Decrypt(mode, ciphertext, PaddingMode.None));
    }

    private static byte[] Encrypt(string mode, byte[] plaintext, PaddingMode padding)
    {
        using var sm4 = new Sm4(Key);
        return mode switch
        {
            "sm4-ecb" => sm4.EncryptEcb(plaintext, padding),
            "sm4-cbc" => sm4.EncryptCbc(plaintext, Iv, padding),
            _ => Count(sm4, plaintext),
        };
    }

    private static byte[] Decrypt(string mode, byte[] ciphertext, PaddingMode padding)
    {
        using var sm4 = new Sm4(Key);
        return mode switch
        {
            "sm4-ecb" => sm4.DecryptEcb(ciphertext, padding),
            "sm4-cbc" => sm4.DecryptCbc(ciphertext, Iv, padding),
            _ => Count(sm4, ciphertext),
        };
    }

    private static byte[] Count(Sm4 sm4, byte[] source)
    {
        byte[] destination = new byte[source.Length];
        sm4.TransformCtr(source, Iv, destination);
        return destination;
    }

    private static byte[] Run(OpenSsl openssl, string mode, byte[] input, params string[] options)
    {
        string[] iv = mode == "sm4-ecb" ? [] : ["-iv", Convert.ToHexString(Iv)];
        return openssl.Run(["enc", "-" + mode, "-K", Convert.ToHexString(Key), .. iv, .. options], input).Bytes;
    }
}
