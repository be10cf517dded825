using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Registrations;

/// <summary>
/// The commands about officers as they are at the CA: whose certificate makes nobody an officer any more is revoked too, for KMC and auditors go by the CRL, and who is disabled loses his
/// links. A certificate of the ceremony may have no row here; that one is revoked where it came from.
/// </summary>
internal sealed class OfficerEndings(AuthorityList authorities, CertificateStatus status, ClientStore clients)
{
    public IReadOnlyList<CommandAction> Of(OfficerActions officers) =>
    [
        .. officers.Standard.Select(action => action.Name switch
        {
            OfficerActions.Disable => action with
            {
                DoAsync = async context =>
                {
                    await action.DoAsync(context);
                    await RevokeAsync(context, context.Read<OfficerChange>().Officer, RevocationReason.PrivilegeWithdrawn);
                    await OfficerLinks.CloseAsync(context, clients, context.Read<OfficerChange>().Officer);
                },
            },
            OfficerActions.ReplaceCertificate => action with
            {
                DoAsync = async context =>
                {
                    await action.DoAsync(context);
                    await RevokeAsync(context, context.Read<CertificateReplacement>().Officer, RevocationReason.Superseded);
                },
            },
            _ => action,
        }),
    ];

    private async Task RevokeAsync(CommandContext context, SerialNumber serial, RevocationReason reason)
    {
        if (await CertificateStore.FindAsync(context.Transaction, authorities.Operations.Id, serial.ToString()) is { State: CertificateState.Valid or CertificateState.Held } row)
        {
            await status.RevokeAsync(
                context.Transaction, row, new StatusChange(reason, context.Actor(), context.Now) { Decision = [new AuditField.Octets("command", context.CommandId)] });
        }
    }
}
