using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// The key derivation function of SM2: GM/T 0003.4-2012 5.4.3, GB/T 32918.4-2016 5.4.3. Block i of the output, counted from 1, is
/// SM3(Z ‖ i) with i as four bytes big-endian; the last block is cut.
/// </summary>
public static class Sm2Kdf
{
    /// <summary>
    /// Fills <paramref name="destination"/>, whatever its length. An output of zeros only, upon which SM2 encryption has to start
    /// over (GM/T 0003.4 6.1 A5), is not looked for here. Allocates nothing; the spans may overlap.
    /// </summary>
    /// <param name="z">The shared secret: x2 ‖ y2 (64 bytes) in SM2 encryption.</param>
    public static void DeriveKey(ReadOnlySpan<byte> z, Span<byte> destination)
    {
        Span<byte> block = stackalloc byte[Sm3.HashSizeInBytes];
        Span<byte> counter = stackalloc byte[sizeof(uint)];
        Sm3State afterZ = new();
        afterZ.Append(z);
        Sm3State state = afterZ;
        for (uint i = 1; !destination.IsEmpty; i++)
        {
            state = afterZ;
            BinaryPrimitives.WriteUInt32BigEndian(counter, i);
            state.Append(counter);
            state.Finish(block);
            int length = Math.Min(block.Length, destination.Length);
            block[..length].CopyTo(destination);
            destination = destination[length..];
        }

        CryptographicOperations.ZeroMemory(block);
        afterZ.Clear();
        state.Clear();
    }
}
