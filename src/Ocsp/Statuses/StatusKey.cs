using System.Runtime.InteropServices;

namespace ZwCa.Ocsp.Statuses;

/// <summary>A CA's number and a serial number, in 24 bytes and without an object.</summary>
internal readonly record struct StatusKey
{
    private const int MaxSerial = 20;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;

    /// <param name="serialNumber">Content of its INTEGER, 1 to 20 bytes.</param>
    public StatusKey(short authority, ReadOnlySpan<byte> serialNumber)
    {
        if (serialNumber.Length is 0 or > MaxSerial)
        {
            throw new ArgumentException("A serial number has 1 to 20 bytes.", nameof(serialNumber));
        }

        Span<byte> bytes = stackalloc byte[3 * sizeof(ulong)];
        bytes.Clear();
        serialNumber.CopyTo(bytes);
        bytes[MaxSerial] = (byte)serialNumber.Length;
        MemoryMarshal.Write(bytes[(MaxSerial + 1)..], authority);
        ReadOnlySpan<ulong> parts = MemoryMarshal.Cast<byte, ulong>(bytes);
        (_first, _second, _third) = (parts[0], parts[1], parts[2]);
    }

    /// <returns>The CA's number, and the content of the serial number's INTEGER; empty: it is nobody's.</returns>
    public (short Authority, byte[] SerialNumber) Split()
    {
        Span<ulong> parts = [_first, _second, _third];
        Span<byte> bytes = MemoryMarshal.AsBytes(parts);
        return (MemoryMarshal.Read<short>(bytes[(MaxSerial + 1)..]), bytes[..Math.Min((int)bytes[MaxSerial], MaxSerial)].ToArray());
    }

    /// <summary>Seeded anew in each process: which serial numbers meet in one place, nobody outside can know.</summary>
    public override int GetHashCode() => HashCode.Combine(_first, _second, _third);
}
