using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp;
using ZwCa.Ca.Pairs;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;

namespace ZwCa.Ca.Certificates;

/// <summary>
/// From the intention to the stored certificate, or both of a pair: docs/ISSUANCE.md, steps 6 and 7, and what is done after a crash. Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed class FinishIssuance(
    Database database, IHsm hsm, AuditLog log, AuthorityList authorities, ProfileStore profiles, Places places, CertificateCheck check, PairKeys keys, PresignCall presigning,
    CaOptions options, TimeProvider time)
{
    public const string IssueAction = "certificate.issue";
    public const string SignAgainAction = "certificate.sign-again";
    public const string AbandonAction = "certificate.abandon";

    /// <summary>For the log: of what no requester did.</summary>
    public static AuditActor Job { get; } = new(AuditActorKind.Job, "issuance");

    /// <summary>After a crash, or a device that failed: signs the bytes of the intention, unless that was done meanwhile.</summary>
    /// <param name="asked">By the request that it was intended for. A link's renewal is signed for nobody else: that it was asked for over the old link, no row proves.</param>
    /// <param name="stored">As <see cref="IssuanceOrder.Stored"/>.</param>
    /// <returns>The stored row.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: it was given up, now or before; <see cref="Refusal.InProgress"/>: it is being signed, or waits for its link.</exception>
    /// <exception cref="HsmException">The device failed again.</exception>
    public async Task<CertificateRow> RunAsync(
        CertificateRow row, AuditActor actor, bool asked, Func<Transaction, CertificateRow, Task> stored, CancellationToken cancellationToken)
    {
        IReadOnlyList<CertificateRow> rows = await database.ReadAsync(transaction => FindWholeAsync(transaction, row), cancellationToken);
        if (rows.All(each => each.State != CertificateState.Intended))
        {
            return rows[0].Signature is null
                ? throw new RefusalException(Refusal.WrongState, "该申请的签发已放弃，请重新提交申请。")
                : await database.WriteAsync(
                    async transaction =>
                    {
                        await stored(transaction, rows[0]);
                        return rows[0];
                    },
                    cancellationToken);
        }

        // Step 1: the same bytes, judged anew: they follow from what was decided, by signatures that hold. What the rules refuse now is never signed.
        Authority authority = authorities[row.AuthorityId];
        var prepared = new List<PreparedCertificate>();
        try
        {
            foreach (CertificateRow each in rows)
            {
                CertificateRecords records = await database.ReadAsync(transaction => CertificateRecords.LoadAsync(transaction, each, [], authorities, profiles, places), cancellationToken);
                check.RequireDecided(records, time.GetUtcNow());
                if (!asked && records.Decisions[0].Kind == IssuanceOrder.Renewal)
                {
                    throw new RefusalException(Refusal.InProgress, "该链路证书待原链路再次申请。");
                }

                prepared.Add(authority.Issuer.PrepareAgain(each.Tbs, records.Profile!));
            }

            if (rows.Count > 1)
            {
                authority.Issuer.RequirePair(prepared[0], prepared[1]);
                await keys.RequireAsync(rows[0], rows[1], cancellationToken);
            }
        }
        catch (Exception e) when (e is RefusalException { Kind: not (Refusal.InProgress or Refusal.Unavailable) } or LintException or DerException or ArgumentException)
        {
            await AbandonAsync(rows, "intention");
            throw new RefusalException(Refusal.WrongState, "该申请的签发已放弃，请重新提交申请。", inner: e);
        }

        // Step 2: each attempt is an event, committed before the device is asked. A device that is not there is not asked: nobody gives up because of that.
        if (hsm.Token.Capabilities.HasFlag(HsmCapabilities.Random))
        {
            await hsm.GetRandomAsync(1, cancellationToken);
        }

        int attempt = await database.WriteAsync(
            async transaction =>
            {
                int last = 0;
                foreach (CertificateRow each in rows)
                {
                    last = await AttemptAsync(transaction, each, actor);
                }

                return last;
            },
            cancellationToken);
        if (attempt > options.SigningAttempts)
        {
            await AbandonAsync(rows, "attempts");
            throw new RefusalException(Refusal.WrongState, "该申请的签发已放弃，请重新提交申请。");
        }

        // Step 3: sign and store, as the first time.
        FaultPoint.Reach("again-recorded");
        IReadOnlyList<Certificate> certificates = await SignAsync(authority, prepared, cancellationToken);
        FaultPoint.Reach("again-signed");
        return await StoreAsync([.. rows.Select(each => each.CertificateId)], certificates, actor, stored);
    }

    /// <summary>Both of a pair in one call to the device. What it returns is compared with the intention, byte for byte, and its signature verified.</summary>
    public static async Task<IReadOnlyList<Certificate>> SignAsync(Authority authority, IReadOnlyList<PreparedCertificate> prepared, CancellationToken cancellationToken) =>
        prepared.Count == 1 ? [await authority.Issuer.IssueAsync(prepared[0], cancellationToken)] : await authority.Issuer.IssueManyAsync(prepared, cancellationToken);

    /// <summary>Never cancelled: it is signed.</summary>
    /// <returns>The first row.</returns>
    public async Task<CertificateRow> StoreAsync(
        IReadOnlyList<byte[]> ids, IReadOnlyList<Certificate> certificates, AuditActor actor, Func<Transaction, CertificateRow, Task> stored)
    {
        CertificateRow row = await database.WriteAsync(transaction => StoreAsync(transaction, ids, certificates, actor, stored));
        presigning.Send();
        return row;
    }

    private async Task<CertificateRow> StoreAsync(
        Transaction transaction, IReadOnlyList<byte[]> ids, IReadOnlyList<Certificate> certificates, AuditActor actor, Func<Transaction, CertificateRow, Task> stored)
    {
        CertificateRow? first = null;
        int firsts = 0;
        for (int i = 0; i < ids.Count; i++)
        {
            bool isFirst = await CertificateStore.StoreAsync(transaction, ids[i], certificates[i].Signature, time.GetUtcNow());
            CertificateRow row = (await CertificateStore.FindAsync(transaction, ids[i]))!;
            first ??= row;
            if (isFirst)
            {
                firsts++;
                await OcspStore.AddChangeAsync(transaction, ids[i], time.GetUtcNow());
                await log.AppendAsync(transaction, new AuditEvent(actor, IssueAction, row.ObjectOf(authorities), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Octets("certificate", Sm3.HashData(Der.Encode(certificates[i])))],
                });
            }
            else if (row.Signature is null)
            {
                throw new RefusalException(Refusal.WrongState, "该申请的签发已放弃，请重新提交申请。");
            }
        }

        // Both of a pair, or neither: what throws here undoes the half.
        if (firsts != 0 && firsts != ids.Count)
        {
            throw new InvalidOperationException($"{first}: one half of the pair was stored by another. Run the re-audit.");
        }

        // Another was faster: his signature is the certificate's, and this one never leaves.
        await stored(transaction, first!);
        return first!;
    }

    /// <returns>Both of a pair, the signing certificate first; else the row. As they are now.</returns>
    private static async Task<IReadOnlyList<CertificateRow>> FindWholeAsync(Transaction transaction, CertificateRow row)
    {
        byte[][] ids = await PairStore.FindOfAsync(transaction, row.CertificateId) is { } pair ? [pair.PairId, pair.EncryptionId] : [row.CertificateId];
        var rows = new List<CertificateRow>(ids.Length);
        foreach (byte[] id in ids)
        {
            rows.Add((await CertificateStore.FindAsync(transaction, id))!);
        }

        return rows;
    }

    /// <returns>The attempt's number.</returns>
    private async Task<short> AttemptAsync(Transaction transaction, CertificateRow row, AuditActor actor)
    {
        short next = await transaction.GetAsync<short>("SELECT COALESCE(MAX(attempt), 1) + 1 FROM signing_attempt WHERE certificate_id = @Id", new { Id = row.CertificateId });
        bool isNext = await transaction.TryInsertAsync(
            "INSERT INTO signing_attempt (certificate_id, attempt, attempted_at) VALUES (@Id, @Attempt, @Now)",
            new { Id = row.CertificateId, Attempt = next, Now = time.GetUtcNow() });
        if (!isNext)
        {
            throw new RefusalException(Refusal.InProgress, "该申请正在处理，请稍后再试。", TimeSpan.FromSeconds(5));
        }

        await log.AppendAsync(transaction, new AuditEvent(actor, SignAgainAction, row.ObjectOf(authorities), AuditOutcome.Intended)
        {
            Fields = [new AuditField.Number("attempt", next), new AuditField.Octets("tbs", Sm3.HashData(row.Tbs))],
        });
        return next;
    }

    private Task AbandonAsync(IReadOnlyList<CertificateRow> rows, string reason) => database.WriteAsync(
        async transaction =>
        {
            foreach (CertificateRow row in rows)
            {
                if (await CertificateStore.AbandonAsync(transaction, row, time.GetUtcNow()))
                {
                    await PairKeys.EndAsync(transaction, row, time.GetUtcNow());

                    // It may have been signed: whoever has it is told that it is revoked.
                    await OcspStore.AddChangeAsync(transaction, row.CertificateId, time.GetUtcNow());
                    await log.AppendAsync(
                        transaction,
                        new AuditEvent(Job, AbandonAction, row.ObjectOf(authorities), AuditOutcome.Done) { Fields = [new AuditField.Text("reason", reason)] });
                }
            }
        });
}
