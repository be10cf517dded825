using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Bulk;

/// <summary>What two officers of the CA may order about the status of certificates, of any kind and of any RA, within the region that the command names.</summary>
internal sealed class CertificateActions(CertificateStatus status, AuthorityList authorities)
{
    /// <summary>One certificate; takes a StatusBody.</summary>
    public const string Revoke = "certificate.revoke";

    /// <summary>All with a key; takes a BulkStatusBody with one, as do the next ones with theirs.</summary>
    public const string RevokeByKey = "certificate.revoke-by-key";

    /// <summary>All of an owner or a subject.</summary>
    public const string RevokeByOwner = "certificate.revoke-by-owner";

    /// <summary>A list, or all that were issued within a time: these may also be suspended and resumed.</summary>
    public const string Bulk = "certificate.revoke-bulk";

    public IReadOnlyList<CommandAction> All =>
    [
        new CommandAction(Revoke, OfficerActions.ForRegions) { CheckAsync = CheckRevokeAsync, DoAsync = RevokeAsync },
        new CommandAction(RevokeByKey, OfficerActions.ForRegions)
        {
            CheckAsync = static context => CheckAsync(context, static body => body is { Kind: DecisionKind.Revoke, Selection: CertificateSelection.Key }), DoAsync = OrderAsync,
        },
        new CommandAction(RevokeByOwner, OfficerActions.ForRegions)
        {
            CheckAsync = static context => CheckAsync(context, static body => body is { Kind: DecisionKind.Revoke, Selection: CertificateSelection.Owner or CertificateSelection.Subject }),
            DoAsync = OrderAsync,
        },
        new CommandAction(Bulk, OfficerActions.ForRegions)
        {
            CheckAsync = static context => CheckAsync(context, static body => body.Selection is CertificateSelection.Certificates or CertificateSelection.Issued), DoAsync = OrderAsync,
        },
    ];

    private async Task CheckRevokeAsync(CommandContext context)
    {
        StatusBody body = context.Read<StatusBody>();
        RequireReason(DecisionKind.Revoke, body.Reason);
        ChangeStatus.RequireState(DecisionKind.Revoke, await FindAsync(context, body), context.Now);
    }

    private async Task RevokeAsync(CommandContext context)
    {
        StatusBody body = context.Read<StatusBody>();
        CertificateRow row = await FindAsync(context, body);
        var change = new StatusChange(body.Reason, (context.Approver ?? context.Proposer).Actor, context.Now) { Decision = [new AuditField.Octets("command", context.CommandId)] };
        if (!await status.RevokeAsync(context.Transaction, row, change))
        {
            throw new RefusalException(Refusal.AlreadyRevoked, "该证书已吊销。");
        }
    }

    private async Task<CertificateRow> FindAsync(CommandContext context, StatusBody body)
    {
        Authority? authority = authorities.Find(body.Certificate.Issuer.Span);
        CertificateRow? row = authority is null ? null : await CertificateStore.FindAsync(context.Transaction, authority.Id, body.Certificate.SerialNumber.ToString());
        Require(row?.Tbs is not null, Refusal.NotFound, "没有该证书。");
        Require(RegionCode.Parse(context.Application.Region).Covers(RegionCode.Parse(row!.Region)), Refusal.OutOfScope, "该证书不在命令所写的区域内。");
        return row;
    }

    private static Task CheckAsync(CommandContext context, Func<BulkStatusBody, bool> isFor)
    {
        BulkStatusBody body = context.Read<BulkStatusBody>();
        Require(isFor(body), Refusal.Malformed, "该命令不适用于所写的操作或范围。");
        RequireReason(body.Kind, body.Reason);
        return Task.CompletedTask;
    }

    /// <summary>What is done to many takes longer than a command: it is only written down here, and done by <see cref="BulkChanges"/>.</summary>
    private static async Task OrderAsync(CommandContext context)
    {
        bool isNew = await BulkChangeStore.InsertAsync(context.Transaction, context.CommandId, context.Parameters.ToArray(), context.Application.Region, context.Now);
        Require(isNew, Refusal.Duplicate, "该命令编号已使用。");
        if (context.Read<BulkStatusBody>() is { Reason: RevocationReason.KeyCompromise, Selection: CertificateSelection.Key key })
        {
            // From this moment on, not from the first revocation: until then it could be certified again.
            await context.Transaction.TryInsertAsync(
                "INSERT INTO compromised_key (key_hash, command_id, recorded_at) VALUES (@Hash, @Id, @Now)", new { Hash = key.Hash.ToArray(), Id = context.CommandId, context.Now });
        }
    }

    private static void RequireReason(DecisionKind kind, RevocationReason reason)
    {
        bool isReason = kind switch
        {
            DecisionKind.Revoke => CertificateStatus.Reasons.Contains(reason),
            DecisionKind.Suspend => reason == RevocationReason.CertificateHold,
            _ => reason == RevocationReason.RemoveFromCrl,
        };
        Require(isReason, Refusal.Malformed, $"原因{CertificateStatus.NameOf(reason)}不适用于该命令。");
    }
}
