using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// GHASH of GCM (NIST SP 800-38D 6.4, GB/T 36624), on the stack of its user. A block is held as one 128-bit number, element 1 the
/// first eight bytes, both big-endian: then bit 127 is the coefficient of x^0 and bit 0 that of x^127.
/// </summary>
internal struct Ghash
{
    private const int BlockSizeInBytes = 16;

    private readonly bool _accelerated;
    private Vector128<ulong> _h;
    private Vector128<ulong> _y;

    /// <param name="h">The encrypted zero block, 16 bytes.</param>
    /// <param name="accelerated">False takes the portable code even where PCLMULQDQ is present.</param>
    public Ghash(ReadOnlySpan<byte> h, bool accelerated)
    {
        _accelerated = accelerated;
        _y = Vector128<ulong>.Zero;
        ulong high = BinaryPrimitives.ReadUInt64BigEndian(h);
        ulong low = BinaryPrimitives.ReadUInt64BigEndian(h[8..]);
        if (accelerated)
        {
            // The carry-less product of two numbers of 128 bits in this order is its true value times x: H/x makes up for it.
            ulong carry = 0 - (high >> 63);
            high = ((high << 1) | (low >> 63)) ^ (carry & 0xC200_0000_0000_0000);
            low = (low << 1) ^ (carry & 1);
        }

        _h = Vector128.Create(low, high);
    }

    public static bool IsSupported => Pclmulqdq.IsSupported && Ssse3.IsSupported;

    /// <summary>Appends data and as many zeros as fill its last block.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        int whole = data.Length - (data.Length % BlockSizeInBytes);
        if (whole != 0)
        {
            Multiply(in data[0], (nuint)(whole / BlockSizeInBytes));
        }

        if (whole < data.Length)
        {
            Span<byte> block = stackalloc byte[BlockSizeInBytes];
            block.Clear();
            data[whole..].CopyTo(block);
            Multiply(in block[0], 1);
            CryptographicOperations.ZeroMemory(block);
        }
    }

    /// <summary>Appends the two lengths and writes the result.</summary>
    /// <param name="hash">16 bytes.</param>
    public void Finish(long associatedBytes, long ciphertextBytes, Span<byte> hash)
    {
        BinaryPrimitives.WriteUInt64BigEndian(hash, (ulong)associatedBytes << 3);
        BinaryPrimitives.WriteUInt64BigEndian(hash[8..], (ulong)ciphertextBytes << 3);
        Multiply(in hash[0], 1);
        BinaryPrimitives.WriteUInt64BigEndian(hash, _y[1]);
        BinaryPrimitives.WriteUInt64BigEndian(hash[8..], _y[0]);
    }

    public void Clear() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(new Span<Ghash>(ref this)));

    private void Multiply(ref readonly byte blocks, nuint count)
    {
        if (_accelerated)
        {
            MultiplyCarryless(ref _y, in _h, in blocks, count);
        }
        else
        {
            MultiplyPortable(ref _y, in _h, in blocks, count);
        }
    }

    /// <summary>y = (y + block)·H for each block.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyCarryless(ref Vector128<ulong> y, ref readonly Vector128<ulong> h, ref readonly byte blocks, nuint count)
    {
        Vector128<byte> reverse = Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

        // x^128 + x^127 + x^126 + x^121 + 1, the reflected field polynomial, without its two ends.
        Vector128<ulong> polynomial = Vector128.CreateScalar(0xC200_0000_0000_0000);
        ref byte block = ref Unsafe.AsRef(in blocks);
        Vector128<ulong> a = y;
        Vector128<ulong> b = h;
        do
        {
            a ^= Ssse3.Shuffle(Vector128.LoadUnsafe(ref block), reverse).AsUInt64();
            Vector128<ulong> low = Pclmulqdq.CarrylessMultiply(a, b, 0x00);
            Vector128<ulong> high = Pclmulqdq.CarrylessMultiply(a, b, 0x11);
            Vector128<ulong> middle = Pclmulqdq.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.CarrylessMultiply(a, b, 0x10);
            low ^= Sse2.ShiftLeftLogical128BitLane(middle, 8);
            high ^= Sse2.ShiftRightLogical128BitLane(middle, 8);

            // Twice: the lowest 64 bits times the polynomial added, which makes them vanish.
            low = Swap(low) ^ Pclmulqdq.CarrylessMultiply(low, polynomial, 0x00);
            low = Swap(low) ^ Pclmulqdq.CarrylessMultiply(low, polynomial, 0x00);
            a = high ^ low;
            block = ref Unsafe.Add(ref block, BlockSizeInBytes);
        }
        while (--count != 0);
        y = a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Swap(Vector128<ulong> x) => Sse2.Shuffle(x.AsUInt32(), 0b01_00_11_10).AsUInt64();

    /// <summary>The same bit by bit, as SP 800-38D 6.3 writes it, with masks for branches.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyPortable(ref Vector128<ulong> y, ref readonly Vector128<ulong> h, ref readonly byte blocks, nuint count)
    {
        ref byte block = ref Unsafe.AsRef(in blocks);
        ref ulong y0 = ref Unsafe.As<Vector128<ulong>, ulong>(ref y);
        ref ulong y1 = ref Unsafe.Add(ref y0, 1);
        ref ulong h0 = ref Unsafe.As<Vector128<ulong>, ulong>(ref Unsafe.AsRef(in h));
        do
        {
            ulong xHigh = y1 ^ ReadBigEndian(ref block);
            ulong xLow = y0 ^ ReadBigEndian(ref Unsafe.Add(ref block, 8));
            ulong vLow = h0;
            ulong vHigh = Unsafe.Add(ref h0, 1);
            ulong zHigh = 0;
            ulong zLow = 0;
            for (int i = 0; i < 128; i++)
            {
                ulong take = (ulong)((long)xHigh >> 63);
                zHigh ^= vHigh & take;
                zLow ^= vLow & take;
                xHigh = (xHigh << 1) | (xLow >> 63);
                xLow <<= 1;
                ulong carry = 0 - (vLow & 1);
                vLow = (vLow >> 1) | (vHigh << 63);
                vHigh = (vHigh >> 1) ^ (carry & 0xE100_0000_0000_0000);
            }

            y1 = zHigh;
            y0 = zLow;
            block = ref Unsafe.Add(ref block, BlockSizeInBytes);
        }
        while (--count != 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ReadBigEndian(ref byte source)
    {
        ulong value = Unsafe.ReadUnaligned<ulong>(ref source);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
    }
}
