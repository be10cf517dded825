using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Parameters;
using ZwCa.Cryptography;
using BouncyPkcs7 = Org.BouncyCastle.Crypto.Paddings.Pkcs7Padding;
using PaddedCipher = Org.BouncyCastle.Crypto.Paddings.PaddedBufferedBlockCipher;

namespace ZwCa.Tests.Cryptography;

public class Sm4Tests
{
    private const string Iv = "000102030405060708090A0B0C0D0E0F";
    private const string TwoBlocks = "AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB";
    private const string FourBlocks =
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD" +
        "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBB";

    private readonly Seed _seed = new();

    public static TheoryData<bool> Paths => Accelerated.Paths(Sm4Aes.IsSupported);

    public static TheoryData<bool, bool> PathsAndModes
    {
        get
        {
            TheoryData<bool, bool> data = [];
            foreach (bool accelerated in Sm4Aes.IsSupported ? new[] { false, true } : [false])
            {
                data.Add(accelerated, false);
                data.Add(accelerated, true);
            }

            return data;
        }
    }

    // draft-ribose-cfrg-sm4-10 annex A.2: ECB, CBC and CTR, each under two keys.
    [Theory]
    [MemberData(nameof(Paths))]
    public void ExamplesOfTheInternetDraft_BothWays(bool accelerated)
    {
        (string Key, string Ecb, string Cbc, string Ctr)[] examples =
        [
            ("0123456789ABCDEFFEDCBA9876543210",
             "5EC8143DE509CFF7B5179F8F474B86192F1D305A7FB17DF985F81C8482192304",
             "78EBB11CC40B0A48312AAEB2040244CB4CB7016951909226979B0D15DC6A8F6D",
             "AC3236CB970CC20791364C395A1342D1A3CBC1878C6F30CD074CCE385CDD70C7" +
             "F234BC0E24C11980FD1286310CE37B926E02FCD0FAA0BAF38B2933851D824514"),
            ("FEDCBA98765432100123456789ABCDEF",
             "C5876897E4A59BBBA72A10C83872245B12DD90BC2D200692B529A4155AC9E600",
             "0D3A6DDC2D21C698857215587B7BB59A91F2C147911A4144665E1FA1D40BAE38",
             "5DCCCD25B95AB07417A08512EE160E2F8F661521CBBAB44CC87138445BC29E5C" +
             "0AE0297205D62704173B21239B887F6C8CB5B800917A2488284BDE9E16EA2906"),
        ];
        byte[] iv = Convert.FromHexString(Iv);
        foreach ((string key, string ecb, string cbc, string ctr) in examples)
        {
            using Sm4 sm4 = new(Convert.FromHexString(key), accelerated);
            byte[] two = Convert.FromHexString(TwoBlocks);
            Assert.Equal(ecb, Convert.ToHexString(sm4.EncryptEcb(two, PaddingMode.None)));
            Assert.Equal(two, sm4.DecryptEcb(Convert.FromHexString(ecb), PaddingMode.None));
            Assert.Equal(cbc, Convert.ToHexString(sm4.EncryptCbc(two, iv, PaddingMode.None)));
            Assert.Equal(two, sm4.DecryptCbc(Convert.FromHexString(cbc), iv, PaddingMode.None));

            byte[] four = Convert.FromHexString(FourBlocks);
            byte[] output = new byte[four.Length];
            sm4.TransformCtr(four, iv, output);
            Assert.Equal(ctr, Convert.ToHexString(output));
            sm4.TransformCtr(output, iv, output);
            Assert.Equal(four, output);
        }
    }

    [Theory]
    [MemberData(nameof(PathsAndModes))]
    public void PaddedMessageOfEveryLengthUpTo600_EqualsBouncyCastle(bool accelerated, bool cbc)
    {
        for (int length = 0; length <= 600; length++)
        {
            byte[] key = _seed.Bytes(16);
            byte[] iv = _seed.Bytes(16);
            byte[] plaintext = _seed.Bytes(length);
            using Sm4 sm4 = new(key, accelerated);
            byte[] expected = Reference(cbc, encrypt: true, key, iv, plaintext);
            byte[] ciphertext = Encrypt(sm4, cbc, plaintext, iv, PaddingMode.PKCS7);
            Assert.Equal(expected, ciphertext);
            Assert.Equal(plaintext, Decrypt(sm4, cbc, ciphertext, iv, PaddingMode.PKCS7));

            // In place: both directions begin where their source does.
            byte[] buffer = new byte[expected.Length + 1];
            plaintext.CopyTo(buffer, 0);
            buffer[^1] = 0xEE;
            Span<byte> source = buffer.AsSpan(0, length);
            Assert.Equal(expected.Length, cbc
                ? sm4.EncryptCbc(source, iv, buffer, PaddingMode.PKCS7)
                : sm4.EncryptEcb(source, buffer, PaddingMode.PKCS7));
            Assert.Equal(expected, buffer[..^1]);
            Assert.Equal(length, cbc
                ? sm4.DecryptCbc(buffer.AsSpan(0, expected.Length), iv, buffer, PaddingMode.PKCS7)
                : sm4.DecryptEcb(buffer.AsSpan(0, expected.Length), buffer, PaddingMode.PKCS7));
            Assert.Equal(plaintext, buffer[..length]);
            Assert.Equal(0xEE, buffer[^1]);
        }
    }

