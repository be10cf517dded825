using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

/// <summary>What happens with random bytes that are out of range, repeat themselves, or lead to an unusable nonce.</summary>
public class RandomSourceTests
{
    [Fact]
    public void ScalarsOutOfRange_AreTakenAgain()
    {
        Script script = new(Oracle.Bytes(0), Oracle.Bytes(Oracle.N), Oracle.Bytes((BigInteger.One << 256) - 1), Oracle.Bytes(Oracle.N - 1));
        Sm2Random.NextScalar(out Scalar scalar, script.Fill);
        Assert.Equal(4, script.Calls);
        byte[] bytes = new byte[32];
        scalar.ToBytes(bytes);
        Assert.Equal(Oracle.Bytes(Oracle.N - 1), bytes);
    }

    /// <summary>n − 1 is a scalar in range, but no private key.</summary>
    [Fact]
    public void PrivateKeysOutOfRange_AreTakenAgain()
    {
        Script script = new(Oracle.Bytes(0), Oracle.Bytes(Oracle.N - 1), Oracle.Bytes(7));
        using Sm2PrivateKey key = Sm2PrivateKey.Generate(script.Fill);
        Assert.Equal(3, script.Calls);
        Assert.Equal(Oracle.Encode(Oracle.Multiply(Oracle.Generator, 7)), key.PublicKey.ToBytes());
    }

    /// <summary>The comb's exceptional scalar as nonce, in the middle of a batch: that signature is made again from fresh bytes, the others stand.</summary>
    [Fact]
    public void UnusableNonce_IsReplacedFromFreshBytes()
    {
        BigInteger d = 424242, unusable = (30 * (BigInteger.One << 252)) - Oracle.N;
        using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(Oracle.Bytes(d));
        Scalar[] secrets = [Words(d), Words(BigInteger.ModPow(d + 1, Oracle.N - 2, Oracle.N) * BigInteger.ModPow(2, 260, Oracle.N) % Oracle.N)];
        SignatureWork[] work = [.. ((BigInteger[])[11, unusable, 13]).Select((k, i) => new SignatureWork { E = Words(100 + i), K = Words(k) })];
        Script script = new(RandomNumberGenerator.GetBytes(32));
        Sm2PrivateKey.SignUntilValid(work, secrets, script.Fill);
        Assert.Equal(1, script.Calls);
        Assert.Equal([Words(11), Words(13)], [work[0].K, work[2].K]);
        Assert.NotEqual(Words(unusable), work[1].K);
        using ECDsa openSsl = Oracle.OpenSsl(key.PublicKey.ToBytes());
        Assert.All(work, (item, i) => Assert.True(openSsl.VerifyHash(Oracle.Bytes(100 + i), (byte[])[.. Bytes(item.R), .. Bytes(item.S)])));
    }

    [Fact]
    public void RandomBytes_DecideTheSignature()
    {
        using Sm2PrivateKey key = Sm2PrivateKey.Generate();
        byte[] digest = RandomNumberGenerator.GetBytes(32), random = RandomNumberGenerator.GetBytes(32), other = RandomNumberGenerator.GetBytes(32);
        byte[] first = Sign(key, digest, random);
        Assert.Equal(first, Sign(key, digest, random));
        Assert.NotEqual(first[..32], Sign(key, digest, other)[..32]);
        byte[] one = new byte[64], two = new byte[64];
        key.SignDigest(digest, one);
        key.SignDigest(digest, two);
        Assert.NotEqual(one[..32], two[..32]);
    }

    [Fact]
    public void AllZeroKeyStream_TakesAnotherEphemeralKey()
    {
        using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(Oracle.Bytes(12345));
        byte[] ciphertext = new byte[1 + Sm2.CiphertextOverheadInBytes];
        uint k = 1;
        while (key.PublicKey.TryEncrypt([0x5A], new Scalar(k, 0, 0, 0), ciphertext))
        {
            k++;
        }

        Script script = new(Oracle.Bytes(k), Oracle.Bytes(k + 1));
        key.PublicKey.Encrypt([0x5A], ciphertext, script.Fill);
        Assert.Equal(2, script.Calls);
        Assert.Equal([0x5A], key.Decrypt(ciphertext));
    }

    private static byte[] Sign(Sm2PrivateKey key, byte[] digest, byte[] random)
    {
        byte[] signature = new byte[64];
        key.SignDigests(digest, signature, new Script(random).Fill);
        return signature;
    }

    private static Scalar Words(BigInteger value) => Scalar.FromBytes(Oracle.Bytes(value));

    private static byte[] Bytes(Scalar scalar)
    {
        byte[] bytes = new byte[32];
        scalar.ToBytes(bytes);
        return bytes;
    }

    /// <summary>Gives out the named blocks, one a call, and then fails.</summary>
    private sealed class Script(params byte[][] blocks)
    {
        public int Calls { get; private set; }

        public void Fill(Span<byte> bytes) => blocks[Calls++].CopyTo(bytes);
    }
}
