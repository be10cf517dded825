using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZwCa.Data;

/// <summary>
/// An identifier that the application makes: 48 bits of Unix milliseconds, then 80 random bits, so that rows made about the same time lie together
/// (the public ULID specification). Sixteen bytes in storage, as text 32 lower-case hexadecimal digits.
/// </summary>
public static class Ulid
{
    public const int Length = 16;

    private const int TimeLength = 6;

    /// <returns>16 bytes.</returns>
    public static byte[] Create(DateTimeOffset time)
    {
        byte[] id = new byte[Length];
        BinaryPrimitives.WriteInt64BigEndian(id, time.ToUnixTimeMilliseconds() << 16);
        RandomNumberGenerator.Fill(id.AsSpan(TimeLength));
        return id;
    }

    /// <returns>When it was made, by the clock of who made it.</returns>
    /// <exception cref="ArgumentException">Not 16 bytes.</exception>
    public static DateTimeOffset TimeOf(ReadOnlySpan<byte> id) =>
        id.Length == Length
            ? DateTimeOffset.FromUnixTimeMilliseconds((long)(BinaryPrimitives.ReadUInt64BigEndian(id) >> 16))
            : throw new ArgumentException($"{Length} bytes are expected.", nameof(id));
}
