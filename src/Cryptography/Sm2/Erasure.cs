using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>Overwrites secrets that a method leaves on the stack.</summary>
internal static class Erasure
{
    // Not inlined, so that the stores cannot be dropped as dead.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Erase(ref ulong first, int words)
    {
        for (int i = 0; i < words; i++)
        {
            Unsafe.Add(ref first, i) = 0;
        }
    }

    /// <typeparam name="T">Made of 64-bit words only.</typeparam>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Erase<T>(ref T secret)
        where T : unmanaged => Erase(ref Unsafe.As<T, ulong>(ref secret), Unsafe.SizeOf<T>() / sizeof(ulong));
}
