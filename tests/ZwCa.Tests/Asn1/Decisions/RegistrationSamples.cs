using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Tests.Asn1.Custody;
using ZwCa.Tests.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Decisions;

/// <summary>What officers order a CA to do.</summary>
public sealed class RegistrationSamples : IDerSamples
{
    private static readonly CertificateBody Body = new()
    {
        Profile = "officer",
        ProfileHash = new byte[32],
        Issuer = PkixSamples.KeyId.KeyIdentifier,
        Entity = "000102030405060708090a0b0c0d0e0f",
        Subject = [new SubjectAttributeText(Oids.CommonName, "张三")],
        SubjectPublicKeyInfo = PkixSamples.Sm2Key,
        Days = 365,
        Names = [new DnsName("www.example.gov.cn")],
        Identities = [new IdentityText("residentId", "11010519491231002X")],
        Evidence = new byte[32],
        Officer = DecisionSamples.Officer,
        Replaces = new CertificateReference(PkixSamples.KeyId.KeyIdentifier, SerialNumber.Parse("7f01")),
    };

    private static readonly CertificateOrder Order = new(
        Body,
        CertificationRequest.Assemble(
            Der.Encode(new CertificationRequestInfo(Name.Empty, PkixSamples.Sm2Key, [])), AlgorithmIdentifier.Sm3WithSm2, Convert.FromHexString("3006020101020102")));

    private static Certificate Certificate => DecisionSamples.Approved(PkixSamples.Sm2Key, signer: 9).Certificate;

    public IEnumerable<DerSample> Samples => [
        DerSample.Of(Body),
        DerSample.Of(Body with { Officer = null, Replaces = null }),
        DerSample.Of(Body with { Encryption = new ProfileReference("person-encryption", new byte[32]) }),
        DerSample.Of(Body with { Officer = null, Replaces = null, Encryption = new ProfileReference("person-encryption", new byte[32]) }),
        DerSample.Of(Body.Replaces!),
        DerSample.Of(new StatusBody(Body.Replaces!, RevocationReason.KeyCompromise)),
        DerSample.Of(Order),
        DerSample.Of(new ClientRegistration("ra-35", LinkKind.Ra, Order)),
        DerSample.Of(new CrlOrder(PkixSamples.KeyId.KeyIdentifier)),
        DerSample.Of(new CrlAdoption(PkixSamples.KeyId.KeyIdentifier, "32-7", new byte[32])),
        DerSample.Of(new ClientSwitch(new byte[32], "私钥遗失")),
        DerSample.Of(new RaRegistration("ra-35", "01JZ0000000000000000000000", "350000", 100_000, [new RaScope("tls-server", PkixSamples.KeyId.KeyIdentifier)])),
        DerSample.Of(new RaRegistration("ra-35", "01JZ0000000000000000000000", "350000", 0, [])),
        DerSample.Of(new RaScope("tls-server", PkixSamples.KeyId.KeyIdentifier)),
        DerSample.Of(new RaSwitch("ra-35", "整改")),
        DerSample.Of(new ProfileReference("tls-server", new byte[32])),
        DerSample.Of(new CaRegistration("政务运营CA S1", Certificate, "ca", SignedPart.EncryptedContentInfo, SignatureForm.Raw)),
        DerSample.Of(new CaSwitch("政务运营CA S1", "密钥疑似泄露")),
        DerSample.Of(new StockDiscard("密码设备已从备份恢复")),
        DerSample.Of(new ClientAdmission("ca", LinkKind.Ca, Certificate)),
        DerSample.Of(new JudicialOrder("政务运营CA S1", SerialNumber.Parse("7f01"), CustodySamples.SignedRecovery)),
    ];
}
