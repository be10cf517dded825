using System.Data.Common;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;

namespace ZwCa.Kmc.Recoveries;

/// <summary>
/// Carries out the judicial recoveries that officers have ordered, after their command's transaction: docs/KEY-RECOVERY.md, in the same steps. What is recovered, the command says that both
/// signed, verified once more, and the case, which the device verifies: a row that somebody adds makes nothing. Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed partial class RunJudicialRecoveries(
    Database database, AuditLog log, AuditGate audit, OfficerCommands commands, JudicialActions actions, IHsm hsm, TimeProvider time, ILogger<RunJudicialRecoveries> logger)
{
    public const string IntendAction = "judicial.intend";
    public const string DeliverAction = "judicial.deliver";
    public const string RefuseAction = "judicial.refuse";
    public const string EraseAction = "judicial.erase";

    private const int Batch = 100;
    private const int MaxDetail = 1000;

    /// <summary>Whoever has approved one is at it for a while.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    private static readonly AuditActor Job = new(AuditActorKind.Job, "judicial");

    /// <summary>What was ordered a while ago and is not done, and the envelopes of cases that have ended.</summary>
    /// <exception cref="HsmException">The device is away: they go on waiting.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await EraseAsync(cancellationToken);
        foreach (byte[] id in await database.ReadAsync(transaction => JudicialRecoveryStore.ListOrderedAsync(transaction, time.GetUtcNow() - RetryAfter, Batch), cancellationToken))
        {
            try
            {
                await RunAsync(id, cancellationToken);
            }
#pragma warning disable CA1031 // One that cannot be read must not keep the others waiting; the operator hears of it each time.
            catch (Exception e) when (e is not (HsmException or DbException or OperationCanceledException))
#pragma warning restore CA1031
            {
                LogFailed(logger, Convert.ToHexStringLower(id), e);
            }
        }
    }

    /// <summary>For whoever approved a command just now: one of another kind is none of its business; what fails for a while is tried again by the job.</summary>
    /// <param name="id">Of the command.</param>
    public async Task TryAsync(byte[] id, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(id, cancellationToken);
        }
        catch (Exception e) when (e is HsmException or DbException)
        {
            LogWaits(logger, Convert.ToHexStringLower(id), e);
        }
    }

    private async Task RunAsync(byte[] id, CancellationToken cancellationToken)
    {
        JudicialRow? row = await database.ReadAsync(transaction => JudicialRecoveryStore.FindAsync(transaction, id), cancellationToken);
        if (row is not { State: JudicialState.Ordered })
        {
            return;
        }

        try
        {
            // Step 5: what was ordered, by two who are in office; and the key.
            await audit.RequireAsync(cancellationToken);
            (ApprovedApplication approved, CommandBody command) = await commands.VerifyDoneAsync(id, cancellationToken);
            if (command.Action != JudicialActions.Order)
            {
                throw new RefusalException(Refusal.NotApproved, "该命令不是司法恢复。");
            }

            (JudicialOrder order, RecoveryCase recoveryCase, EscrowedKey key) =
                await database.ReadAsync(transaction => actions.ReadAsync(transaction, command.Parameters), cancellationToken);
            var actor = new AuditActor(AuditActorKind.Officer, approved.Review.Officer.SerialNumber.ToString());

            // Step 6: what will be done, before the device does it.
            await database.WriteAsync(transaction => log.AppendAsync(transaction, JudicialActions.EventOf(actor, IntendAction, row, AuditOutcome.Intended)), cancellationToken);
            FaultPoint.Reach("judicial-intended");

            // Step 7: the device counts the recovery officers' signatures, and looks at key, recipient and end itself.
            KeyEnvelope envelope = await hsm.EnvelopeKeyAsync(
                key.WrappedKey, recoveryCase.Recipient, new EnvelopeAuthorization.ByRecoveryOfficers(Der.Encode(order.Statement)), signer: null, cancellationToken);
            FaultPoint.Reach("judicial-opened");

            // Step 8: kept until the case ends.
            byte[] bytes = Der.Encode(envelope.ToSm2EnvelopedKey());
            await database.WriteAsync(
                async transaction =>
                {
                    if (await JudicialRecoveryStore.DeliverAsync(transaction, id, bytes, time.GetUtcNow()))
                    {
                        await log.AppendAsync(
                            transaction, JudicialActions.EventOf(actor, DeliverAction, row, AuditOutcome.Done, new AuditField.Octets("envelope", Sm3.HashData(bytes))));
                    }
                },
                cancellationToken);
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Refused)
        {
            await RefuseAsync(row, e.Failure.ToString(), $"密码设备拒绝：{e.Message}");
        }
        catch (RefusalException e) when (e.RetryAfter is null && e.Kind is not (Refusal.Unavailable or Refusal.AuditUnavailable or Refusal.InProgress))
        {
            await RefuseAsync(row, e.Kind.ToString(), e.Message);
        }
        catch (RefusalException e)
        {
            LogWaits(logger, Convert.ToHexStringLower(id), e);
        }
    }

    private Task RefuseAsync(JudicialRow row, string kind, string detail) => database.WriteAsync(
        async transaction =>
        {
            if (await JudicialRecoveryStore.RefuseAsync(transaction, row, detail[..Math.Min(detail.Length, MaxDetail)], time.GetUtcNow()))
            {
                await log.AppendAsync(transaction, JudicialActions.EventOf(Job, RefuseAction, row, AuditOutcome.Refused, new AuditField.Text("refusal", kind)));
            }
        },
        CancellationToken.None);

    private async Task EraseAsync(CancellationToken cancellationToken)
    {
        foreach (JudicialRow row in await database.ReadAsync(transaction => JudicialRecoveryStore.ListEndedAsync(transaction, time.GetUtcNow(), Batch), cancellationToken))
        {
            await database.WriteAsync(
                async transaction =>
                {
                    if (await JudicialRecoveryStore.EraseAsync(transaction, row))
                    {
                        await log.AppendAsync(transaction, JudicialActions.EventOf(Job, EraseAction, row, AuditOutcome.Done, new AuditField.Octets("envelope", row.EnvelopeHash!)));
                    }
                },
                cancellationToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The judicial recovery {Recovery} failed; it goes on waiting")]
    private static partial void LogFailed(ILogger logger, string recovery, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The judicial recovery {Recovery} goes on waiting")]
    private static partial void LogWaits(ILogger logger, string recovery, Exception exception);
}
