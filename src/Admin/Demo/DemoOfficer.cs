using ZwCa.Admin.Token;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Admin.Demo;

/// <summary>A person with an officer certificate, who signs with his token; or with a key in memory, which stands for one.</summary>
internal sealed class DemoOfficer : IDisposable
{
    private readonly Func<ApprovalStep, Application, Approval> _sign;
    private readonly IDisposable? _key;

    private DemoOfficer(Certificate certificate, Func<ApprovalStep, Application, Approval> sign, IDisposable? key)
    {
        Certificate = certificate;
        _sign = sign;
        _key = key;
    }

    public Certificate Certificate { get; }

    /// <param name="token">Stays the caller's.</param>
    public static DemoOfficer WithToken(UnlockedToken token, Certificate certificate) =>
        new(certificate, (step, application) => token.SignApproval(DemoCeremony.OfficerContainer, step, [application]), null);

    /// <param name="issuer">Of officers' certificates.</param>
    public static async Task<DemoOfficer> CertifyAsync(Issuer issuer, Person person, OfficerKind kind, string role, string region)
    {
        var key = Sm2PrivateKey.Generate();
        Certificate certificate = await DemoIssuance.CertifyOfficerAsync(
            issuer, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), person.Name.Reveal(), new OfficerIdentity(person.Id, kind, role, region));
        return new DemoOfficer(
            certificate, (step, application) => ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], TimeProvider.System.GetUtcNow()), key, certificate), key);
    }

    /// <summary>His decision, signed.</summary>
    public Approval Sign(ApprovalStep step, Application application) => _sign(step, application);

    public void Dispose() => _key?.Dispose();
}
