using System.Buffers.Binary;

namespace ZwCa.Issuance;

/// <summary>
/// Reads elements one after the other, without a tree, for what there are a million of. It takes lengths that are longer than needed, as <see cref="DerTree"/> does. Tag numbers
/// from 31 occur nowhere where it is used; they end the reading.
/// </summary>
internal ref struct DerCursor(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    public byte Tag { get; private set; }

    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>The length of the current element takes the fewest octets.</summary>
    public bool IsMinimal { get; private set; }

    /// <summary>The rest is no element.</summary>
    public bool Failed { get; private set; }

    public readonly bool AtEnd => _at == _bytes.Length;

    /// <returns>False: at the end, or <see cref="Failed"/>.</returns>
    public bool Next()
    {
        Tag = 0;
        Content = [];
        if (AtEnd || Failed)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = _bytes[_at..];
        if (!TryReadHeader(rest, out byte tag, out int header, out long length, out bool minimal) || length > rest.Length - header)
        {
            Failed = true;
            return false;
        }

        Tag = tag;
        IsMinimal = minimal;
        Content = rest.Slice(header, (int)length);
        _at += header + (int)length;
        return true;
    }

    /// <summary>The next element, if it has the tag.</summary>
    public bool Next(byte tag) => Next() && Tag == tag;

    /// <param name="header">Octets of tag and length.</param>
    /// <param name="length">Of the content, below 2^32.</param>
    /// <returns>False: cut off, indefinite, too long, or a tag number from 31.</returns>
    public static bool TryReadHeader(ReadOnlySpan<byte> bytes, out byte tag, out int header, out long length, out bool minimal)
    {
        tag = 0;
        header = 2;
        length = 0;
        minimal = true;
        if (bytes.Length < 2 || (bytes[0] & 0x1f) == 0x1f)
        {
            return false;
        }

        tag = bytes[0];
        length = bytes[1];
        if (length < 0x80)
        {
            return true;
        }

        int count = (int)length & 0x7f;
        length = 0;
        header = 2 + count;
        if (count is 0 or > 8 || bytes.Length < header)
        {
            return false;
        }

        foreach (byte octet in bytes[2..header])
        {
            length = (length << 8) | octet;
            if (length > uint.MaxValue)
            {
                return false;
            }
        }

        minimal = length >= 0x80 && bytes[2] != 0;
        return true;
    }

    /// <returns>Tag and length of a SEQUENCE, in the fewest octets.</returns>
    public static byte[] SequenceHeader(long contentLength)
    {
        if (contentLength < 0x80)
        {
            return [DerTag.Sequence, (byte)contentLength];
        }

        Span<byte> octets = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(octets, contentLength);
        octets = octets.TrimStart((byte)0);
        return [DerTag.Sequence, (byte)(0x80 | octets.Length), .. octets];
    }
}
