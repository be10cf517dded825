using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZwCa.Data;

/// <summary>
/// An identifier that the application makes: 48 bits of Unix milliseconds, then 80 bits that begin at random and count up within a millisecond, so that what one
/// process makes is in the order of making (the public ULID specification). Sixteen bytes in storage, as text 32 lower-case hexadecimal digits.
/// </summary>
public static class Ulid
{
    public const int Length = 16;

    private const int TimeLength = 6;

    private static readonly Sequence Process = new();

    /// <returns>16 bytes.</returns>
    public static byte[] Create(DateTimeOffset time) => Process.Next(time);

    /// <returns>16 bytes: the lowest identifier of that millisecond, for ranges.</returns>
    public static byte[] FirstOf(DateTimeOffset time)
    {
        byte[] id = new byte[Length];
        BinaryPrimitives.WriteInt64BigEndian(id, time.ToUnixTimeMilliseconds() << 16);
        return id;
    }

    /// <returns>When it was made, by the clock of who made it.</returns>
    /// <exception cref="ArgumentException">Not 16 bytes.</exception>
    public static DateTimeOffset TimeOf(ReadOnlySpan<byte> id) =>
        id.Length == Length
            ? DateTimeOffset.FromUnixTimeMilliseconds((long)(BinaryPrimitives.ReadUInt64BigEndian(id) >> 16))
            : throw new ArgumentException($"{Length} bytes are expected.", nameof(id));

    /// <summary>Counts up within a millisecond, also where others come in between: who read the clock first need not be here first. What was left long ago and comes again begins at random once more.</summary>
    internal sealed class Sequence
    {
        private const int Remembered = 1024;

        private readonly Lock _gate = new();

        /// <summary>The last one of each millisecond, in the place of its lowest bits.</summary>
        private readonly UInt128[] _last = new UInt128[Remembered];

        /// <returns>16 bytes.</returns>
        public byte[] Next(DateTimeOffset time)
        {
            byte[] id = FirstOf(time);
            RandomNumberGenerator.Fill(id.AsSpan(TimeLength));

            // Room to count without running into the next millisecond.
            id[TimeLength] &= 0x7F;
            var value = BinaryPrimitives.ReadUInt128BigEndian(id);
            lock (_gate)
            {
                ref UInt128 last = ref _last[(int)((value >> 80) % Remembered)];
                if (value >> 80 == last >> 80)
                {
                    value = last + 1;
                }

                last = value;
            }

            BinaryPrimitives.WriteUInt128BigEndian(id, value);
            return id;
        }
    }
}
