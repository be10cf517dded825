using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;

namespace ZwCa.Ca.Certificates;

/// <summary>
/// Issues a certificate, whatever dies meanwhile: docs/ISSUANCE.md, in the same steps. What may have been signed has a row before it is signed, and nothing leaves that is not stored.
/// Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed class IssueCertificate(
    Database database, IHsm hsm, AuditLog log, AuditGate gate, AuthorityList authorities, ProfileStore profiles, Places places, OfficerDirectory directory, CertificateCheck check, CrlScopes scopes,
    CaOptions options, IssueSteps steps, TimeProvider time)
{
    public const string IntendAction = "certificate.intend";
    public const string IssueAction = "certificate.issue";
    public const string SignAgainAction = "certificate.sign-again";
    public const string AbandonAction = "certificate.abandon";
    public const string UnusedAction = "certificate.unused";
    public const string RequestField = "request";

    /// <summary>Issues what was decided, or finds what was issued by that decision.</summary>
    /// <returns>The stored row: valid, or revoked since.</returns>
    /// <exception cref="RefusalException">
    /// What <see cref="Issuer.Prepare"/> refuses, and <see cref="Refusal.UnknownProfile"/>, <see cref="Refusal.OutOfScope"/>, <see cref="Refusal.NotAllowed"/>,
    /// <see cref="Refusal.QuotaExhausted"/>, <see cref="Refusal.NotApproved"/> (spent already), <see cref="Refusal.Duplicate"/> (the key or the subject is another's),
    /// <see cref="Refusal.AuditUnavailable"/>, <see cref="Refusal.WrongState"/> (given up, or what it replaces is not valid).
    /// </exception>
    /// <exception cref="HsmException">The device failed: the intention stands, and the same request, or recovery, signs it.</exception>
    public async Task<CertificateRow> RunAsync(IssuanceOrder order, CancellationToken cancellationToken)
    {
        StepWatch watch = steps.Start();

        // Step 1: was it done before? A decision is spent by what came of it, and by the same request only that is given again.
        if (await database.ReadAsync(transaction => FindDecidedAsync(transaction, order), cancellationToken) is { } earlier)
        {
            return await FinishAsync(earlier, order.Actor, asked: true, order.Stored, cancellationToken);
        }

        watch.End("find");

        // Step 2: no audit, no issuance.
        await gate.RequireAsync(cancellationToken);
        watch.End("gate");

        // Step 3: reserve a serial number: a row of its own before anything else, so that each that was ever thought of is accounted for.
        Authority authority = authorities.Find(order.Body.Issuer.Span) ?? throw new RefusalException(Refusal.OutOfScope, "申请所写的签发CA不是本服务的CA。");
        DateTimeOffset now = time.GetUtcNow();
        (CertificateRow reserved, Profile profile, IReadOnlyList<SubjectText> place) = await database.WriteAsync(
            transaction => ReserveAsync(transaction, order, authority, now), cancellationToken);
        watch.End("reserve");
        FaultPoint.Reach("issue-reserved");
        bool intended = false;
        try
        {
            // Step 4: build it by the profile, and judge it: the final bytes, signed with a key that nobody has afterwards.
            PreparedCertificate prepared = authority.Issuer.Prepare(RequestOf(order.Body, reserved.Serial, profile, place, now));
            watch.End("prepare");
            FaultPoint.Reach("issue-prepared");

            // Step 5: the intention: the exact bytes, the decision that is spent by it, and the event, in one transaction. The officers are in office now, or it is refused.
            await database.WriteAsync(transaction => IntendAsync(transaction, order, authority, reserved, prepared), cancellationToken);
            intended = true;
            watch.End("intend");
            FaultPoint.Reach("issue-intended");

            // Step 6: sign. What the device returns is compared with the intention, byte for byte, and its signature verified.
            Certificate certificate = await authority.Issuer.IssueAsync(prepared, cancellationToken);
            watch.End("sign");
            FaultPoint.Reach("issue-signed");

            // Step 7: certificate, event and answer are stored together; only then anybody hears of it. Whoever hangs up now does not stop it.
            CertificateRow stored = await StoreAsync(reserved.CertificateId, certificate, order.Actor, order.Stored);
            watch.End("store");
            FaultPoint.Reach("issue-stored");
            return stored;
        }
        catch (Exception e) when (e is RefusalException or LintException)
        {
            // Before the intention nothing was signed: the number is closed. After it, this changes nothing.
            await CloseUnusedAsync(reserved, e is RefusalException refusal ? refusal.Kind.ToString() : "Lint");
            if (!intended && await database.ReadAsync(transaction => IsDecidedBySameAsync(transaction, order), cancellationToken))
            {
                // Another run of the same request was faster, and what it has spent or owns stood in the way here: that is no answer to keep.
                throw new RefusalException(Refusal.InProgress, "该申请正在处理，请稍后再试。", TimeSpan.FromSeconds(5), e);
            }

            throw;
        }
    }

    /// <summary>After a crash, or a device that failed: signs the bytes of the intention, unless that was done meanwhile.</summary>
    /// <param name="asked">By the request that it was intended for. A link's renewal is signed for nobody else: that it was asked for over the old link, no row proves.</param>
    /// <param name="stored">As <see cref="IssuanceOrder.Stored"/>.</param>
    /// <returns>The stored row.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: it was given up, now or before; <see cref="Refusal.InProgress"/>: it is being signed, or waits for its link.</exception>
    /// <exception cref="HsmException">The device failed again.</exception>
    public async Task<CertificateRow> FinishAsync(
        CertificateRow row, AuditActor actor, bool asked, Func<Transaction, CertificateRow, Task> stored, CancellationToken cancellationToken)
    {
        if (row.State != CertificateState.Intended)
        {
            return row.Signature is null
                ? throw new RefusalException(Refusal.WrongState, "该申请的签发已放弃，请重新提交申请。")
                : await database.WriteAsync(
                    async transaction =>
                    {
                        await stored(transaction, row);
                        return row;
                    },
                    cancellationToken);
        }

        // Step 1: the same bytes, judged anew: they follow from what was decided, by signatures that hold. What the rules refuse now is never signed.
        Authority authority = authorities[row.AuthorityId];
        PreparedCertificate prepared;
        try
        {
            CertificateRecords records = await database.ReadAsync(transaction => CertificateRecords.LoadAsync(transaction, row, [], authorities, profiles, places), cancellationToken);
            check.RequireDecided(records, time.GetUtcNow());
            if (!asked && records.Decisions[0].Kind == IssuanceOrder.LinkRenewal)
            {
                throw new RefusalException(Refusal.InProgress, "该链路证书待原链路再次申请。");
            }

            prepared = authority.Issuer.PrepareAgain(row.Tbs, records.Profile!);
        }
        catch (Exception e) when (e is RefusalException { Kind: not Refusal.InProgress } or LintException or DerException or ArgumentException)
        {
            await AbandonAsync(row, "intention");
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
            },
            cancellationToken);
        if (attempt > options.SigningAttempts)
        {
            await AbandonAsync(row, "attempts");
            throw new RefusalException(Refusal.WrongState, "该申请的签发已放弃，请重新提交申请。");
        }

        // Step 3: sign and store, as the first time.
        FaultPoint.Reach("again-recorded");
        Certificate certificate = await authority.Issuer.IssueAsync(prepared, cancellationToken);
        FaultPoint.Reach("again-signed");
        return await StoreAsync(row.CertificateId, certificate, actor, stored);
    }

    /// <summary>Closes a reservation that has no intention.</summary>
    /// <returns>False: it has one, or is closed.</returns>
    public Task<bool> CloseUnusedAsync(CertificateRow row, string reason) => database.WriteAsync(
        async transaction =>
        {
            bool closed = await CertificateStore.CloseUnusedAsync(transaction, row.CertificateId, time.GetUtcNow());
            if (closed)
            {
                await log.AppendAsync(
                    transaction,
                    new AuditEvent(Job, UnusedAction, row.ObjectOf(authorities), AuditOutcome.Done) { Fields = [new AuditField.Text("reason", reason)] });
            }

            return closed;
        });

    private static AuditActor Job { get; } = new(AuditActorKind.Job, "issuance");

    /// <summary>All that goes into a certificate, from what was decided; the re-audit asks again, and compares.</summary>
    internal static IssuanceRequest RequestOf(CertificateBody body, string serial, Profile profile, IReadOnlyList<SubjectText> place, DateTimeOffset now)
    {
        DateTimeOffset notBefore = Time.Truncate(now).Value;
        return new IssuanceRequest
        {
            Profile = profile,
            SerialNumber = SerialNumber.Parse(serial),
            SubjectPublicKeyInfo = body.SubjectPublicKeyInfo,
            Subject = [.. body.Subject.Select(each => new SubjectText(each.Type, each.Text))],
            Place = place,
            NotBefore = notBefore,

            // Both ends belong to it (RFC 5280 §4.1.2.5).
            NotAfter = notBefore.AddDays(body.Days).AddSeconds(-1),
            IntendedAt = now,
            AlternativeNames = body.Names,
            Identities = body.Identities.ToDictionary(each => each.Name, each => each.Text),
            Officer = body.Officer,
        };
    }

    /// <returns>Null: nothing has come of the decision yet.</returns>
    private async Task<CertificateRow?> FindDecidedAsync(Transaction transaction, IssuanceOrder order)
    {
        Decided? decided = await DecidedAsync(transaction, order);
        if (decided is null)
        {
            return null;
        }

        return decided.IsBy(order)
            ? await CertificateStore.FindAsync(transaction, decided.CertificateId)
            : throw new RefusalException(Refusal.NotApproved, "该申请的审批意见已使用。");
    }

    private static Task<Decided?> DecidedAsync(Transaction transaction, IssuanceOrder order) => transaction.FindAsync<Decided>(
        "SELECT certificate_id, request_id, application_digest FROM decision WHERE requester = @Requester AND reference = @Reference AND kind = @Kind",
        new { order.Requester, order.Reference, order.Kind });

    private static async Task<bool> IsDecidedBySameAsync(Transaction transaction, IssuanceOrder order) => (await DecidedAsync(transaction, order))?.IsBy(order) == true;

    private async Task<(CertificateRow Row, Profile Profile, IReadOnlyList<SubjectText> Place)> ReserveAsync(
        Transaction transaction, IssuanceOrder order, Authority authority, DateTimeOffset now)
    {
        Profile profile = await RequireAllowedAsync(transaction, order, authority);
        if (order.UsesEmptyId && !profile.Options.EmptyIdAllowed)
        {
            throw new RefusalException(Refusal.BadCsr, "证书申请以空的SM2签名者标识签名，此证书模板不接受。请以默认标识1234567812345678重新签名。");
        }

        RequireEntity(profile, order.Body);
        if (order.Owner.Length > IssuanceOrder.MaxOwner)
        {
            throw new RefusalException(Refusal.Malformed, $"实体编号过长，与RA名称合计最多{IssuanceOrder.MaxOwner}个字符。");
        }

        SerialNumber serial = SerialNumbers.Create();
        var row = new CertificateRow
        {
            CertificateId = Ulid.Create(now),
            AuthorityId = authority.Id,
            Serial = serial.ToString(),
            State = CertificateState.Reserved,
            StateVersion = 1,
            Owner = order.Owner,
            Region = order.Region,
            RaName = order.RaName,
            ProfileHash = profile.Hash.ToArray(),
            Shard = UrlTemplate.ShardName(serial, profile.Options.CrlShards),
            ReservedAt = now,
            ChangedAt = now,
        };
        await scopes.RequireAsync(transaction, authority, row.Shard);
        return await CertificateStore.ReserveAsync(transaction, row)
            ? (row, profile, await places.OfAsync(transaction, order.Region))
            : throw new InvalidOperationException($"The serial number {row.Serial} came up twice: the random generator is broken.");
    }

    /// <summary>The profile is active in the version that was decided about, and is the requester's to ask for, from this CA.</summary>
    private async Task<Profile> RequireAllowedAsync(Transaction transaction, IssuanceOrder order, Authority authority)
    {
        Profile profile = await profiles.GetActiveAsync(transaction, order.Body.Profile, order.Body.ProfileHash);

        // Whatever stands in the tables: CAs are certified at ceremonies, and by what the system is run, no RA asks for (trust.md §1).
        bool isNever = profile.IsAuthority
            || (order.RaName is not null
                && (RaActions.IsNeverAnRas(profile) || !authority.ForSubscribers || authority == authorities.Operations || authority == authorities.System));
        return isNever || (order.RaName is { } ra && !await RaStore.IsInScopeAsync(transaction, ra, profile.Name, authority.Id))
            ? throw new RefusalException(Refusal.OutOfScope, $"该RA无权申请证书模板“{profile.Options.Title}”。")
            : profile;
    }

    /// <summary>The attribute that makes the subject one entity's names the entity that was decided about.</summary>
    private static void RequireEntity(Profile profile, CertificateBody body)
    {
        foreach (SubjectAttribute unique in profile.Attributes.Where(attribute => attribute.Options.Unique && attribute.Options.Source == AttributeSource.Request))
        {
            if (body.Subject.Where(each => each.Type == unique.Type).Any(each => each.Text != body.Entity))
            {
                throw new RefusalException(Refusal.SubjectNotAllowed, $"主体中的{unique.ShortName}应为该申请的实体编号。");
            }
        }
    }

    private async Task IntendAsync(Transaction transaction, IssuanceOrder order, Authority authority, CertificateRow reserved, PreparedCertificate prepared)
    {
        // A node that stood still since it reserved: nothing is dated back by more than the profile allows, and what was allowed then may be so no more.
        DateTimeOffset now = time.GetUtcNow();
        if (prepared.Tbs.Validity.NotBefore.Value < now.AddSeconds(-prepared.Profile.Options.Validity.BackdateSeconds))
        {
            throw new RefusalException(Refusal.Unavailable, "签发超时，请稍后用同一申请重试。");
        }

        await RequireAllowedAsync(transaction, order, authority);

        // The officers, as they stand now; two persons; and the RA.
        if (order.Approvals is { } approvals)
        {
            VerifiedApproval entry = await directory.VerifyAsync(transaction, approvals.EntrySigned);
            VerifiedApproval review = await directory.VerifyAsync(transaction, approvals.ReviewSigned);
            ApprovedApplication.Create(approvals.Application, entry, review);
        }

        if (order.RaName is { } ra)
        {
            await RaStore.CountAsync(transaction, ra);
        }

        // Whose subject and whose key it is; what it replaces.
        TbsCertificate tbs = prepared.Tbs;
        byte[] subjectHash = tbs.Subject.HashCanonical();
        byte[] keyHash = Sm3.HashData(Der.Encode(tbs.SubjectPublicKeyInfo));
        if (!await CertificateStore.OwnAsync(transaction, "subject_owner", "subject_hash", subjectHash, order.Owner))
        {
            throw new RefusalException(Refusal.Duplicate, "该主体名称已属于另一主体。");
        }

        if (!await CertificateStore.OwnAsync(transaction, "key_owner", "key_hash", keyHash, order.Owner))
        {
            throw new RefusalException(Refusal.Duplicate, "该公钥已属于另一主体，请重新生成密钥。");
        }

        if (await CertificateStore.IsCompromisedAsync(transaction, order.Owner, keyHash))
        {
            throw new RefusalException(Refusal.BadPublicKey, "该公钥的证书已因密钥泄露吊销，请重新生成密钥。");
        }

        byte[]? replaces = await ReplacedAsync(transaction, order, keyHash, now);

        // The bytes, first: the decision refers to them. Then the decision, which nothing spends a second time.
        if (!await CertificateStore.IntendAsync(transaction, reserved.CertificateId, prepared.TbsBytes, subjectHash, keyHash, tbs.Validity, replaces, now))
        {
            throw new RefusalException(Refusal.Unavailable, "签发超时，请稍后用同一申请重试。");
        }

        byte[]? entryHash = order.Approvals is { } given ? await ApprovalStore.RecordAsync(transaction, given.Entry, given.EntrySigned, now) : null;
        byte[]? reviewHash = order.Approvals is { } both ? await ApprovalStore.RecordAsync(transaction, both.Review, both.ReviewSigned, now) : null;
        bool isFirst = await transaction.TryInsertAsync(
            """
            INSERT INTO decision (
                requester, reference, kind, request_id, certificate_id, application_digest, application, entry_hash, entry_person, review_hash, review_person, decided_at)
            VALUES (@Requester, @Reference, @Kind, @RequestId, @CertificateId, @Digest, @Application, @EntryHash, @EntryPerson, @ReviewHash, @ReviewPerson, @Now)
            """,
            new
            {
                order.Requester,
                order.Reference,
                order.Kind,
                order.RequestId,
                reserved.CertificateId,
                order.Digest,
                order.Application,
                EntryHash = entryHash,
                EntryPerson = order.Approvals?.EntrySigned.Officer.Identity.Person.ToArray(),
                ReviewHash = reviewHash,
                ReviewPerson = order.Approvals?.ReviewSigned.Officer.Identity.Person.ToArray(),
                Now = now,
            });
        if (!isFirst)
        {
            throw new RefusalException(Refusal.NotApproved, "该申请的审批意见已使用。");
        }

        await log.AppendAsync(transaction, new AuditEvent(order.Actor, IntendAction, reserved.ObjectOf(authorities), AuditOutcome.Intended)
        {
            Fields =
            [
                new AuditField.Octets("application", order.Digest),
                new AuditField.Octets("tbs", Sm3.HashData(prepared.TbsBytes.Span)),
                new AuditField.Text("profile", prepared.Profile.Name),
                new AuditField.Octets("profileHash", prepared.Profile.Hash),
                new AuditField.Text("region", order.Region),
                new AuditField.Octets("key", keyHash),
                new AuditField.Text(RequestField, order.RequestId),
                .. entryHash is null ? [] : new AuditField[] { new AuditField.Octets("entry", entryHash), new AuditField.Octets("review", reviewHash) },
            ],
        });
    }

    /// <summary>The certificate that is renewed or gets another key: of the same owner, valid, and not followed by another. It stays valid until its own end or its revocation: the two overlap.</summary>
    private async Task<byte[]?> ReplacedAsync(Transaction transaction, IssuanceOrder order, byte[] keyHash, DateTimeOffset now)
    {
        bool replaces = order.Kind is (short)DecisionKind.Renew or (short)DecisionKind.Rekey;
        if (order.Body.Replaces is not { } reference)
        {
            return replaces ? throw new RefusalException(Refusal.Malformed, "更新或换发申请未写明原证书。") : null;
        }

        Authority? authority = authorities.Find(reference.Issuer.Span);
        CertificateRow? old = authority is null ? null : await CertificateStore.FindAsync(transaction, authority.Id, reference.SerialNumber.ToString());
        if (!replaces || old is null || old.Owner != order.Owner)
        {
            throw new RefusalException(Refusal.NotFound, "没有该主体的原证书。");
        }

        // Its row is held until the transaction ends: of two that follow one certificate, or of this and its revocation, one comes first.
        if (!await CertificateStore.HoldValidAsync(transaction, old.CertificateId, now))
        {
            throw new RefusalException(Refusal.WrongState, "原证书已吊销、已冻结或已过期，不能更新或换发，请重新申请。");
        }

        if (await CertificateStore.IsFollowedAsync(transaction, old))
        {
            throw new RefusalException(Refusal.WrongState, "原证书已经更新或换发过，请对新证书提出申请。");
        }

        bool isSameKey = old.KeyHash.AsSpan().SequenceEqual(keyHash);
        return isSameKey == (order.Kind == (short)DecisionKind.Renew)
            ? old.CertificateId
            : throw new RefusalException(Refusal.BadPublicKey, isSameKey ? "换发须使用新的密钥。" : "更新须使用原证书的密钥；更换密钥请申请换发。");
    }

    /// <summary>Never cancelled: it is signed.</summary>
    private Task<CertificateRow> StoreAsync(byte[] id, Certificate certificate, AuditActor actor, Func<Transaction, CertificateRow, Task> stored) => database.WriteAsync(
        async transaction =>
        {
            bool isFirst = await CertificateStore.StoreAsync(transaction, id, certificate.Signature, time.GetUtcNow());
            CertificateRow row = (await CertificateStore.FindAsync(transaction, id))!;
            if (isFirst)
            {
                await log.AppendAsync(transaction, new AuditEvent(actor, IssueAction, row.ObjectOf(authorities), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Octets("certificate", Sm3.HashData(Der.Encode(certificate)))],
                });
            }
            else if (row.Signature is null)
            {
                throw new RefusalException(Refusal.WrongState, "该申请的签发已放弃，请重新提交申请。");
            }

            // Another was faster: his signature is the certificate's, and this one never leaves.
            await stored(transaction, row);
            return row;
        });

    private Task AbandonAsync(CertificateRow row, string reason) => database.WriteAsync(
        async transaction =>
        {
            if (await CertificateStore.AbandonAsync(transaction, row, time.GetUtcNow()))
            {
                await log.AppendAsync(
                    transaction,
                    new AuditEvent(Job, AbandonAction, row.ObjectOf(authorities), AuditOutcome.Done) { Fields = [new AuditField.Text("reason", reason)] });
            }
        });

    private sealed record Decided
    {
        public required byte[] CertificateId { get; init; }

        public required string RequestId { get; init; }

        public required byte[] ApplicationDigest { get; init; }

        public bool IsBy(IssuanceOrder order) => RequestId == order.RequestId && ApplicationDigest.AsSpan().SequenceEqual(order.Digest);
    }
}
