using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Cryptography;
using BcPoint = Org.BouncyCastle.Math.EC.ECPoint;

namespace ZwCa.Tests.Cryptography;

/// <summary>Signatures at the edges: values out of range, exceptional nonces, and keys chosen to make additions exceptional.</summary>
public class SignatureTests
{
    private static readonly BigInteger Two256 = BigInteger.One << 256;

    [Fact]
    public void EdgeDigestsAndKeys_SignAndVerifyEverywhere()
    {
        BigInteger[] keys = [1, 2, 3, Oracle.N - 2, Oracle.N - 3, BigInteger.One << 255];
        BigInteger[] digests = [0, 1, Oracle.N - 1, Oracle.N, Oracle.N + 1, Oracle.P, Two256 - 1];
        foreach (BigInteger d in keys)
        {
            using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(Oracle.Bytes(d));
            Assert.Equal(Oracle.Encode(Oracle.Multiply(Oracle.Generator, d)), key.PublicKey.ToBytes());
            using ECDsa openSsl = Oracle.OpenSsl(key.PublicKey.ToBytes());
            foreach (BigInteger e in digests)
            {
                byte[] signature = new byte[64], digest = Oracle.Bytes(e);
                key.SignDigest(digest, signature);
                Assert.True(openSsl.VerifyHash(digest, signature));
                AssertVerifies(key.PublicKey.ToBytes(), digest, signature, true);
            }
        }
    }

    [Fact]
    public void ValuesOutOfRange_AreRefused()
    {
        using Sm2PrivateKey key = Sm2PrivateKey.Generate();
        byte[] digest = RandomNumberGenerator.GetBytes(32), signature = new byte[64];
        key.SignDigest(digest, signature);
        BigInteger r = Oracle.Integer(signature.AsSpan(0, 32)), s = Oracle.Integer(signature.AsSpan(32));
        (BigInteger R, BigInteger S)[] bad =
        [
            (0, s), (r, 0), (0, 0), (Oracle.N, s), (r, Oracle.N), (Two256 - 1, s), (r, Two256 - 1), (r, Oracle.N - r), (Oracle.N - s, s),
            (s, r), (r, Oracle.N - s), (Oracle.N - r, s), (1, 1), (Oracle.N - 1, 1), (Oracle.N - 1, Oracle.N - 1), (Oracle.P, s),
        ];
        foreach ((BigInteger badR, BigInteger badS) in bad)
        {
            AssertVerifies(key.PublicKey.ToBytes(), digest, [.. Oracle.Bytes(badR), .. Oracle.Bytes(badS)], false);
        }

        // r + n and s + n where they still fit into 32 bytes are other encodings of the same residues.
        if (r + Oracle.N < Two256)
        {
            AssertVerifies(key.PublicKey.ToBytes(), digest, [.. Oracle.Bytes(r + Oracle.N), .. Oracle.Bytes(s)], false);
        }

        for (int bit = 0; bit < 512; bit++)
        {
            byte[] flipped = [.. signature];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(key.PublicKey.VerifyDigest(digest, flipped), $"bit {bit}");
        }

        foreach (int length in (int[])[0, 1, 32, 63, 65, 128])
        {
            Assert.False(key.PublicKey.VerifyDigest(digest, new byte[length]));
        }

        Assert.Throws<ArgumentException>(() => key.PublicKey.VerifyDigest(new byte[31], signature));
        Assert.Throws<ArgumentException>(() => key.SignDigest(new byte[33], signature));
        Assert.Throws<ArgumentException>(() => key.SignDigests(new byte[64], new byte[64]));
        Assert.Throws<ArgumentException>(() => key.SignDigest(new byte[32], new byte[63]));
        Assert.Throws<ArgumentException>(() => key.PublicKey.ComputeZ(new byte[8192], new byte[32]));
        Assert.Throws<ArgumentException>(() => key.PublicKey.ComputeZ([], new byte[31]));
        Assert.Throws<ArgumentException>(() => key.PublicKey.ComputeDigest([], new byte[31]));
        byte[] shared = new byte[40 * 64];
        Assert.Throws<ArgumentException>(() => key.SignDigests(shared.AsSpan(0, 40 * 32), shared));
        Assert.True(shared.AsSpan().IndexOfAnyExcept((byte)0) < 0);
    }

