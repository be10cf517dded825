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

namespace ZwCa.Kmc.Requests;

/// <summary>
/// What each request of a message comes to, before the device is asked: docs/KMC.md, step 3. A key that an application takes is bound here. Planned again, a message goes on with what is bound to
/// it. Safe for concurrent use, also on several nodes.
/// </summary>
internal sealed class PlanRequests(Database database, AuditLog log, RowMac mac, StockReserve stock, PlanRecovery recoveries, TimeProvider time)
{
    private const string SerialUsed = "该加密证书序列号已有密钥。";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <param name="recovery">Null: what GM/T 0014 has alone.</param>
    /// <returns>One to each request, in their order; one that is refused says so.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: the stock is empty; and as <see cref="PlanRecovery.IntendAsync"/> has it.</exception>
    public async Task<Answer[]> RunAsync(ServedCa ca, TaskRow task, KsRequest message, ApprovedRecovery? recovery, CancellationToken cancellationToken)
    {
        var answers = new Answer[message.RequestList.Count];
        var serials = new HashSet<SerialNumber>();
        for (int i = 0; i < answers.Length; i++)
        {
            // Two about one key would each be planned upon the row as it is now, and one of them could never be kept.
            answers[i] = serials.Add(SerialOf(message.RequestList[i]))
                ? await PlanAsync(ca, task, message.RequestList[i], (short)i, recovery, cancellationToken)
                : Answer.Refused(new RequestRefusedException(KmcError.Repeated, "同一报文中已有该证书序列号的请求。"));
        }

        return answers;
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

                    await KeyMoves.RecordAsync(transaction, log, ca.Actor, KeyMoves.BindAction, ca.Name, row, AuditOutcome.Intended);
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
        EscrowedKey ended = row.State == KeyState.History ? row : mac.End(row, KeyEnd.Revoked, time.GetUtcNow());
        return new Answer { Row = row, After = ended, Kind = AnswerKind.Revoke, Respond = new RevokeKeyRespond(revoke.UserCertNo) };
    }

    /// <summary>Another CA's keys are as if they were not there.</summary>
    private async Task<EscrowedKey> FindAsync(ServedCa ca, SerialNumber serial, CancellationToken cancellationToken) =>
        await database.ReadAsync(transaction => EscrowedKeyStore.FindAsync(transaction, mac, ca.CaId, serial.ToString()), cancellationToken)
            ?? throw new RequestRefusedException(KmcError.NotFound, "没有该序列号的密钥。");

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
}
