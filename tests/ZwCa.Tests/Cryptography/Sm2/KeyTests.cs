using System.Numerics;
using System.Reflection;
using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

public class KeyTests
{
    [Fact]
    public void PrivateKeyOutOfRange_IsRefused()
    {
        foreach (BigInteger d in (BigInteger[])[0, Oracle.N - 1, Oracle.N, Oracle.N + 1, (BigInteger.One << 256) - 1])
        {
            Assert.Throws<CryptographicException>(() => Sm2PrivateKey.FromBytes(Oracle.Bytes(d)));
        }

        Assert.Throws<CryptographicException>(() => Sm2PrivateKey.FromBytes(new byte[31]));
        Assert.Throws<CryptographicException>(() => Sm2PrivateKey.FromBytes(new byte[33]));
    }

    [Fact]
    public void ExportedKey_IsTheSameKey()
    {
        using Sm2PrivateKey key = Sm2PrivateKey.Generate();
        byte[] d = new byte[32];
        key.ExportBytes(d);
        Assert.Equal(Oracle.Encode(Oracle.Multiply(Oracle.Generator, Oracle.Integer(d))), key.PublicKey.ToBytes());
        using Sm2PrivateKey again = Sm2PrivateKey.FromBytes(d);
        Assert.Equal(key.PublicKey.ToBytes(), again.PublicKey.ToBytes());
    }

    [Fact]
    public void PointsThatAreNone_AreRefused()
    {
        byte[] good = Sm2PrivateKey.Generate().PublicKey.ToBytes();
        List<byte[]> bad = [[], [0], [4], new byte[65], good[..64], [.. good, 0], [5, .. good[1..]], [6, .. good[1..]], [2, .. good[1..]], [4, .. good[1..33]]];

        // The zero point, coordinates not below p (also ones that are right modulo p), points off the curve.
        bad.Add([4, .. new byte[64]]);
        bad.Add([4, .. Oracle.Bytes(Oracle.P), .. good[33..]]);
        bad.Add([4, .. good[1..33], .. Oracle.Bytes(Oracle.P)]);
        bad.Add([4, .. Enumerable.Repeat((byte)0xFF, 64)]);
        BigInteger smallX = 0;
        while (Oracle.WithX(smallX) is null)
        {
            smallX++;
        }

        byte[] small = Oracle.Encode(Oracle.WithX(smallX)!);
        Assert.Equal(small, Sm2PublicKey.FromBytes(small).ToBytes());
        bad.Add([4, .. Oracle.Bytes(smallX + Oracle.P), .. small[33..]]);
        for (int i = 1; i < 65; i++)
        {
            byte[] off = [.. good];
            off[i] ^= 1;
            bad.Add(off);
        }

        BigInteger noX = 1;
        while (Oracle.WithX(noX) is not null)
        {
            noX++;
        }

        bad.Add([2, .. Oracle.Bytes(noX)]);
        bad.Add([3, .. Oracle.Bytes(noX)]);
        bad.Add([2, .. Oracle.Bytes(Oracle.P)]);
        Assert.All(bad, bytes => Assert.Throws<CryptographicException>(() => Sm2PublicKey.FromBytes(bytes)));
    }

    [Fact]
    public void CompressedPoints_AreRead()
    {
        for (int i = 0; i < 100; i++)
        {
            byte[] point = Sm2PrivateKey.Generate().PublicKey.ToBytes();
            byte[] compressed = [(byte)(2 + (point[64] & 1)), .. point[1..33]];
            byte[] other = [(byte)(3 - (point[64] & 1)), .. point[1..33]];
            Assert.Equal(point, Sm2PublicKey.FromBytes(compressed).ToBytes());
            Assert.Equal(Oracle.Encode(Oracle.Point(other)), Sm2PublicKey.FromBytes(other).ToBytes());
        }
    }

