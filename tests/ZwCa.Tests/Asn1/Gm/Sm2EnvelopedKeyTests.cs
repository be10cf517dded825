using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Gm;

public class Sm2EnvelopedKeyTests
{
    private const string D = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
    private const string Zeros = "0000000000000000000000000000000000000000000000000000000000000000";
    private const string Padding = "10101010101010101010101010101010";

    private static readonly Sm2Cipher SymKey = Sm2Cipher.FromRaw([0x04, .. new byte[96], .. new byte[16]]);

    // Encoded by OpenSSL 3.0's i2d_ASN1_BIT_STRING without ASN1_STRING_FLAG_BITS_LEFT.
    private static readonly string Eleven29 = string.Concat(Enumerable.Repeat("11", 29));

    public static TheoryData<string, string> BitStringsOfOpenSsl => new()
    {
        { "0321001111" + Eleven29 + "01", "1111" + Eleven29 + "01" },
        { "0321061111" + Eleven29 + "40", "1111" + Eleven29 + "40" },
        { "03200411" + Eleven29 + "10", "11" + Eleven29 + "1000" },
    };

    [Fact]
    public void PublishedEnvelope_WithoutSignOctets_IsReadByTheLenientMethodOnly()
    {
        byte[] almostDer = Fixtures.Read("gmt0009/enveloped-key.b64");

        var key = Sm2EnvelopedKey.DecodeLenient(almostDer);

        Assert.Throws<DerException>(() => Der.Decode<Sm2EnvelopedKey>(almostDer));

        Assert.Equal(new AlgorithmIdentifier(Oids.Sm4Ecb), key.SymAlgId);
        Assert.Equal(16, key.SymEncryptedKey.CipherText.Length);
        Assert.StartsWith("04151D3E71D56CD7F6", Convert.ToHexString(key.PublicKey.Span));
        Assert.Equal("526B4342E6814C71B1AFA4F695A67D9EBD9C6BBB4DAAF994636A9F99B51AE49E", Convert.ToHexString(key.Ciphertext.Span));
        Assert.Equal("A909D85A1C877C8027078F8", Convert.ToHexString(key.SymEncryptedKey.X.Span)[..23]);
        Assert.Equal(almostDer.Length + 2, Der.Encode(key).Length);
        Assert.Equal(Der.Encode(key), Der.Encode(new Sm2EnvelopedKey(key.SymEncryptedKey, key.PublicKey, key.EncryptedPrivateKey)));
    }

    [Theory]
    [InlineData("3009 06072A811CCF550168")]
    [InlineData("300B 06072A811CCF550168 0500")]
    [InlineData("300A 06082A811CCF55016801")]
    [InlineData("300C 06082A811CCF55016801 0500")]
    public void PlainSm4AndEcb_WithAndWithoutNull_AreReadAndReproduced(string algorithm)
    {
        byte[] der = Envelope(algorithm.Replace(" ", ""), "032100" + D);

        Assert.Equal(der, Der.Encode(Der.Decode<Sm2EnvelopedKey>(der)));
    }

    [Theory]
    [InlineData("300A06082A811CCF55016802", "032100" + D)] // SM4-CBC
    [InlineData("300D06082A811CCF55016801040100", "032100" + D)] // parameters
    [InlineData("300906072A811CCF550168", "031100" + Padding)] // 16 bytes
    [InlineData("300906072A811CCF550168", "034200" + D + D + "00")] // 65 bytes
    [InlineData("300906072A811CCF550168", "032101" + D + "01")] // unused bit set
    [InlineData("300906072A811CCF550168", "0420" + D)] // OCTET STRING
    public void AnotherAlgorithmOrCiphertext_IsRefused(string algorithm, string bitString) =>
        Assert.Throws<DerException>(() => Der.Decode<Sm2EnvelopedKey>(Envelope(algorithm, bitString)));

