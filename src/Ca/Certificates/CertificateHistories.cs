using ZwCa.Asn1;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;

namespace ZwCa.Ca.Certificates;

/// <summary>A decision about a certificate as its row has it; those about its issue and those about its status have the same columns.</summary>
internal sealed record DecisionRow
{
    public required string Requester { get; init; }

    public required string Reference { get; init; }

    public required short Kind { get; init; }

    public required string RequestId { get; init; }

    /// <summary>Null: about the status; the digest is that of the application.</summary>
    public byte[]? ApplicationDigest { get; init; }

    public required byte[] Application { get; init; }

    public byte[]? EntryHash { get; init; }

    public byte[]? EntryPerson { get; init; }

    public byte[]? ReviewHash { get; init; }

    public byte[]? ReviewPerson { get; init; }

    public required DateTimeOffset DecidedAt { get; init; }

    public static Task<IReadOnlyList<DecisionRow>> IssuesAsync(Transaction transaction, byte[] certificateId) => transaction.QueryAsync<DecisionRow>(
        """
        SELECT requester, reference, kind, request_id, application_digest, application, entry_hash, entry_person, review_hash, review_person, decided_at
        FROM decision WHERE certificate_id = @Id ORDER BY decided_at
        """,
        new { Id = certificateId });

    public static Task<IReadOnlyList<DecisionRow>> StatusesAsync(Transaction transaction, byte[] certificateId) => transaction.QueryAsync<DecisionRow>(
        """
        SELECT ra_name AS requester, enrollment_id AS reference, kind, request_id, application, entry_hash, entry_person, review_hash, review_person, decided_at
        FROM status_decision WHERE certificate_id = @Id ORDER BY decided_at
        """,
        new { Id = certificateId });
}

/// <summary>Shows all that is recorded about a certificate, and proves what the log has.</summary>
internal sealed class CertificateHistories(AuthorityList authorities, CertificateAnswers answers, Database database, EventList events, LogProofs proofs)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    public async Task<CertificateHistory> ShowAsync(CertificateRow row, CancellationToken cancellationToken)
    {
        IReadOnlyList<ListedEvent> listed = await events.ListAsync(
            new EventFilter { Object = row.ObjectOf(authorities) }, rows: EventList.MaxRows, cancellationToken: cancellationToken);
        return await database.ReadAsync(
            async transaction =>
            {
                IReadOnlyList<Attempt> attempts = await transaction.QueryAsync<Attempt>(
                    "SELECT attempt AS ordinal, attempted_at FROM signing_attempt WHERE certificate_id = @CertificateId ORDER BY attempt", row);
                IReadOnlyList<Named> followers = await transaction.QueryAsync<Named>(
                    "SELECT authority_id, serial FROM certificate WHERE owner = @Owner AND replaces = @CertificateId AND state IN (1, 2, 3, 4) ORDER BY certificate_id", row);
                return new CertificateHistory
                {
                    Certificate = await answers.ShowAsync(transaction, row),
                    Owner = row.Owner,
                    ReservedAt = row.ReservedAt,
                    ChangedAt = row.ChangedAt,
                    Decisions = await ShowAsync(transaction, await DecisionRow.IssuesAsync(transaction, row.CertificateId)),
                    SigningAttempts = [.. attempts.Select(each => new SigningAttempt(each.Ordinal, each.AttemptedAt))],
                    StatusDecisions = await ShowAsync(transaction, await DecisionRow.StatusesAsync(transaction, row.CertificateId)),
                    ReplacedBy = [.. followers.Select(each => new CertificateName(authorities[each.AuthorityId].KeyIdentifier, each.Serial))],
                    Events = [.. listed.Select(Show)],
                };
            },
            cancellationToken);
    }

    /// <param name="eventId">Of its history, as text.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: not of its history; <see cref="Refusal.InProgress"/>: no checkpoint covers it yet.</exception>
    public async Task<EventProof> ProveAsync(CertificateRow row, string eventId, CancellationToken cancellationToken)
    {
        IReadOnlyList<ListedEvent> listed = await events.ListAsync(
            new EventFilter { Object = row.ObjectOf(authorities) }, rows: EventList.MaxRows, cancellationToken: cancellationToken);
        ListedEvent found = listed.FirstOrDefault(each => Convert.ToHexStringLower(each.EventId) == eventId)
            ?? throw new RefusalException(Refusal.NotFound, "该证书的记录中没有此事件。");
        ProvenEvent proven = await proofs.FindAsync(found.EventId, cancellationToken)
            ?? throw new RefusalException(Refusal.InProgress, "此事件尚未有日志检查点覆盖，请稍后再试。", LookAgain);
        return new EventProof { Leaf = proven.Leaf.ToArray(), Proof = Der.Encode(proven.Proof), Checkpoint = Der.Encode(proven.Checkpoint) };
    }

    private static CertificateEvent Show(ListedEvent each) => new()
    {
        Id = Convert.ToHexStringLower(each.EventId),
        Time = each.Leaf.Time,
        Action = each.Leaf.Action,
        Actor = each.Leaf.Actor.Id,
        Outcome = each.Leaf.Outcome.ToString().ToLowerInvariant(),
        Leaf = Der.Encode(each.Leaf),
    };

    private static async Task<IReadOnlyList<DecisionEntry>> ShowAsync(Transaction transaction, IReadOnlyList<DecisionRow> rows)
    {
        var entries = new List<DecisionEntry>(rows.Count);
        foreach (DecisionRow row in rows)
        {
            entries.Add(new DecisionEntry
            {
                Requester = row.Requester,
                Reference = row.Reference,
                Kind = row.Kind,
                RequestId = row.RequestId,
                DecidedAt = row.DecidedAt,
                Application = row.Application,
                Entry = row.EntryHash is null ? null : await ApprovalStore.FindAsync(transaction, row.EntryHash),
                Review = row.ReviewHash is null ? null : await ApprovalStore.FindAsync(transaction, row.ReviewHash),
            });
        }

        return entries;
    }

    private sealed record Attempt
    {
        public required short Ordinal { get; init; }

        public required DateTimeOffset AttemptedAt { get; init; }
    }

    private sealed record Named
    {
        public required short AuthorityId { get; init; }

        public required string Serial { get; init; }
    }
}
