using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Gm.KeyManagement;

/// <summary>Every alternative, every optional field and every tolerance occurs in one of them.</summary>
public sealed class KeyManagementSamples : IDerSamples
{
    public static readonly SerialNumber UserCertNo = SerialNumber.Parse("4d2f");
    public static readonly SerialNumber CaCertNo = SerialNumber.Parse("80ff01");
    public static readonly Time Requested = new(new DateTimeOffset(2026, 7, 1, 8, 0, 0, TimeSpan.Zero));
    public static readonly Time NotAfter = new(new DateTimeOffset(2031, 7, 1, 8, 0, 0, TimeSpan.Zero));
    public static readonly EntName CaName = new(AlgorithmIdentifier.Sm3, new DirectoryName(PkixSamples.CaName), new byte[32], CaCertNo);
    public static readonly AppUserInfo Anonymous = new(UserCertNo, PkixSamples.Sm2Key, Requested, NotAfter);
    public static readonly AppUserInfo Person = new(UserCertNo, PkixSamples.Sm2Key, Requested, NotAfter, "张三", "350100", "x=1");
    public static readonly RestoreKeyReq Restore = RestoreKeyReq.Sm2(UserCertNo, PkixSamples.Sm2Key);
    public static readonly RevokeKeyReq Revoke = new(UserCertNo);
    public static readonly Sm2Signature Signature = Sm2Signature.FromRaw(Convert.FromHexString(new string('9', 64) + new string('1', 64)));

    public static readonly KsRequest Asked = new(CaName, [ApplyKeyReq.Sm2(Person), Restore, Revoke], Requested, new TaskNumber(1_000_000_007));

    public static readonly RetKeyRespond RetKey = new(UserCertNo, PkixSamples.Sm2Key, Envelope());

    public static readonly KsRespond Answered = new(
        CaName,
        [new ApplyKeyRespond(RetKey), new RestoreKeyRespond(RetKey), new RevokeKeyRespond(UserCertNo), new ErrorPkgRespond(7, "没有该密钥")],
        Requested,
        new TaskNumber(1_000_000_007));

    public static readonly CaRequest SignedRequest = CaRequest.Assemble(Der.Encode(Asked), AlgorithmIdentifier.Sm3WithSm2, Der.Encode(Signature));

    public static readonly KmRespond SignedRespond = KmRespond.Assemble(Der.Encode(Answered), AlgorithmIdentifier.Sm3WithSm2, Der.Encode(Signature));

    /// <summary>[2] EXPLICIT SEQUENCE { userCertNo }.</summary>
    public const string ExplicitRevoke = "A206 3004 02024D2F";

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(new TaskNumber(1)),
        DerSample.Of(new TaskNumber(System.Numerics.BigInteger.Pow(2, 159) - 1)),
        DerSample.Of<FreeText>(new Ia5Text("350100")),
        DerSample.Of<FreeText>(new OctetText("省"u8.ToArray())),
        DerSample.Of<FreeText>(new Utf8Text("一", "two")),
        DerSample.Of(CaName),
        DerSample.Of(CaName with { Name = new DnsName("CN=ca") }),
        DerSample.Of(Anonymous),
        DerSample.Of(Person),
        DerSample.Of<Request>(ApplyKeyReq.Sm2(Anonymous)),
        DerSample.Of<Request>(Restore),
        DerSample.Of<Request>(Revoke),
        DerSample.Of<Request>(ExplicitRevoke),
        DerSample.Of(Asked),
        DerSample.Of(SignedRequest),
        DerSample.Of(RetKey),
        DerSample.Of<Respond>(new ApplyKeyRespond(RetKey)),
        DerSample.Of<Respond>(new RestoreKeyRespond(RetKey)),
        DerSample.Of<Respond>(new RevokeKeyRespond(UserCertNo)),
        DerSample.Of<Respond>(new ErrorPkgRespond(-1)),
        DerSample.Of<Respond>(new ErrorPkgRespond(7, "没有该密钥")),
        DerSample.Of<Respond>(ExplicitRevoke),
        DerSample.Of(Answered),
        DerSample.Of(SignedRespond),
    ];

    private static SignedAndEnvelopedData Envelope()
    {
        var km = new IssuerAndSerialNumber(PkixSamples.CaName, CaCertNo);
        Sm2Cipher key = Sm2Cipher.FromRaw([0x04, .. Enumerable.Range(1, 112).Select(i => (byte)i)]);
        return new SignedAndEnvelopedData(
            [new RecipientInfo(km, key)],
            [AlgorithmIdentifier.Sm3],
            new EncryptedContentInfo(Oids.GmData, new AlgorithmIdentifier(Oids.Sm4Ecb), new byte[32]),
            [SignerInfo.Sm2(km, Signature)]);
    }
}
