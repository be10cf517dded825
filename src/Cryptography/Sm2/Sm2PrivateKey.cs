using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// An SM2 private key d, 1 ≤ d ≤ n − 2. The scalar lies in pinned memory that the collector never copies and that <see cref="Dispose"/>
/// (or the finalizer) zeroes; each method clears the stack that it used. Safe for concurrent use; disposing while another thread uses the key
/// is not.
/// </summary>
public sealed class Sm2PrivateKey : IDisposable
{
    internal const int BatchSize = 32;

    // [0] = d, [1] = (1 + d)⁻¹·2^260 mod n. Empty once disposed.
    private Scalar[] _secrets;

    private Sm2PrivateKey(in Scalar d)
    {
        _secrets = GC.AllocateArray<Scalar>(2, pinned: true);
        _secrets[0] = d;
        Scalar.Add(out Scalar sum, in d, Scalar.One);
        ModularInverse.InvertModOrder(out Scalar inverse, in sum);
        Scalar.MultiplyMontgomery(out _secrets[1], in inverse, Scalar.MontgomerySquare);
        MultiplyGenerator(out AffinePoint point, in d);
        PublicKey = new Sm2PublicKey(in point);
    }

    ~Sm2PrivateKey() => Zero();

    public Sm2PublicKey PublicKey { get; }

    /// <summary>A new key from the system's generator.</summary>
    public static Sm2PrivateKey Generate()
    {
        try
        {
            return Generate(RandomNumberGenerator.Fill);
        }
        finally
        {
            Erasure.EraseStack();
        }
    }

