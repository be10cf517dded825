using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

/// <summary>What we sign OpenSSL and BouncyCastle accept, what they sign we accept, and what we change nobody accepts.</summary>
public class DifferentialTests(ITestOutputHelper output)
{
    private const int SignaturesPerKey = 100;

    /// <summary>20,000 signatures each way with OpenSSL, one in ten also with BouncyCastle; 1,000,000 with ZWCA_LONG=1.</summary>
    [Fact]
    public void SignaturesAreAcceptedBothWays()
    {
        Requires.OpenSslUnderDotNet();
        int keys = (TestRandom.Long ? 1_000_000 : 20_000) / SignaturesPerKey;
        int seed = new TestRandom().Seed;
        long started = TimeProvider.System.GetTimestamp();
        Parallel.For(0, keys, i => OneKey(new TestRandom(seed + i)));
        output.WriteLine($"{keys * SignaturesPerKey} signatures each way, first seed {seed}, {TimeProvider.System.GetElapsedTime(started).TotalSeconds:F0} s");
    }

    [Fact]
    public void CiphertextsAreReadBothWays()
    {
        TestRandom random = new();
        for (int length = 1; length <= (TestRandom.Long ? 2000 : 200); length++)
        {
            byte[] d = PrivateKey(random), plaintext = random.Bytes(length);
            using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(d);
            byte[] ciphertext = key.PublicKey.Encrypt(plaintext);
            Assert.Equal(plaintext.Length + Sm2.CiphertextOverheadInBytes, ciphertext.Length);
            Assert.Equal(plaintext, key.Decrypt(ciphertext));
            Assert.Equal(plaintext, Oracle.BouncyCastleDecrypt(d, ciphertext));
            Assert.Equal(plaintext, key.Decrypt(Oracle.BouncyCastleEncrypt(key.PublicKey.ToBytes(), plaintext)));
        }
    }

    private static void OneKey(TestRandom random)
    {
        byte[] d = PrivateKey(random);
        using Sm2PrivateKey key = Sm2PrivateKey.FromBytes(d);
        byte[] publicKey = key.PublicKey.ToBytes();
        Sm2PublicKey plain = Sm2PublicKey.FromBytes(publicKey);
        key.PublicKey.Prepare();
        using ECDsa openSsl = Oracle.OpenSsl(publicKey, d);
        byte[] digests = new byte[SignaturesPerKey * 32], signatures = new byte[SignaturesPerKey * 64];
        byte[][] messages = [.. Enumerable.Range(0, SignaturesPerKey).Select(_ => random.Bytes(random.Next(200)))];
        for (int i = 0; i < SignaturesPerKey; i++)
        {
            plain.ComputeDigest(messages[i], digests.AsSpan(i * 32));
        }

        // Batches of every size: the rest is signed in one go after i single ones.
        int single = random.Next(SignaturesPerKey + 1);
        for (int i = 0; i < single; i++)
        {
            key.Sign(messages[i], signatures.AsSpan(i * 64, 64));
        }

        key.SignDigests(digests.AsSpan(single * 32), signatures.AsSpan(single * 64));
        for (int i = 0; i < SignaturesPerKey; i++)
        {
            string at = $"seed {random.Seed}, signature {i}";
            byte[] digest = digests[(i * 32)..((i + 1) * 32)], ours = signatures[(i * 64)..((i + 1) * 64)];
            Assert.True(openSsl.VerifyHash(digest, ours), $"{at}: OpenSSL refuses ours");
            byte[] theirs = openSsl.SignHash(digest);
            Assert.True(plain.VerifyDigest(digest, theirs), $"{at}: we refuse OpenSSL's");
            Assert.True(key.PublicKey.VerifyDigest(digest, theirs), $"{at}: we refuse OpenSSL's with a prepared key");
            theirs[random.Next(64)] ^= (byte)(1 << random.Next(8));
            Assert.False(plain.VerifyDigest(digest, theirs), $"{at}: we accept a changed signature");
            Assert.False(key.PublicKey.VerifyDigest(digest, theirs), $"{at}: we accept a changed signature with a prepared key");
            if (i % 10 == 0)
            {
                byte[] id = random.Bytes(random.Next(40));
                Assert.True(Oracle.BouncyCastleVerify(publicKey, messages[i], ours, Sm2.DefaultId.ToArray()), $"{at}: BouncyCastle refuses ours");
                Assert.True(plain.Verify(messages[i], Oracle.BouncyCastleSign(d, messages[i], id), id), $"{at}: we refuse BouncyCastle's");
            }
        }
    }

    private static byte[] PrivateKey(TestRandom random) => Oracle.Bytes(1 + (Oracle.Integer(random.Bytes(40)) % (Oracle.N - 2)));
}
