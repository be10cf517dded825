using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>Writes a body field by field; big-endian. Some bodies hold secrets: <see cref="Dispose"/> zeroes, and so does growing.</summary>
internal sealed class WireWriter : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(512);
    private int _length;

    /// <summary>Valid until the next call.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    public void WriteByte(byte value) => Reserve(1)[0] = value;

    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Reserve(sizeof(ushort)), value);

    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Reserve(sizeof(uint)), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Reserve(sizeof(long)), value);

    /// <summary>Length in 4 bytes, then the bytes.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteUInt32((uint)bytes.Length);
        WriteExactly(bytes);
    }

    /// <summary>The bytes alone.</summary>
    public void WriteExactly(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    public void WriteText(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        WriteUInt32((uint)length);
        Encoding.UTF8.GetBytes(text, Reserve(length));
    }

    public void WriteLabel(KeyLabel label) => WriteText(label.Value);

    /// <summary>Room for bytes that the caller fills in.</summary>
    public Span<byte> Reserve(int count)
    {
        if (_buffer.Length - _length < count)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(2 * _buffer.Length, _length + count));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            Return();
            _buffer = larger;
        }

        Span<byte> room = _buffer.AsSpan(_length, count);
        _length += count;
        return room;
    }

    /// <summary>Zeroes what was written, to write anew.</summary>
    public void Clear()
    {
        CryptographicOperations.ZeroMemory(_buffer.AsSpan(0, _length));
        _length = 0;
    }

    public void Dispose()
    {
        Return();
        _buffer = [];
        _length = 0;
    }

    private void Return()
    {
        CryptographicOperations.ZeroMemory(_buffer.AsSpan(0, _length));
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }
}
