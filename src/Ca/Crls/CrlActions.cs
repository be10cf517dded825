using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Crls;

/// <summary>What two officers of the CA may order about CRLs.</summary>
internal sealed class CrlActions(AuthorityList authorities)
{
    /// <summary>All CRLs of a CA at once, whenever the next ones would be due; takes a CrlOrder.</summary>
    public const string Emergency = "crl.emergency";

    /// <summary>What relying parties have and this database, which was put back, does not know: from now on the next one is compared with it. Takes a CrlAdoption.</summary>
    public const string Adopt = "crl.adopt";

    public IReadOnlyList<CommandAction> All =>
    [
        new CommandAction(Emergency, OfficerActions.ForRegions) { CheckAsync = CheckAsync, DoAsync = OrderAsync },
        new CommandAction(Adopt, OfficerActions.ForRegions) { CheckAsync = CheckAdoptionAsync, DoAsync = OrderAdoptionAsync },
    ];

    /// <summary>Whether officers have signed that CRLs of the CA are made, since the log had so many leaves: asked of what they signed, not of a row that says so.</summary>
    public static async Task<bool> IsOrderedAsync(Transaction transaction, OrderedCommands ordered, CrlScope scope, long since) =>
        (await ordered.ListAsync<CrlOrder>(transaction, Emergency, order => order.Issuer.Span.SequenceEqual(scope.Authority.Issuer.KeyIdentifier.Span))).Any(each => each.Place.Index >= since);

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

    /// <summary>What lies in the folders is looked at by <see cref="AdoptCrl"/>, outside the transaction.</summary>
    private async Task CheckAdoptionAsync(CommandContext context)
    {
        context.RequireRegion(RegionCode.Nation.Value);
        CrlScope scope = FindScope(context);
        long scopes = await context.Transaction.GetAsync<long>(
            "SELECT COUNT(*) FROM crl_scope WHERE authority_id = @Authority AND shard = @Shard", new { Authority = scope.Authority.Id, scope.Shard });
        Require(scopes == 1, Refusal.NotFound, "该签发CA没有此CRL分区。");
    }

    /// <summary>Done by the job, a few seconds later.</summary>
    private Task OrderAdoptionAsync(CommandContext context) =>
        context.RecordAsync(Adopt, MakeCrl.ObjectOf(FindScope(context)), reason: null, new AuditField.Octets("hash", context.Read<CrlAdoption>().Hash));

    private CrlScope FindScope(CommandContext context)
    {
        CrlAdoption adoption = context.Read<CrlAdoption>();
        return new CrlScope(FindAuthority(adoption.Issuer), adoption.Shard);
    }

    private Authority FindAuthority(CommandContext context) => FindAuthority(context.Read<CrlOrder>().Issuer);

    private Authority FindAuthority(ReadOnlyMemory<byte> issuer)
    {
        Authority? authority = authorities.Find(issuer.Span);
        Require(authority is not null, Refusal.NotFound, "本服务没有该签发CA。");
        return authority!;
    }
}
