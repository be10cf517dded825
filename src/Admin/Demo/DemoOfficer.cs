using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Officers;

namespace ZwCa.Admin.Demo;

/// <summary>A person with an officer certificate, whose key lies in memory and stands for a USB key.</summary>
internal sealed class DemoOfficer(Sm2PrivateKey key, Certificate certificate) : IDisposable
{
    private static readonly Name IssuerName = Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "政务CA"), (Oids.CommonName, "政务CA 人员 演示 DEMO"));

    public Certificate Certificate => certificate;

    /// <param name="issuer">Of officers' certificates, in the device.</param>
    public static async Task<DemoOfficer> CertifyAsync(HsmSigner issuer, Person person, OfficerKind kind, string role, string region, DateTimeOffset now)
    {
        var key = Sm2PrivateKey.Generate();
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        byte[] tbs = Der.Encode(new TbsCertificate(
            SerialNumber.FromBytes(serial),
            issuer.AlgorithmIdentifier,
            IssuerName,
            new Validity(Time.Truncate(now), Time.Truncate(now.AddYears(1))),
            Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "演示 DEMO"), (Oids.CommonName, person.Name.Reveal())),
            SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
            new Extensions(
            [
                Extension.Create(KeyUsage.Signing, critical: true),
                Extension.Create(new OfficerIdentity(person.Id, kind, role, region), critical: false),
            ])));
        return new DemoOfficer(key, Certificate.Assemble(tbs, await issuer.SignAsync(tbs)));
    }

    /// <summary>His decision, signed.</summary>
    public Approval Sign(ApprovalStep step, Application application, DateTimeOffset now) =>
        ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], now), key, certificate);

    public void Dispose() => key.Dispose();
}
