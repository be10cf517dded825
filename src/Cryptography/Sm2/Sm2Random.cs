using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>Secret scalars.</summary>
internal static class Sm2Random
{
    // Sets these nonces apart from every other use of SM3 on a private key.
    private static ReadOnlySpan<byte> NonceLabel => "ZWCA SM2 nonce 1"u8;

    /// <summary>Uniform in [1, n − 1], from the system's generator.</summary>
    internal static void NextScalar(out Scalar scalar)
    {
        Span<byte> bytes = stackalloc byte[Sm2.ScalarSizeInBytes];
        do
        {
            RandomNumberGenerator.Fill(bytes);
            scalar = Scalar.FromBytes(bytes);
        }
        while ((Scalar.BelowOrderMask(in scalar) & ~Scalar.IsZeroMask(in scalar)) == 0);
        CryptographicOperations.ZeroMemory(bytes);
    }

    /// <summary>
    /// A hedged nonce k = SM3(label ‖ d ‖ random ‖ e): secret and unpredictable as long as either the generator is good or d is unknown, and
    /// different for different e even if the generator repeats itself.
    /// </summary>
    /// <param name="random">32 bytes, fresh.</param>
    /// <param name="digest">e, 32 bytes.</param>
    /// <returns>False (once in 2^32) when the hash is not in [1, n − 1].</returns>
    internal static bool TryDeriveNonce(out Scalar nonce, in Scalar d, ReadOnlySpan<byte> random, ReadOnlySpan<byte> digest)
    {
        Span<byte> bytes = stackalloc byte[Sm2.ScalarSizeInBytes];
        var hash = new Sm3State();
        hash.Append(NonceLabel);
        hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<Scalar>(in d)));
        hash.Append(random);
        hash.Append(digest);
        hash.Finish(bytes);
        nonce = Scalar.FromBytes(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return (Scalar.BelowOrderMask(in nonce) & ~Scalar.IsZeroMask(in nonce)) != 0;
    }
}
