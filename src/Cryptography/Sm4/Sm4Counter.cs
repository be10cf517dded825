using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>A key stream of encrypted counters, added to data.</summary>
internal static class Sm4Counter
{
    /// <summary>The whole block counts (CTR of GB/T 17964).</summary>
    public const int Width128 = 128;

    /// <summary>The last four bytes count and wrap around (GCTR of GB/T 36624, NIST SP 800-38D).</summary>
    public const int Width32 = 32;

    private const int ChunkSizeInBytes = 256;

    /// <param name="initialCounter">16 bytes.</param>
    /// <param name="destination">As long as <paramref name="source"/> at least; the same memory or none of it.</param>
    public static void Transform(
        Sm4Key key, ReadOnlySpan<byte> initialCounter, int width, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        UInt128 counter = BinaryPrimitives.ReadUInt128BigEndian(initialCounter);
        UInt128 counting = width == Width32 ? uint.MaxValue : UInt128.MaxValue;
        Span<byte> chunk = stackalloc byte[ChunkSizeInBytes];
        while (!source.IsEmpty)
        {
            int length = Math.Min(source.Length, chunk.Length);
            int blocks = (length + Sm4Key.BlockSizeInBytes - 1) / Sm4Key.BlockSizeInBytes;
            Span<byte> stream = chunk[..(blocks * Sm4Key.BlockSizeInBytes)];
            for (int at = 0; at < stream.Length; at += Sm4Key.BlockSizeInBytes)
            {
                BinaryPrimitives.WriteUInt128BigEndian(stream[at..], counter);
                counter = (counter & ~counting) | ((counter + 1) & counting);
            }

            key.Encrypt(stream, stream);
            Xor(source[..length], stream[..length], destination);
            source = source[length..];
            destination = destination[length..];
        }

        CryptographicOperations.ZeroMemory(chunk);
    }

    /// <param name="destination">As long as the other two at least; may be one of them.</param>
    public static void Xor(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, Span<byte> destination)
    {
        int i = 0;
        for (; i <= a.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            (new Vector<byte>(a[i..]) ^ new Vector<byte>(b[i..])).CopyTo(destination[i..]);
        }

        for (; i < a.Length; i++)
        {
            destination[i] = (byte)(a[i] ^ b[i]);
        }
    }
}
