namespace ZwCa.Issuance;

/// <summary>The bytes of a CRL where they lie: in memory, in a file, or in a file that lacks its header and its end because it is not signed yet.</summary>
internal sealed class CrlBytes
{
    private readonly ReadOnlyMemory<byte> _before;
    private readonly Stream? _stream;
    private readonly long _start;
    private readonly long _streamLength;
    private readonly ReadOnlyMemory<byte> _after;

    public CrlBytes(ReadOnlyMemory<byte> bytes) => _before = bytes;

    /// <param name="stream">Seekable; its position moves.</param>
    /// <param name="before">Stands before what is in the stream.</param>
    public CrlBytes(Stream stream, long start, long length, ReadOnlyMemory<byte> before, ReadOnlyMemory<byte> after)
    {
        _before = before;
        _stream = stream;
        _start = start;
        _streamLength = length;
        _after = after;
    }

    public long Length => _before.Length + _streamLength + _after.Length;

    /// <summary>Fills the destination as far as there are bytes.</summary>
    /// <returns>Bytes read.</returns>
    public int Read(long position, Span<byte> destination)
    {
        int read = Copy(_before.Span, position, destination);
        position += read - _before.Length;
        if (_stream is not null && position >= 0 && position < _streamLength && read < destination.Length)
        {
            Span<byte> room = destination[read..];
            room = room[..(int)Math.Min(room.Length, _streamLength - position)];
            _stream.Position = _start + position;
            int count = _stream.ReadAtLeast(room, room.Length, throwOnEndOfStream: false);
            read += count;
            position += count;
        }

        return position - _streamLength < 0 ? read : read + Copy(_after.Span, position - _streamLength, destination[read..]);
    }

    /// <returns>All of them; fewer when the stream has become shorter.</returns>
    public byte[] Read(long position, int count)
    {
        byte[] bytes = new byte[count];
        return bytes[..Read(position, bytes)];
    }

    private static int Copy(ReadOnlySpan<byte> source, long position, Span<byte> destination)
    {
        if (position >= source.Length)
        {
            return 0;
        }

        ReadOnlySpan<byte> rest = source[(int)position..];
        int count = Math.Min(rest.Length, destination.Length);
        rest[..count].CopyTo(destination);
        return count;
    }
}
