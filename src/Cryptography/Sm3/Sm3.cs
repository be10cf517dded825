namespace ZwCa.Cryptography;

/// <summary>The SM3 hash: GB/T 32905-2016, GM/T 0004-2012. 32 bytes. An instance is not safe for use by several threads at once.</summary>
public sealed class Sm3 : IDisposable
{
    public const int HashSizeInBytes = 32;

    /// <summary>Size of the blocks that the compression function takes (the B of HMAC).</summary>
    public const int BlockSizeInBytes = Sm3Compression.BlockSizeInBytes;

    private Sm3State _state;
    private bool _disposed;

    public Sm3() => _state = new Sm3State();

    private Sm3(in Sm3State state) => _state = state;

    /// <returns>32 bytes.</returns>
    public static byte[] HashData(ReadOnlySpan<byte> source)
    {
        byte[] hash = new byte[HashSizeInBytes];
        HashData(source, hash);
        return hash;
    }

    /// <summary>Allocates nothing. The spans may overlap.</summary>
    /// <param name="destination">32 bytes at least; the first 32 are written.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter than 32 bytes.</exception>
    public static void HashData(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ThrowIfShort(destination);
        Sm3State state = new();
        state.Append(source);
        state.Finish(destination);
    }

    /// <exception cref="ObjectDisposedException" />
    public void Append(ReadOnlySpan<byte> data)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _state.Append(data);
    }

    /// <summary>Writes the hash of all that was appended and starts anew.</summary>
    /// <param name="destination">32 bytes at least; the first 32 are written.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter than 32 bytes; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException" />
    public void GetHashAndReset(Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfShort(destination);
        _state.Finish(destination);
    }

    /// <summary>A second hash that continues from here, independent of this one.</summary>
    /// <exception cref="ObjectDisposedException" />
    public Sm3 Duplicate()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new Sm3(in _state);
    }

    public void Dispose()
    {
        _disposed = true;
        _state.Clear();
    }

    private static void ThrowIfShort(Span<byte> destination)
    {
        if (destination.Length < HashSizeInBytes)
        {
            throw new ArgumentException("An SM3 hash takes 32 bytes.", nameof(destination));
        }
    }
}
