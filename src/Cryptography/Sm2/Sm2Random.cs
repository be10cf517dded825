using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>Fills the span with random bytes. <see cref="RandomNumberGenerator.Fill"/>, unless a test has to name the bytes.</summary>
internal delegate void FillRandom(Span<byte> bytes);

/// <summary>Secret scalars.</summary>
internal static class Sm2Random
{
    // Sets these nonces apart from every other use of SM3 on a private key.
    private static ReadOnlySpan<byte> NonceLabel => "ZWCA SM2 nonce 1"u8;

    /// <summary>Uniform in [1, n − 1].</summary>
    internal static void NextScalar(out Scalar scalar, FillRandom fill)
    {
        Span<byte> bytes = stackalloc byte[Sm2.ScalarSizeInBytes];
        do
        {
            fill(bytes);
            scalar = Scalar.FromBytes(bytes);
        }
        while (!IsInRange(in scalar));
    }

    /// <summary>
    /// A hedged nonce k = SM3(label ‖ d ‖ random ‖ e): secret and unpredictable as long as either the generator is good or d is unknown, and
    /// different for different e even if the generator repeats itself.
    /// </summary>
    /// <param name="random">32 bytes, fresh.</param>
    /// <param name="e">The digest as an integer.</param>
    /// <returns>False (once in 2^32) when the hash is not in [1, n − 1].</returns>
    internal static bool TryDeriveNonce(out Scalar nonce, in Scalar d, ReadOnlySpan<byte> random, in Scalar e)
    {
        Span<byte> bytes = stackalloc byte[Sm2.ScalarSizeInBytes];
        var hash = new Sm3State();
        hash.Append(NonceLabel);
        hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<Scalar>(in d)));
        hash.Append(random);
        hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<Scalar>(in e)));
        hash.Finish(bytes);
        nonce = Scalar.FromBytes(bytes);
        return IsInRange(in nonce);
    }

    /// <summary>Whether the scalar is in [1, n − 1].</summary>
    internal static bool IsInRange(in Scalar scalar) => (Scalar.BelowOrderMask(in scalar) & ~Scalar.IsZeroMask(in scalar)) != 0;
}
