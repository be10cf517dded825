using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// SM4 in Galois/Counter Mode (RFC 8998 3.5.1, GB/T 36624, NIST SP 800-38D), in the shape of <see cref="AesGcm"/>. The nonce has 12
/// bytes: other lengths are hashed to a counter that may meet another's, and no format here uses them. A nonce must never come
/// back under the same key: two messages under one nonce give away both and the means to forge. An instance may serve several
/// threads at once until it is disposed.
/// </summary>
public sealed class Sm4Gcm : IDisposable
{
    public const int NonceSizeInBytes = 12;
    public const int MinTagSizeInBytes = 12;
    public const int MaxTagSizeInBytes = 16;

    private readonly Sm4Key _key;
    private readonly bool _acceleratedHash;

    /// <param name="key">16 bytes.</param>
    /// <param name="tagSizeInBytes">12 to 16, and the length of every tag here.</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    public Sm4Gcm(ReadOnlySpan<byte> key, int tagSizeInBytes = MaxTagSizeInBytes)
        : this(key, tagSizeInBytes, Sm4Aes.IsSupported, Ghash.IsSupported)
    {
    }

    internal Sm4Gcm(ReadOnlySpan<byte> key, int tagSizeInBytes, bool acceleratedCipher, bool acceleratedHash)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tagSizeInBytes, MinTagSizeInBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tagSizeInBytes, MaxTagSizeInBytes);
        _key = new Sm4Key(key, acceleratedCipher);
        _acceleratedHash = acceleratedHash;
        TagSizeInBytes = tagSizeInBytes;
    }

    public int TagSizeInBytes { get; }

    /// <param name="nonce">12 bytes.</param>
    /// <param name="ciphertext">Exactly as long as the plaintext; may be the same memory, but not overlap otherwise.</param>
    /// <param name="tag"><see cref="TagSizeInBytes"/> bytes, apart from the ciphertext.</param>
    /// <exception cref="ArgumentException">A length or an overlap is wrong.</exception>
    /// <exception cref="ObjectDisposedException" />
    public void Encrypt(
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> plaintext,
        Span<byte> ciphertext,
        Span<byte> tag,
        ReadOnlySpan<byte> associatedData = default)
    {
        Check(nonce, plaintext, ciphertext, tag);
        if (ciphertext.Overlaps(tag))
        {
            throw new ArgumentException("The tag overlaps the ciphertext.", nameof(tag));
        }

        Span<byte> counter = stackalloc byte[Sm4Key.BlockSizeInBytes];
        Span<byte> mask = stackalloc byte[Sm4Key.BlockSizeInBytes];
        Span<byte> fullTag = stackalloc byte[Sm4Key.BlockSizeInBytes];
        Ghash ghash = Start(nonce, counter, mask);
        ghash.Append(associatedData);
        Sm4Counter.Transform(_key, counter, Sm4Counter.Width32, plaintext, ciphertext);
        ghash.Append(ciphertext);
        ghash.Finish(associatedData.Length, ciphertext.Length, fullTag);
        Sm4Counter.Xor(fullTag, mask, fullTag);
        fullTag[..tag.Length].CopyTo(tag);
        ghash.Clear();
        CryptographicOperations.ZeroMemory(mask);
        CryptographicOperations.ZeroMemory(fullTag);
    }

    /// <summary>Decrypts only what the tag has proven.</summary>
    /// <param name="nonce">12 bytes.</param>
    /// <param name="tag"><see cref="TagSizeInBytes"/> bytes.</param>
    /// <param name="plaintext">Exactly as long as the ciphertext; may be the same memory, but not overlap otherwise.</param>
    /// <exception cref="ArgumentException">A length or an overlap is wrong.</exception>
    /// <exception cref="AuthenticationTagMismatchException">
    /// Key, nonce, ciphertext, tag or associated data is not what was encrypted with; <paramref name="plaintext"/> is all zero.
    /// </exception>
    /// <exception cref="ObjectDisposedException" />
    public void Decrypt(
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag,
        Span<byte> plaintext,
        ReadOnlySpan<byte> associatedData = default)
    {
        Check(nonce, ciphertext, plaintext, tag);
        Span<byte> counter = stackalloc byte[Sm4Key.BlockSizeInBytes];
        Span<byte> mask = stackalloc byte[Sm4Key.BlockSizeInBytes];
        Span<byte> fullTag = stackalloc byte[Sm4Key.BlockSizeInBytes];
        Ghash ghash = Start(nonce, counter, mask);
        ghash.Append(associatedData);
        ghash.Append(ciphertext);
        ghash.Finish(associatedData.Length, ciphertext.Length, fullTag);
        Sm4Counter.Xor(fullTag, mask, fullTag);
        bool genuine = CryptographicOperations.FixedTimeEquals(fullTag[..tag.Length], tag);
        ghash.Clear();
        CryptographicOperations.ZeroMemory(mask);
        CryptographicOperations.ZeroMemory(fullTag);
        if (!genuine)
        {
            CryptographicOperations.ZeroMemory(plaintext);
            throw new AuthenticationTagMismatchException();
        }

        Sm4Counter.Transform(_key, counter, Sm4Counter.Width32, ciphertext, plaintext);
    }

    public void Dispose() => _key.Dispose();

    /// <summary>H = E(0) for the hash, E(J0) to mask the tag with, and J0 + 1, the first counter of the text (SP 800-38D 7.1).</summary>
    private Ghash Start(ReadOnlySpan<byte> nonce, Span<byte> counter, Span<byte> mask)
    {
        Span<byte> blocks = stackalloc byte[2 * Sm4Key.BlockSizeInBytes];
        Span<byte> h = blocks[..Sm4Key.BlockSizeInBytes];
        Span<byte> j0 = blocks[Sm4Key.BlockSizeInBytes..];
        blocks.Clear();
        nonce.CopyTo(j0);
        j0[^1] = 1;
        j0.CopyTo(counter);
        counter[^1] = 2;
        _key.Encrypt(blocks, blocks);
        j0.CopyTo(mask);
        Ghash ghash = new(h, _acceleratedHash);
        CryptographicOperations.ZeroMemory(blocks);
        return ghash;
    }

    private void Check(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> source, Span<byte> destination, ReadOnlySpan<byte> tag)
    {
        _key.ThrowIfDisposed(this);
        if (nonce.Length != NonceSizeInBytes)
        {
            throw new ArgumentException($"A nonce of 12 bytes is needed, not {nonce.Length}.", nameof(nonce));
        }

        if (tag.Length != TagSizeInBytes)
        {
            throw new ArgumentException($"The tag has {TagSizeInBytes} bytes here, not {tag.Length}.", nameof(tag));
        }

        if (source.Length != destination.Length)
        {
            throw new ArgumentException("Plaintext and ciphertext have the same length.", nameof(destination));
        }

        Sm4.CheckDestination(source, destination, source.Length);
    }
}
