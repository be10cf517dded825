using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.KeyManagement;

/// <summary>Messages of GM/T 0014 between CA and KM, cut apart by openssl: the part that it verifies is not our reader's.</summary>
public class KeyManagementMessageTests
{
    private static readonly SerialNumber UserCertNo = SerialNumber.Parse("4d2f");

    [Fact]
    public void SignatureOfARequest_IsOverItsFirstField()
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(KeyKind.Sm2);
        Holder ca = authority.Issuing;
        SubjectPublicKeyInfo userKey = authority.Signing.Key.PublicKey;
        var user = new AppUserInfo(
            UserCertNo, userKey, TestAuthority.In(TimeSpan.Zero), TestAuthority.In(TimeSpan.FromDays(365)), "张三", "350100");
        byte[] ksRequest = Der.Encode(new KsRequest(
            EntName.Of(ca.Certificate),
            [ApplyKeyReq.Sm2(user), RestoreKeyReq.Sm2(UserCertNo, userKey), new RevokeKeyReq(UserCertNo)],
            TestAuthority.In(TimeSpan.Zero),
            new TaskNumber(1)));

        byte[] message = Der.Encode(CaRequest.Assemble(ksRequest, AlgorithmIdentifier.Sm3WithSm2, ca.Key.Sign(ksRequest)));

        ParsedDer parsed = ParsedDer.Of(openssl, message);
        Assert.Equal(["INTEGER", "SEQUENCE", "SEQUENCE", "GENERALIZEDTIME", "INTEGER"], parsed.AtDepth(2).Take(5).Select(e => e.Type));
        Assert.Equal(["cont [ 0 ]", "cont [ 1 ]", "cont [ 2 ]"], Below(parsed, parsed.AtDepth(2)[2]).Select(e => e.Type));
        VerifiesFirstField(openssl, parsed, ca);
        Assert.Equal(parsed.Encoded(parsed.AtDepth(1)[0]), CaRequest.Decode(message, message.Length, 3).KsRequestBytes.ToArray());
    }

    [Fact]
    public void SignatureOfARespond_IsOverItsFirstField()
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(KeyKind.Sm2);
        Holder km = authority.Responder;
        IssuerAndSerialNumber signer = IssuerAndSerialNumber.Of(km.Certificate);
        Sm2Cipher key = Sm2Cipher.FromRaw([0x04, .. new byte[31], 1, .. new byte[31], 2, .. new byte[32], .. new byte[16]]);
        var envelope = new SignedAndEnvelopedData(
            [new RecipientInfo(signer, key)],
            [AlgorithmIdentifier.Sm3],
            new EncryptedContentInfo(Oids.GmData, new AlgorithmIdentifier(Oids.Sm4Ecb), new byte[32]),
            [SignerInfo.Sm2(signer, Der.Decode<Sm2Signature>(km.Key.Sign(new byte[32])))]);
        var answer = new RetKeyRespond(UserCertNo, authority.Encryption.Key.PublicKey, envelope);
        byte[] ksRespond = Der.Encode(new KsRespond(
            EntName.Of(km.Certificate),
            [new ApplyKeyRespond(answer), new RestoreKeyRespond(answer), new RevokeKeyRespond(UserCertNo), new ErrorPkgRespond(7, "没有该密钥")],
            TestAuthority.In(TimeSpan.Zero),
            new TaskNumber(1)));

        byte[] message = Der.Encode(KmRespond.Assemble(ksRespond, AlgorithmIdentifier.Sm3WithSm2, km.Key.Sign(ksRespond)));

        ParsedDer parsed = ParsedDer.Of(openssl, message);
        Assert.Equal(
            ["cont [ 0 ]", "cont [ 1 ]", "cont [ 2 ]", "cont [ 3 ]"], Below(parsed, parsed.AtDepth(2)[2]).Select(e => e.Type));
        VerifiesFirstField(openssl, parsed, km);
        Assert.Equal(parsed.Encoded(parsed.AtDepth(1)[0]), KmRespond.Decode(message, message.Length, 4).KsRespondBytes.ToArray());
    }

    private static void VerifiesFirstField(OpenSsl openssl, ParsedDer parsed, Holder signer)
    {
        IReadOnlyList<ParsedDer.Element> fields = parsed.AtDepth(1);
        Assert.Equal(["SEQUENCE", "SEQUENCE", "OCTET STRING"], fields.Select(f => f.Type));
        byte[] signed = parsed.Encoded(fields[0]);
        byte[] signature = parsed.Content(fields[2]);
        openssl.VerifiesSignature(KeyKind.Sm2, signer.Key.PublicKey, signed, signature);

        signed[^1] ^= 1;
        openssl.RefusesSignature(KeyKind.Sm2, signer.Key.PublicKey, signed, signature);
    }

    private static IEnumerable<ParsedDer.Element> Below(ParsedDer parsed, ParsedDer.Element list) =>
        parsed.AtDepth(list.Depth + 1).Where(e => e.Offset > list.Offset && e.Offset < list.End);
}
