using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Gm;

public class EnvelopedKeyBlobTests
{
    private static readonly byte[] Blob = Fixtures.Read("gmt0016/blob-of-anxin-signed-and-enveloped.b64");

    [Theory]
    [InlineData("gmt0016/blob-of-anxin-signed-and-enveloped.b64")]
    [InlineData("gmt0016/blob-of-enveloped-key.b64")]
    public void PublishedBlob_IsReadAndReproduced(string path)
    {
        byte[] bytes = Fixtures.Read(path);

        Assert.Equal(EnvelopedKeyBlob.Length, bytes.Length);
        Assert.Equal(bytes, EnvelopedKeyBlob.Parse(bytes).ToBytes());
    }

    [Fact]
    public void PublishedBlob_IsMadeOfTheMessageItCameFrom()
    {
        var message = Der.Decode<SignedAndEnvelopedData>(Fixtures.Read("gmt0010/anxin-signed-and-enveloped.b64"));
        var certificate = Der.Decode<Certificate>(Fixtures.Read("gmt0010/anxin-encryption-certificate.b64"));

        var envelope = new Sm2EnvelopedKey(
            message.RecipientInfos[0].DecodeSm2Cipher(),
            certificate.Tbs.SubjectPublicKeyInfo.PublicKey,
            message.EncryptedContentInfo.EncryptedContent!.Value);

        Assert.Equal(Blob, EnvelopedKeyBlob.FromEnvelopedKey(envelope).ToBytes());
    }

    [Fact]
    public void EnvelopeOfABlob_HasTheRightHalfOfTheCiphertext()
    {
        var envelope = EnvelopedKeyBlob.Parse(Fixtures.Read("gmt0016/blob-of-enveloped-key.b64")).ToEnvelopedKey();

        Assert.Equal(Der.Encode(Sm2EnvelopedKey.DecodeLenient(Fixtures.Read("gmt0009/enveloped-key.b64"))), Der.Encode(envelope));
    }

    [Fact]
    public void EnvelopeOf32Bytes_CannotBecomeABlob()
    {
        var envelope = Sm2EnvelopedKey.DecodeLenient(Fixtures.Read("gmt0009/enveloped-key.b64"));

        Assert.Throws<ArgumentException>(() => EnvelopedKeyBlob.FromEnvelopedKey(envelope));
    }

    [Theory]
    [InlineData(0, 2)] // Version
    [InlineData(3, 1)] // Version in big-endian order
    [InlineData(4, 2)] // SM4-CBC
    [InlineData(5, 1)] // SM1
    [InlineData(76, 128)] // BitLen of the public key
    [InlineData(80, 1)] // X beyond 256 bits
    [InlineData(144 + 31, 1)] // Y beyond 256 bits
    [InlineData(208, 1)] // X of C1
    [InlineData(272 + 31, 1)] // Y of C1
    [InlineData(368, 15)] // CipherLen
    [InlineData(368, 17)]
    [InlineData(371, 0xff)] // CipherLen of 4 GB
    public void AnotherValueInACheckedField_IsRefused(int at, byte value)
    {
        byte[] bytes = [.. Blob];
        bytes[at] = value;

        Assert.Throws<DerException>(() => EnvelopedKeyBlob.Parse(bytes));
    }

    [Fact]
    public void UlBits_IsReadAsItIs_AndWrittenAs256()
    {
        byte[] bytes = [.. Blob];
        bytes[8] = 128;
        bytes[9] = 0;

        var blob = EnvelopedKeyBlob.Parse(bytes);

        Assert.Equal(128u, blob.Bits);
        Assert.Equal(bytes, blob.ToBytes());
        Assert.Equal(Blob, new EnvelopedKeyBlob(blob.EncryptedPrivateKey, blob.PublicKey, blob.Cipher).ToBytes());
    }

    [Fact]
    public void AnyBytes_AreRefusedOrReproduced()
    {
        int seed = Environment.GetEnvironmentVariable("ZWCA_SEED") is { Length: > 0 } text ? int.Parse(text) : Random.Shared.Next();
        var random = new Random(seed);
        int accepted = 0;
        IEnumerable<byte[]> inputs = [
            .. Enumerable.Range(0, Blob.Length).Select(n => Blob[..n]),
            [.. Blob, 0],
            .. Enumerable.Range(0, Blob.Length * 255).Select(i => Mutated(i / 255, (byte)(1 + (i % 255)))),
            .. Enumerable.Range(0, 2000).Select(_ => Noise(random)),
        ];
        foreach (byte[] input in inputs)
        {
            try
            {
                Assert.True(input.AsSpan().SequenceEqual(EnvelopedKeyBlob.Parse(input).ToBytes()), $"seed {seed}: {Convert.ToHexString(input)}");
                accepted++;
            }
            catch (DerException e)
            {
                Assert.StartsWith("Not an ENVELOPEDKEYBLOB", e.Message);
            }
        }

        // ulBits, the two ciphertexts, the hash and the lower halves of four coordinates may have any value, nothing else may change.
        Assert.Equal((4 + 64 + 64 + 64 + 32 + 16) * 255, accepted);
    }

    private static byte[] Mutated(int at, byte mask)
    {
        byte[] bytes = [.. Blob];
        bytes[at] ^= mask;
        return bytes;
    }

    private static byte[] Noise(Random random)
    {
        byte[] bytes = new byte[random.Next(2) == 0 ? EnvelopedKeyBlob.Length : random.Next(1000)];
        random.NextBytes(bytes);
        return bytes;
    }
}
