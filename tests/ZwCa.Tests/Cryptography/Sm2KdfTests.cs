using System.Buffers.Binary;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

public class Sm2KdfTests
{
    private readonly TestRandom _random = new();

    // GM/T 0003.5-2012 annex C.2: x2 ‖ y2 and the 19 bytes of t, that C2 = "encryption standard" ⊕ t shows.
    [Fact]
    public void EncryptionExampleOfTheStandard_HasItsKeyStream()
    {
        byte[] z = Convert.FromHexString(
            "335E18D751E51F040E27D468138B7AB1DC86AD7F981D7D416222FD6AB3ED230D" +
            "AB743EBCFB22D64F7B6AB791F70658F25B48FA93E54064FDBFBED3F0BD847AC9");
        byte[] c2 = Convert.FromHexString("21886CA989CA9C7D58087307CA93092D651EFA");
        byte[] t = new byte[19];
        Sm2Kdf.DeriveKey(z, t);
        for (int i = 0; i < t.Length; i++)
        {
            t[i] ^= c2[i];
        }

        Assert.Equal("encryption standard"u8, t);
    }

    [Fact]
    public void EveryOutputLengthUpTo200_IsTheChainOfCountedHashes()
    {
        for (int length = 0; length <= 200; length++)
        {
            byte[] z = _random.Bytes(_random.Next(150));
            byte[] message = [.. z, 0, 0, 0, 0];
            List<byte> expected = [];
            for (uint counter = 1; expected.Count < length; counter++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(z.Length), counter);
                expected.AddRange(Sm3Tests.Reference(message));
            }

            byte[] key = new byte[length];
            Sm2Kdf.DeriveKey(z, key);
            Assert.True(expected.Take(length).SequenceEqual(key), $"length {length}, {_random}");
        }
    }

    [Fact]
    public void OutputOverItsInput_IsRight()
    {
        byte[] z = _random.Bytes(64);
        byte[] expected = new byte[64];
        Sm2Kdf.DeriveKey(z, expected);
        Sm2Kdf.DeriveKey(z, z);
        Assert.Equal(expected, z);
    }
}
