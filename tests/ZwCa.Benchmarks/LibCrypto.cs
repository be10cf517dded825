using System.Runtime.InteropServices;

namespace ZwCa.Benchmarks;

/// <summary>
/// What .NET does not offer of OpenSSL 3 (SM3), or does not offer at its full speed (key pairs). What can be prepared once is, as a program that
/// cares for speed would.
/// </summary>
internal static unsafe partial class LibCrypto
{
    private const string Library = "libcrypto.so.3";

    /// <summary>OpenSSL's number for the SM2 curve (obj_mac.h).</summary>
    private const int Sm2Curve = 1172;

    private static readonly nint _sm3 = Fetch(0, "SM3", null);
    private static readonly nint _key = NewKey(Sm2Curve);

    /// <param name="destination">32 bytes.</param>
    public static void Sm3(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        fixed (byte* data = source)
        fixed (byte* hash = destination)
        {
            if (Digest(data, (nuint)source.Length, hash, null, _sm3, 0) != 1)
            {
                throw new InvalidOperationException("EVP_Digest failed.");
            }
        }
    }

    /// <summary>A fresh SM2 key pair in place of the one before.</summary>
    public static void GenerateSm2()
    {
        if (GenerateKey(_key) != 1)
        {
            throw new InvalidOperationException("EC_KEY_generate_key failed.");
        }
    }

    [LibraryImport(Library, EntryPoint = "EC_KEY_new_by_curve_name")]
    private static partial nint NewKey(int curve);

    [LibraryImport(Library, EntryPoint = "EC_KEY_generate_key")]
    private static partial int GenerateKey(nint key);

    [LibraryImport(Library, EntryPoint = "EVP_MD_fetch", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Fetch(nint libraryContext, string algorithm, string? properties);

    [LibraryImport(Library, EntryPoint = "EVP_Digest")]
    private static partial int Digest(byte* data, nuint count, byte* hash, uint* size, nint type, nint engine);
}
