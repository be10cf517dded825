using System.Buffers.Binary;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

/// <summary>The block function and its parts, with AES instructions and without.</summary>
public class Sm4BlockTests
{
    // GB/T 32907-2016 6.2, table 1.
    private static readonly byte[] SBox = Convert.FromHexString("""
        D690E9FECCE13DB716B614C228FB2C05
        2B679A762ABE04C3AA44132649860699
        9C4250F491EF987A33540B43EDCFAC62
        E4B31CA9C908E89580DF94FA758F3FA6
        4707A7FCF37317BA83593C19E6854FA8
        686B81B27164DA8BF8EB0F4B70569D35
        1E240E5E6358D1A225227C3B01217887
        D40046579FD327524C3602E7A0C4C89E
        EABF8AD240C738B5A3F7F2CEF96115A1
        E0AE5DA49B341A55AD933230F58CB1E3
        1DF6E22E8266CA60C02923AB0D534E6F
        D5DB3745DEFD8E2F03FF6A726D6C5B51
        8D1BAF92BBDDBC7F11D95C411F105AD8
        0AC13188A5CD7BBD2D74D012B8E5B4B0
        8969974A0C96777E65B9F109C56EC684
        18F07DEC3ADC4D2079EE5F3ED7CB3948
        """.ReplaceLineEndings("").Replace(" ", ""));

    private readonly Seed _seed = new();

    public static TheoryData<bool> Paths => Accelerated.Paths(Sm4Aes.IsSupported);

    [Theory]
    [MemberData(nameof(Paths))]
    public void SBox_IsTheStandards(bool accelerated)
    {
        for (int i = 0; i < 256; i++)
        {
            // The four positions hold four different bytes, so that a mix-up of positions shows.
            byte[] word = [(byte)i, (byte)(i ^ 1), (byte)(i ^ 0x5A), (byte)(255 - i)];
            uint input = BinaryPrimitives.ReadUInt32BigEndian(word);
            uint output = accelerated ? Sm4Aes.SubWord(input) : Sm4Bitsliced.SubWord(input);
            Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(word.Select(b => SBox[b]).ToArray()), output);
        }
    }

    // GB/T 32907-2016 annex A.1.
    [Theory]
    [MemberData(nameof(Paths))]
    public void FirstExampleOfTheStandard_BothWays(bool accelerated)
    {
        byte[] plaintext = Convert.FromHexString("0123456789ABCDEFFEDCBA9876543210");
        using Sm4Key key = new(plaintext, accelerated);
        byte[] block = new byte[16];
        key.Encrypt(plaintext, block);
        Assert.Equal("681EDF34D206965E86B3E94F536E4246", Convert.ToHexString(block));
        key.Decrypt(block, block);
        Assert.Equal(plaintext, block);
    }

    // GB/T 32907-2016 annex A.2: encrypted a million times over. The portable code computes sixteen blocks to give one, and has its
    // ordinary run bounded.
    [Theory]
    [MemberData(nameof(Paths))]
    public void SecondExampleOfTheStandard_AMillionTimes(bool accelerated)
    {
        bool whole = accelerated || Environment.GetEnvironmentVariable("ZWCA_LONG") == "1";
        byte[] plaintext = Convert.FromHexString("0123456789ABCDEFFEDCBA9876543210");
        using Sm4Key key = new(plaintext, accelerated);
        byte[] block = (byte[])plaintext.Clone();
        for (int i = 0; i < (whole ? 1_000_000 : 100_000); i++)
        {
            key.Encrypt(block, block);
        }

        Assert.Equal(whole ? "595298C7C6FD271F0402F804C33D3F66" : HundredThousandTimes(plaintext), Convert.ToHexString(block));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void EveryNumberOfBlocksUpTo40_EqualsBouncyCastle(bool accelerated)
    {
        for (int blocks = 0; blocks <= 40; blocks++)
        {
            byte[] keyBytes = _seed.Bytes(16);
            byte[] plaintext = _seed.Bytes(16 * blocks);
            byte[] expected = Reference(keyBytes, plaintext, encrypt: true);
            using Sm4Key key = new(keyBytes, accelerated);
            byte[] actual = new byte[plaintext.Length];
            key.Encrypt(plaintext, actual);
            Assert.Equal(expected, actual);
            key.Decrypt(actual, actual);
            Assert.Equal(plaintext, actual);
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void WrongKeyLength_IsRefused(bool accelerated)
    {
        foreach (int length in new[] { 0, 15, 17, 32 })
        {
            Assert.Throws<ArgumentException>("key", () => new Sm4Key(new byte[length], accelerated));
        }
    }

    private static string HundredThousandTimes(byte[] plaintext)
    {
        SM4Engine engine = new();
        engine.Init(true, new KeyParameter(plaintext));
        byte[] block = (byte[])plaintext.Clone();
        for (int i = 0; i < 100_000; i++)
        {
            engine.ProcessBlock(block, 0, block, 0);
        }

        return Convert.ToHexString(block);
    }

    private static byte[] Reference(byte[] key, byte[] input, bool encrypt)
    {
        SM4Engine engine = new();
        engine.Init(encrypt, new KeyParameter(key));
        byte[] output = new byte[input.Length];
        for (int at = 0; at < input.Length; at += 16)
        {
            engine.ProcessBlock(input, at, output, at);
        }

        return output;
    }
}
