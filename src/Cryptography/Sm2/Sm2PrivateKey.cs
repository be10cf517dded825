using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ZwCa.Cryptography;

/// <summary>
/// An SM2 private key d, 1 ≤ d ≤ n − 2. The scalar lies in pinned memory that the collector never copies and that <see cref="Dispose"/>
/// (or the finalizer) zeroes. Safe for concurrent use; disposing while another thread signs is not.
/// </summary>
public sealed class Sm2PrivateKey : IDisposable
{
    private const int BatchSize = 32;

    // [0] = d, [1] = (1 + d)⁻¹·2^260 mod n. Empty once disposed.
    private Scalar[] _secrets;

    private Sm2PrivateKey(in Scalar d)
    {
        _secrets = GC.AllocateArray<Scalar>(2, pinned: true);
        _secrets[0] = d;
        Scalar.Add(out Scalar sum, in d, Scalar.One);
        ModularInverse.InvertModOrder(out Scalar inverse, in sum);
        Scalar.MultiplyMontgomery(out inverse, in inverse, Scalar.MontgomerySquare);
        _secrets[1] = inverse;
        Erasure.Erase(ref sum);
        Erasure.Erase(ref inverse);
        MultiplyGenerator(out AffinePoint point, in d);
        PublicKey = new Sm2PublicKey(in point);
    }

    ~Sm2PrivateKey() => Zero();

    public Sm2PublicKey PublicKey { get; }

    /// <summary>A new key from the system's generator.</summary>
    public static Sm2PrivateKey Generate()
    {
        Scalar d;
        do
        {
            Sm2Random.NextScalar(out d);
        }
        while (!IsPrivateKey(in d));
        var key = new Sm2PrivateKey(in d);
        Erasure.Erase(ref d);
        return key;
    }

