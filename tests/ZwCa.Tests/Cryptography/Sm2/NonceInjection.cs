using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

/// <summary>The production signing and encryption steps with a nonce that the test names.</summary>
internal static class NonceInjection
{
    /// <returns>r‖s, or null when this nonce gives no signature.</returns>
    internal static byte[]? SignDigest(Sm2PrivateKey key, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> nonce)
    {
        Span<byte> bytes = stackalloc byte[32];
        key.ExportBytes(bytes);
        Scalar d = Scalar.FromBytes(bytes);
        Scalar.Add(out Scalar sum, in d, Scalar.One);
        ModularInverse.InvertModOrder(out Scalar inverse, in sum);
        Scalar.MultiplyMontgomery(out inverse, in inverse, Scalar.MontgomerySquare);
        SignatureWork work = new() { E = Scalar.FromBytes(digest), K = Scalar.FromBytes(nonce) };
        Signing.SignBatch(ref work, 1, in inverse, ref CombTable.Generator.First);
        if (work.Valid == 0)
        {
            return null;
        }

        byte[] signature = new byte[64];
        work.R.ToBytes(signature);
        work.S.ToBytes(signature.AsSpan(32));
        return signature;
    }

    internal static byte[] Encrypt(Sm2PublicKey key, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> nonce)
    {
        byte[] ciphertext = new byte[plaintext.Length + Sm2.CiphertextOverheadInBytes];
        Assert.True(key.TryEncrypt(plaintext, Scalar.FromBytes(nonce), ciphertext));
        return ciphertext;
    }
}
