using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// The SM4 block cipher (GB/T 32907-2016, GM/T 0002-2012; 16-byte key and block) in the modes ECB, CBC and CTR of GB/T 17964. None of
/// them notices a change of the ciphertext; <see cref="Sm4Gcm"/> does. The time taken depends on lengths only, never on key or data.
/// <para>
/// Padding is <see cref="PaddingMode.None"/> or <see cref="PaddingMode.PKCS7"/>. A destination may begin exactly where its source
/// does; any other overlap of the two is refused. An instance may serve several threads at once until it is disposed.
/// </para>
/// </summary>
public sealed class Sm4 : IDisposable
{
    public const int KeySizeInBytes = 16;
    public const int BlockSizeInBytes = Sm4Key.BlockSizeInBytes;

    // Decryption in CBC works on as much at once.
    private const int ChunkSizeInBytes = 256;

    private readonly Sm4Key _key;

    /// <param name="key">16 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="key"/> has another length.</exception>
    public Sm4(ReadOnlySpan<byte> key)
        : this(key, Sm4Aes.IsSupported)
    {
    }

    internal Sm4(ReadOnlySpan<byte> key, bool accelerated) => _key = new Sm4Key(key, accelerated);

    /// <summary>Bytes of ciphertext that ECB and CBC make of so many bytes of plaintext.</summary>
    /// <exception cref="ArgumentException">The length is not a multiple of 16 and there is no padding, or it is unknown.</exception>
    public static int GetCiphertextLength(int plaintextLength, PaddingMode padding)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plaintextLength);
        ThrowIfUnknown(padding);
        int rest = plaintextLength % BlockSizeInBytes;
        if (padding == PaddingMode.PKCS7)
        {
            return checked(plaintextLength + BlockSizeInBytes - rest);
        }

        return rest == 0
            ? plaintextLength
            : throw new ArgumentException($"Without padding, {plaintextLength} bytes are not whole blocks of 16.", nameof(plaintextLength));
    }

    public byte[] EncryptEcb(ReadOnlySpan<byte> plaintext, PaddingMode padding)
    {
        byte[] ciphertext = new byte[GetCiphertextLength(plaintext.Length, padding)];
        EncryptEcb(plaintext, ciphertext, padding);
        return ciphertext;
    }

    /// <param name="destination"><see cref="GetCiphertextLength"/> bytes at least.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">A length or the overlap is wrong, or the padding is unknown.</exception>
    /// <exception cref="ObjectDisposedException" />
    public int EncryptEcb(ReadOnlySpan<byte> plaintext, Span<byte> destination, PaddingMode padding)
    {
        int length = CheckEncryption(plaintext, destination, padding);
        int whole = plaintext.Length - (plaintext.Length % BlockSizeInBytes);
        Span<byte> lastBlock = stackalloc byte[BlockSizeInBytes];
        Pkcs7Padding.Add(plaintext[whole..], lastBlock);
        _key.Encrypt(plaintext[..whole], destination);
        _key.Encrypt(lastBlock[..(length - whole)], destination[whole..]);
        CryptographicOperations.ZeroMemory(lastBlock);
        return length;
    }

    /// <inheritdoc cref="DecryptEcb(ReadOnlySpan{byte}, Span{byte}, PaddingMode)" />
    /// <returns>The plaintext.</returns>
    public byte[] DecryptEcb(ReadOnlySpan<byte> ciphertext, PaddingMode padding)
    {
        byte[] buffer = new byte[ciphertext.Length];
        return CutOff(buffer, DecryptEcb(ciphertext, buffer, padding));
    }

    /// <param name="destination">As long as the ciphertext at least, though padding leaves less to write.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too short or overlaps, or the padding is unknown.</exception>
    /// <exception cref="CryptographicException">
    /// The ciphertext is not whole blocks, or its padding is wrong. Nothing has been written.
    /// </exception>
    /// <exception cref="ObjectDisposedException" />
    public int DecryptEcb(ReadOnlySpan<byte> ciphertext, Span<byte> destination, PaddingMode padding)
    {
        CheckDecryption(ciphertext, destination, padding);
        if (padding == PaddingMode.None)
        {
            _key.Decrypt(ciphertext, destination);
            return ciphertext.Length;
        }

        int whole = ciphertext.Length - BlockSizeInBytes;
        Span<byte> lastBlock = stackalloc byte[BlockSizeInBytes];
        _key.Decrypt(ciphertext[whole..], lastBlock);
        int rest = CheckPadding(lastBlock);
        _key.Decrypt(ciphertext[..whole], destination);
        lastBlock[..rest].CopyTo(destination[whole..]);
        CryptographicOperations.ZeroMemory(lastBlock);
        return whole + rest;
    }

    /// <inheritdoc cref="EncryptCbc(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte}, PaddingMode)" />
    /// <returns>The ciphertext, without the initialization vector.</returns>
    public byte[] EncryptCbc(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> iv, PaddingMode padding)
    {
        byte[] ciphertext = new byte[GetCiphertextLength(plaintext.Length, padding)];
        EncryptCbc(plaintext, iv, ciphertext, padding);
        return ciphertext;
    }

    /// <param name="iv">Initialization vector, 16 bytes, unpredictable; the caller conveys it.</param>
    /// <param name="destination"><see cref="GetCiphertextLength"/> bytes at least.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">A length or the overlap is wrong, or the padding is unknown.</exception>
    /// <exception cref="ObjectDisposedException" />
    public int EncryptCbc(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> iv, Span<byte> destination, PaddingMode padding)
    {
        int length = CheckEncryption(plaintext, destination, padding);
        ThrowIfNotBlock(iv, nameof(iv));
        int whole = plaintext.Length - (plaintext.Length % BlockSizeInBytes);
        Span<byte> lastBlock = stackalloc byte[BlockSizeInBytes];
        Pkcs7Padding.Add(plaintext[whole..], lastBlock);
        Span<byte> chain = stackalloc byte[BlockSizeInBytes];
        iv.CopyTo(chain);
        for (int at = 0; at < length; at += BlockSizeInBytes)
        {
            Sm4Counter.Xor(chain, at < whole ? plaintext.Slice(at, BlockSizeInBytes) : lastBlock, chain);
            _key.Encrypt(chain, chain);
            chain.CopyTo(destination[at..]);
        }

        CryptographicOperations.ZeroMemory(lastBlock);
        return length;
    }

    /// <inheritdoc cref="DecryptCbc(ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte}, PaddingMode)" />
    /// <returns>The plaintext.</returns>
    public byte[] DecryptCbc(ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> iv, PaddingMode padding)
    {
        byte[] buffer = new byte[ciphertext.Length];
        return CutOff(buffer, DecryptCbc(ciphertext, iv, buffer, padding));
    }

    /// <param name="iv">Initialization vector, 16 bytes.</param>
    /// <param name="destination">As long as the ciphertext at least, though padding leaves less to write.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">A length or the overlap is wrong, or the padding is unknown.</exception>
    /// <exception cref="CryptographicException">
    /// The ciphertext is not whole blocks, or its padding is wrong. Nothing has been written.
    /// </exception>
    /// <exception cref="ObjectDisposedException" />
    public int DecryptCbc(ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> iv, Span<byte> destination, PaddingMode padding)
    {
        CheckDecryption(ciphertext, destination, padding);
        ThrowIfNotBlock(iv, nameof(iv));
        Span<byte> chain = stackalloc byte[BlockSizeInBytes];
        if (padding == PaddingMode.None)
        {
            iv.CopyTo(chain);
            DecryptChain(ciphertext, chain, destination);
            return ciphertext.Length;
        }

        // The last block first: if its padding is wrong, nothing else has been decrypted, and in place its chain is still there.
        int whole = ciphertext.Length - BlockSizeInBytes;
        Span<byte> lastBlock = stackalloc byte[BlockSizeInBytes];
        (whole == 0 ? iv : ciphertext.Slice(whole - BlockSizeInBytes, BlockSizeInBytes)).CopyTo(chain);
        DecryptChain(ciphertext[whole..], chain, lastBlock);
        int rest = CheckPadding(lastBlock);
        iv.CopyTo(chain);
        DecryptChain(ciphertext[..whole], chain, destination);
        lastBlock[..rest].CopyTo(destination[whole..]);
        CryptographicOperations.ZeroMemory(lastBlock);
        return whole + rest;
    }

    /// <summary>Encrypts or decrypts: in counter mode they are the same. The last block may be short.</summary>
    /// <param name="initialCounter">
    /// 16 bytes, one 128-bit big-endian number that grows by one a block. No counter value may occur twice under one key.
    /// </param>
    /// <param name="destination">As long as the source at least.</param>
    /// <exception cref="ArgumentException">A length or the overlap is wrong.</exception>
    /// <exception cref="ObjectDisposedException" />
    public void TransformCtr(ReadOnlySpan<byte> source, ReadOnlySpan<byte> initialCounter, Span<byte> destination)
    {
        _key.ThrowIfDisposed(this);
        ThrowIfNotBlock(initialCounter, nameof(initialCounter));
        CheckDestination(source, destination, source.Length);
        Sm4Counter.Transform(_key, initialCounter, Sm4Counter.Width128, source, destination);
    }

    public void Dispose() => _key.Dispose();

    /// <summary>A destination that can hold the output and is the source's own memory or none of it.</summary>
    internal static void CheckDestination(ReadOnlySpan<byte> source, Span<byte> destination, int length)
    {
        if (destination.Length < length)
        {
            throw new ArgumentException($"The destination needs {length} bytes and has {destination.Length}.", nameof(destination));
        }

        if (source.Overlaps(destination, out int offset) && offset != 0)
        {
            throw new ArgumentException("The destination overlaps the source without beginning where it does.", nameof(destination));
        }
    }

    private int CheckEncryption(ReadOnlySpan<byte> plaintext, Span<byte> destination, PaddingMode padding)
    {
        _key.ThrowIfDisposed(this);
        int length = GetCiphertextLength(plaintext.Length, padding);
        CheckDestination(plaintext, destination, length);
        return length;
    }

    private void CheckDecryption(ReadOnlySpan<byte> ciphertext, Span<byte> destination, PaddingMode padding)
    {
        _key.ThrowIfDisposed(this);
        ThrowIfUnknown(padding);
        CheckDestination(ciphertext, destination, ciphertext.Length);
        if (ciphertext.Length % BlockSizeInBytes != 0 || (padding == PaddingMode.PKCS7 && ciphertext.IsEmpty))
        {
            throw new CryptographicException($"A ciphertext of {ciphertext.Length} bytes is not whole blocks.");
        }
    }

    /// <returns>Bytes of message in the block.</returns>
    private static int CheckPadding(Span<byte> lastBlock)
    {
        int rest = Pkcs7Padding.MessageLength(in lastBlock[0]);
        if (rest < 0)
        {
            CryptographicOperations.ZeroMemory(lastBlock);
            throw new CryptographicException("The padding is wrong.");
        }

        return rest;
    }

    /// <param name="chain">The block before; the last block of the ciphertext afterwards.</param>
    private void DecryptChain(ReadOnlySpan<byte> ciphertext, Span<byte> chain, Span<byte> destination)
    {
        Span<byte> chunk = stackalloc byte[ChunkSizeInBytes];
        while (!ciphertext.IsEmpty)
        {
            int length = Math.Min(ciphertext.Length, chunk.Length);
            Span<byte> plaintext = chunk[..length];
            ReadOnlySpan<byte> source = ciphertext[..length];
            _key.Decrypt(source, plaintext);
            Sm4Counter.Xor(chain, plaintext[..BlockSizeInBytes], plaintext);
            Sm4Counter.Xor(source[..^BlockSizeInBytes], plaintext[BlockSizeInBytes..], plaintext[BlockSizeInBytes..]);
            source[^BlockSizeInBytes..].CopyTo(chain);
            plaintext.CopyTo(destination);
            ciphertext = ciphertext[length..];
            destination = destination[length..];
        }

        CryptographicOperations.ZeroMemory(chunk);
    }

    private static byte[] CutOff(byte[] buffer, int length)
    {
        if (length == buffer.Length)
        {
            return buffer;
        }

        byte[] plaintext = buffer[..length];
        CryptographicOperations.ZeroMemory(buffer);
        return plaintext;
    }

    private static void ThrowIfNotBlock(ReadOnlySpan<byte> value, string name)
    {
        if (value.Length != BlockSizeInBytes)
        {
            throw new ArgumentException($"16 bytes are needed, {value.Length} are given.", name);
        }
    }

    private static void ThrowIfUnknown(PaddingMode padding)
    {
        if (padding is not (PaddingMode.None or PaddingMode.PKCS7))
        {
            throw new ArgumentOutOfRangeException(nameof(padding), padding, "Only no padding and PKCS#7 are known here.");
        }
    }
}
