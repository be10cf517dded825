using System.Runtime.CompilerServices;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography.ConstantTime;

/// <summary>
/// Methods that are marked and mostly should not be: each leaks in one way that the check has to find. Compiled and judged exactly as
/// the product's are.
/// </summary>
internal static class Controls
{
    private static ulong _sink;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Branches(ulong secret)
    {
        if ((secret & 1) != 0)
        {
            _sink = 7;
        }
    }

    /// <summary>A select that the JIT cannot turn into a conditional move, because one side must not be read in vain.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong SelectsWithBranch(ulong secret, in ulong one, in ulong other) => secret == 0 ? one : other;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int LoopsWhileSecret(ulong secret)
    {
        int bits = 0;
        do
        {
            secret >>= 1;
            bits++;
        }
        while (secret != 0);
        return bits;
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong CallsUnmarked(ulong secret) => Unmarked(secret) ^ secret;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong EndsInUnmarked(ulong secret) => Unmarked(secret ^ 1);

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong CallsDelegate(Func<ulong, ulong> unknown, ulong secret) => unknown(secret) ^ secret;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong EndsInDelegate(Func<ulong, ulong> unknown, ulong secret) => unknown(secret);

    /// <summary>This project checks overflow, by a jump; the arithmetic cores do not.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong ChecksOverflow(ulong secret) => secret + 12345;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Divides(ulong secret, ulong divisor) => secret / divisor;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong ChecksBounds(ulong[] table, int secret) => table[secret];

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Switches(int secret)
    {
        switch (secret)
        {
            case 0: _sink ^= 3; break;
            case 1: _sink |= 5; break;
            case 2: _sink &= 7; break;
            case 3: _sink = ~_sink; break;
            case 4: _sink <<= 1; break;
            case 5: _sink >>= 1; break;
        }
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong SelectsWithMask(ulong bit, ulong one, ulong other)
    {
        ulong mask = unchecked(0UL - bit);
        return (one & mask) | (other & ~mask);
    }

    /// <summary>Marked calling marked, in a loop of eight rounds, with a stack buffer and so a canary.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe ulong LoopsEightTimes(ulong secret)
    {
        unchecked
        {
            ulong* words = stackalloc ulong[8];
            for (int i = 0; i < 8; i++)
            {
                words[i] = MaskOf(secret);
            }

            return words[5];
        }
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static ulong MaskOf(ulong secret) => secret & 0x5555;

    [ConstantTime]
    public static ulong OverloadedUnmarked(ulong secret) => secret;

    public static ulong OverloadedUnmarked(long secret) => (ulong)(secret & 1);

    [ConstantTime]
    public static ulong Generic<T>(T secret)
        where T : struct => secret.Equals(default(T)) ? 1UL : 0;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong Unmarked(ulong value) => value ^ 3;
}