    [Fact]
    public void ChangedCiphertext_IsRefusedAlike()
    {
        using Sm2PrivateKey key = Sm2PrivateKey.Generate();
        byte[] ciphertext = key.PublicKey.Encrypt("sixteen byte key"u8);
        List<byte[]> bad = [.. Enumerable.Range(0, ciphertext.Length).Select(length => ciphertext[..length])];
        for (int i = 0; i < ciphertext.Length; i++)
        {
            byte[] changed = [.. ciphertext];
            changed[i] ^= 0x20;
            bad.Add(changed);
        }

        bad.Add([.. ciphertext, 0]);
        HashSet<string> words = [.. bad.Select(bytes => Assert.Throws<CryptographicException>(() => key.Decrypt(bytes)).Message)];
        Assert.Single(words);
        Assert.Throws<ArgumentException>(() => key.PublicKey.Encrypt([]));
    }

    /// <summary>One byte of plaintext meets an all-zero key stream once in 256 keys; the step then asks for another ephemeral key.</summary>
    [Fact]
    public void AllZeroKeyStream_AsksForAnotherEphemeralKey()
    {
        using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(Oracle.Bytes(12345));
        byte[] ciphertext = new byte[1 + Sm2.CiphertextOverheadInBytes];
        int refused = 0;
        for (uint k = 1; k <= 2000; k++)
        {
            if (!key.PublicKey.TryEncrypt([0x5A], new Scalar(k, 0, 0, 0), ciphertext))
            {
                refused++;
                Assert.Equal(0x5A, ciphertext[^1]);
                Assert.Throws<CryptographicException>(() => key.Decrypt(ciphertext));
            }
        }

        Assert.InRange(refused, 1, 30);
    }

    [Fact]
    public void DisposedKey_IsZeroedAndRefusesToWork()
    {
        Sm2PrivateKey key = Sm2PrivateKey.Generate();
        var secrets = (Array)typeof(Sm2PrivateKey).GetField("_secrets", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(key)!;
        byte[] ciphertext = key.PublicKey.Encrypt([1]);
        key.Dispose();
        key.Dispose();
        Assert.All(secrets.Cast<Scalar>(), s => Assert.Equal(ulong.MaxValue, Scalar.IsZeroMask(in s)));
        Assert.Throws<ObjectDisposedException>(() => key.SignDigest(new byte[32], new byte[64]));
        Assert.Throws<ObjectDisposedException>(() => key.Decrypt(ciphertext));
        Assert.Throws<ObjectDisposedException>(() => key.ExportBytes(new byte[32]));
    }

    /// <summary>What the runtime itself may allocate once (a type loaded, a cache filled) falls into one block; what a signature allocates, into all.</summary>
    [Fact]
    public void Signing_AllocatesNothing()
    {
        using Sm2PrivateKey key = Sm2PrivateKey.Generate();
        byte[] message = new byte[700], signature = new byte[64];
        long[] allocated = new long[5];
        for (int block = 0; block < allocated.Length; block++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
            {
                key.Sign(message, signature);
            }

            allocated[block] = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated.Min());
    }

    [Fact]
    public void Nonces_DifferEvenWhenTheGeneratorRepeatsItself()
    {
        Scalar d = new(7, 0, 0, 0);
        byte[] random = new byte[32];
        Assert.True(Sm2Random.TryDeriveNonce(out Scalar first, in d, random, new Scalar(1, 0, 0, 0)));
        Assert.True(Sm2Random.TryDeriveNonce(out Scalar otherDigest, in d, random, new Scalar(2, 0, 0, 0)));
        Assert.True(Sm2Random.TryDeriveNonce(out Scalar otherKey, new Scalar(8, 0, 0, 0), random, new Scalar(1, 0, 0, 0)));
        Assert.True(Sm2Random.TryDeriveNonce(out Scalar otherRandom, in d, Oracle.Bytes(1), new Scalar(1, 0, 0, 0)));
        Assert.Equal(4, new HashSet<Scalar> { first, otherDigest, otherKey, otherRandom }.Count);
    }
}
