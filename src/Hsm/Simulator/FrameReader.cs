using System.Security.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>Cuts a stream into frames. Bytes of a frame are zeroed once they have been dealt with: they may be a secret.</summary>
/// <param name="maxBody">A longer body is refused before memory is taken for it.</param>
internal sealed class FrameReader(Stream stream, int maxBody)
{
    private const int OrdinarySize = 32 * 1024;

    private byte[] _buffer = new byte[OrdinarySize];

    // Unread bytes lie in [_start, _end); outside of that, and of the frame last taken, there are only zeros.
    private int _start;
    private int _end;
    private int _taken;
    private int _needed = Frame.HeaderLength;

    /// <param name="frame">Its body is valid until the next call.</param>
    /// <returns>False: not all of a frame is there yet.</returns>
    /// <exception cref="WireException">Shorter than a header or longer than allowed.</exception>
    public bool TryTake(out Frame frame)
    {
        Release();
        frame = default;
        _needed = Frame.HeaderLength;
        int there = _end - _start;
        if (there < sizeof(uint))
        {
            return false;
        }

        ReadOnlyMemory<byte> unread = _buffer.AsMemory(_start, there);
        int body = Frame.ReadBodyLength(unread.Span, maxBody);
        _needed = Frame.HeaderLength + body;
        if (there < _needed)
        {
            return false;
        }

        (long id, ushort code) = Frame.ReadHeader(unread.Span[sizeof(uint)..]);
        frame = new Frame(id, code, unread[Frame.HeaderLength.._needed]);
        _taken = _needed;
        return true;
    }

    /// <summary>Waits for more bytes.</summary>
    /// <returns>False: the other end closed.</returns>
    public async ValueTask<bool> FillAsync()
    {
        MakeRoom();
        int read = await stream.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
        _end += read;
        return read > 0;
    }

    public void Clear() => CryptographicOperations.ZeroMemory(_buffer);

    private void Release()
    {
        CryptographicOperations.ZeroMemory(_buffer.AsSpan(_start, _taken));
        _start += _taken;
        _taken = 0;
    }

    /// <summary>So that the frame that has begun fits in one piece.</summary>
    private void MakeRoom()
    {
        int size = Math.Max(_needed, OrdinarySize);
        if (_start + _needed <= _buffer.Length && (size == _buffer.Length || _start < _end))
        {
            return;
        }

        byte[] old = _buffer;
        int there = _end - _start;
        _buffer = size == old.Length ? old : new byte[size];
        old.AsSpan(_start, there).CopyTo(_buffer);
        CryptographicOperations.ZeroMemory(old.AsSpan(_buffer == old ? there : 0));
        (_start, _end) = (0, there);
    }
}
