using ZwCa.Cryptography;

namespace ZwCa.Interop.Algorithms;

public class Sm3Tests
{
    /// <summary>Around the block, around the padding, and beyond a buffer of either side.</summary>
    public static TheoryData<int> Lengths => [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 100_003];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Digest_IsThatOfOpenSsl(int length)
    {
        using var openssl = new OpenSsl();
        byte[] message = Patterns.Bytes(length);

        Assert.Equal(openssl.Run(["dgst", "-sm3", "-binary"], message).Bytes, Sm3.HashData(message));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(16, 100)]
    [InlineData(32, 64)]
    [InlineData(63, 1)]
    [InlineData(64, 1000)]
    [InlineData(65, 1000)]
    [InlineData(200, 5000)]
    public void Hmac_IsThatOfOpenSsl(int keyLength, int messageLength)
    {
        using var openssl = new OpenSsl();
        byte[] key = Patterns.Bytes(keyLength);
        byte[] message = Patterns.Bytes(messageLength);

        byte[] expected = openssl.Run(["dgst", "-sm3", "-mac", "HMAC", "-macopt", $"hexkey:{Convert.ToHexString(key)}", "-binary"], message).Bytes;

        Assert.Equal(expected, HmacSm3.HashData(key, message));
    }
}
