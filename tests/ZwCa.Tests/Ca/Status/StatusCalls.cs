using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;

namespace ZwCa.Tests.Ca.Status;

/// <summary>What an RA does to the status of a certificate, by the whole way through the API.</summary>
internal static class StatusCalls
{
    public static Application Application(
        CertificateAnswer certificate, DecisionKind kind, RevocationReason? reason = null, string region = CaStage.City, string ra = CaStage.RaName, string ca = CaStage.Name) => new(
            kind,
            ca,
            ra,
            region,
            CaStage.NewEntity(),
            Der.Encode(new StatusBody(new CertificateReference(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial)), reason ?? ReasonOf(kind))));

    public static string PathOf(CertificateAnswer certificate, DecisionKind kind) => $"/certificates/{certificate.Issuer}/{certificate.Serial}/" + kind switch
    {
        DecisionKind.Revoke => "revocation",
        DecisionKind.Suspend => "suspension",
        _ => "resumption",
    };

    public static Task<CertificateAnswer> ChangeAsync(this CaStage stage, CertificateAnswer certificate, DecisionKind kind, RevocationReason? reason = null) =>
        stage.Ra.PostAsync<CertificateAnswer>(PathOf(certificate, kind), stage.Decide(Application(certificate, kind, reason)));

    /// <returns>The new state, or the kind of refusal.</returns>
    public static async Task<string> TryAsync(this CaStage stage, CertificateAnswer certificate, DecisionKind kind)
    {
        try
        {
            return (await stage.ChangeAsync(certificate, kind)).State;
        }
        catch (RefusalException e)
        {
            return e.Kind.ToString();
        }
    }

    private static RevocationReason ReasonOf(DecisionKind kind) => kind switch
    {
        DecisionKind.Revoke => RevocationReason.Superseded,
        DecisionKind.Suspend => RevocationReason.CertificateHold,
        _ => RevocationReason.RemoveFromCrl,
    };
}
