using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Interop.Envelopes;

/// <summary>The receiver of an envelope, who has openssl and nothing of ours: each step of the opening is a command.</summary>
internal sealed class Opening
{
    private readonly OpenSsl _openssl;

    /// <summary>With a key pair of the receiver's own, which openssl made.</summary>
    public Opening(OpenSsl openssl)
    {
        _openssl = openssl;
        openssl.Run(["genpkey", .. KeyKind.Sm2.GenerateOptions(), "-out", "receiver.key"]);
        openssl.Run("pkey", "-in", "receiver.key", "-pubout", "-out", "receiver.pem");
        PublicKey = Sm2PublicKey.FromBytes(openssl.ReadPem<SubjectPublicKeyInfo>("receiver.pem", Pem.PublicKey).PublicKey.Span);
    }

    /// <summary>All that the sender gets to know.</summary>
    public Sm2PublicKey PublicKey { get; }

    /// <param name="sm2Cipher">DER of SM2Cipher (GM/T 0009).</param>
    /// <returns>The SM4 key.</returns>
    public byte[] DecryptKey(byte[] sm2Cipher)
    {
        byte[] key = _openssl.Run("pkeyutl", "-decrypt", "-inkey", "receiver.key", "-in", _openssl.Write("cipher.der", sm2Cipher)).Bytes;
        Assert.Equal(Sm4.KeySizeInBytes, key.Length);
        return key;
    }

    /// <param name="options"><c>-nopad</c>, or none for PKCS #7.</param>
    public byte[] DecryptSm4Ecb(byte[] key, byte[] ciphertext, params string[] options) =>
        _openssl.Run(["enc", "-d", "-sm4-ecb", "-K", Convert.ToHexString(key), .. options], ciphertext).Bytes;

    /// <returns>d·G as 04‖X‖Y.</returns>
    public byte[] PublicKeyOf(byte[] d)
    {
        // ECPrivateKey without its public key (RFC 5915), so that openssl has to multiply.
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            writer.WriteOctetString(d);
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                writer.WriteObjectIdentifier("1.2.156.10197.1.301");
            }
        }

        return PublicKeyOfFile(writer.Encode());
    }

    /// <param name="privateKey">DER of any private key file.</param>
    /// <returns>04‖X‖Y.</returns>
    public byte[] PublicKeyOfFile(byte[] privateKey)
    {
        _openssl.Write("opened.der", privateKey);
        byte[] encoded = _openssl.Run("pkey", "-inform", "DER", "-in", "opened.der", "-pubout", "-outform", "DER").Bytes;
        ParsedDer parsed = ParsedDer.Of(_openssl, encoded);
        return parsed.Bits(parsed.AtDepth(1)[1]);
    }
}
