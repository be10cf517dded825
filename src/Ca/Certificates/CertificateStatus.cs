using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp;
using ZwCa.Ca.Pairs;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Certificates;

/// <summary>Why the status of a certificate changes, and by whom.</summary>
/// <param name="Reason">Of a suspension certificateHold, of a resumption removeFromCRL.</param>
/// <param name="Actor">For the log.</param>
internal sealed record StatusChange(RevocationReason Reason, AuditActor Actor, DateTimeOffset Now)
{
    /// <summary>Since when the key was in other hands, where that is known (RFC 5280 §5.3.2).</summary>
    public DateTimeOffset? InvalidFrom { get; init; }

    /// <summary>Whose officers decided. Null: the CA's.</summary>
    public string? RaName { get; init; }

    /// <summary>What the event says of the decision: hashes of application and approvals, or the command.</summary>
    public IReadOnlyList<AuditField> Decision { get; init; } = [];
}

/// <summary>
/// Revokes, suspends and resumes, in the transaction of whoever has decided it: row, CRL entry and event, or nothing. What is done to one half of a pair is done to the other too, where its state
/// lets it, unless the profile says that the half stands alone. All reads and writes are by primary key: what is revoked already costs nothing. Nobody is asked whether the log keeps up: where
/// issuing has to stop, revoking has to go on.
/// </summary>
internal sealed class CertificateStatus(AuditLog log, AuthorityList authorities, ProfileStore profiles, OfficerDirectory directory, ClientStore clients)
{
    public const string RevokeAction = "certificate.revoke";
    public const string SuspendAction = "certificate.suspend";
    public const string ResumeAction = "certificate.resume";

    /// <summary>Fields of the three events.</summary>
    public const string ReasonField = "reason";
    public const string VersionField = "stateVersion";
    public const string RevokedAtField = "revokedAt";
    public const string InvalidFromField = "invalidFrom";

    /// <summary>Those of which anybody may say that he revokes a certificate for them. The other ones are of CAs, or are no revocations.</summary>
    public static IReadOnlyList<RevocationReason> Reasons { get; } =
    [
        RevocationReason.Unspecified,
        RevocationReason.KeyCompromise,
        RevocationReason.AffiliationChanged,
        RevocationReason.Superseded,
        RevocationReason.CessationOfOperation,
        RevocationReason.PrivilegeWithdrawn,
    ];

    /// <returns>The name that RFC 5280 §5.3.1 has for it.</returns>
    public static string NameOf(RevocationReason reason) => reason switch
    {
        RevocationReason.RemoveFromCrl => "removeFromCRL",
        RevocationReason.CaCompromise => "cACompromise",
        RevocationReason.AaCompromise => "aACompromise",
        _ => char.ToLowerInvariant(reason.ToString()[0]) + reason.ToString()[1..],
    };

    /// <summary>
    /// For good. What was held keeps the day of the hold (X.509, certificateHold: a hold that becomes a revocation has the date on which it was placed on hold): from then on nobody
    /// has been told that it is good. What has expired is not revoked any more: it is on no CRL, so nobody would hear of it (RFC 5280 §3.3).
    /// </summary>
    /// <param name="row">As it was read in this transaction.</param>
    /// <remarks>What is intended may be signed already, or be signed by recovery later: it is given up by this, and never stored.</remarks>
    /// <returns>False: it is revoked already, has expired, or was never intended; nothing was changed.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Malformed"/>: not one of <see cref="Reasons"/>; <see cref="Refusal.NotAllowed"/>: of an officer in office, whom those above him disable.
    /// </exception>
    public async Task<bool> RevokeAsync(Transaction transaction, CertificateRow row, StatusChange change)
    {
        bool changed = await RevokeOneAsync(transaction, row, change);
        if (await FindPartnerAsync(transaction, row) is { } partner)
        {
            await RevokeOneAsync(transaction, partner, change);
        }

        return changed;
    }

    /// <summary>Both halves, also of a profile that lets each go its own way.</summary>
    public async Task RevokePairAsync(Transaction transaction, CertificateRow signing, CertificateRow encryption, StatusChange change)
    {
        await RevokeOneAsync(transaction, signing, change);
        await RevokeOneAsync(transaction, encryption, change);
    }

