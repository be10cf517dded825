namespace ZwCa.Cryptography;

/// <summary>The symmetric half of SM2 encryption (GM/T 0003.4 §6.1 A5–A7, §7.1 B4–B6), keyed by a shared point (x₂, y₂); the caller clears the stack.</summary>
internal static class Sm2Cipher
{
    /// <summary>destination = source ⊕ KDF(x₂ ‖ y₂).</summary>
    /// <returns>False when the key stream is all zero.</returns>
    internal static bool Mask(in AffinePoint shared, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Span<byte> point = stackalloc byte[Sm2.PublicKeySizeInBytes];
        Sm2PublicKey.WritePoint(point, in shared);
        Sm2Kdf.DeriveKey(point[1..], destination);
        int any = 0;
        for (int i = 0; i < destination.Length; i++)
        {
            any |= destination[i];
            destination[i] ^= source[i];
        }

        return any != 0;
    }

    /// <summary>C3 = SM3(x₂ ‖ plaintext ‖ y₂), 32 bytes.</summary>
    internal static void ComputeC3(in AffinePoint shared, ReadOnlySpan<byte> plaintext, Span<byte> c3)
    {
        Span<byte> point = stackalloc byte[Sm2.PublicKeySizeInBytes];
        Sm2PublicKey.WritePoint(point, in shared);
        var hash = new Sm3State();
        hash.Append(point.Slice(1, Sm2.ScalarSizeInBytes));
        hash.Append(plaintext);
        hash.Append(point[(1 + Sm2.ScalarSizeInBytes)..]);
        hash.Finish(c3);
    }
}
