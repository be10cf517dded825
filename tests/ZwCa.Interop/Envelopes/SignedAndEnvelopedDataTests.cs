using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Interop.Authorities;
using Sm2Cipher = ZwCa.Asn1.Gm.Sm2Cipher;

namespace ZwCa.Interop.Envelopes;

/// <summary>A private key in signedAndEnvelopedData of GM/T 0010, as the key management centre answers; opened by openssl.</summary>
public class SignedAndEnvelopedDataTests
{
    [Fact]
    public void PrivateKeyInSignedAndEnvelopedData_IsOpenedAndItsSignatureVerified()
    {
        using var openssl = new OpenSsl();
        var receiver = new Opening(openssl);
        Holder sender = TestAuthority.Of(KeyKind.Sm2).Signing;
        using var pair = Sm2PrivateKey.Generate();
        byte[] content = EncodePrivateKey(pair);
        byte[] message = Der.Encode(ContentInfo.Of(Seal(receiver.PublicKey, sender, content)));

        ParsedDer parsed = ParsedDer.Of(openssl, message);
        IReadOnlyList<ParsedDer.Element> fields = Fields(parsed);
        byte[] key = receiver.DecryptKey(EncryptedKey(parsed, fields[1]));
        byte[] opened = receiver.DecryptSm4Ecb(key, EncryptedContent(parsed, fields[3]));

        Assert.Equal(["INTEGER", "SET", "SET", "SEQUENCE", "cont [ 0 ]", "SET"], fields.Select(f => f.Type));
        Assert.Equal(pair.PublicKey.ToBytes(), receiver.PublicKeyOfFile(opened));
        Assert.Equal(content, opened);

        // The certificate on board is the signer's; the signature covers the plaintext.
        Assert.Equal(Der.Encode(sender.Certificate), parsed.Content(fields[4]));
        byte[] signature = parsed.Content(Within(parsed, fields[5]).Last(e => e.Type == "OCTET STRING"));
        openssl.VerifiesSignature(KeyKind.Sm2, sender.Key.PublicKey, opened, signature);
        opened[^1] ^= 1;
        openssl.RefusesSignature(KeyKind.Sm2, sender.Key.PublicKey, opened, signature);
    }

    private static SignedAndEnvelopedData Seal(Sm2PublicKey receiver, Holder sender, byte[] content)
    {
        byte[] key = RandomNumberGenerator.GetBytes(Sm4.KeySizeInBytes);
        using var sm4 = new Sm4(key);
        IssuerAndSerialNumber signer = IssuerAndSerialNumber.Of(sender.Certificate);
        return new SignedAndEnvelopedData(
            [new RecipientInfo(signer, Sm2Cipher.FromRaw(receiver.Encrypt(key)))],
            [AlgorithmIdentifier.Sm3],
            new EncryptedContentInfo(Oids.GmData, new AlgorithmIdentifier(Oids.Sm4Ecb), sm4.EncryptEcb(content, PaddingMode.PKCS7)),
            [SignerInfo.Sm2(signer, Der.Decode<Sm2Signature>(sender.Key.Sign(content)))])
        {
            Certificates = [Der.Encode(sender.Certificate)],
        };
    }

    private static byte[] EncodePrivateKey(Sm2PrivateKey pair)
    {
        byte[] d = new byte[Sm2.ScalarSizeInBytes];
        pair.ExportBytes(d);
        return Der.Encode(new EcPrivateKey(d, Oids.Sm2));
    }

    /// <summary>ContentInfo ::= SEQUENCE { OID, [0] { SEQUENCE { fields } } }.</summary>
    private static IReadOnlyList<ParsedDer.Element> Fields(ParsedDer parsed)
    {
        Assert.Equal("060A2A811CCF550601040204", Convert.ToHexString(parsed.Encoded(parsed.AtDepth(1)[0])));
        return parsed.AtDepth(3);
    }

    /// <summary>SET OF RecipientInfo: the one OCTET STRING, which holds the SM2Cipher.</summary>
    private static byte[] EncryptedKey(ParsedDer parsed, ParsedDer.Element recipientInfos) =>
        parsed.Content(Within(parsed, recipientInfos).Single(e => e.Type == "OCTET STRING"));

    /// <summary>EncryptedContentInfo: [0] IMPLICIT OCTET STRING.</summary>
    private static byte[] EncryptedContent(ParsedDer parsed, ParsedDer.Element encryptedContentInfo) =>
        parsed.Content(Within(parsed, encryptedContentInfo).Single(e => e.Type == "cont [ 0 ]"));

    private static IEnumerable<ParsedDer.Element> Within(ParsedDer parsed, ParsedDer.Element outer) =>
        parsed.Elements.Where(e => e.Offset > outer.Offset && e.End <= outer.End);
}