    private async Task<bool> RevokeOneAsync(Transaction transaction, CertificateRow row, StatusChange change)
    {
        if (!Reasons.Contains(change.Reason))
        {
            throw new RefusalException(Refusal.Malformed, "吊销原因不适用于该证书。");
        }

        // Otherwise two administrators would end whom they may not: the auditors, and those above them.
        if (row.AuthorityId == authorities.Operations.Id && await OfficerDirectory.IsInOfficeAsync(transaction, SerialNumber.Parse(row.Serial)))
        {
            throw new RefusalException(Refusal.NotAllowed, "该证书的人员在任，请由上级停用该人员，其证书随之吊销。");
        }

        // Whoever is faster on another node suspends or resumes it: it is revoked all the same.
        while (row.State is CertificateState.Intended or CertificateState.Valid or CertificateState.Held && !IsExpired(row, change.Now))
        {
            if (!await CertificateStore.MoveAsync(transaction, row, CertificateState.Revoked, change.Now))
            {
                row = (await CertificateStore.FindAsync(transaction, row.CertificateId))!;
                continue;
            }

            DateTimeOffset revokedAt = change.Now;
            if (row.State == CertificateState.Held)
            {
                revokedAt = (await CertificateStore.FindRevocationAsync(transaction, row))?.RevokedAt ?? throw Inconsistent(row);
                int changed = await transaction.ExecuteAsync(
                    """
                    UPDATE revocation SET reason = @Reason, invalid_from = @InvalidFrom
                    WHERE authority_id = @AuthorityId AND shard = @Shard AND serial = @Serial AND reason = 6
                    """,
                    new { Reason = (short)change.Reason, change.InvalidFrom, row.AuthorityId, row.Shard, row.Serial });
                Require(changed == 1, row);
            }
            else
            {
                Require(await CertificateStore.InsertRevocationAsync(transaction, row, change.Reason, change.Now, change.InvalidFrom), row);
            }

            // An officer whose certificate is revoked is none.
            if (row.AuthorityId == authorities.Operations.Id)
            {
                await directory.EndCertificateAsync(transaction, SerialNumber.Parse(row.Serial));
            }

            if (row.AuthorityId == authorities.System.Id)
            {
                await CloseLinkAsync(transaction, row, change.Actor);
            }

            // The key of an encryption certificate ends with it.
            await PairKeys.EndAsync(transaction, row, change.Now);
            await RecordAsync(transaction, RevokeAction, row, change, revokedAt);
            return true;
        }

        return false;
    }

    private Task<CertificateRow?> FindPartnerAsync(Transaction transaction, CertificateRow row) => PairPartner.FindAsync(transaction, profiles, row);

    /// <summary>
    /// Until it is resumed or revoked: on CRLs meanwhile, as certificateHold. What an RA's officers hold already, those of the CA take over by it, with the day that it has: from then on
    /// no RA releases it.
    /// </summary>
    /// <param name="row">As it was read in this transaction.</param>
    /// <returns>False: it is not valid, or has expired, or is held by no lower one; nothing was changed.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: an officer's, who is disabled instead, or a link's, whose client is.</exception>
    public async Task<bool> SuspendAsync(Transaction transaction, CertificateRow row, StatusChange change)
    {
        bool changed = await SuspendOneAsync(transaction, row, change);
        if (await FindPartnerAsync(transaction, row) is { } partner)
        {
            await SuspendOneAsync(transaction, partner, change);
        }

        return changed;
    }

    private async Task<bool> SuspendOneAsync(Transaction transaction, CertificateRow row, StatusChange change)
    {
        Require(change.Reason == RevocationReason.CertificateHold, "冻结的原因应为certificateHold。");
        if ((await profiles.GetAsync(transaction, row.ProfileHash)).Options.OfficerIdentity)
        {
            throw new RefusalException(Refusal.NotAllowed, "人员证书不冻结，请停用该人员。");
        }

        if (row.AuthorityId == authorities.System.Id)
        {
            throw new RefusalException(Refusal.NotAllowed, "链路证书不冻结，请停用该客户端。");
        }

        // As with a revocation: whoever is faster on another node, what the CA's officers order is done all the same.
        while (!IsExpired(row, change.Now))
        {
            bool isTakenOver = row.State == CertificateState.Held && change.RaName is null && await CertificateStore.FindRevocationAsync(transaction, row) is not { RaName: null };
            if (row.State != CertificateState.Valid && !isTakenOver)
            {
                return false;
            }

            if (await CertificateStore.MoveAsync(transaction, row, CertificateState.Held, change.Now))
            {
                await RecordAsync(transaction, SuspendAction, row, change, isTakenOver ? await TakeOverAsync(transaction, row) : await HoldAsync(transaction, row, change));
                return true;
            }

            if (change.RaName is not null)
            {
                return false;
            }

            row = (await CertificateStore.FindAsync(transaction, row.CertificateId))!;
        }

        return false;
    }

