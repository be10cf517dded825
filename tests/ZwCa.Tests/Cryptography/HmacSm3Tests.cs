using System.Text;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

public class HmacSm3Tests
{
    private readonly Seed _seed = new();

    // GM/T 0042-2015 annex D.3.
    public static TheoryData<byte[], byte[], string> Published => new()
    {
        {
            Convert.FromHexString("0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20"),
            Encoding.ASCII.GetBytes(
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" +
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "CA05E144ED05D1857840D1F318A4A8669E559FC8391F414485BFDF7BB408963A"
        },
        {
            Convert.FromHexString("0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425"),
            Enumerable.Repeat((byte)0xCD, 50).ToArray(),
            "220BF579DED555393F0159F66C99877822A3ECF610D1552154B41D44B94DB3AE"
        },
        {
            Enumerable.Repeat((byte)0x0B, 32).ToArray(),
            Encoding.ASCII.GetBytes("Hi There"),
            "C0BA18C68B90C88BC07DE794BFC7D2C8D19EC31ED8773BC2B390C9604E0BE11E"
        },
        {
            Encoding.ASCII.GetBytes("Jefe"),
            Encoding.ASCII.GetBytes("what do ya want for nothing?"),
            "2E87F1D16862E6D964B50A5200BF2B10B764FAA9680A296A2405F24BEC39F882"
        },
    };

    [Theory]
    [MemberData(nameof(Published))]
    public void PublishedMessage_HasItsPublishedMac(byte[] key, byte[] message, string mac)
    {
        Assert.Equal(mac, Convert.ToHexString(HmacSm3.HashData(key, message)));
    }

    [Fact]
    public void EveryKeyLengthUpTo200_EqualsBouncyCastle()
    {
        for (int length = 0; length <= 200; length++)
        {
            byte[] key = _seed.Bytes(length);
            byte[] message = _seed.Bytes(_seed.Next(300));
            HMac reference = new(new SM3Digest());
            reference.Init(new KeyParameter(key));
            reference.BlockUpdate(message, 0, message.Length);
            byte[] expected = new byte[32];
            reference.DoFinal(expected, 0);
            Assert.True(expected.AsSpan().SequenceEqual(HmacSm3.HashData(key, message)), $"key of {length} bytes, {_seed}");
        }
    }

    [Fact]
    public void MacWrittenOverItsInput_IsRight()
    {
        byte[] key = _seed.Bytes(64);
        byte[] expected = HmacSm3.HashData(key, key);
        HmacSm3.HashData(key, key, key);
        Assert.Equal(expected, key[..32]);
    }

    [Fact]
    public void ShortDestination_IsRefused()
    {
        Assert.Throws<ArgumentException>("destination", () => HmacSm3.HashData("key"u8, "data"u8, new byte[31]));
    }
}
