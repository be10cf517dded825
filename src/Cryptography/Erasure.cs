using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// Clears what computations leave on the stack. Zeroing named locals is not enough, because the compiler keeps copies of their parts in slots
/// of its own. So each public method that handles a private key does the work in a method of its own and clears the stack below itself after.
/// </summary>
internal static class Erasure
{
    /// <summary>The frames of a batch of signatures take some 10 KiB.</summary>
    private const int DepthInBytes = 16 * 1024;

    /// <summary>Zeroes 16 KiB of stack below the caller's frame: call it from a finally block around a method that is not inlined.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void EraseStack()
    {
        Span<byte> below = stackalloc byte[DepthInBytes];
        CryptographicOperations.ZeroMemory(below);
    }
}
