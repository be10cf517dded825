using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// The 32 round keys of an SM4 key (GB/T 32907-2016 7.3) and the block function of both directions, with the AES instructions where
/// there are any. Spans hold whole blocks; source and destination are the same memory or do not overlap.
/// </summary>
internal sealed class Sm4Key : IDisposable
{
    public const int BlockSizeInBytes = 16;

    private const int Rounds = 32;

    // Pinned: a garbage collection that moves the array would leave a copy behind that Dispose cannot reach.
    private readonly uint[] _roundKeys = GC.AllocateArray<uint>(Rounds, pinned: true);
    private readonly bool _accelerated;
    private bool _disposed;

    /// <param name="key">16 bytes.</param>
    /// <param name="accelerated">False takes the portable code even where AES instructions are present.</param>
    public Sm4Key(ReadOnlySpan<byte> key, bool accelerated)
    {
        if (key.Length != BlockSizeInBytes)
        {
            throw new ArgumentException("An SM4 key has 16 bytes.", nameof(key));
        }

        if (accelerated && !Sm4Aes.IsSupported)
        {
            throw new PlatformNotSupportedException("This processor has no AES instructions.");
        }

        _accelerated = accelerated;
        Expand(key);
        Erasure.EraseStack();
    }

    ~Sm4Key() => Array.Clear(_roundKeys);

    public void Encrypt(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Crypt(source, destination, 0, 1);

        // Else the finalizer could zero the round keys while the last blocks use them.
        GC.KeepAlive(this);
    }

    public void Decrypt(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Crypt(source, destination, Rounds - 1, -1);
        GC.KeepAlive(this);
    }

    public void Dispose()
    {
        _disposed = true;
        Array.Clear(_roundKeys);
        GC.SuppressFinalize(this);
    }

    public void ThrowIfDisposed(object owner) => ObjectDisposedException.ThrowIf(_disposed, owner);

    /// <param name="step">From one round key to the next: 1 to encrypt, -1 to decrypt.</param>
    private void Crypt(ReadOnlySpan<byte> source, Span<byte> destination, int first, int step)
    {
        Debug.Assert(source.Length % BlockSizeInBytes == 0 && destination.Length >= source.Length);
        ref uint roundKey = ref _roundKeys[first];
        int stride = _accelerated ? Sm4Aes.WideStrideInBytes : Sm4Bitsliced.StrideInBytes;
        while (source.Length >= stride)
        {
            if (_accelerated)
            {
                Sm4Aes.CryptEight(ref roundKey, step, in source[0], ref destination[0]);
            }
            else
            {
                Sm4Bitsliced.Crypt(ref roundKey, step, in source[0], ref destination[0]);
            }

            source = source[stride..];
            destination = destination[stride..];
        }

        if (source.IsEmpty)
        {
            return;
        }

        Span<byte> rest = stackalloc byte[stride];
        source.CopyTo(rest);
        if (!_accelerated)
        {
            Sm4Bitsliced.Crypt(ref roundKey, step, in rest[0], ref rest[0]);
        }
        else if (source.Length <= Sm4Aes.StrideInBytes)
        {
            Sm4Aes.CryptFour(ref roundKey, step, in rest[0], ref rest[0]);
        }
        else
        {
            Sm4Aes.CryptEight(ref roundKey, step, in rest[0], ref rest[0]);
        }

        rest[..source.Length].CopyTo(destination);
        CryptographicOperations.ZeroMemory(rest);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Expand(ReadOnlySpan<byte> key)
    {
        // FK of 7.3.2.
        uint k0 = BinaryPrimitives.ReadUInt32BigEndian(key) ^ 0xA3B1BAC6;
        uint k1 = BinaryPrimitives.ReadUInt32BigEndian(key[4..]) ^ 0x56AA3350;
        uint k2 = BinaryPrimitives.ReadUInt32BigEndian(key[8..]) ^ 0x677D9197;
        uint k3 = BinaryPrimitives.ReadUInt32BigEndian(key[12..]) ^ 0xB27022DC;
        for (int i = 0; i < Rounds; i++)
        {
            // CK_i of 7.3.2: byte j is (4i + j)·7 mod 256.
            uint ck = 0;
            for (int j = 0; j < 4; j++)
            {
                ck = (ck << 8) | (byte)(((4 * i) + j) * 7);
            }

            uint s = k1 ^ k2 ^ k3 ^ ck;
            s = _accelerated ? Sm4Aes.SubWord(s) : Sm4Bitsliced.SubWord(s);
            uint next = k0 ^ s ^ uint.RotateLeft(s, 13) ^ uint.RotateLeft(s, 23);
            _roundKeys[i] = next;
            (k0, k1, k2, k3) = (k1, k2, k3, next);
        }
    }
}