    [Theory]
    [MemberData(nameof(PathsAndModes))]
    public void UnpaddedBlocksUpTo40_ReturnInPlace(bool accelerated, bool cbc)
    {
        byte[] iv = _seed.Bytes(16);
        using Sm4 sm4 = new(_seed.Bytes(16), accelerated);
        for (int blocks = 0; blocks <= 40; blocks++)
        {
            byte[] plaintext = _seed.Bytes(16 * blocks);
            byte[] buffer = Encrypt(sm4, cbc, plaintext, iv, PaddingMode.None);
            Assert.Equal(plaintext.Length, buffer.Length);
            Assert.Equal(plaintext, Decrypt(sm4, cbc, buffer, iv, PaddingMode.None));
            int written = cbc ? sm4.DecryptCbc(buffer, iv, buffer, PaddingMode.None) : sm4.DecryptEcb(buffer, buffer, PaddingMode.None);
            Assert.Equal(plaintext, buffer[..written]);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void CounterModeOfEveryLengthUpTo600_EqualsBouncyCastle(bool accelerated)
    {
        for (int length = 0; length <= 600; length++)
        {
            byte[] key = _seed.Bytes(16);
            byte[] counter = _seed.Bytes(16);
            if (length % 3 == 0)
            {
                // All but the last bits set: the carry runs through the whole block.
                counter.AsSpan().Fill(0xFF);
                counter[15] = (byte)_seed.Next(256);
            }

            byte[] data = _seed.Bytes(length);
            BufferedBlockCipher reference = new(new SicBlockCipher(new SM4Engine()));
            reference.Init(true, new ParametersWithIV(new KeyParameter(key), counter));
            byte[] expected = reference.DoFinal(data);

            using Sm4 sm4 = new(key, accelerated);
            byte[] output = new byte[length];
            sm4.TransformCtr(data, counter, output);
            Assert.Equal(expected, output);
            sm4.TransformCtr(data, counter, data);
            Assert.Equal(expected, data);
        }
    }

    [Theory]
    [MemberData(nameof(PathsAndModes))]
    public void EveryWrongPadding_IsRefusedInTheSameWords(bool accelerated, bool cbc)
    {
        byte[] iv = _seed.Bytes(16);
        using Sm4 sm4 = new(_seed.Bytes(16), accelerated);
        List<byte[]> lastBlocks = [];
        for (int n = 0; n < 256; n++)
        {
            byte[] block = _seed.Bytes(16);
            if (n is >= 1 and <= 16)
            {
                block.AsSpan(16 - n).Fill((byte)n);
                if (n == 1)
                {
                    continue;
                }

                // One byte of the padding is off.
                block[16 - n + _seed.Next(n - 1)] ^= (byte)(1 << _seed.Next(8));
            }

            block[15] = (byte)n;
            lastBlocks.Add(block);
        }

        HashSet<string> messages = [];
        foreach (byte[] last in lastBlocks)
        {
            byte[] plaintext = [.. _seed.Bytes(16 * _seed.Next(3)), .. last];
            byte[] ciphertext = Encrypt(sm4, cbc, plaintext, iv, PaddingMode.None);
            byte[] destination = new byte[ciphertext.Length];
            CryptographicException exception = Assert.Throws<CryptographicException>(() => cbc
                ? sm4.DecryptCbc(ciphertext, iv, destination, PaddingMode.PKCS7)
                : sm4.DecryptEcb(ciphertext, destination, PaddingMode.PKCS7));
            messages.Add(exception.Message);
            Assert.All(destination, b => Assert.Equal(0, b));
        }

        Assert.Single(messages);
    }

    [Theory]
    [MemberData(nameof(PathsAndModes))]
    public void CiphertextThatIsNotWholeBlocks_IsRefused(bool accelerated, bool cbc)
    {
        byte[] iv = new byte[16];
        using Sm4 sm4 = new(_seed.Bytes(16), accelerated);
        foreach (int length in new[] { 1, 15, 17, 31 })
        {
            Assert.Throws<CryptographicException>(() => Decrypt(sm4, cbc, new byte[length], iv, PaddingMode.None));
            Assert.Throws<CryptographicException>(() => Decrypt(sm4, cbc, new byte[length], iv, PaddingMode.PKCS7));
        }

        Assert.Throws<CryptographicException>(() => Decrypt(sm4, cbc, [], iv, PaddingMode.PKCS7));
        Assert.Empty(Decrypt(sm4, cbc, [], iv, PaddingMode.None));
    }

    [Fact]
    public void WrongArguments_AreRefused()
    {
        byte[] iv = new byte[16];
        byte[] data = new byte[64];
        using Sm4 sm4 = new(new byte[16]);
        Assert.Throws<ArgumentException>("key", () => new Sm4(new byte[15]));
        Assert.Throws<ArgumentException>("plaintextLength", () => sm4.EncryptEcb(new byte[17], PaddingMode.None));
        Assert.Throws<ArgumentException>("plaintextLength", () => sm4.EncryptCbc(new byte[17], iv, PaddingMode.None));
        Assert.Throws<ArgumentException>("destination", () => sm4.EncryptEcb(new byte[16], new byte[31], PaddingMode.PKCS7));
        Assert.Throws<ArgumentException>("destination", () => sm4.EncryptCbc(new byte[16], iv, new byte[15], PaddingMode.None));
        Assert.Throws<ArgumentException>("destination", () => sm4.DecryptEcb(new byte[32], new byte[31], PaddingMode.PKCS7));
        Assert.Throws<ArgumentException>("destination", () => sm4.TransformCtr(new byte[17], iv, new byte[16]));
        Assert.Throws<ArgumentException>("iv", () => sm4.EncryptCbc(data, new byte[15], data, PaddingMode.None));
        Assert.Throws<ArgumentException>("iv", () => sm4.DecryptCbc(data, new byte[17], data, PaddingMode.None));
        Assert.Throws<ArgumentException>("initialCounter", () => sm4.TransformCtr(data, new byte[12], data));
        foreach (PaddingMode padding in new[] { PaddingMode.Zeros, PaddingMode.ANSIX923, PaddingMode.ISO10126, (PaddingMode)0 })
        {
            Assert.Throws<ArgumentOutOfRangeException>("padding", () => sm4.EncryptEcb(data, padding));
            Assert.Throws<ArgumentOutOfRangeException>("padding", () => sm4.DecryptCbc(data, iv, padding));
        }
    }

    [Fact]
    public void OverlapOtherThanInPlace_IsRefused()
    {
        byte[] iv = new byte[16];
        byte[] buffer = new byte[100];
        using Sm4 sm4 = new(new byte[16]);
        Assert.Throws<ArgumentException>("destination", () => sm4.EncryptEcb(buffer.AsSpan(0, 32), buffer.AsSpan(16), PaddingMode.None));
        Assert.Throws<ArgumentException>("destination", () => sm4.DecryptEcb(buffer.AsSpan(1, 32), buffer, PaddingMode.None));
        Assert.Throws<ArgumentException>("destination", () => sm4.EncryptCbc(buffer.AsSpan(0, 32), iv, buffer.AsSpan(1), PaddingMode.None));
        Assert.Throws<ArgumentException>("destination", () => sm4.DecryptCbc(buffer.AsSpan(1, 32), iv, buffer, PaddingMode.None));
        Assert.Throws<ArgumentException>("destination", () => sm4.TransformCtr(buffer.AsSpan(1, 32), iv, buffer));
    }

    [Fact]
    public void DisposedCipher_IsRefused()
    {
        byte[] data = new byte[16];
        Sm4 sm4 = new(new byte[16]);
        sm4.Dispose();
        sm4.Dispose();
        Assert.Throws<ObjectDisposedException>(() => sm4.EncryptEcb(data, PaddingMode.None));
        Assert.Throws<ObjectDisposedException>(() => sm4.DecryptEcb(data, PaddingMode.None));
        Assert.Throws<ObjectDisposedException>(() => sm4.EncryptCbc(data, data, PaddingMode.None));
        Assert.Throws<ObjectDisposedException>(() => sm4.DecryptCbc(data, data, PaddingMode.None));
        Assert.Throws<ObjectDisposedException>(() => sm4.TransformCtr(data, data, data));
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(15, 16)]
    [InlineData(16, 32)]
    [InlineData(17, 32)]
    public void PaddedLength_IsTheNextMultipleAbove(int plaintext, int ciphertext)
    {
        Assert.Equal(ciphertext, Sm4.GetCiphertextLength(plaintext, PaddingMode.PKCS7));
        Assert.Throws<OverflowException>(() => Sm4.GetCiphertextLength(int.MaxValue, PaddingMode.PKCS7));
    }

    private static byte[] Encrypt(Sm4 sm4, bool cbc, byte[] plaintext, byte[] iv, PaddingMode padding) =>
        cbc ? sm4.EncryptCbc(plaintext, iv, padding) : sm4.EncryptEcb(plaintext, padding);

    private static byte[] Decrypt(Sm4 sm4, bool cbc, byte[] ciphertext, byte[] iv, PaddingMode padding) =>
        cbc ? sm4.DecryptCbc(ciphertext, iv, padding) : sm4.DecryptEcb(ciphertext, padding);

    private static byte[] Reference(bool cbc, bool encrypt, byte[] key, byte[] iv, byte[] input)
    {
        KeyParameter keyParameter = new(key);
        PaddedCipher cipher = cbc
            ? new PaddedCipher(new CbcBlockCipher(new SM4Engine()), new BouncyPkcs7())
            : new PaddedCipher(new SM4Engine(), new BouncyPkcs7());
        cipher.Init(encrypt, cbc ? new ParametersWithIV(keyParameter, iv) : keyParameter);
        return cipher.DoFinal(input);
    }
}
