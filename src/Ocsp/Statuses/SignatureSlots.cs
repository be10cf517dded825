namespace ZwCa.Ocsp.Statuses;

/// <summary>
/// Signatures of one length, in chunks of bytes, by number. One writer; a reader copies a signature out and then asks the entry that named its number whether that has changed meanwhile
/// (<see cref="StatusTable"/>): what it copied may be torn until then.
/// </summary>
/// <param name="length">Bytes of each.</param>
internal sealed class SignatureSlots(int length)
{
    private const int ChunkBits = 14;
    private const int ChunkMask = (1 << ChunkBits) - 1;

    private readonly Stack<int> _free = [];
    private byte[][] _chunks = [];
    private int _count;

    public int Length => length;

    /// <returns>A number that is nobody's.</returns>
    public int Take()
    {
        if (_free.TryPop(out int free))
        {
            return free;
        }

        if (_count >> ChunkBits == _chunks.Length)
        {
            Volatile.Write(ref _chunks, [.. _chunks, GC.AllocateUninitializedArray<byte>(length << ChunkBits)]);
        }

        return _count++;
    }

    /// <summary>Readers may still copy it: they find out.</summary>
    public void Give(int number) => _free.Push(number);

    public void Write(int number, ReadOnlySpan<byte> signature) => signature.CopyTo(_chunks[number >> ChunkBits].AsSpan((number & ChunkMask) * length, length));

    public void Read(int number, Span<byte> destination) =>
        Volatile.Read(ref _chunks)[number >> ChunkBits].AsSpan((number & ChunkMask) * length, length).CopyTo(destination);
}
