using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Parameters;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

public class Sm4GcmTests
{
    private readonly Seed _seed = new();

    /// <summary>Cipher and hash, each accelerated or not.</summary>
    public static TheoryData<bool, bool> Paths
    {
        get
        {
            TheoryData<bool, bool> data = [];
            foreach (bool cipher in Sm4Aes.IsSupported ? new[] { false, true } : [false])
            {
                foreach (bool hash in Ghash.IsSupported ? new[] { false, true } : [false])
                {
                    data.Add(cipher, hash);
                }
            }

            return data;
        }
    }

    // RFC 8998 appendix A.1.
    [Theory]
    [MemberData(nameof(Paths))]
    public void ExampleOfRfc8998_BothWays(bool cipher, bool hash)
    {
        byte[] nonce = Convert.FromHexString("00001234567800000000ABCD");
        byte[] associated = Convert.FromHexString("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
        byte[] plaintext = Convert.FromHexString(
            "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD" +
            "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA");
        using Sm4Gcm gcm = new(Convert.FromHexString("0123456789ABCDEFFEDCBA9876543210"), 16, cipher, hash);
        byte[] ciphertext = new byte[plaintext.Length];
        byte[] tag = new byte[16];
        gcm.Encrypt(nonce, plaintext, ciphertext, tag, associated);
        Assert.Equal(
            "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735" +
            "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D",
            Convert.ToHexString(ciphertext));
        Assert.Equal("83DE3541E4C2B58177E065A9BF7B62EC", Convert.ToHexString(tag));
        byte[] decrypted = new byte[plaintext.Length];
        gcm.Decrypt(nonce, ciphertext, tag, decrypted, associated);
        Assert.Equal(plaintext, decrypted);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void MessageOfEveryLengthUpTo400_EqualsBouncyCastle(bool cipher, bool hash)
    {
        for (int length = 0; length <= 400; length++)
        {
            byte[] key = _seed.Bytes(16);
            byte[] nonce = _seed.Bytes(12);
            byte[] plaintext = _seed.Bytes(length);
            byte[] associated = _seed.Bytes(_seed.Next(100));
            int tagSize = 12 + _seed.Next(5);
            byte[] expected = Reference(key, nonce, plaintext, associated, tagSize);

            using Sm4Gcm gcm = new(key, tagSize, cipher, hash);
            byte[] text = (byte[])plaintext.Clone();
            byte[] tag = new byte[tagSize];
            gcm.Encrypt(nonce, text, text, tag, associated);
            Assert.Equal(expected, (byte[])[.. text, .. tag]);
            gcm.Decrypt(nonce, text, tag, text, associated);
            Assert.Equal(plaintext, text);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void OneBitOff_IsRefusedAndNoPlaintextIsLeft(bool cipher, bool hash)
    {
        byte[] key = _seed.Bytes(16);
        byte[] nonce = _seed.Bytes(12);
        byte[] associated = _seed.Bytes(20);
        byte[] ciphertext = new byte[37];
        byte[] tag = new byte[16];
        using Sm4Gcm gcm = new(key, 16, cipher, hash);
        gcm.Encrypt(nonce, _seed.Bytes(37), ciphertext, tag, associated);
        byte[][] parts = [nonce, associated, ciphertext, tag];
        foreach (byte[] part in parts)
        {
            for (int bit = 0; bit < 8 * part.Length; bit++)
            {
                part[bit / 8] ^= (byte)(1 << (bit % 8));
                byte[] plaintext = _seed.Bytes(37);
                Assert.Throws<AuthenticationTagMismatchException>(() => gcm.Decrypt(nonce, ciphertext, tag, plaintext, associated));
                Assert.False(plaintext.AsSpan().ContainsAnyExcept((byte)0));
                part[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }

        // All is as it was: the refusals above were due to the bit.
        gcm.Decrypt(nonce, ciphertext, tag, new byte[37], associated);
        Assert.Throws<AuthenticationTagMismatchException>(() => gcm.Decrypt(nonce, ciphertext[..36], tag, new byte[36], associated));
        Assert.Throws<AuthenticationTagMismatchException>(() => gcm.Decrypt(nonce, ciphertext, tag, new byte[37], associated[..19]));
        Assert.Throws<AuthenticationTagMismatchException>(() => gcm.Decrypt(nonce, ciphertext, tag, new byte[37]));
    }

    [Fact]
    public void WrongArguments_AreRefused()
    {
        byte[] nonce = new byte[12];
        byte[] tag = new byte[16];
        using Sm4Gcm gcm = new(new byte[16]);
        Assert.Equal(16, gcm.TagSizeInBytes);
        Assert.Throws<ArgumentException>("key", () => new Sm4Gcm(new byte[17]));
        Assert.Throws<ArgumentOutOfRangeException>("tagSizeInBytes", () => new Sm4Gcm(new byte[16], 11));
        Assert.Throws<ArgumentOutOfRangeException>("tagSizeInBytes", () => new Sm4Gcm(new byte[16], 17));
        Assert.Throws<ArgumentException>("nonce", () => gcm.Encrypt(new byte[11], [], [], tag));
        Assert.Throws<ArgumentException>("nonce", () => gcm.Decrypt(new byte[16], [], tag, []));
        Assert.Throws<ArgumentException>("tag", () => gcm.Encrypt(nonce, [], [], new byte[12]));
        Assert.Throws<ArgumentException>("tag", () => gcm.Decrypt(nonce, [], new byte[15], []));
        Assert.Throws<ArgumentException>("destination", () => gcm.Encrypt(nonce, new byte[3], new byte[4], tag));
        Assert.Throws<ArgumentException>("destination", () => gcm.Decrypt(nonce, new byte[4], tag, new byte[3]));
        byte[] buffer = new byte[64];
        Assert.Throws<ArgumentException>("destination", () => gcm.Encrypt(nonce, buffer.AsSpan(0, 20), buffer.AsSpan(1, 20), tag));
        Assert.Throws<ArgumentException>(
            "tag", () => gcm.Encrypt(nonce, buffer.AsSpan(0, 20), buffer.AsSpan(0, 20), buffer.AsSpan(19, 16)));
    }

    [Fact]
    public void DisposedCipher_IsRefused()
    {
        Sm4Gcm gcm = new(new byte[16]);
        gcm.Dispose();
        gcm.Dispose();
        Assert.Throws<ObjectDisposedException>(() => gcm.Encrypt(new byte[12], [], [], new byte[16]));
        Assert.Throws<ObjectDisposedException>(() => gcm.Decrypt(new byte[12], [], new byte[16], []));
    }

    private static byte[] Reference(byte[] key, byte[] nonce, byte[] plaintext, byte[] associated, int tagSize)
    {
        GcmBlockCipher cipher = new(new SM4Engine());
        cipher.Init(true, new AeadParameters(new KeyParameter(key), 8 * tagSize, nonce, associated));
        byte[] output = new byte[cipher.GetOutputSize(plaintext.Length)];
        int written = cipher.ProcessBytes(plaintext, 0, plaintext.Length, output, 0);
        cipher.DoFinal(output, written);
        return output;
    }
}