    /// <summary>r = 0, r + k = n, s = 0 and the comb's exception give no signature, and the others of the batch stay right.</summary>
    [Fact]
    public void UnusableNonces_AreReportedAndHarmNoOther()
    {
        BigInteger d = Oracle.Integer(RandomNumberGenerator.GetBytes(31)) + 2, k = Oracle.Integer(RandomNumberGenerator.GetBytes(31)) + 2;
        BigInteger x = Oracle.Integer(Oracle.Encode(Oracle.Multiply(Oracle.Generator, k)).AsSpan(1, 32));
        BigInteger comb = (30 * (BigInteger.One << 252)) - Oracle.N;
        BigInteger rForZeroS = Oracle.ModN(k * BigInteger.ModPow(d, Oracle.N - 2, Oracle.N));
        (BigInteger E, BigInteger K)[] work =
        [
            (5, 77), (Oracle.ModN(-x), k), (6, 78), (Oracle.ModN(Oracle.N - k - x), k), (Oracle.ModN(rForZeroS - x), k), (1, comb), (7, 79),
        ];
        using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(Oracle.Bytes(d));
        Scalar inverse = Scalar.FromBytes(Oracle.Bytes(BigInteger.ModPow(d + 1, Oracle.N - 2, Oracle.N) * BigInteger.ModPow(2, 260, Oracle.N) % Oracle.N));
        SignatureWork[] items = [.. work.Select(w => new SignatureWork { E = Scalar.FromBytes(Oracle.Bytes(w.E)), K = Scalar.FromBytes(Oracle.Bytes(w.K)) })];
        Signing.SignBatch(ref items[0], items.Length, in inverse, ref CombTable.Generator.First);
        Assert.Equal([true, false, true, false, false, false, true], items.Select(i => i.Valid == ulong.MaxValue));
        Assert.All(items.Where(i => i.Valid != ulong.MaxValue), i => Assert.Equal(0UL, i.Valid));
        using ECDsa openSsl = Oracle.OpenSsl(key.PublicKey.ToBytes());
        foreach (int i in (int[])[0, 2, 6])
        {
            byte[] signature = new byte[64];
            items[i].R.ToBytes(signature);
            items[i].S.ToBytes(signature.AsSpan(32));
            Assert.True(openSsl.VerifyHash(Oracle.Bytes(work[i].E), signature));
        }
    }

    /// <summary>
    /// Who knows d can choose s and t = r + s freely and then the digest. With P = d·G for small d the sums s·G + t·P run into equal and opposite
    /// operands, and into infinity, in every way.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(-1)]
    [InlineData(-2)]
    [InlineData(32)]
    public void KeysThatCauseExceptionalAdditions_VerifyRightly(int d)
    {
        byte[] publicKey = Oracle.Encode(Oracle.Multiply(Oracle.Generator, d));
        BigInteger[] values = [.. Enumerable.Range(1, 17).Select(i => (BigInteger)i), 31, 32, 33, 64, 127, 128, .. Enumerable.Range(1, 5).Select(i => Oracle.N - i)];
        foreach (BigInteger s in values)
        {
            foreach (BigInteger t in values)
            {
                BigInteger r = Oracle.ModN(t - s);
                if (r.IsZero)
                {
                    continue;
                }

                BcPoint sum = Oracle.Multiply(Oracle.Generator, s + (t * d));
                BigInteger x = sum.IsInfinity ? 0 : Oracle.Integer(Oracle.Encode(sum).AsSpan(1, 32));
                byte[] signature = [.. Oracle.Bytes(r), .. Oracle.Bytes(s)];
                AssertVerifies(publicKey, Oracle.Bytes(Oracle.ModN(r - x)), signature, !sum.IsInfinity);
                AssertVerifies(publicKey, Oracle.Bytes(Oracle.ModN(r - x + 1)), signature, false);
            }
        }
    }

