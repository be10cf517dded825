using System.Data.Common;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Recoveries;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.Kmc.Requests;

/// <summary>
/// Answers messages of GM/T 0014: docs/KMC.md, in the same steps. What was bound stays bound, whatever dies meanwhile: the same message gets the same answer, once it has one, and goes on
/// where it stood until then. Safe for concurrent use, also on several nodes.
/// </summary>
internal sealed partial class AnswerRequests(
    Database database,
    AuditLog log,
    AuditGate audit,
    IHsm hsm,
    KmcSigner signer,
    RowMac mac,
    Sender sender,
    PlanRequests plan,
    PlanRecovery recoveries,
    RequestOptions options,
    AnswerSteps steps,
    TimeProvider time,
    ILogger<AnswerRequests> logger)
{
    public const string RefuseAction = "request.refuse";

    /// <summary>Of one message, when others about its keys are faster.</summary>
    private const int MaxAttempts = 3;

    /// <summary>Of an unknown message, either way.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <param name="bytes">DER of CARequest.</param>
    /// <param name="linkName">Of the client over whose link it came.</param>
    /// <returns>DER of KMRespond: one answer to each request, in their order; a request that is refused has an ErrorPkgRespond, and the others are done.</returns>
    /// <exception cref="RefusalException">
    /// As <see cref="Sender.IdentifyAsync"/>; <see cref="Refusal.Duplicate"/>: another message has the task number; <see cref="Refusal.InProgress"/>;
    /// <see cref="Refusal.Expired"/>; <see cref="Refusal.Unavailable"/>: the stock is empty, or the device is away, and nothing is lost by asking again.
    /// </exception>
    public Task<ReadOnlyMemory<byte>> RunAsync(ReadOnlyMemory<byte> bytes, string linkName, CancellationToken cancellationToken) =>
        RunAsync(bytes, linkName, papers: null, cancellationToken);

    /// <param name="papers">Of a recovery to another recipient: docs/KEY-RECOVERY.md. Null: what GM/T 0014 has alone.</param>
    /// <inheritdoc cref="RunAsync(ReadOnlyMemory{byte}, string, CancellationToken)"/>
    /// <exception cref="RefusalException">With papers also as <see cref="PlanRecovery"/> has them, and <see cref="Refusal.NotApproved"/>: the device refuses.</exception>
    public async Task<ReadOnlyMemory<byte>> RunAsync(ReadOnlyMemory<byte> bytes, string linkName, RecoveryPapers? papers, CancellationToken cancellationToken)
    {
        StepWatch watch = steps.Start();

        // Step 1: who sent it.
        (ServedCa ca, CaRequest message) = await sender.IdentifyAsync(bytes, linkName, cancellationToken);
        watch.End("sender");

        // Step 2: whether it was answered, is being answered, or is new.
        DateTimeOffset now = time.GetUtcNow();
        var task = new TaskRow
        {
            CaId = ca.CaId, TaskNo = message.KsRequest.TaskNo.ToString(), MessageHash = Sm3.HashData(bytes.Span), Message = bytes.ToArray(), ReceivedAt = now, ClaimedUntil = now + options.ClaimFor,
        };
        if (await ClaimAsync(task, message, cancellationToken) is { } reply)
        {
            return reply;
        }

        watch.End("claim");
        try
        {
            await audit.RequireAsync(cancellationToken);
            watch.End("gate");
            ApprovedRecovery? recovery = papers is null ? null : await recoveries.VerifyAsync(ca, message.KsRequest, papers, cancellationToken);
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    return await AnswerAsync(ca, task, message.KsRequest, recovery, watch, cancellationToken);
                }
                catch (KeyMovedException e) when (attempt == MaxAttempts)
                {
                    throw new RefusalException(Refusal.InProgress, "该密钥正由另一报文处理。", RetryAfter, e);
                }
                catch (KeyMovedException)
                {
                    // Planned anew, upon the key as it is now.
                }
            }
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Refused && papers is not null)
        {
            var refusal = new RefusalException(Refusal.NotApproved, "密码设备未接受该恢复申请或审批意见，或该密钥从未交付。", inner: e);
            await recoveries.RefuseAsync(ca, papers, refusal);
            await ReleaseAsync(task);
            throw refusal;
        }
        catch (HsmException e)
        {
            await ReleaseAsync(task);
            throw new RefusalException(Refusal.Unavailable, "密钥管理中心的密码设备暂时不可用，请稍后重试。", RetryAfter, e);
        }
        catch
        {
            await ReleaseAsync(task);
            throw;
        }
    }

    /// <summary>Steps 3 to 5, for the message that was claimed.</summary>
    /// <exception cref="KeyMovedException">Nothing was kept.</exception>
    private async Task<ReadOnlyMemory<byte>> AnswerAsync(ServedCa ca, TaskRow task, KsRequest message, ApprovedRecovery? recovery, StepWatch watch, CancellationToken cancellationToken)
    {
        // Step 3: a key for each request that wants one, bound to it before the device opens it: whatever dies now, the key is that subscriber's or nobody's.
        Answer[] answers = await plan.RunAsync(ca, task, message, recovery, cancellationToken);
        watch.End("bind");
        FaultPoint.Reach("kmc-bound");

        // Step 4: the device opens each towards its recipient. It looks at the CA's signature itself.
        await Task.WhenAll(answers.Select((answer, i) => OpenAsync(ca, answer, answer.Authorization ?? AuthorizationBy(task.Message, i, answer.Recovery), cancellationToken)));
        watch.End("open");
        FaultPoint.Reach("kmc-opened");

        // Step 5: the answer, signed, is kept together with what the device gave back; then it leaves.
        byte[] signed = await signer.SignAsync(
            new KsRespond(signer.Name, [.. answers.Select(answer => answer.Respond!)], Time.Truncate(time.GetUtcNow()), message.TaskNo), cancellationToken);
        watch.End("sign");
        FaultPoint.Reach("kmc-signed");
        await database.WriteAsync(transaction => KeepAsync(transaction, ca, task, answers, signed), cancellationToken);
        watch.End("keep");
        FaultPoint.Reach("kmc-kept");
        return signed;
    }

    /// <summary>What is bound stays so; the CA asks again, and another node may answer.</summary>
    private async Task ReleaseAsync(TaskRow task)
    {
        try
        {
            await database.WriteAsync(transaction => TaskStore.ReleaseAsync(transaction, task), CancellationToken.None);
        }
        catch (Exception e) when (e is DbException or ObjectDisposedException)
        {
            // The claim ends by itself, and the caller has to hear of the first trouble, not of this.
            LogNotReleased(logger, e, task.TaskNo);
        }
    }

    /// <returns>The answer that it has had.</returns>
    private async Task<byte[]?> ClaimAsync(TaskRow task, CaRequest message, CancellationToken cancellationToken)
    {
        // Most messages are new and made just now: what adds them says whether they are.
        bool isTimely = (message.KsRequest.RequestTime.Value - task.ReceivedAt).Duration() <= Window;
        if (isTimely && await database.WriteAsync(transaction => TaskStore.TryAddAsync(transaction, task), cancellationToken))
        {
            return null;
        }

        TaskRow known = await database.ReadAsync(transaction => TaskStore.FindAsync(transaction, task.CaId, task.TaskNo), cancellationToken)
            ?? throw new RefusalException(Refusal.Expired, "报文的时间与本机相差超过5分钟。");
        return !known.MessageHash.AsSpan().SequenceEqual(task.MessageHash) ? throw new RefusalException(Refusal.Duplicate, "任务号已被另一报文使用。")
            : known.AnsweredAt is not null ? known.Reply ?? throw new RefusalException(Refusal.WrongState, "应答不再保留：用户已签收，或密钥已恢复到新的签名公钥。")
            : await database.WriteAsync(transaction => TaskStore.ClaimAsync(transaction, known, task.ClaimedUntil, task.ReceivedAt), cancellationToken) ? null
            : throw new RefusalException(Refusal.InProgress, "同一报文正在处理。", RetryAfter);
    }

    private async Task OpenAsync(ServedCa ca, Answer answer, EnvelopeAuthorization authorization, CancellationToken cancellationToken)
    {
        if (answer.Recipient is not { } recipient || answer.Row is not { } row)
        {
            return;
        }

        KeyEnvelope envelope;
        try
        {
            envelope = await hsm.EnvelopeKeyAsync(row.WrappedKey, recipient, authorization, RetPriKey.DeviceSigner(ca, signer), cancellationToken);
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Refused && answer is { Kind: AnswerKind.Restore, Recovery: not null })
        {
            answer.Refuse(new RequestRefusedException(KmcError.NotApproved, "原恢复申请的审批已不被密码设备接受，须重新申请恢复。"));
            return;
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Refused && answer.Kind == AnswerKind.Apply)
        {
            // It will not think otherwise tomorrow. The key is nobody's from now on, and the CA begins anew with another serial number.
            LogDeviceRefused(logger, e, row.Serial!);
            answer.Refuse(new RequestRefusedException(KmcError.DeviceRefused, "密码设备拒绝使用所分配的密钥，请以新的序列号重新申请；多次如此请联系密钥管理中心。"));
            answer.After = mac.End(row, KeyEnd.GivenUp, time.GetUtcNow());
            return;
        }
        catch (HsmException e) when (e.Failure == HsmFailure.Refused && answer.Kind == AnswerKind.Restore)
        {
            // Nor of this; the key stays its subscriber's.
            LogNotRestored(logger, e, row.Serial!);
            answer.Refuse(new RequestRefusedException(KmcError.DeviceRefused, "密码设备拒绝恢复该密钥，请联系密钥管理中心。"));
            return;
        }

        // What is in history stays as it ended. The device does not bind a key anew: who gets it from now on says this row.
        byte[] holder = row.State == KeyState.InUse ? Sm3.HashData(Der.Encode(recipient)) : row.Recipient!;
        answer.After = envelope.BoundKey.Span.SequenceEqual(row.WrappedKey) && holder.AsSpan().SequenceEqual(row.Recipient)
            ? row
            : mac.Seal(row with { StateVersion = row.StateVersion + 1, WrappedKey = envelope.BoundKey.ToArray(), Recipient = holder });
        var serial = SerialNumber.Parse(row.Serial!);
        var content = new RetKeyRespond(serial, Der.Decode<SubjectPublicKeyInfo>(row.PublicKey), await RetPriKey.BuildAsync(ca, signer, envelope, cancellationToken));
        answer.Respond = answer.Kind == AnswerKind.Apply ? new ApplyKeyRespond(content) : new RestoreKeyRespond(content);
    }

    private async Task KeepAsync(Transaction transaction, ServedCa ca, TaskRow task, Answer[] answers, byte[] reply)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (!await TaskStore.AnswerAsync(transaction, task with { Reply = reply, ReplyHash = Sm3.HashData(reply), AnsweredAt = now }))
        {
            throw new RefusalException(Refusal.InProgress, "同一报文正在处理。", RetryAfter);
        }

        foreach (Answer answer in answers)
        {
            if (answer.Error is { } error)
            {
                await log.AppendAsync(transaction, new AuditEvent(ca.Actor, RefuseAction, new AuditObject("task", $"{ca.Name}/{task.TaskNo}"), AuditOutcome.Refused)
                {
                    Fields = [new AuditField.Number("error", (long)error)],
                });
                if (answer.After is { State: KeyState.History } givenUp)
                {
                    await RequireMovedAsync(EscrowedKeyStore.EndAsync(transaction, givenUp));
                    await RecordAsync(transaction, ca, KeyMoves.EndAction, givenUp, AuditOutcome.Done);
                }

                continue;
            }

            (EscrowedKey row, EscrowedKey after) = (answer.Row!, answer.After!);
            await RequireMovedAsync(
                after == row ? EscrowedKeyStore.HoldAsync(transaction, row)
                : answer.Kind == AnswerKind.Revoke ? EscrowedKeyStore.EndAsync(transaction, after)
                : EscrowedKeyStore.RewrapAsync(transaction, after));

            if (answer.Recipient is { } recipient)
            {
                await DeliveredKeyStore.AddAsync(transaction, task, row.KeyId, Sm3.HashData(Der.Encode(recipient)));
            }

            if (answer is { Kind: AnswerKind.Recover, Recovery: { } recovery })
            {
                await recoveries.DeliverAsync(transaction, ca, after, recovery);
            }
            else
            {
                await RecordAsync(transaction, ca, answer.Kind == AnswerKind.Revoke ? KeyMoves.EndAction : KeyMoves.DeliverAction, after, AuditOutcome.Done);
            }
        }
    }

    private static async Task RequireMovedAsync(Task<bool> move)
    {
        if (!await move)
        {
            throw new KeyMovedException();
        }
    }

    private Task RecordAsync(Transaction transaction, ServedCa ca, string action, EscrowedKey row, AuditOutcome outcome) =>
        KeyMoves.RecordAsync(transaction, log, ca.Actor, action, ca.Name, row, outcome);

    [LoggerMessage(Level = LogLevel.Error, Message = "The message {TaskNo} could not be let go of: it is taken up when its claim ends")]
    private static partial void LogNotReleased(ILogger logger, Exception exception, string taskNo);

    [LoggerMessage(Level = LogLevel.Error, Message = "The device refuses the key for the serial number {Serial}: its policy does not know the CA, or it was restored since the key was made (then have the stock thrown away: stock.discard)")]
    private static partial void LogDeviceRefused(ILogger logger, Exception exception, string serial);

    [LoggerMessage(Level = LogLevel.Error, Message = "The device refuses to restore the key for the serial number {Serial}: its policy does not know the CA, or the application that would bind the key is too old by now")]
    private static partial void LogNotRestored(ILogger logger, Exception exception, string serial);

    /// <param name="recovery">By which the recipient is another than the first; null: it is the first.</param>
    private static EnvelopeAuthorization.ByCa AuthorizationBy(ReadOnlyMemory<byte> bytes, int index, KeyRecoveryRow? recovery) => new(bytes, index)
    {
        Application = recovery?.Application,
        Approvals = recovery is null ? [] : [recovery.EntryApproval, recovery.ReviewApproval],
    };

    /// <summary>Another message about the same key was faster.</summary>
    private sealed class KeyMovedException : Exception;
}

/// <summary>Of messages: section <c>Kmc:Requests</c>.</summary>
public sealed record RequestOptions
{
    /// <summary>How long a node that has died while it answered a message keeps others from it.</summary>
    public TimeSpan ClaimFor { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>No larger message is read; bytes.</summary>
    public int MaxBytes { get; init; } = Sender.MaxBytes;
}
