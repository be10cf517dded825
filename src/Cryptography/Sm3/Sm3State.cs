using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// A running SM3 hash that lives where it is declared, on the stack or in its owner: nothing is allocated. An assignment copies the
/// state. Only the lengths of what is hashed steer it, never the bytes.
/// </summary>
internal struct Sm3State
{
    private Chain _v;
    private Block _block;
    private ulong _length;

    /// <summary>The initial value of GB/T 32905-2016 4.1. A default value is not a valid state.</summary>
    public Sm3State() => Reset();

    public void Reset()
    {
        _v[0] = 0x7380166F;
        _v[1] = 0x4914B2B9;
        _v[2] = 0x172442D7;
        _v[3] = 0xDA8A0600;
        _v[4] = 0xA96F30BC;
        _v[5] = 0x163138AA;
        _v[6] = 0xE38DEE4D;
        _v[7] = 0xB0FB0E4E;
        _length = 0;
    }

    public void Append(ReadOnlySpan<byte> data)
    {
        int buffered = (int)(_length % Sm3Compression.BlockSizeInBytes);
        _length += (ulong)data.Length;
        if (buffered != 0)
        {
            int missing = Sm3Compression.BlockSizeInBytes - buffered;
            if (data.Length < missing)
            {
                data.CopyTo(_block[buffered..]);
                return;
            }

            data[..missing].CopyTo(_block[buffered..]);
            Sm3Compression.Compress(ref _v[0], ref _block[0], 1);
            data = data[missing..];
        }

        int blocks = data.Length / Sm3Compression.BlockSizeInBytes;
        if (blocks != 0)
        {
            Sm3Compression.Compress(ref _v[0], ref MemoryMarshal.GetReference(data), (nuint)blocks);
            data = data[(blocks * Sm3Compression.BlockSizeInBytes)..];
        }

        data.CopyTo(_block);
    }

    /// <summary>Writes the hash and starts anew; nothing of the data is left behind.</summary>
    /// <param name="destination">32 bytes at least; the first 32 are written.</param>
    public void Finish(Span<byte> destination)
    {
        // GB/T 32905-2016 5.2: a one bit, zeros, the length in bits as 64 bits big-endian.
        int used = (int)(_length % Sm3Compression.BlockSizeInBytes);
        Span<byte> block = _block;
        block[used++] = 0x80;
        block[used..].Clear();
        if (used > Sm3Compression.BlockSizeInBytes - sizeof(ulong))
        {
            Sm3Compression.Compress(ref _v[0], ref _block[0], 1);
            block.Clear();
        }

        BinaryPrimitives.WriteUInt64BigEndian(block[^sizeof(ulong)..], _length << 3);
        Sm3Compression.Compress(ref _v[0], ref _block[0], 1);
        for (int i = 0; i < 8; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination[(4 * i)..], _v[i]);
        }

        block.Clear();
        Reset();
    }

    /// <summary>Zeroes everything; <see cref="Reset"/> makes it usable again.</summary>
    public void Clear() =>
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref this, 1)));

    [InlineArray(8)]
    private struct Chain
    {
        private uint _first;
    }

    [InlineArray(Sm3Compression.BlockSizeInBytes)]
    private struct Block
    {
        private byte _first;
    }
}
