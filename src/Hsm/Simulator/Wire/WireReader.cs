using System.Buffers.Binary;
using System.Text;

namespace ZwCa.Hsm.Simulator.Wire;

/// <summary>Reads a body field by field; big-endian. Every length is checked before it is used.</summary>
/// <exception cref="WireException">By every method: the body ends early or a field is out of its bounds.</exception>
internal ref struct WireReader(ReadOnlyMemory<byte> body)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private ReadOnlyMemory<byte> _rest = body;

    public byte ReadByte() => Take(1).Span[0];

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(sizeof(ushort)).Span);

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)).Span);

    public long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long)).Span);

    /// <summary>A count or length field of 4 bytes.</summary>
    public int ReadCount(int max)
    {
        uint count = ReadUInt32();
        return count <= max ? (int)count : throw new WireException($"{count} where at most {max} are allowed.");
    }

    /// <summary>Flags, 4 bytes; the highest bit is always 0.</summary>
    public int ReadFlags() => ReadCount(int.MaxValue);

    /// <summary>As many bytes as the length before them says.</summary>
    /// <returns>A slice of the body.</returns>
    public ReadOnlyMemory<byte> ReadBytes(int max) => Take(ReadCount(max));

    /// <summary>Bytes whose number both sides know.</summary>
    public ReadOnlyMemory<byte> ReadExactly(int length) => Take(length);

    public string ReadText(int maxBytes)
    {
        try
        {
            return StrictUtf8.GetString(ReadBytes(maxBytes).Span);
        }
        catch (DecoderFallbackException)
        {
            throw new WireException("A text is not UTF-8.");
        }
    }

    public KeyLabel ReadLabel()
    {
        string value = ReadText(KeyLabel.MaxLength);
        return KeyLabel.IsLabel(value) ? new KeyLabel(value) : throw new WireException("Not a key label.");
    }

    /// <summary>A byte that is the number of an enum's member.</summary>
    public T ReadEnum<T>()
        where T : struct, Enum
    {
        var value = (T)Enum.ToObject(typeof(T), ReadByte());
        return Enum.IsDefined(value) ? value : throw new WireException($"No such {typeof(T).Name}.");
    }

    public readonly void ThrowIfNotEmpty()
    {
        if (!_rest.IsEmpty)
        {
            throw new WireException($"{_rest.Length} bytes too many.");
        }
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        if (length > _rest.Length)
        {
            throw new WireException("The body ends early.");
        }

        ReadOnlyMemory<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
