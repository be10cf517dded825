using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Cryptography;
using Sm2Cipher = ZwCa.Asn1.Gm.Sm2Cipher;

namespace ZwCa.Interop.Envelopes;

/// <summary>An encryption key pair on its way to its holder, in the three forms of the field; built by our types, opened by openssl.</summary>
public class EnvelopedKeyTests
{
    /// <summary>GM/T 0009-2023 §7.4: d as 32 bytes, and the 64 bytes that a token's blob gives.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    public void Sm2EnvelopedKey_IsOpened(int plaintextLength)
    {
        using var openssl = new OpenSsl();
        var receiver = new Opening(openssl);
        using var pair = Sm2PrivateKey.Generate();
        (Sm2Cipher cipher, byte[] encryptedPrivateKey) = Wrap(receiver.PublicKey, pair, plaintextLength);
        byte[] envelope = Der.Encode(new Sm2EnvelopedKey(cipher, pair.PublicKey.ToBytes(), encryptedPrivateKey));

        // SEQUENCE { symAlgID, symEncryptedKey, sm2PublicKey, sm2EncryptedPrivateKey }
        ParsedDer parsed = ParsedDer.Of(openssl, envelope);
        IReadOnlyList<ParsedDer.Element> fields = parsed.AtDepth(1);
        Assert.Equal("06082A811CCF55016801", Convert.ToHexString(parsed.Content(fields[0])));
        byte[] key = receiver.DecryptKey(parsed.Encoded(fields[1]));
        byte[] opened = receiver.DecryptSm4Ecb(key, parsed.Bits(fields[3]), "-nopad");

        Assert.Equal(plaintextLength, opened.Length);
        Assert.Equal(new byte[plaintextLength - 32], opened[..^32]);
        Assert.Equal(parsed.Bits(fields[2]), receiver.PublicKeyOf(opened[^32..]));
        Assert.Equal(pair.PublicKey.ToBytes(), parsed.Bits(fields[2]));
    }

    /// <summary>The layout of GM/T 0016-2012 §6.4, by offset.</summary>
    [Fact]
    public void EnvelopedKeyBlob_IsOpened()
    {
        using var openssl = new OpenSsl();
        var receiver = new Opening(openssl);
        using var pair = Sm2PrivateKey.Generate();
        (Sm2Cipher cipher, byte[] encryptedPrivateKey) = Wrap(receiver.PublicKey, pair, plaintextLength: 64);
        byte[] blob = new EnvelopedKeyBlob(encryptedPrivateKey, pair.PublicKey.ToBytes(), cipher).ToBytes();

        Assert.Equal(388, blob.Length);
        Assert.Equal([1, 0x401, 256], new[] { 0, 4, 8 }.Select(UInt32));
        Assert.Equal([256, 16], new[] { 76, 368 }.Select(UInt32));
        byte[] publicKey = [0x04, .. Coordinate(80), .. Coordinate(144)];
        byte[] key = receiver.DecryptKey(Sm2CipherDer(Coordinate(208), Coordinate(272), blob[336..368], blob[372..388]));
        byte[] opened = receiver.DecryptSm4Ecb(key, blob[12..76], "-nopad");

        Assert.Equal(new byte[32], opened[..32]);
        Assert.Equal(publicKey, receiver.PublicKeyOf(opened[32..]));
        Assert.Equal(pair.PublicKey.ToBytes(), publicKey);

        uint UInt32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(blob.AsSpan(offset));

        byte[] Coordinate(int offset)
        {
            Assert.Equal(new byte[32], blob[offset..(offset + 32)]);
            return blob[(offset + 32)..(offset + 64)];
        }
    }

    /// <summary>The control: an envelope for another receiver.</summary>
    [Fact]
    public void EnvelopeForAnother_IsNotOpened()
    {
        using var openssl = new OpenSsl();
        var receiver = new Opening(openssl);
        using var another = Sm2PrivateKey.Generate();
        (Sm2Cipher cipher, _) = Wrap(another.PublicKey, another, plaintextLength: 32);
        openssl.Write("cipher.der", Der.Encode(cipher));

        openssl.Refuses("Public Key operation error", "pkeyutl", "-decrypt", "-inkey", "receiver.key", "-in", "cipher.der");
    }

    /// <summary>The sender's side: d under a fresh SM4 key, that under the receiver's public key.</summary>
    private static (Sm2Cipher Cipher, byte[] EncryptedPrivateKey) Wrap(Sm2PublicKey receiver, Sm2PrivateKey pair, int plaintextLength)
    {
        byte[] key = RandomNumberGenerator.GetBytes(Sm4.KeySizeInBytes);
        byte[] plaintext = new byte[plaintextLength];
        pair.ExportBytes(plaintext.AsSpan(plaintextLength - 32));
        using var sm4 = new Sm4(key);
        return (Sm2Cipher.FromRaw(receiver.Encrypt(key)), sm4.EncryptEcb(plaintext, PaddingMode.None));
    }

    private static byte[] Sm2CipherDer(byte[] x, byte[] y, byte[] hash, byte[] cipherText)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(new System.Numerics.BigInteger(x, isUnsigned: true, isBigEndian: true));
            writer.WriteInteger(new System.Numerics.BigInteger(y, isUnsigned: true, isBigEndian: true));
            writer.WriteOctetString(hash);
            writer.WriteOctetString(cipherText);
        }

        return writer.Encode();
    }
}
