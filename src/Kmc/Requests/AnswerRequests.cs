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
using ZwCa.Kmc.KeyPool;
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
    StockReserve stock,
    Sender sender,
    PlanRecovery recoveries,
    RequestOptions options,
    AnswerSteps steps,
    TimeProvider time,
    ILogger<AnswerRequests> logger)
{
    public const string BindAction = "key.bind";
    public const string DeliverAction = "key.deliver";
    public const string EndAction = "key.end";
    public const string RefuseAction = "request.refuse";

    private const string SerialUsed = "该加密证书序列号已有密钥。";

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
            // Step 3: a key for each request that wants one, bound to it before the device opens it: whatever dies now, the key is that subscriber's or nobody's.
            await audit.RequireAsync(cancellationToken);
            watch.End("gate");
            ApprovedRecovery? recovery = papers is null ? null : await recoveries.VerifyAsync(ca, message.KsRequest, papers, cancellationToken);
            var answers = new Answer[message.KsRequest.RequestList.Count];
            var serials = new HashSet<SerialNumber>();
            for (int i = 0; i < answers.Length; i++)
            {
                // Two about one key would each be planned upon the row as it is now, and one of them could never be kept.
                answers[i] = serials.Add(SerialOf(message.KsRequest.RequestList[i]))
                    ? await PlanAsync(ca, task, message.KsRequest.RequestList[i], (short)i, recovery, cancellationToken)
                    : Answer.Refused(new RequestRefusedException(KmcError.Repeated, "同一报文中已有该证书序列号的请求。"));
            }

            watch.End("bind");
            FaultPoint.Reach("kmc-bound");

            // Step 4: the device opens each towards its recipient. It looks at the CA's signature itself.
            await Task.WhenAll(answers.Select((answer, i) => OpenAsync(ca, answer, answer.Authorization ?? AuthorizationBy(bytes, i, answer.Recovery), cancellationToken)));
            watch.End("open");
            FaultPoint.Reach("kmc-opened");

            // Step 5: the answer, signed, is kept together with what the device gave back; then it leaves.
            byte[] signed = await signer.SignAsync(
                new KsRespond(signer.Name, [.. answers.Select(answer => answer.Respond!)], Time.Truncate(time.GetUtcNow()), message.KsRequest.TaskNo), cancellationToken);
            watch.End("sign");
            FaultPoint.Reach("kmc-signed");
            await database.WriteAsync(transaction => KeepAsync(transaction, ca, task, answers, signed), cancellationToken);
            watch.End("keep");
            FaultPoint.Reach("kmc-kept");
            return signed;
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

    private async Task<Answer> PlanAsync(ServedCa ca, TaskRow task, Request request, short index, ApprovedRecovery? recovery, CancellationToken cancellationToken)
    {
        try
        {
            return request switch
            {
                ApplyKeyReq apply => await PlanApplyAsync(ca, task, apply, index, cancellationToken),
                RestoreKeyReq restore when recovery is not null => await PlanRecoveryAsync(ca, task, restore, recovery, cancellationToken),
                RestoreKeyReq restore => await PlanRestoreAsync(ca, restore, cancellationToken),
                RevokeKeyReq revoke => await PlanRevokeAsync(ca, revoke, cancellationToken),
                _ => throw new InvalidOperationException($"No such request: {request.GetType()}."),
            };
        }
        catch (RequestRefusedException e)
        {
            return Answer.Refused(e);
        }
    }

    private async Task<Answer> PlanApplyAsync(ServedCa ca, TaskRow task, ApplyKeyReq apply, short index, CancellationToken cancellationToken)
    {
        AppUserInfo user = apply.AppUserInfo;
        RequireAlgorithms(IsSm2(apply), apply.RetAsymAlg, apply.RetSymAlg, apply.RetHashAlg);
        RequireRecipient(user.UserPubKey);
        string serial = user.UserCertNo.ToString();

        // A message that was broken off goes on with the key that it has; any other has come too late.
        if (await database.ReadAsync(transaction => EscrowedKeyStore.FindAsync(transaction, mac, ca.CaId, serial), cancellationToken) is { } bound)
        {
            return await database.ReadAsync(transaction => EscrowedKeyStore.IsOfTaskAsync(transaction, bound, task.TaskNo, index), cancellationToken) && bound.State == KeyState.InUse
                ? new Answer { Row = bound, Recipient = user.UserPubKey, Kind = AnswerKind.Apply }
                : throw new RequestRefusedException(KmcError.SerialUsed, SerialUsed);
        }

        while (true)
        {
            EscrowedKey key = await stock.TakeAsync(cancellationToken) ?? throw new RefusalException(Refusal.Unavailable, "密钥管理中心的备用密钥已用完，请稍后重试。", RetryAfter);
            DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
            EscrowedKey row = mac.Seal(key with
            {
                State = KeyState.InUse,
                StateVersion = key.StateVersion + 1,
                CaId = ca.CaId,
                Serial = serial,
                Recipient = Sm3.HashData(Der.Encode(user.UserPubKey)),
                ValidFrom = user.NotBefore.Value,
                ValidUntil = user.NotAfter.Value,
                UserName = user.UserName?.ToArray(),
                Region = RegionOf(user),
                BoundAt = now,
            });
            bool isBound = await database.WriteAsync(
                async transaction =>
                {
                    if (!await EscrowedKeyStore.TakeAsync(transaction, row))
                    {
                        return false;
                    }

                    // What is thrown here gives the key back to the stock.
                    if (!await EscrowedKeyStore.BindAsync(transaction, row, task.TaskNo, index))
                    {
                        throw new RequestRefusedException(KmcError.SerialUsed, SerialUsed);
                    }

                    await RecordAsync(transaction, ca, BindAction, row, AuditOutcome.Intended);
                    return true;
                },
                cancellationToken);
            if (isBound)
            {
                return new Answer { Row = row, Recipient = user.UserPubKey, Kind = AnswerKind.Apply };
            }
        }
    }

    /// <summary>To the recipient that it is for, until he has signed for it; to another one is recovery.</summary>
    private async Task<Answer> PlanRestoreAsync(ServedCa ca, RestoreKeyReq restore, CancellationToken cancellationToken)
    {
        RequireAlgorithms(isSm2: true, restore.RetAsymAlg, restore.RetSymAlg, restore.RetHashAlg);
        RequireRecipient(restore.UserPubKey);
        EscrowedKey row = await FindAsync(ca, restore.UserCertNo, cancellationToken);
        if (row.State != KeyState.InUse)
        {
            throw new RequestRefusedException(KmcError.Ended, "该密钥已转入历史库。");
        }

        if (!Sm3.HashData(Der.Encode(restore.UserPubKey)).AsSpan().SequenceEqual(row.Recipient))
        {
            throw new RequestRefusedException(KmcError.NotApproved, "恢复到新的签名公钥须附申请及两名人员的审批。");
        }

        (bool isReceived, Unanswered? first, KeyRecoveryRow? recovery) = await database.ReadAsync(
            async transaction => (
                await DeliveredKeyStore.IsReceivedAsync(transaction, row.KeyId, row.Recipient!),
                await TaskStore.FindUnansweredAsync(transaction, row.KeyId),
                await KeyRecoveryStore.FindDeliveredAsync(transaction, row.KeyId, row.Recipient!)),
            cancellationToken);
        if (isReceived)
        {
            throw new RequestRefusedException(KmcError.NotApproved, "用户已签收该密钥，再次取得须办理密钥恢复。");
        }

        // The device knows the first recipient alone: for one that came by a recovery it wants the same papers once more.
        return recovery is null || time.GetUtcNow() <= recovery.ApprovedUntil
            ? new Answer
            {
                Row = row,
                Recipient = restore.UserPubKey,
                Kind = AnswerKind.Restore,
                Recovery = recovery,

                // The answer to the application was lost before the device bound the key: it binds by that application, not by a restoration.
                Authorization = first is null || recovery is not null ? null : new EnvelopeAuthorization.ByCa(first.Message, first.RequestIndex),
            }
            : throw new RequestRefusedException(KmcError.NotApproved, "原恢复申请的审批已超过30天，须重新申请恢复。");
    }

    /// <summary>To another recipient, also out of history: two officers have decided it.</summary>
    private async Task<Answer> PlanRecoveryAsync(ServedCa ca, TaskRow task, RestoreKeyReq restore, ApprovedRecovery recovery, CancellationToken cancellationToken)
    {
        RequireAlgorithms(isSm2: true, restore.RetAsymAlg, restore.RetSymAlg, restore.RetHashAlg);
        RequireRecipient(restore.UserPubKey);
        return await recoveries.IntendAsync(ca, task, await FindAsync(ca, restore.UserCertNo, cancellationToken), recovery, cancellationToken);
    }

    private async Task<Answer> PlanRevokeAsync(ServedCa ca, RevokeKeyReq revoke, CancellationToken cancellationToken)
    {
        EscrowedKey row = await FindAsync(ca, revoke.UserCertNo, cancellationToken);
        EscrowedKey ended = row.State == KeyState.History ? row : End(row, KeyEnd.Revoked);
        return new Answer { Row = row, After = ended, Kind = AnswerKind.Revoke, Respond = new RevokeKeyRespond(revoke.UserCertNo) };
    }

    /// <summary>Another CA's keys are as if they were not there.</summary>
    private async Task<EscrowedKey> FindAsync(ServedCa ca, SerialNumber serial, CancellationToken cancellationToken) =>
        await database.ReadAsync(transaction => EscrowedKeyStore.FindAsync(transaction, mac, ca.CaId, serial.ToString()), cancellationToken)
            ?? throw new RequestRefusedException(KmcError.NotFound, "没有该序列号的密钥。");

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
            answer.After = End(row, KeyEnd.GivenUp);
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
                await log.AppendAsync(transaction, new AuditEvent(ActorOf(ca), RefuseAction, new AuditObject("task", $"{ca.Name}/{task.TaskNo}"), AuditOutcome.Refused)
                {
                    Fields = [new AuditField.Number("error", (long)error)],
                });
                if (answer.After is { State: KeyState.History } givenUp)
                {
                    await RequireMovedAsync(EscrowedKeyStore.EndAsync(transaction, givenUp));
                    await RecordAsync(transaction, ca, EndAction, givenUp, AuditOutcome.Done);
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
                await RecordAsync(transaction, ca, answer.Kind == AnswerKind.Revoke ? EndAction : DeliverAction, after, AuditOutcome.Done);
            }
        }
    }

    /// <summary>Another message about the same key was faster: this one is answered by what there is now, when it comes again.</summary>
    private static async Task RequireMovedAsync(Task<bool> move)
    {
        if (!await move)
        {
            throw new RefusalException(Refusal.InProgress, "该密钥正由另一报文处理。", RetryAfter);
        }
    }

    /// <summary>Into history.</summary>
    private EscrowedKey End(EscrowedKey row, KeyEnd reason) => mac.Seal(row with
    {
        State = KeyState.History,
        StateVersion = row.StateVersion + 1,
        EndReason = reason,
        EndedAt = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()),
    });

    private Task RecordAsync(Transaction transaction, ServedCa ca, string action, EscrowedKey row, AuditOutcome outcome) =>
        KeyMoves.RecordAsync(transaction, log, ActorOf(ca), action, ca.Name, row, outcome);

    private static AuditActor ActorOf(ServedCa ca) => new(AuditActorKind.Service, ca.Name);

    private static SerialNumber SerialOf(Request request) => request switch
    {
        ApplyKeyReq apply => apply.AppUserInfo.UserCertNo,
        RestoreKeyReq restore => restore.UserCertNo,
        RevokeKeyReq revoke => revoke.UserCertNo,
        _ => throw new InvalidOperationException($"No such request: {request.GetType()}."),
    };

    private static string? RegionOf(AppUserInfo user) => user.DsCode switch
    {
        null => null,
        Ia5Text text => text.Text,
        OctetText octets => Convert.ToHexStringLower(octets.Octets.Span),
        _ => throw new RequestRefusedException(KmcError.BadField, "地区代码的编码不受支持。"),
    };

    // Some peers name the curve alone, some the kind of key with the curve as its parameter.
    private static bool IsSm2(ApplyKeyReq apply) =>
        apply.AppKeyLen == 256 && (apply.AppKeyType.Algorithm == Asn1.Oids.Sm2 || apply.AppKeyType == AlgorithmIdentifier.Sm2Key);

    private static void RequireAlgorithms(bool isSm2, AlgorithmIdentifier asymmetric, AlgorithmIdentifier symmetric, AlgorithmIdentifier hash)
    {
        if (!isSm2 || asymmetric.Algorithm is not (Asn1.Oids.Sm2 or Asn1.Oids.Sm2Encrypt) || symmetric.Algorithm is not (Asn1.Oids.Sm4 or Asn1.Oids.Sm4Ecb) || hash.Algorithm != Asn1.Oids.Sm3)
        {
            throw new RequestRefusedException(KmcError.UnsupportedAlgorithm, "只支持SM2密钥及SM2、SM4、SM3的数字信封。");
        }
    }

    private static void RequireRecipient(SubjectPublicKeyInfo recipient)
    {
        if (!recipient.TryGetSm2Key(out _))
        {
            throw new RequestRefusedException(KmcError.BadRecipient, "用户签名公钥不是有效的SM2公钥。");
        }
    }

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
}

/// <summary>Of messages: section <c>Kmc:Requests</c>.</summary>
public sealed record RequestOptions
{
    /// <summary>How long a node that has died while it answered a message keeps others from it.</summary>
    public TimeSpan ClaimFor { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>No larger message is read; bytes.</summary>
    public int MaxBytes { get; init; } = Sender.MaxBytes;
}