    /// <param name="bytes">d, 32 bytes big-endian. The caller zeroes them.</param>
    /// <exception cref="CryptographicException">Another length, or d not in [1, n − 2].</exception>
    public static Sm2PrivateKey FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Sm2.ScalarSizeInBytes)
        {
            throw new CryptographicException("An SM2 private key has 32 bytes.");
        }

        Scalar d = Scalar.FromBytes(bytes);
        try
        {
            if (!IsPrivateKey(in d))
            {
                throw new CryptographicException("An SM2 private key is between 1 and n − 2.");
            }

            return new Sm2PrivateKey(in d);
        }
        finally
        {
            Erasure.Erase(ref d);
        }
    }

    /// <summary>Writes d, 32 bytes big-endian; the caller zeroes them.</summary>
    public void ExportBytes(Span<byte> destination) => Secrets()[0].ToBytes(destination[..Sm2.ScalarSizeInBytes]);

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
    /// <param name="signature">The first 64 bytes become r‖s.</param>
    public void SignDigest(ReadOnlySpan<byte> digest, Span<byte> signature)
    {
        if (digest.Length != Sm2.ScalarSizeInBytes)
        {
            throw new ArgumentException("A digest e has 32 bytes.", nameof(digest));
        }

        SignDigests(digest, signature[..Sm2.SignatureSizeInBytes]);
    }

    /// <summary>Signs many digests, sharing the inversion and the call to the system's generator. Allocates nothing.</summary>
    /// <param name="digests">e₁‖e₂‖…, 32 bytes each.</param>
    /// <param name="signatures">r₁‖s₁‖r₂‖s₂‖…, 64 bytes each: exactly twice as long.</param>
    public void SignDigests(ReadOnlySpan<byte> digests, Span<byte> signatures)
    {
        if (digests.Length % Sm2.ScalarSizeInBytes != 0 || signatures.Length != 2L * digests.Length)
        {
            throw new ArgumentException("Each digest has 32 bytes, each signature 64.", nameof(signatures));
        }

        Span<Scalar> secrets = Secrets();
        while (!digests.IsEmpty)
        {
            int count = Math.Min(digests.Length / Sm2.ScalarSizeInBytes, BatchSize);
            SignSome(digests[..(count * Sm2.ScalarSizeInBytes)], signatures, secrets);
            digests = digests[(count * Sm2.ScalarSizeInBytes)..];
            signatures = signatures[(count * Sm2.SignatureSizeInBytes)..];
        }

        GC.KeepAlive(this);
    }

    /// <summary>Decrypts (GM/T 0003.4 §7.1).</summary>
    /// <param name="ciphertext">04‖X‖Y‖C3‖C2.</param>
    /// <exception cref="CryptographicException">Too short, a point off the curve, or C3 does not match; all alike to the caller.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> ciphertext)
    {
        Span<Scalar> secrets = Secrets();
        if (ciphertext.Length <= Sm2.CiphertextOverheadInBytes || !Sm2PublicKey.TryReadPoint(ciphertext[..Sm2.PublicKeySizeInBytes], out AffinePoint c1))
        {
            throw new CryptographicException("Not an SM2 ciphertext for this key.");
        }

        WindowMultiplication.MultiplySecret(out AffinePoint shared, in c1, in secrets[0]);
        GC.KeepAlive(this);
        byte[] plaintext = new byte[ciphertext.Length - Sm2.CiphertextOverheadInBytes];
        bool masked = Sm2Cipher.Mask(in shared, ciphertext[Sm2.CiphertextOverheadInBytes..], plaintext);
        Span<byte> c3 = stackalloc byte[Sm3.HashSizeInBytes];
        Sm2Cipher.ComputeC3(in shared, plaintext, c3);
        Erasure.Erase(ref shared);
        if (!(masked & CryptographicOperations.FixedTimeEquals(c3, ciphertext.Slice(Sm2.PublicKeySizeInBytes, Sm3.HashSizeInBytes))))
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
        Erasure.Erase(ref point);
    }

    private static bool IsPrivateKey(in Scalar d)
    {
        // d + 1 mod n is 0 for n − 1, the one value below n that is no private key.
        Scalar.Add(out Scalar next, in d, Scalar.One);
        bool valid = (Scalar.BelowOrderMask(in d) & ~Scalar.IsZeroMask(in d) & ~Scalar.IsZeroMask(in next)) != 0;
        Erasure.Erase(ref next);
        return valid;
    }

    private static void SignSome(ReadOnlySpan<byte> digests, Span<byte> signatures, ReadOnlySpan<Scalar> secrets)
    {
        int count = digests.Length / Sm2.ScalarSizeInBytes;
        Span<byte> random = stackalloc byte[BatchSize * Sm2.ScalarSizeInBytes];
        Span<SignatureWork> work = stackalloc SignatureWork[BatchSize];
        random = random[..digests.Length];
        work = work[..count];
        RandomNumberGenerator.Fill(random);
        for (int i = 0; i < count; i++)
        {
            Prepare(ref work[i], digests.Slice(i * Sm2.ScalarSizeInBytes, Sm2.ScalarSizeInBytes), random.Slice(i * Sm2.ScalarSizeInBytes, Sm2.ScalarSizeInBytes), secrets);
        }

        Signing.SignBatch(ref MemoryMarshal.GetReference(work), count, in secrets[1], ref CombTable.Generator.First);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> digest = digests.Slice(i * Sm2.ScalarSizeInBytes, Sm2.ScalarSizeInBytes);
            Span<byte> own = random.Slice(i * Sm2.ScalarSizeInBytes, Sm2.ScalarSizeInBytes);
            while (work[i].Valid == 0)
            {
                RandomNumberGenerator.Fill(own);
                Prepare(ref work[i], digest, own, secrets);
                Signing.SignBatch(ref work[i], 1, in secrets[1], ref CombTable.Generator.First);
            }

            Span<byte> signature = signatures.Slice(i * Sm2.SignatureSizeInBytes, Sm2.SignatureSizeInBytes);
            work[i].R.ToBytes(signature);
            work[i].S.ToBytes(signature[Sm2.ScalarSizeInBytes..]);
        }

        CryptographicOperations.ZeroMemory(random);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(work));
    }

    private static void Prepare(ref SignatureWork work, ReadOnlySpan<byte> digest, Span<byte> random, ReadOnlySpan<Scalar> secrets)
    {
        work.E = Scalar.FromBytes(digest);
        while (!Sm2Random.TryDeriveNonce(out work.K, in secrets[0], random, digest))
        {
            RandomNumberGenerator.Fill(random);
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