    /// <summary>x(R) between n and p: r = e + x mod n has lost the n that the comparison must put back.</summary>
    [Fact]
    public void XCoordinateNotBelowN_Verifies()
    {
        int found = 0;
        for (BigInteger x = Oracle.N; found < 3; x++)
        {
            if (Oracle.WithX(x) is not { } sum)
            {
                continue;
            }

            found++;
            BigInteger s = 1234567 + x % 1000, t = BigInteger.Pow(3, 100);
            BcPoint p = Oracle.Multiply(sum.Subtract(Oracle.Multiply(Oracle.Generator, s)), BigInteger.ModPow(t, Oracle.N - 2, Oracle.N));
            BigInteger r = Oracle.ModN(t - s);
            byte[] digest = Oracle.Bytes(Oracle.ModN(r - x)), signature = [.. Oracle.Bytes(r), .. Oracle.Bytes(s)];
            using ECDsa openSsl = Oracle.OpenSsl(Oracle.Encode(p));
            Assert.True(openSsl.VerifyHash(digest, signature));
            AssertVerifies(Oracle.Encode(p), digest, signature, true);
        }
    }

    /// <summary>With t = r + s = 0 the equation holds for e = r − x(s·G), which anybody can compute: step B5 is what refuses it.</summary>
    [Fact]
    public void SumOfRAndSIsZero_IsRefused()
    {
        byte[] publicKey = Sm2PrivateKey.Generate().PublicKey.ToBytes();
        foreach (BigInteger s in (BigInteger[])[1, 2, 12345, Oracle.N - 1])
        {
            BigInteger r = Oracle.N - s, x = Oracle.Integer(Oracle.Encode(Oracle.Multiply(Oracle.Generator, s)).AsSpan(1, 32));
            AssertVerifies(publicKey, Oracle.Bytes(Oracle.ModN(r - x)), [.. Oracle.Bytes(r), .. Oracle.Bytes(s)], false);
        }
    }

    /// <summary>The second candidate r − e + n is one only below p: with a small x(R), x + p and x + 2^256 must not pass for it.</summary>
    [Fact]
    public void SecondCandidateBeyondP_IsRefused()
    {
        BigInteger x = 1;
        while (Oracle.WithX(x) is null)
        {
            x++;
        }

        BigInteger s = 987654321, t = BigInteger.Pow(5, 100), r = Oracle.ModN(t - s);
        BcPoint sum = Oracle.WithX(x)!;
        byte[] publicKey = Oracle.Encode(
            Oracle.Multiply(sum.Subtract(Oracle.Multiply(Oracle.Generator, s)), BigInteger.ModPow(t, Oracle.N - 2, Oracle.N)));
        byte[] signature = [.. Oracle.Bytes(r), .. Oracle.Bytes(s)];
        AssertVerifies(publicKey, Oracle.Bytes(Oracle.ModN(r - x)), signature, true);
        AssertVerifies(publicKey, Oracle.Bytes(Oracle.ModN(r - (x + Oracle.P - Oracle.N))), signature, false);
        AssertVerifies(publicKey, Oracle.Bytes(Oracle.ModN(r - (x + Two256 - Oracle.N))), signature, false);
    }

    private static void AssertVerifies(byte[] publicKey, byte[] digest, byte[] signature, bool expected)
    {
        Sm2PublicKey key = Sm2PublicKey.FromBytes(publicKey);
        Assert.Equal(expected, key.VerifyDigest(digest, signature));
        key.Prepare();
        Assert.Equal(expected, key.VerifyDigest(digest, signature));
    }
}