    [Theory]
    [MemberData(nameof(BitStringsOfOpenSsl))]
    public void TrailingZerosDroppedByTheEncoder_AreReplaced_AndTheEnvelopeReproduced(string bitString, string ciphertext)
    {
        byte[] der = Envelope("300906072A811CCF550168", bitString);

        var key = Der.Decode<Sm2EnvelopedKey>(der);

        Assert.Equal(ciphertext, Convert.ToHexString(key.Ciphertext.Span));
        Assert.Equal(der, Der.Encode(key));
    }

    [Fact]
    public void CompressedPublicKey_IsRead()
    {
        byte[] point = [0x02, .. new byte[32]];
        byte[] der = Envelope("300906072A811CCF550168", "032100" + D, point);

        Assert.Equal(point, Der.Decode<Sm2EnvelopedKey>(der).PublicKey.ToArray());
        Assert.Equal(der, Der.Encode(Der.Decode<Sm2EnvelopedKey>(der)));
        Assert.Throws<DerException>(() => Der.Decode<Sm2EnvelopedKey>(Envelope("300906072A811CCF550168", "032100" + D, [0x05, .. new byte[32]])));
    }

    [Theory]
    [InlineData(D)]
    [InlineData(D + Padding)]
    [InlineData(Zeros + D)]
    public void DecryptedKey_IsReadInItsThreeForms(string decrypted)
    {
        byte[] privateKey = new byte[32];
        Sm2EnvelopedKey.ReadPrivateKey(Convert.FromHexString(decrypted), privateKey);

        Assert.Equal(D, Convert.ToHexString(privateKey));
    }

    [Theory]
    [InlineData(31)]
    [InlineData(33)]
    [InlineData(0)]
    public void DestinationOfAnotherLength_IsABug(int length)
    {
        byte[] decrypted = Convert.FromHexString(D);

        Assert.Throws<ArgumentException>(() => Sm2EnvelopedKey.ReadPrivateKey(decrypted, new byte[length]));
    }

    [Theory]
    [InlineData("")]
    [InlineData(Padding)]
    [InlineData(D + "00000000000000000000000000000010")]
    [InlineData(D + "10101010101010101010101010101011")]
    [InlineData(D + Zeros)]
    [InlineData(D + D)]
    [InlineData(D + Padding + Padding + Padding)]
    [InlineData(D + "10")]
    public void DecryptedKeyInAnotherForm_IsRefused_WithoutSayingWhatItWas(string decrypted)
    {
        byte[] privateKey = new byte[32];

        var e = Assert.Throws<DerException>(() => Sm2EnvelopedKey.ReadPrivateKey(Convert.FromHexString(decrypted), privateKey));

        Assert.DoesNotContain("3945", e.Message);
        Assert.All(privateKey, b => Assert.Equal(0, b));
    }

    [Theory]
    [InlineData(33, 32)]
    [InlineData(65, 48)]
    [InlineData(65, 31)]
    public void OurOwnEnvelopes_HaveOnlyTheStrictForms(int publicKeyLength, int ciphertextLength)
    {
        byte[] publicKey = [(byte)(publicKeyLength == 65 ? 4 : 2), .. new byte[publicKeyLength - 1]];

        Assert.Throws<ArgumentException>(() => new Sm2EnvelopedKey(SymKey, publicKey, new byte[ciphertextLength]));
    }

    private static byte[] Envelope(string algorithm, string bitString, byte[]? publicKey = null)
    {
        string key = Convert.ToHexString(publicKey ?? PkixSamples.Sm2Key.PublicKey.ToArray());
        string content = algorithm + Convert.ToHexString(Der.Encode(SymKey)) + $"03{(key.Length / 2) + 1:X2}00" + key + bitString;
        int length = content.Length / 2;
        return Convert.FromHexString("30" + (length < 128 ? $"{length:X2}" : length < 256 ? $"81{length:X2}" : $"82{length:X4}") + content);
    }
}
