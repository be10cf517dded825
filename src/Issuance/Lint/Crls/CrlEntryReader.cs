using System.Buffers;

namespace ZwCa.Issuance;

/// <summary>Walks the entries of a CRL through a window: a million of them take no more memory than one.</summary>
public ref struct CrlEntryReader : IDisposable
{
    /// <summary>Longer entries are not taken apart. Ours have at most 81 octets; a certificateIssuer may have some hundreds.</summary>
    public const int MaxEntryLength = 1 << 15;

    private const int WindowLength = 1 << 16;

    private readonly CrlBytes _bytes;
    private readonly long _end;
    private readonly byte[] _window;
    private long _windowAt;
    private int _windowLength;
    private long _at;
    private long _number;

    internal CrlEntryReader(CrlBytes bytes, long start, long end)
    {
        _bytes = bytes;
        _at = start;
        _end = end;
        _window = ArrayPool<byte>.Shared.Rent(WindowLength);
    }

    public CrlEntryView Current { get; private set; }

    /// <summary>For <c>foreach</c>.</summary>
    public readonly CrlEntryReader GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_at >= _end)
        {
            return false;
        }

        _number++;
        long offset = _at;
        ReadOnlySpan<byte> rest = Look();
        if (!DerCursor.TryReadHeader(rest, out _, out int header, out long length, out _) || header + length > _end - _at)
        {
            // Where the next one begins nobody knows.
            Current = new CrlEntryView(_number, offset, "a tag or a length that is cut off, indefinite or beyond the end");
            _at = _end;
            return true;
        }

        _at += header + length;
        Current = header + length > MaxEntryLength
            ? new CrlEntryView(_number, offset, $"longer than {MaxEntryLength} octets")
            : header + length > rest.Length ? new CrlEntryView(_number, offset, "cut off: the file became shorter")
            : new CrlEntryView(_number, offset, rest[..(header + (int)length)]);
        return true;
    }

    public readonly void Dispose() => ArrayPool<byte>.Shared.Return(_window);

    /// <returns>What follows, <see cref="MaxEntryLength"/> octets at least where there are so many.</returns>
    private ReadOnlySpan<byte> Look()
    {
        int needed = (int)Math.Min(MaxEntryLength, _end - _at);
        if (_at < _windowAt || _at + needed > _windowAt + _windowLength)
        {
            _windowAt = _at;
            _windowLength = _bytes.Read(_at, _window.AsSpan(0, (int)Math.Min(_window.Length, _end - _at)));
        }

        return _window.AsSpan(0, _windowLength)[(int)(_at - _windowAt)..];
    }
}
