using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Officers;
using static ZwCa.Ca.Registrations.CommandReading;

namespace ZwCa.Ca.Crls;

/// <summary>What two officers of the CA may order about CRLs.</summary>
internal sealed class CrlActions(AuthorityList authorities)
{
    /// <summary>All CRLs of a CA at once, whenever the next ones would be due; takes a CrlOrder.</summary>
    public const string Emergency = "crl.emergency";

    public IReadOnlyList<CommandAction> All => [new CommandAction(Emergency, OfficerActions.ForRegions) { CheckAsync = CheckAsync, DoAsync = OrderAsync }];

    private Task CheckAsync(CommandContext context)
    {
        context.RequireRegion(RegionCode.Nation.Value);
        _ = FindAuthority(context);
        return Task.CompletedTask;
    }

    /// <summary>Made by the job, a few seconds later: what signs does not run inside a command.</summary>
    private async Task OrderAsync(CommandContext context)
    {
        Authority authority = FindAuthority(context);
        await context.Transaction.ExecuteAsync("UPDATE crl_scope SET due_at = 0 WHERE authority_id = @Id", new { authority.Id });
        await context.RecordAsync(Emergency, new AuditObject("ca", authority.KeyIdentifier), reason: null);
    }

    private Authority FindAuthority(CommandContext context)
    {
        Authority? authority = authorities.Find(context.Read<CrlOrder>().Issuer.Span);
        Require(authority is not null, Refusal.NotFound, "本服务没有该签发CA。");
        return authority!;
    }
}
