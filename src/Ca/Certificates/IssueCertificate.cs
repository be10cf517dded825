using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Ca.KeyCentre;
using ZwCa.Ca.Ocsp;
using ZwCa.Ca.Pairs;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.Ca.Certificates;

/// <summary>
/// Issues a certificate, or both of a pair, whatever dies meanwhile: docs/ISSUANCE.md and docs/DUAL-CERTIFICATES.md, in the same steps. What may have been signed has a row before it is signed,
/// and nothing leaves that is not stored. Of a pair each step is one transaction for both. Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed partial class IssueCertificate(
    Database database, AuditLog log, AuditGate gate, AuthorityList authorities, ProfileStore profiles, Places places, OfficerDirectory directory, CrlScopes scopes, PairKeys keys,
    FinishIssuance finish, IssueSteps steps, CaOptions options, TimeProvider time, ILogger<IssueCertificate> logger)
{
    public const string IntendAction = "certificate.intend";
    public const string UnusedAction = "certificate.unused";
    public const string RequestField = "request";

    /// <summary>Issues what was decided, or finds what was issued by that decision.</summary>
    /// <returns>The stored row: valid, or revoked since; of a pair that of the signing certificate.</returns>
    /// <exception cref="RefusalException">
    /// What <see cref="Issuer.Prepare"/> refuses, and <see cref="Refusal.UnknownProfile"/>, <see cref="Refusal.OutOfScope"/>, <see cref="Refusal.NotAllowed"/>,
    /// <see cref="Refusal.QuotaExhausted"/>, <see cref="Refusal.NotApproved"/> (spent already), <see cref="Refusal.Duplicate"/> (the key or the subject is another's),
    /// <see cref="Refusal.AuditUnavailable"/>, <see cref="Refusal.WrongState"/> (given up, or what it replaces is not valid), <see cref="Refusal.Unavailable"/> (of a pair: the KMC is away).
    /// </exception>
    /// <exception cref="HsmException">The device failed: the intention stands, and the same request, or recovery, signs it.</exception>
    public async Task<CertificateRow> RunAsync(IssuanceOrder order, CancellationToken cancellationToken)
    {
        StepWatch watch = steps.Start();

        // Step 1: was it done before? A decision is spent by what came of it, and by the same request only that is given again.
        if (await database.ReadAsync(transaction => FindDecidedAsync(transaction, order), cancellationToken) is { } earlier)
        {
            return await finish.RunAsync(earlier, order.Actor, asked: true, order.Stored, cancellationToken);
        }

        watch.End("find");

        // Step 2: no audit, no issuance.
        await gate.RequireAsync(cancellationToken);
        watch.End("gate");

        // Step 3: reserve a serial number: a row of its own before anything else, so that each that was ever thought of is accounted for. Of a pair both, and that a key is asked for.
        Authority authority = authorities.Find(order.Body.Issuer.Span) ?? throw new RefusalException(Refusal.OutOfScope, "申请所写的签发CA不是本服务的CA。");
        DateTimeOffset now = time.GetUtcNow();
        (IReadOnlyList<Reserved> reserved, IReadOnlyList<SubjectText> place) = await database.WriteAsync(transaction => ReserveAsync(transaction, order, authority, now), cancellationToken);
        watch.End("reserve");
        FaultPoint.Reach("issue-reserved");
        bool intended = false;
        try
        {
            // Step 4: build it by the profile, and judge it: the final bytes, signed with a key that nobody has afterwards. The other half of a pair needs its key before that.
            var prepared = new List<PreparedCertificate> { authority.Issuer.Prepare(RequestOf(order.Body, reserved[0].Row.Serial, reserved[0].Profile, place, now)) };
            PairKey? key = null;
            if (reserved.Count > 1)
            {
                watch.End("prepare");
                key = await keys.GetAsync(order, reserved[1], prepared[0].Tbs.Validity, cancellationToken);
                watch.End("key");
                FaultPoint.Reach("pair-key");
                prepared.Add(authority.Issuer.Prepare(RequestOf(IssuanceOrder.EncryptionBodyOf(order.Body, key.PublicKey), reserved[1].Row.Serial, reserved[1].Profile, place, now)));
                authority.Issuer.RequirePair(prepared[0], prepared[1]);
            }

            watch.End("prepare");
            FaultPoint.Reach("issue-prepared");

            // Step 5: the intention: the exact bytes, the decision that is spent by it, and the event, in one transaction. The officers are in office now, or it is refused.
            await database.WriteAsync(transaction => IntendAsync(transaction, order, authority, reserved, prepared, key), cancellationToken);
            intended = true;
            watch.End("intend");
            FaultPoint.Reach("issue-intended");

            // Step 6: sign.
            IReadOnlyList<Certificate> certificates = await FinishIssuance.SignAsync(authority, prepared, cancellationToken);
            watch.End("sign");
            FaultPoint.Reach("issue-signed");

            // Step 7: certificate, event and answer are stored together; only then anybody hears of it. Whoever hangs up now does not stop it.
            CertificateRow stored = await finish.StoreAsync([.. reserved.Select(each => each.Row.CertificateId)], certificates, order.Actor, order.Stored);
            watch.End("store");
            FaultPoint.Reach("issue-stored");
            return stored;
        }
        catch (Exception e) when (e is RefusalException or LintException)
        {
            // Before the intention nothing was signed: the number is closed. After it, this changes nothing.
            foreach (Reserved each in reserved)
            {
                await CloseUnusedAsync(each.Row, e is RefusalException refusal ? refusal.Kind.ToString() : "Lint");
            }

            if (!intended && await database.ReadAsync(transaction => IsDecidedBySameAsync(transaction, order), cancellationToken))
            {
                // Another run of the same request was faster, and what it has spent or owns stood in the way here: that is no answer to keep.
                throw new RefusalException(Refusal.InProgress, "该申请正在处理，请稍后再试。", TimeSpan.FromSeconds(5), e);
            }

            if (!intended && e is LintException lint)
            {
                // What was applied for comes to nothing, however often it is asked: whoever applied has to hear why. Where the profile is to blame, the operator has to.
                string rules = string.Join("; ", lint.Findings.Where(finding => finding.Severity == Severity.Error).Select(finding => $"{finding.Rule} ({finding.Source})"));
                LogBreaksRules(logger, reserved[0].Row.Serial, order.Body.Profile, rules);
                throw new RefusalException(Refusal.SubjectNotAllowed, $"按申请内容制成的证书不符合证书规则，CA不予签发：{rules}", inner: lint);
            }

            throw;
        }
    }

    /// <summary>Closes a reservation that has no intention.</summary>
    /// <returns>False: it has one, or is closed.</returns>
    public Task<bool> CloseUnusedAsync(CertificateRow row, string reason) => database.WriteAsync(
        async transaction =>
        {
            bool closed = await CertificateStore.CloseUnusedAsync(transaction, row.CertificateId, time.GetUtcNow());
            if (closed)
            {
                await KeyTaskStore.GiveUpAsync(transaction, row.CertificateId, time.GetUtcNow());
                await log.AppendAsync(
                    transaction,
                    new AuditEvent(FinishIssuance.Job, UnusedAction, row.ObjectOf(authorities), AuditOutcome.Done) { Fields = [new AuditField.Text("reason", reason)] });
            }

            return closed;
        });

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

    private async Task<(IReadOnlyList<Reserved> Reserved, IReadOnlyList<SubjectText> Place)> ReserveAsync(Transaction transaction, IssuanceOrder order, Authority authority, DateTimeOffset now)
    {
        IReadOnlyList<Profile> allowed = await RequireAllowedAsync(transaction, order, authority);
        if (order.UsesEmptyId && !allowed[0].Options.EmptyIdAllowed)
        {
            throw new RefusalException(Refusal.BadCsr, "证书申请以空的SM2签名者标识签名，此证书模板不接受。请以默认标识1234567812345678重新签名。");
        }

        if (order.Owner.Length > IssuanceOrder.MaxOwner)
        {
            throw new RefusalException(Refusal.Malformed, $"实体编号过长，与RA名称合计最多{IssuanceOrder.MaxOwner}个字符。");
        }

        var reserved = new List<Reserved>(allowed.Count);
        foreach (Profile profile in allowed)
        {
            RequireEntity(profile, order.Body);
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
            if (!await CertificateStore.ReserveAsync(transaction, row))
            {
                throw new InvalidOperationException($"The serial number {row.Serial} came up twice: the random generator is broken.");
            }

            reserved.Add(new Reserved(row, profile));
        }

        if (reserved.Count > 1)
        {
            await keys.ReserveAsync(transaction, order, reserved[1], now);
        }

        return (reserved, await places.OfAsync(transaction, order.Region));
    }

    /// <summary>The profile is active in the version that was decided about, and is the requester's to ask for, from this CA; of a pair both, and they fit each other.</summary>
    private async Task<IReadOnlyList<Profile>> RequireAllowedAsync(Transaction transaction, IssuanceOrder order, Authority authority)
    {
        Profile profile = await RequireAllowedAsync(transaction, order, authority, order.Body.Profile, order.Body.ProfileHash);
        bool isSm2 = order.Body.SubjectPublicKeyInfo.TryGetSm2Key(out _);
        if (order.Body.Encryption is not { } other)
        {
            // Encryption keys are SM2: an RSA certificate stands alone.
            return profile.Options.Half == PairHalf.None || (profile.Options.Half == PairHalf.Signing && !isSm2)
                ? [profile]
                : throw new RefusalException(Refusal.OutOfScope, $"证书模板“{profile.Options.Title}”只用于双证书，须成对申请。");
        }

        if (!isSm2)
        {
            throw new RefusalException(Refusal.BadPublicKey, "双证书的签名密钥应为SM2。");
        }

        Profile encryption = await RequireAllowedAsync(transaction, order, authority, other.Name, other.Hash);
        return profile.Options.Half == PairHalf.Signing && encryption.Options.Half == PairHalf.Encryption && profile.Options.Edition == encryption.Options.Edition
            ? [profile, encryption]
            : throw new RefusalException(Refusal.OutOfScope, $"证书模板“{profile.Options.Title}”与“{encryption.Options.Title}”不能组成双证书。");
    }

    private async Task<Profile> RequireAllowedAsync(Transaction transaction, IssuanceOrder order, Authority authority, string name, ReadOnlyMemory<byte> hash)
    {
        Profile profile = await profiles.GetActiveAsync(transaction, name, hash);

        // Incident 7: what names a service that says nothing about it is not issued.
        if (profile.Options.Ocsp.Count > 0 && (options.Ocsp is null || !OcspSigners.CanBeFor(authority)))
        {
            throw new RefusalException(Refusal.OutOfScope, $"证书模板“{profile.Options.Title}”写有OCSP服务地址，而该签发CA未配置OCSP，不能签发。");
        }

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

    private async Task IntendAsync(
        Transaction transaction, IssuanceOrder order, Authority authority, IReadOnlyList<Reserved> reserved, IReadOnlyList<PreparedCertificate> prepared, PairKey? key)
    {
        // A node that stood still since it reserved: nothing is dated back by more than the profile allows, and what was allowed then may be so no more.
        DateTimeOffset now = time.GetUtcNow();
        if (prepared.Any(each => each.Tbs.Validity.NotBefore.Value < now.AddSeconds(-each.Profile.Options.Validity.BackdateSeconds)))
        {
            throw new RefusalException(Refusal.Unavailable, "签发超时，请稍后用同一申请重试。");
        }

        await RequireAllowedAsync(transaction, order, authority);

        // The officers, as they stand now; two persons.
        byte[]? entryHash = null;
        byte[]? reviewHash = null;
        if (order.Approvals is { } approvals)
        {
            VerifiedApproval entry = await directory.VerifyAsync(transaction, approvals.EntrySigned);
            VerifiedApproval review = await directory.VerifyAsync(transaction, approvals.ReviewSigned);
            ApprovedApplication.Create(approvals.Application, entry, review);
            entryHash = await ApprovalStore.RecordAsync(transaction, approvals.Entry, approvals.EntrySigned.Officer, approvals.EntryHash, now);
            reviewHash = await ApprovalStore.RecordAsync(transaction, approvals.Review, approvals.ReviewSigned.Officer, approvals.ReviewHash, now);
        }

        CertificateRow? replaced = await ReplacedAsync(transaction, order, prepared[0], now);
        for (int i = 0; i < reserved.Count; i++)
        {
            if (order.RaName is { } ra)
            {
                await RaStore.CountAsync(transaction, ra);
            }

            byte[]? replaces = i == 0 ? replaced?.CertificateId : await keys.FindReplacedAsync(transaction, order, replaced, key!, now);
            byte[] keyHash = await OwnAsync(transaction, order, reserved[i], prepared[i], replaces, now);
            await DecideAsync(transaction, order, reserved[i], isEncryption: i > 0, entryHash, reviewHash, now);
            await log.AppendAsync(transaction, new AuditEvent(order.Actor, IntendAction, reserved[i].Row.ObjectOf(authorities), AuditOutcome.Intended)
            {
                Fields =
                [
                    new AuditField.Octets("application", order.Digest),
                    new AuditField.Octets("tbs", Sm3.HashData(prepared[i].TbsBytes.Span)),
                    new AuditField.Text("profile", prepared[i].Profile.Name),
                    new AuditField.Octets("profileHash", prepared[i].Profile.Hash),
                    new AuditField.Text("region", order.Region),
                    new AuditField.Octets("key", keyHash),
                    new AuditField.Text(RequestField, order.RequestId),
                    .. i > 0 && key!.Escrowed is { } escrowed ? new AuditField[] { new AuditField.Octets("keyReply", escrowed.ReplyHash) } : [],
                    .. entryHash is null ? [] : new AuditField[] { new AuditField.Octets("entry", entryHash), new AuditField.Octets("review", reviewHash) },
                ],
            });
        }

        if (key is not null)
        {
            await PairKeys.IntendAsync(transaction, reserved[0].Row, reserved[1].Row, key, now);
        }
    }

    /// <summary>Whose subject and whose key it is; then the bytes.</summary>
    /// <returns>SM3 of the SubjectPublicKeyInfo.</returns>
    private static async Task<byte[]> OwnAsync(Transaction transaction, IssuanceOrder order, Reserved reserved, PreparedCertificate prepared, byte[]? replaces, DateTimeOffset now)
    {
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

        return await CertificateStore.IntendAsync(transaction, reserved.Row.CertificateId, prepared.TbsBytes, subjectHash, keyHash, tbs.Validity, replaces, now)
            ? keyHash
            : throw new RefusalException(Refusal.Unavailable, "签发超时，请稍后用同一申请重试。");
    }

    /// <summary>Refers to the bytes, so it comes after them. Nothing spends it a second time.</summary>
    private static async Task DecideAsync(
        Transaction transaction, IssuanceOrder order, Reserved reserved, bool isEncryption, byte[]? entryHash, byte[]? reviewHash, DateTimeOffset now)
    {
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
                Kind = (short)(order.Kind + (isEncryption ? IssuanceOrder.EncryptionHalf : 0)),
                order.RequestId,
                reserved.Row.CertificateId,
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
    }

    /// <summary>The certificate that is renewed or gets another key: of the same owner, valid, and not followed by another. It stays valid until its own end or its revocation: the two overlap.</summary>
    private async Task<CertificateRow?> ReplacedAsync(Transaction transaction, IssuanceOrder order, PreparedCertificate prepared, DateTimeOffset now)
    {
        byte[] keyHash = Sm3.HashData(Der.Encode(prepared.Tbs.SubjectPublicKeyInfo));
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
            ? old
            : throw new RefusalException(Refusal.BadPublicKey, isSameKey ? "换发须使用新的密钥。" : "更新须使用原证书的密钥；更换密钥请申请换发。");
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Certificate {Serial} by profile {Profile} would break rules, and was not signed: {Rules}. What was applied for is wrong, or the profile is")]
    private static partial void LogBreaksRules(ILogger logger, string serial, string profile, string rules);

    private sealed record Decided
    {
        public required byte[] CertificateId { get; init; }

        public required string RequestId { get; init; }

        public required byte[] ApplicationDigest { get; init; }

        public bool IsBy(IssuanceOrder order) => RequestId == order.RequestId && ApplicationDigest.AsSpan().SequenceEqual(order.Digest);
    }
}
