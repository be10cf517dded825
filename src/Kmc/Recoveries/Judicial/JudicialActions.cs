using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Officers;

namespace ZwCa.Kmc.Recoveries;

/// <summary>The command by which officers of the KMC order a judicial recovery. Whether enough recovery officers have signed the case, the device says.</summary>
internal sealed class JudicialActions(RowMac mac)
{
    public const string Order = "recovery.judicial";
    public const string OrderAction = "judicial.order";

    public CommandAction Action => new(Order, OfficerActions.TwoPersons) { CheckAsync = CheckAsync, DoAsync = DoAsync };

    /// <returns>The order, its case, and the key that both name.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>, <see cref="Refusal.NotFound"/>; <see cref="Refusal.NotApproved"/>: the case is about another key.</exception>
    /// <exception cref="TamperedRowException">The key's row was changed, or is another certificate's.</exception>
    public async Task<(JudicialOrder Order, RecoveryCase Case, EscrowedKey Key)> ReadAsync(Transaction transaction, ReadOnlyMemory<byte> parameters)
    {
        (JudicialOrder order, RecoveryCase recoveryCase) = Read(parameters);
        EscrowedKey key = await JudicialRecoveryStore.FindKeyAsync(transaction, mac, order.CaName, order.SerialNumber.ToString())
            ?? throw new RefusalException(Refusal.NotFound, "没有该CA该序列号的密钥。");
        Require(recoveryCase.KeyId.Span.SequenceEqual(key.KeyId), Refusal.NotApproved, "案件写明的不是该证书的密钥。");
        return (order, recoveryCase, key);
    }

    private static (JudicialOrder Order, RecoveryCase Case) Read(ReadOnlyMemory<byte> parameters)
    {
        try
        {
            JudicialOrder order = Der.Decode<JudicialOrder>(parameters);
            return (order, order.DecodeCase());
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "司法恢复的案件或签名格式有误。", inner: e);
        }
    }

    private async Task CheckAsync(CommandContext context)
    {
        Require(context.Application.Region == RegionCode.Nation.Value, Refusal.OutOfScope, $"该命令须以区域{RegionCode.Nation.Value}提出。");
        (_, RecoveryCase recoveryCase, _) = await ReadAsync(context.Transaction, context.Parameters);
        Require(context.Now <= recoveryCase.NotAfter.Value, Refusal.Expired, "该案件的恢复期限已过。");
        await RequireNewAsync(context.Transaction, recoveryCase);
    }

    private async Task DoAsync(CommandContext context)
    {
        (JudicialOrder order, RecoveryCase recoveryCase, EscrowedKey key) = await ReadAsync(context.Transaction, context.Parameters);
        var row = new JudicialRow
        {
            RecoveryId = context.CommandId,
            State = JudicialState.Ordered,
            Slot = JudicialRecoveryStore.SlotOf(recoveryCase),
            KeyId = key.KeyId,
            Recipient = Sm3.HashData(Der.Encode(recoveryCase.Recipient)),
            NotAfter = recoveryCase.NotAfter.Value,
            OrderedAt = context.Now,
        };
        if (!await JudicialRecoveryStore.TryAddAsync(context.Transaction, row))
        {
            await RequireNewAsync(context.Transaction, recoveryCase);
            throw new RefusalException(Refusal.Duplicate, "该命令已执行。");
        }

        await context.Log.AppendAsync(context.Transaction, EventOf((context.Approver ?? context.Proposer).Actor, OrderAction, row, AuditOutcome.Intended) with
        {
            Fields =
            [
                new AuditField.Octets("command", row.RecoveryId), new AuditField.Text("ca", order.CaName), new AuditField.Text("serial", order.SerialNumber.ToString()),
                new AuditField.Octets("recipient", row.Recipient), new AuditField.Octets("document", recoveryCase.DocumentHash),
                new AuditField.Octets("statement", Sm3.HashData(Der.Encode(order.Statement))), new AuditField.Number("notAfter", row.NotAfter.ToUnixTimeMilliseconds()),
            ],

            // By it somebody may find out who it is about.
            Personal = new Dictionary<string, string> { ["case"] = recoveryCase.CaseNumber },
        });
    }

    /// <summary>What happened to the key by a recovery.</summary>
    public static AuditEvent EventOf(AuditActor actor, string action, JudicialRow row, AuditOutcome outcome, params IReadOnlyList<AuditField> more) =>
        new(actor, action, new AuditObject("key", Convert.ToHexStringLower(row.KeyId)), outcome)
        {
            Fields = [new AuditField.Octets("command", row.RecoveryId), new AuditField.Octets("recipient", row.Recipient), .. more],
        };

    /// <summary>A case's key is recovered once: what came of it is found under the first command.</summary>
    private static async Task RequireNewAsync(Transaction transaction, RecoveryCase recoveryCase)
    {
        if (await JudicialRecoveryStore.FindBySlotAsync(transaction, JudicialRecoveryStore.SlotOf(recoveryCase)) is { } known)
        {
            throw new RefusalException(Refusal.Duplicate, $"该案件已办理该密钥的恢复，编号{Convert.ToHexStringLower(known)}。");
        }
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
