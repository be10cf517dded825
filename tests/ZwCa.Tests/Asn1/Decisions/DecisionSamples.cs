using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Tests.Asn1.Custody;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Decisions;

/// <summary>Applications, officers and their approvals.</summary>
public sealed class DecisionSamples : IDerSamples
{
    public static OfficerIdentity Officer { get; } = new(new byte[16], OfficerKind.Operator, "审核", "350100");

    public static RecoveryBody Body { get; } = new(PkixSamples.KeyId.KeyIdentifier, SerialNumber.Parse("7f01"), CustodySamples.PublicKey(8));

    public static OfficerChange Change { get; } = new(SerialNumber.Parse("7f02"), "调离岗位");

    public static Application Recovery { get; } = Application();

    public static TbsApproval Tbs { get; } = new(ApprovalStep.Review, [Recovery.Digest, new byte[32]], CustodySamples.NotAfter);

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(Officer),
        DerSample.Of(Body),
        DerSample.Of(Recovery),
        DerSample.Of(Tbs),
        DerSample.Of(Approved(CustodySamples.PublicKey(9), signer: 9)),
        DerSample.Of(new CommandBody("officer.disable", Der.Encode(Change))),
        DerSample.Of(Change),
        DerSample.Of(new CertificateReplacement(Change.Officer, Approved(CustodySamples.PublicKey(9), signer: 9).Certificate)),
        DerSample.Of(Status.Certificate),
        DerSample.Of(Status),
        .. Selections.Select(each => DerSample.Of<CertificateSelection>(each)),
        .. Selections.Select(each => DerSample.Of(new BulkStatusBody(DecisionKind.Suspend, RevocationReason.CertificateHold, each))),
        DerSample.Of(new RegionEntry("350100", "350000", "福州市")),
        DerSample.Of(new LogRollback("zwca/ca", 40, new byte[32], 20, "数据库损坏，恢复昨日备份")),
    ];

    private static StatusBody Status => new(new CertificateReference(PkixSamples.KeyId.KeyIdentifier, SerialNumber.Parse("7f01")), RevocationReason.KeyCompromise);

    private static CertificateSelection[] Selections =>
    [
        new CertificateSelection.Certificates([new CertificateReference(PkixSamples.KeyId.KeyIdentifier, SerialNumber.Parse("7f01"))]),
        new CertificateSelection.Key(new byte[32]),
        new CertificateSelection.Subject(new byte[32]),
        new CertificateSelection.Owner("ra-35/01JZ0000000000000000000000"),
        new CertificateSelection.Issued("ra-35", "350000", PkixSamples.ThisUpdate, PkixSamples.Year2051),
        new CertificateSelection.Issued(null, "000000", PkixSamples.ThisUpdate, PkixSamples.Year2051),
    ];

    internal static Application Application(string region = "350100", string enrollmentId = "01JZ0000000000000000000000") =>
        new(DecisionKind.Recovery, "政务CA 签发一", "福建RA", region, enrollmentId, Der.Encode(Body));

    /// <summary>An approval of <see cref="Tbs"/> with a certificate for one key and a signature by another, perhaps the same.</summary>
    internal static Approval Approved(SubjectPublicKeyInfo certified, byte signer, byte[]? signed = null)
    {
        byte[] tbs = Der.Encode(Tbs);
        var certificate = new TbsCertificate(
            SerialNumber.Parse("01"),
            AlgorithmIdentifier.Sm3WithSm2,
            PkixSamples.CaName,
            new Validity(PkixSamples.ThisUpdate, PkixSamples.Year2051),
            PkixSamples.PersonName,
            certified,
            new ZwCa.Asn1.Pkix.Extensions(Extension.Create(KeyUsage.Signing, critical: true), Extension.Create(Officer, critical: false)));
        using Sm2PrivateKey key = CustodySamples.PrivateKey(signer);
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(signed ?? tbs, signature);
        return Approval.Assemble(
            tbs, Sm2Signature.FromRaw(signature), Certificate.Assemble(Der.Encode(certificate), Convert.FromHexString("3006020101020102")));
    }
}
