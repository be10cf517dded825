using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace ZwCa.Issuance;

/// <summary>
/// The random numbers of OpenSSL 0.9.8c-1 to 0.9.8g-8 of Debian as <c>openssl genrsa</c> and <c>openssl req</c> got them (md_rand.c, rand_unix.c, randfile.c,
/// bn_rand.c). Two lines were taken out that hashed what was added, so that only the lengths of what was added, the process id and the layout of
/// a <c>long</c> were left.
/// </summary>
internal sealed class DebianRandom
{
    private const int StateSize = 1023;
    private const int DigestSize = SHA1.HashSizeInBytes;

    /// <summary>Half of each digest is given out, half goes back into the state.</summary>
    private const int OutputSize = DigestSize / 2;

    /// <summary>RAND_poll: so much is read from /dev/urandom.</summary>
    private const int PollSize = 32;

    private const int SeedFileSize = 1024;

    /// <summary>sizeof(struct stat), which is added as it lies in memory.</summary>
    private const int StatSize32 = 88;
    private const int StatSize64 = 144;

    /// <summary>One more than is ever read: where a request ends with the last octet, the next one begins behind it, writes one octet there, and goes on at the beginning. OpenSSL's array has room for it.</summary>
    private readonly byte[] _state = new byte[StateSize + 1];
    private readonly byte[] _digest = new byte[DigestSize];
    private readonly bool _isBigEndian;
    private readonly int _longSize;
    private readonly int _processId;
    private int _index;
    private int _filled;
    private long _requests;
    private long _blocks;
    private bool _polled;
    private bool _stirred;

    public DebianRandom(DebianOrigin origin)
    {
        _isBigEndian = origin.Machine == DebianMachine.BigEndian32;
        _longSize = origin.Machine == DebianMachine.LittleEndian64 ? sizeof(long) : sizeof(int);
        _processId = origin.ProcessId;

        // app_RAND_load_file: RAND_load_file adds the struct stat and the content; when it read nothing, RAND_status polls at once.
        if (origin.SeedFile != DebianSeedFile.Absent)
        {
            Add(origin.Machine == DebianMachine.LittleEndian64 ? StatSize64 : StatSize32);
        }

        if (origin.SeedFile == DebianSeedFile.Read)
        {
            Add(SeedFileSize);
        }
        else
        {
            Poll();
        }
    }

    /// <summary>BN_rand with the two highest bits and the lowest set: where the search for a prime begins.</summary>
    /// <param name="bits">A multiple of 8.</param>
    public BigInteger NextOdd(int bits) => Next(bits, highest: 0xC0, lowest: 0x01);

    /// <summary>BN_pseudo_rand_range for a range whose two highest bits are set.</summary>
    public BigInteger NextBelow(BigInteger range, int bits)
    {
        BigInteger number;
        do
        {
            number = Next(bits, highest: 0, lowest: 0);
        }
        while (number >= range);

        return number;
    }

    private BigInteger Next(int bits, byte highest, byte lowest)
    {
        // The time of day is added, a time_t.
        Add(_longSize);
        byte[] bytes = new byte[bits / 8];
        Fill(bytes);
        bytes[0] |= highest;
        bytes[^1] |= lowest;
        return new BigInteger(bytes, isUnsigned: true, isBigEndian: true);
    }

    private void Poll()
    {
        // From /dev/urandom; then process id, user id and time, a long each.
        _polled = true;
        Add(PollSize);
        Add(_longSize);
        Add(_longSize);
        Add(_longSize);
    }

    /// <summary>ssleay_rand_add without what it should add.</summary>
    private void Add(int length)
    {
        int index = _index;
        long block = _blocks;
        _index += length;
        if (_index >= StateSize)
        {
            _index %= StateSize;
            _filled = StateSize;
        }
        else
        {
            _filled = Math.Max(_filled, _index);
        }

        _blocks += (length + DigestSize - 1) / DigestSize;
        Span<byte> local = stackalloc byte[DigestSize];
        _digest.CopyTo(local);
        Span<byte> input = stackalloc byte[(2 * DigestSize) + (2 * sizeof(long))];
        for (int rest = length; rest > 0; rest -= DigestSize, block++)
        {
            int taken = Math.Min(rest, DigestSize);
            local.CopyTo(input);
            CopyState(index, StateSize, input.Slice(DigestSize, taken));
            int written = DigestSize + taken;
            written += WriteCounters(_requests, block, input[written..]);
            SHA1.HashData(input[..written], local);
            index = MixState(index, StateSize, local[..taken]);
        }

        for (int i = 0; i < DigestSize; i++)
        {
            _digest[i] ^= local[i];
        }
    }

    /// <summary>ssleay_rand_bytes.</summary>
    private void Fill(Span<byte> output)
    {
        if (!_polled)
        {
            Poll();
        }

        if (!_stirred)
        {
            _stirred = true;
            for (int rest = StateSize; rest > 0; rest -= DigestSize)
            {
                Add(DigestSize);
            }
        }

        int index = _index;
        int filled = _filled;
        _index += (output.Length + OutputSize - 1) / OutputSize * OutputSize;
        if (_index > filled)
        {
            _index %= filled;
        }

        long request = _requests++;
        Span<byte> local = stackalloc byte[DigestSize];
        _digest.CopyTo(local);
        Span<byte> input = stackalloc byte[sizeof(int) + (2 * sizeof(long)) + (2 * DigestSize)];

        // The process id goes into the first block of each request, unless it is zero.
        int written = _processId == 0 ? 0 : WriteInteger(_processId, sizeof(int), input);
        while (!output.IsEmpty)
        {
            local.CopyTo(input[written..]);
            written += DigestSize;
            written += WriteCounters(request, _blocks, input[written..]);
            CopyState(index, filled, input.Slice(written, OutputSize));
            SHA1.HashData(input[..(written + OutputSize)], local);
            written = 0;
            index = MixState(index, filled, local[..OutputSize]);
            int taken = Math.Min(output.Length, OutputSize);
            local.Slice(OutputSize, taken).CopyTo(output);
            output = output[taken..];
        }

        written = WriteCounters(request, _blocks, input);
        local.CopyTo(input[written..]);
        _digest.CopyTo(input[(written + DigestSize)..]);
        SHA1.HashData(input[..(written + (2 * DigestSize))], _digest);
    }

    private void CopyState(int index, int size, Span<byte> destination)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = _state[(index + i) % size];
        }
    }

    /// <returns>The index behind.</returns>
    private int MixState(int index, int size, ReadOnlySpan<byte> digest)
    {
        foreach (byte octet in digest)
        {
            _state[index] ^= octet;
            index = index + 1 >= size ? 0 : index + 1;
        }

        return index;
    }

    private int WriteCounters(long requests, long blocks, Span<byte> destination)
    {
        int written = WriteInteger(requests, _longSize, destination);
        return written + WriteInteger(blocks, _longSize, destination[written..]);
    }

    private int WriteInteger(long value, int size, Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        if (_isBigEndian)
        {
            BinaryPrimitives.WriteInt64BigEndian(bytes, value);
            bytes[(sizeof(long) - size)..].CopyTo(destination);
        }
        else
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            bytes[..size].CopyTo(destination);
        }

        return size;
    }
}
