using System.Buffers;
using System.Security.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Server;

/// <summary>Bytes that are no frame: nothing after them can be trusted to begin one.</summary>
/// <param name="id">Of the request, where that much of it is there.</param>
internal sealed class FramingException(string message, long? id = null) : Exception(message)
{
    public long? Id { get; } = id;
}

/// <summary>Cuts what a connection sends into requests. What was taken is zeroed in the buffer.</summary>
/// <param name="patience">Cancels the reading; its timer is started when a frame begins and stopped when it ends.</param>
internal sealed class FrameInput(Stream stream, CancellationTokenSource patience)
{
    private const int BufferSize = 64 * 1024;

    private readonly byte[] _buffer = new byte[BufferSize];

    // Unread bytes lie in [_start, _end).
    private int _start;
    private int _end;
    private bool _timed;

    /// <summary>For one frame; null while the timer counts for something else, which must not be put off.</summary>
    public TimeSpan? FrameLimit { get; set; }

    /// <param name="maxBody">A longer body is refused before memory is taken for it.</param>
    /// <param name="admit">Waits until the body may be read; the device's wait, not the peer's. Null: there is nothing to wait for.</param>
    /// <returns>Null: the peer closed after its last frame.</returns>
    /// <exception cref="FramingException">Not a frame, or the peer closed amid one.</exception>
    /// <exception cref="OperationCanceledException">The peer was too slow, or the connection is to end.</exception>
    public async ValueTask<Request?> ReadAsync(int maxBody, Func<Place, ValueTask>? admit)
    {
        if (!await HaveAsync(sizeof(uint)).ConfigureAwait(false))
        {
            return null;
        }

        int bodyLength = ReadBodyLength(maxBody);
        await HaveAsync(Frame.HeaderLength).ConfigureAwait(false);
        (long id, ushort code) = Frame.ReadHeader(_buffer.AsSpan(_start + sizeof(uint)));
        _start += Frame.HeaderLength;
        var place = new Place(id, admit is null ? 0 : Request.BytesOf((Operation)code, bodyLength));
        if (admit is not null)
        {
            StopTimer();
            await admit(place).ConfigureAwait(false);
        }

        var request = new Request(place, (Operation)code, ArrayPool<byte>.Shared.Rent(bodyLength), bodyLength);
        try
        {
            await FillAsync(request.Body).ConfigureAwait(false);
        }
        catch
        {
            request.Release();
            throw;
        }

        StopTimer();
        return request;
    }

    public void Clear() => CryptographicOperations.ZeroMemory(_buffer);

    private int ReadBodyLength(int maxBody)
    {
        try
        {
            return Frame.ReadBodyLength(_buffer.AsSpan(_start), maxBody);
        }
        catch (WireException e)
        {
            throw new FramingException(e.Message, _end - _start >= Frame.HeaderLength ? Frame.ReadHeader(_buffer.AsSpan(_start + sizeof(uint))).Id : null);
        }
    }

    /// <summary>Waits until so many unread bytes are in the buffer.</summary>
    /// <returns>False: the peer closed before the first of them.</returns>
    private async ValueTask<bool> HaveAsync(int count)
    {
        if (_end - _start < count && _start + count > BufferSize)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        while (_end - _start < count)
        {
            if (_start == _end)
            {
                (_start, _end) = (0, 0);
            }

            int read = await ReadAsync(_buffer.AsMemory(_end), begun: _start < _end).ConfigureAwait(false);
            if (read == 0)
            {
                return _start == _end ? false : throw new FramingException("The connection ends amid a frame.");
            }

            _end += read;
        }

        return true;
    }

    /// <summary>What is in the buffer first, the rest straight from the connection.</summary>
    private async ValueTask FillAsync(Memory<byte> body)
    {
        int buffered = Math.Min(body.Length, _end - _start);
        Span<byte> taken = _buffer.AsSpan(_start, buffered);
        taken.CopyTo(body.Span);
        CryptographicOperations.ZeroMemory(taken);
        _start += buffered;
        for (body = body[buffered..]; !body.IsEmpty;)
        {
            int read = await ReadAsync(body, begun: true).ConfigureAwait(false);
            body = read > 0 ? body[read..] : throw new FramingException("The connection ends amid a frame.");
        }
    }

    private ValueTask<int> ReadAsync(Memory<byte> destination, bool begun)
    {
        if (begun && !_timed && FrameLimit is { } limit)
        {
            _timed = true;
            patience.CancelAfter(limit);
        }

        return stream.ReadAsync(destination, patience.Token);
    }

    private void StopTimer()
    {
        if (_timed)
        {
            _timed = false;
            patience.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }
}
