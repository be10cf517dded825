using ZwCa.Asn1;
using ZwCa.Asn1.Gm;

namespace ZwCa.Tests.Asn1.Gm;

public class EnvelopeStoryTests
{
    [Fact]
    public void KeyEnvelopedForAToken_IsOpenedFromTheBlob_AndFromTheEnvelope()
    {
        // Step 1: the key management centre encrypts 32 zero bytes and the private key, and the SM4 key to the token's signing key.
        var token = BouncyCastleSm2.PrivateKey("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
        var pair = BouncyCastleSm2.PrivateKey("6c5a0a0b2eed3cbec3e4f1252bfe0e28c504a1c6bf1999eebb0af9ef0f8e6c85");
        byte[] d = pair.D.ToByteArrayUnsigned();
        byte[] sm4Key = Convert.FromHexString("0123456789ABCDEFFEDCBA9876543210");
        var envelope = new Sm2EnvelopedKey(
            BouncyCastleSm2.Encrypt(token, sm4Key),
            BouncyCastleSm2.PublicKey(pair),
            BouncyCastleSm2.Sm4Ecb(encrypt: true, sm4Key, [.. new byte[32], .. d]));

        // Step 2: the token gets the blob; a server that wants the 2023 form gets its right half.
        byte[] blob = EnvelopedKeyBlob.FromEnvelopedKey(Der.Decode<Sm2EnvelopedKey>(Der.Encode(envelope))).ToBytes();
        Sm2EnvelopedKey right = EnvelopedKeyBlob.Parse(blob).ToEnvelopedKey();

        // Step 3: all three give the same key.
        Assert.Equal(d, Open(token, envelope.SymEncryptedKey, envelope.Ciphertext));
        Assert.Equal(d, Open(token, EnvelopedKeyBlob.Parse(blob).Cipher, EnvelopedKeyBlob.Parse(blob).EncryptedPrivateKey));
        Assert.Equal(d, Open(token, right.SymEncryptedKey, right.Ciphertext));
        Assert.Equal(32, right.EncryptedPrivateKey.Length);
    }

    private static byte[] Open(Org.BouncyCastle.Crypto.Parameters.ECPrivateKeyParameters token, Sm2Cipher symKey, ReadOnlyMemory<byte> ciphertext)
    {
        byte[] privateKey = new byte[32];
        Sm2EnvelopedKey.ReadPrivateKey(
            BouncyCastleSm2.Sm4Ecb(encrypt: false, BouncyCastleSm2.Decrypt(token, symKey), ciphertext.Span),
            privateKey);
        return privateKey;
    }
}
