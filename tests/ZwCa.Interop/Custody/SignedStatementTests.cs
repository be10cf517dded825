using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Interop.Custody;

/// <summary>Statements to a device, cut apart by openssl: what it verifies is not our reader's.</summary>
public class SignedStatementTests
{
    [Fact]
    public void SignaturesOfAStatement_AreOverItsBytes()
    {
        using var openssl = new OpenSsl();
        using var first = Sm2PrivateKey.Generate();
        using var second = Sm2PrivateKey.Generate();
        using var recipient = Sm2PrivateKey.Generate();
        byte[] statement = Der.Encode(new RecoveryCase(
            new byte[16], "（2026）闽01刑初1号", new byte[32], new byte[16], Key(recipient), new Time(new DateTimeOffset(2026, 7, 1, 8, 0, 0, TimeSpan.Zero))));
        byte[] signed = Der.Encode(new SignedStatement(
            statement, [StatementSignature.Create(statement, first), StatementSignature.Create(statement, second)]));

        ParsedDer parsed = ParsedDer.Of(openssl, signed);
        Assert.Equal(["OBJECT", "OCTET STRING", "UTF8STRING", "OCTET STRING", "OCTET STRING", "SEQUENCE", "GENERALIZEDTIME"], parsed.AtDepth(2).Take(7).Select(e => e.Type));
        byte[] judged = parsed.Encoded(parsed.AtDepth(1)[0]);
        ParsedDer.Element[] parts = [.. parsed.AtDepth(3).Where(e => e.Offset > parsed.AtDepth(1)[0].End)];
        Assert.Equal(["OCTET STRING", "SEQUENCE", "OCTET STRING", "SEQUENCE"], parts.Select(e => e.Type));
        openssl.VerifiesSignature(KeyKind.Sm2, Key(first), judged, parsed.Encoded(parts[1]));
        openssl.VerifiesSignature(KeyKind.Sm2, Key(second), judged, parsed.Encoded(parts[3]));
        openssl.RefusesSignature(KeyKind.Sm2, Key(first), judged, parsed.Encoded(parts[3]));

        // The signer's id is SM3 of the key as openssl writes it.
        openssl.WritePem("first.pem", Pem.PublicKey, Key(first));
        byte[] spki = openssl.Run("pkey", "-pubin", "-in", "first.pem", "-pubout", "-outform", "DER").Bytes;
        Assert.Equal(openssl.Run(["dgst", "-sm3", "-binary"], spki).Bytes, parsed.Content(parts[0]));
    }

    private static SubjectPublicKeyInfo Key(Sm2PrivateKey key) => SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
}
