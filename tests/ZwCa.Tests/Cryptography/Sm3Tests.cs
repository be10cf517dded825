using System.Runtime.InteropServices;
using System.Text;
using Org.BouncyCastle.Crypto.Digests;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Cryptography;

public class Sm3Tests
{
    private readonly Seed _seed = new();

    // GB/T 32905-2016 annex A.1, A.2; the empty message is widely published and agreed on by OpenSSL.
    [Theory]
    [InlineData("", "1AB21D8355CFA17F8E61194831E81A8F22BEC8C728FEFB747ED035EB5082AA2B")]
    [InlineData("abc", "66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0")]
    [InlineData(
        "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd",
        "DEBE9FF92275B8A138604889C18E5A4D6FDB70E5387E5765293DCBA39C0C5732")]
    public void PublishedMessage_HasItsPublishedHash(string message, string hash)
    {
        Assert.Equal(hash, Convert.ToHexString(Sm3.HashData(Encoding.ASCII.GetBytes(message))));
    }

    [Fact]
    public void EveryLengthUpTo300_EqualsBouncyCastle()
    {
        byte[] data = _seed.Bytes(300);
        for (int length = 0; length <= data.Length; length++)
        {
            byte[] message = data[..length];
            Assert.True(Reference(message).AsSpan().SequenceEqual(Sm3.HashData(message)), $"length {length}, {_seed}");
        }
    }

    [Fact]
    public void ScalarAndVectorCompression_AreTheSameFunction()
    {
        Assert.SkipUnless(Sm3Compression.IsVectorSupported, "this processor has neither SSSE3 nor AdvSIMD");
        for (int round = 0; round < 2000; round++)
        {
            byte[] block = _seed.Bytes(64);
            uint[] scalar = MemoryMarshal.Cast<byte, uint>(_seed.Bytes(32)).ToArray();
            uint[] vector = (uint[])scalar.Clone();
            Sm3Compression.CompressScalar(ref scalar[0], ref block[0]);
            Sm3Compression.CompressVector(ref vector[0], ref block[0]);
            Assert.True(scalar.AsSpan().SequenceEqual(vector), _seed.ToString());
        }
    }

    // The padded block of GB/T 32905-2016 A.1 and the hash that must follow from the initial value.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CompressionOfTheStandardsFirstBlock_IsItsHash(bool vector)
    {
        Assert.SkipWhen(vector && !Sm3Compression.IsVectorSupported, "this processor has neither SSSE3 nor AdvSIMD");
        byte[] block = new byte[64];
        "abc"u8.CopyTo(block);
        block[3] = 0x80;
        block[63] = 24;
        uint[] v = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E];
        if (vector)
        {
            Sm3Compression.CompressVector(ref v[0], ref block[0]);
        }
        else
        {
            Sm3Compression.CompressScalar(ref v[0], ref block[0]);
        }

        Assert.Equal([0x66C7F0F4, 0x62EEEDD9, 0xD1F2D46B, 0xDC10E4E2, 0x4167C487, 0x5CF2F7A2, 0x297DA02B, 0x8F4BA8E0], v);
    }

    [Fact]
    public void MessageInRandomPieces_HasTheHashOfTheWhole()
    {
        using Sm3 sm3 = new();
        byte[] hash = new byte[32];
        for (int round = 0; round < 500; round++)
        {
            byte[] message = _seed.Bytes(_seed.Next(2000));
            for (int at = 0; at < message.Length;)
            {
                int piece = _seed.Next(Math.Min(200, message.Length - at) + 1);
                sm3.Append(message.AsSpan(at, piece));
                at += piece;
            }

            sm3.GetHashAndReset(hash);
            Assert.True(Reference(message).AsSpan().SequenceEqual(hash), $"round {round}, {_seed}");
        }
    }

    [Fact]
    public void Duplicate_ContinuesByItself()
    {
        using Sm3 first = new();
        first.Append("ab"u8);
        using Sm3 second = first.Duplicate();
        second.Append("c"u8);
        first.Append("d"u8);
        byte[] hash = new byte[32];
        second.GetHashAndReset(hash);
        Assert.Equal(Reference("abc"u8.ToArray()), hash);
        first.GetHashAndReset(hash);
        Assert.Equal(Reference("abd"u8.ToArray()), hash);
        first.GetHashAndReset(hash);
        Assert.Equal(Reference([]), hash);
    }

    [Fact]
    public void HashWrittenOverItsSource_IsRight()
    {
        byte[] data = _seed.Bytes(100);
        byte[] expected = Reference(data);
        Sm3.HashData(data, data.AsSpan(20));
        Assert.Equal(expected, data[20..52]);
    }

    [Fact]
    public void LongerDestination_KeepsWhatFollowsTheHash()
    {
        byte[] destination = Enumerable.Repeat((byte)0xEE, 40).ToArray();
        Sm3.HashData("abc"u8, destination);
        Assert.Equal(Reference("abc"u8.ToArray()), destination[..32]);
        Assert.All(destination[32..], b => Assert.Equal(0xEE, b));
    }

    [Fact]
    public void ShortDestination_IsRefusedAndNothingIsLost()
    {
        Assert.Throws<ArgumentException>("destination", () => Sm3.HashData("abc"u8, new byte[31]));
        using Sm3 sm3 = new();
        sm3.Append("abc"u8);
        Assert.Throws<ArgumentException>("destination", () => sm3.GetHashAndReset(new byte[31]));
        byte[] hash = new byte[32];
        sm3.GetHashAndReset(hash);
        Assert.Equal(Reference("abc"u8.ToArray()), hash);
    }

    [Fact]
    public void DisposedHash_IsRefused()
    {
        Sm3 sm3 = new();
        sm3.Append("abc"u8);
        sm3.Dispose();
        sm3.Dispose();
        Assert.Throws<ObjectDisposedException>(() => sm3.Append("abc"u8));
        Assert.Throws<ObjectDisposedException>(() => sm3.GetHashAndReset(new byte[32]));
        Assert.Throws<ObjectDisposedException>(() => sm3.Duplicate());
    }

    [Fact]
    public void ClearedState_IsAllZero()
    {
        Sm3State state = new();
        state.Append(_seed.Bytes(100));
        Span<byte> memory = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref state, 1));
        Assert.True(memory.ContainsAnyExcept((byte)0));
        state.Clear();
        Assert.False(memory.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void FinishedState_HoldsNothingOfTheMessage()
    {
        Sm3State used = new();
        used.Append(_seed.Bytes(100));
        used.Finish(new byte[32]);
        Sm3State fresh = new();
        ReadOnlySpan<byte> expected = MemoryMarshal.AsBytes(new ReadOnlySpan<Sm3State>(in fresh));
        Assert.True(expected.SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<Sm3State>(in used))));
    }

    [Fact]
    public void OneShotToASpan_AllocatesNothing()
    {
        byte[] data = _seed.Bytes(700);
        byte[] hash = new byte[32];
        Sm3.HashData(data, hash);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Sm3.HashData(data, hash);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    internal static byte[] Reference(byte[] message)
    {
        SM3Digest digest = new();
        digest.BlockUpdate(message, 0, message.Length);
        byte[] hash = new byte[32];
        digest.DoFinal(hash, 0);
        return hash;
    }
}