    /// <param name="bytes">d, 32 bytes big-endian. The caller zeroes them.</param>
    /// <exception cref="CryptographicException">Another length, or d not in [1, n − 2].</exception>
    public static Sm2PrivateKey FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Read(bytes);
        }
        finally
        {
            Erasure.EraseStack();
        }
    }

    /// <summary>Writes d.</summary>
    /// <param name="destination">The first 32 bytes become d, big-endian; the caller zeroes them.</param>
    public void ExportBytes(Span<byte> destination)
    {
        if (destination.Length < Sm2.ScalarSizeInBytes)
        {
            throw new ArgumentException("The destination has fewer than 32 bytes.", nameof(destination));
        }

        Secrets()[0].ToBytes(destination);
        Erasure.EraseStack();
        GC.KeepAlive(this);
    }

    /// <summary>Signs a message with the default identity.</summary>
    /// <inheritdoc cref="Sign(ReadOnlySpan{byte}, Span{byte}, ReadOnlySpan{byte})"/>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        Span<byte> digest = stackalloc byte[Sm3.HashSizeInBytes];
        PublicKey.ComputeDigest(message, digest);
        SignDigest(digest, signature);
    }

    /// <summary>Signs a message (GM/T 0003.2 §6.1). Allocates nothing.</summary>
    /// <param name="signature">The first 64 bytes become r‖s.</param>
    /// <param name="id">The signer's identity, at most 8191 bytes; empty is an identity of its own, not the default.</param>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature, ReadOnlySpan<byte> id)
    {
        Span<byte> z = stackalloc byte[Sm3.HashSizeInBytes];
        Span<byte> digest = stackalloc byte[Sm3.HashSizeInBytes];
        PublicKey.ComputeZ(id, z);
        Sm2PublicKey.ComputeDigest(message, z, digest);
        SignDigest(digest, signature);
    }

    /// <summary>Signs e = SM3(Z ‖ message). Allocates nothing.</summary>
    /// <param name="digest">e, 32 bytes.</param>
    /// <param name="signature">The first 64 bytes become r‖s; may overlap the digest.</param>
    public void SignDigest(ReadOnlySpan<byte> digest, Span<byte> signature)
    {
        if (digest.Length != Sm2.ScalarSizeInBytes)
        {
            throw new ArgumentException("A digest e has 32 bytes.", nameof(digest));
        }

        if (signature.Length < Sm2.SignatureSizeInBytes)
        {
            throw new ArgumentException("A signature has 64 bytes.", nameof(signature));
        }

        SignErasing(digest, signature[..Sm2.SignatureSizeInBytes]);
    }

    /// <summary>Signs many digests, sharing the inversion and the call to the system's generator. Allocates nothing.</summary>
    /// <param name="digests">e₁‖e₂‖…, 32 bytes each.</param>
    /// <param name="signatures">r₁‖s₁‖r₂‖s₂‖…, 64 bytes each: exactly twice as long. Must not overlap the digests.</param>
    public void SignDigests(ReadOnlySpan<byte> digests, Span<byte> signatures)
    {
        if (digests.Length % Sm2.ScalarSizeInBytes != 0 || signatures.Length != 2L * digests.Length)
        {
            throw new ArgumentException("Each digest has 32 bytes, each signature 64.", nameof(signatures));
        }

        if (digests.Overlaps(signatures))
        {
            throw new ArgumentException("The signatures overlap the digests.", nameof(signatures));
        }

        SignErasing(digests, signatures);
    }

    /// <summary>Decrypts (GM/T 0003.4 §7.1).</summary>
    /// <param name="ciphertext">04‖X‖Y‖C3‖C2.</param>
    /// <exception cref="CryptographicException">Too short, a point off the curve, or C3 does not match; all alike to the caller.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> ciphertext)
    {
        Span<Scalar> secrets = Secrets();
        byte[] plaintext = new byte[Math.Max(0, ciphertext.Length - Sm2.CiphertextOverheadInBytes)];
        bool good;
        try
        {
            good = TryDecrypt(ciphertext, plaintext, in secrets[0]);
            GC.KeepAlive(this);
        }
        finally
        {
            Erasure.EraseStack();
        }

        if (!good)
        {
            CryptographicOperations.ZeroMemory(plaintext);
            throw new CryptographicException("Not an SM2 ciphertext for this key.");
        }

        return plaintext;
    }

    /// <summary>Zeroes the key; every later use throws <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        Zero();
        GC.SuppressFinalize(this);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static Sm2PrivateKey Generate(FillRandom fill)
    {
        Scalar d;
        do
        {
            Sm2Random.NextScalar(out d, fill);
        }
        while (!IsPrivateKey(in d));
        return new Sm2PrivateKey(in d);
    }

    /// <summary>k·G for a secret k (1 to n − 1).</summary>
    internal static void MultiplyGenerator(out AffinePoint r, in Scalar k)
    {
        ulong negated = CombTable.MultiplyGenerator(out XyzzPoint point, in k, ref CombTable.Generator.First);
        if (FieldElement.IsZeroMask(in point.ZZ) != 0)
        {
            CompletePoint.Multiply(out CompletePoint complete, in k, AffinePoint.Generator);
            CompletePoint.ToAffine(out r, in complete);
            return;
        }

        XyzzPoint.ToAffine(out r, in point, negated);
    }

    /// <summary>Lengths and overlap are the caller's to check, and so is clearing the stack.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void SignDigests(ReadOnlySpan<byte> digests, Span<byte> signatures, FillRandom fill)
    {
        Span<Scalar> secrets = Secrets();
        for (int at = 0; at < digests.Length / Sm2.ScalarSizeInBytes; at += BatchSize)
        {
            ReadOnlySpan<byte> some = digests[(at * Sm2.ScalarSizeInBytes)..];
            some = some[..Math.Min(some.Length, BatchSize * Sm2.ScalarSizeInBytes)];
            SignSome(some, signatures[(at * Sm2.SignatureSizeInBytes)..], secrets, fill);
        }

        // With the key zeroed meanwhile these would be no signatures.
        if (_secrets.Length == 0)
        {
            signatures.Clear();
            throw new ObjectDisposedException(nameof(Sm2PrivateKey));
        }
    }

    /// <summary>Signs all, and those whose nonce gives no signature again with a fresh one.</summary>
    /// <param name="work">At least one; E and K set.</param>
    /// <param name="secrets">As the field.</param>
    internal static void SignUntilValid(Span<SignatureWork> work, ReadOnlySpan<Scalar> secrets, FillRandom fill)
    {
        Span<byte> random = stackalloc byte[Sm2.ScalarSizeInBytes];
        Signing.SignBatch(ref MemoryMarshal.GetReference(work), work.Length, in secrets[1], ref CombTable.Generator.First);
        foreach (ref SignatureWork item in work)
        {
            while (item.Valid == 0)
            {
                fill(random);
                DeriveNonce(ref item, random, secrets, fill);
                Signing.SignBatch(ref item, 1, in secrets[1], ref CombTable.Generator.First);
            }
        }
    }

    private static void SignSome(ReadOnlySpan<byte> digests, Span<byte> signatures, ReadOnlySpan<Scalar> secrets, FillRandom fill)
    {
        int count = digests.Length / Sm2.ScalarSizeInBytes;
        Span<byte> random = stackalloc byte[BatchSize * Sm2.ScalarSizeInBytes];
        Span<SignatureWork> work = stackalloc SignatureWork[BatchSize];
        random = random[..digests.Length];
        work = work[..count];
        fill(random);
        for (int i = 0; i < count; i++)
        {
            work[i].E = Scalar.FromBytes(digests[(i * Sm2.ScalarSizeInBytes)..]);
            DeriveNonce(ref work[i], random.Slice(i * Sm2.ScalarSizeInBytes, Sm2.ScalarSizeInBytes), secrets, fill);
        }

        SignUntilValid(work, secrets, fill);
        for (int i = 0; i < count; i++)
        {
            Span<byte> signature = signatures.Slice(i * Sm2.SignatureSizeInBytes, Sm2.SignatureSizeInBytes);
            work[i].R.ToBytes(signature);
            work[i].S.ToBytes(signature[Sm2.ScalarSizeInBytes..]);
        }
    }

    private static void DeriveNonce(ref SignatureWork work, Span<byte> random, ReadOnlySpan<Scalar> secrets, FillRandom fill)
    {
        while (!Sm2Random.TryDeriveNonce(out work.K, in secrets[0], random, in work.E))
        {
            fill(random);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryDecrypt(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext, in Scalar d)
    {
        if (plaintext.IsEmpty || !Sm2PublicKey.TryReadPoint(ciphertext[..Sm2.PublicKeySizeInBytes], out AffinePoint c1))
        {
            return false;
        }

        WindowMultiplication.MultiplySecret(out AffinePoint shared, in c1, in d);
        bool masked = Sm2Cipher.Mask(in shared, ciphertext[Sm2.CiphertextOverheadInBytes..], plaintext);
        Span<byte> c3 = stackalloc byte[Sm3.HashSizeInBytes];
        Sm2Cipher.ComputeC3(in shared, plaintext, c3);
        return masked & CryptographicOperations.FixedTimeEquals(c3, ciphertext.Slice(Sm2.PublicKeySizeInBytes, Sm3.HashSizeInBytes));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Sm2PrivateKey Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Sm2.ScalarSizeInBytes)
        {
            throw new CryptographicException("An SM2 private key has 32 bytes.");
        }

        Scalar d = Scalar.FromBytes(bytes);
        return IsPrivateKey(in d) ? new Sm2PrivateKey(in d) : throw new CryptographicException("An SM2 private key is between 1 and n − 2.");
    }

    // d + 1 mod n is 0 for n − 1, the one value in [1, n − 1] that is no private key.
    private static bool IsPrivateKey(in Scalar d)
    {
        Scalar.Add(out Scalar next, in d, Scalar.One);
        return Sm2Random.IsInRange(in d) && Scalar.IsZeroMask(in next) == 0;
    }

    private void SignErasing(ReadOnlySpan<byte> digests, Span<byte> signatures)
    {
        try
        {
            SignDigests(digests, signatures, RandomNumberGenerator.Fill);
            GC.KeepAlive(this);
        }
        finally
        {
            Erasure.EraseStack();
        }
    }

    private Span<Scalar> Secrets()
    {
        Scalar[] secrets = _secrets;
        ObjectDisposedException.ThrowIf(secrets.Length == 0, this);
        return secrets;
    }

    private void Zero()
    {
        Scalar[] secrets = _secrets;
        _secrets = [];
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(secrets.AsSpan()));
    }
}
