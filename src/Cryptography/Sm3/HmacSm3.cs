using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>HMAC (GB/T 15852.2, RFC 2104) with SM3: 32 bytes, OID 1.2.156.10197.1.401.2.</summary>
public static class HmacSm3
{
    public const int HashSizeInBytes = Sm3.HashSizeInBytes;

    /// <returns>32 bytes.</returns>
    public static byte[] HashData(ReadOnlySpan<byte> key, ReadOnlySpan<byte> source)
    {
        byte[] mac = new byte[HashSizeInBytes];
        HashData(key, source, mac);
        return mac;
    }

    /// <summary>Allocates nothing. <paramref name="destination"/> may overlap the other two.</summary>
    /// <param name="key">Of any length; one longer than 64 bytes counts as its hash.</param>
    /// <param name="destination">32 bytes at least; the first 32 are written.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter than 32 bytes.</exception>
    public static void HashData(ReadOnlySpan<byte> key, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (destination.Length < HashSizeInBytes)
        {
            throw new ArgumentException("An SM3 MAC takes 32 bytes.", nameof(destination));
        }

        Span<byte> pad = stackalloc byte[Sm3.BlockSizeInBytes];
        Span<byte> inner = stackalloc byte[HashSizeInBytes];
        Sm3State state = new();
        pad.Clear();
        if (key.Length > pad.Length)
        {
            state.Append(key);
            state.Finish(pad);
        }
        else
        {
            key.CopyTo(pad);
        }

        Mask(pad, 0x36);
        state.Append(pad);
        state.Append(source);
        state.Finish(inner);

        Mask(pad, 0x36 ^ 0x5C);
        state.Append(pad);
        state.Append(inner);
        state.Finish(destination);

        CryptographicOperations.ZeroMemory(pad);
        CryptographicOperations.ZeroMemory(inner);
        state.Clear();
    }

    private static void Mask(Span<byte> pad, byte mask)
    {
        for (int i = 0; i < pad.Length; i++)
        {
            pad[i] ^= mask;
        }
    }
}