    private static async Task<DateTimeOffset> HoldAsync(Transaction transaction, CertificateRow row, StatusChange change)
    {
        Require(await CertificateStore.InsertRevocationAsync(transaction, row, RevocationReason.CertificateHold, change.Now, raName: change.RaName), row);
        return change.Now;
    }

    /// <returns>Since when it is held.</returns>
    private static async Task<DateTimeOffset> TakeOverAsync(Transaction transaction, CertificateRow row)
    {
        int changed = await transaction.ExecuteAsync(
            "UPDATE revocation SET ra_name = NULL WHERE authority_id = @AuthorityId AND shard = @Shard AND serial = @Serial AND reason = 6", row);
        Require(changed == 1, row);
        return (await CertificateStore.FindRevocationAsync(transaction, row))!.RevokedAt;
    }

    /// <summary>Ends a hold: its entry goes.</summary>
    /// <param name="row">As it was read in this transaction.</param>
    /// <returns>False: it is not held, or has expired; nothing was changed.</returns>
    public async Task<bool> ResumeAsync(Transaction transaction, CertificateRow row, StatusChange change)
    {
        bool changed = await ResumeOneAsync(transaction, row, change);

        // What the CA's officers have put on hold, an RA does not release, also not by the other half.
        if (await FindPartnerAsync(transaction, row) is { State: CertificateState.Held } partner
            && (change.RaName is null || await CertificateStore.FindRevocationAsync(transaction, partner) is { RaName: not null }))
        {
            await ResumeOneAsync(transaction, partner, change);
        }

        return changed;
    }

    private async Task<bool> ResumeOneAsync(Transaction transaction, CertificateRow row, StatusChange change)
    {
        Require(change.Reason == RevocationReason.RemoveFromCrl, "解冻的原因应为removeFromCRL。");
        if (row.State != CertificateState.Held || IsExpired(row, change.Now) || !await CertificateStore.MoveAsync(transaction, row, CertificateState.Valid, change.Now))
        {
            return false;
        }

        int deleted = await transaction.ExecuteAsync(
            "DELETE FROM revocation WHERE authority_id = @AuthorityId AND shard = @Shard AND serial = @Serial AND reason = 6", row);
        Require(deleted == 1, row);
        await RecordAsync(transaction, ResumeAction, row, change, revokedAt: null);
        return true;
    }

    /// <summary>Nobody speaks over a link whose certificate is revoked: links are known by the table of clients, which no CRL changes.</summary>
    private async Task CloseLinkAsync(Transaction transaction, CertificateRow row, AuditActor actor)
    {
        if (row.FindCertificate() is { } link)
        {
            string thumbprint = Convert.ToHexStringLower(SHA256.HashData(Der.Encode(link)));
            if (await ClientStore.FindAsync(transaction, thumbprint) is { Enabled: true })
            {
                await clients.SwitchAsync(transaction, actor, thumbprint, enabled: false);
            }
        }
    }

    internal static bool IsExpired(CertificateRow row, DateTimeOffset now) => row.NotAfter < now;

    private static void Require(bool met, CertificateRow row)
    {
        if (!met)
        {
            throw Inconsistent(row);
        }
    }

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.Malformed, detail);
        }
    }

    private static InvalidOperationException Inconsistent(CertificateRow row) => new($"{row}: its state and its CRL entry do not agree. Run the re-audit.");

    /// <summary>For the log, and for those who ask.</summary>
    private async Task RecordAsync(Transaction transaction, string action, CertificateRow row, StatusChange change, DateTimeOffset? revokedAt)
    {
        await OcspStore.AddChangeAsync(transaction, row.CertificateId, change.Now);
        await log.AppendAsync(transaction, new AuditEvent(change.Actor, action, row.ObjectOf(authorities), AuditOutcome.Done)
        {
            Fields =
            [
                new AuditField.Text(ReasonField, NameOf(change.Reason)),
                new AuditField.Number(VersionField, row.StateVersion + 1),
                .. revokedAt is { } at ? new AuditField[] { new AuditField.Number(RevokedAtField, at.ToUnixTimeMilliseconds()) } : [],
                .. change.InvalidFrom is { } from ? new AuditField[] { new AuditField.Number(InvalidFromField, from.ToUnixTimeMilliseconds()) } : [],
                .. change.Decision,
            ],
        });
    }
}
