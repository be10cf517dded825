using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Pairs;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Reaudit;

/// <summary>Something that does not agree with something else.</summary>
/// <param name="Kind">One of those in docs/REAUDIT.md.</param>
/// <param name="Detail">English, for the operator; no personal data.</param>
internal sealed record Discrepancy(string Kind, string Detail)
{
    public static void Require(List<Discrepancy> found, bool met, string kind, string detail)
    {
        if (!met)
        {
            found.Add(new Discrepancy(kind, detail));
        }
    }
}

/// <summary>A command of officers as its rows have it.</summary>
internal sealed record CommandRow
{
    public required byte[] Application { get; init; }

    public required byte[] Proposal { get; init; }

    public required byte[] ProposerPersonId { get; init; }

    public required DateTimeOffset ProposedAt { get; init; }

    /// <summary>Null, as the next two: nobody else has approved it.</summary>
    public byte[]? Review { get; init; }

    public byte[]? ApproverPersonId { get; init; }

    public DateTimeOffset? ReviewedAt { get; init; }
}

/// <summary>All that is recorded about one certificate, each piece as it lies there.</summary>
internal sealed record CertificateRecords
{
    public required CertificateRow Row { get; init; }

    /// <summary>Null: the configuration has it no more.</summary>
    public required Authority? Authority { get; init; }

    /// <summary>Null: there is none of the hash, or it is another.</summary>
    public required Profile? Profile { get; init; }

    /// <summary>Whether those who may have ever put the profile's version into use. Asked of a link's renewal, which has no decision of officers about its profile.</summary>
    public required bool ProfileWasActive { get; init; }

    public required IReadOnlyList<DecisionRow> Decisions { get; init; }

    public required IReadOnlyList<DecisionRow> StatusDecisions { get; init; }

    /// <summary>The other half of its pair. Null: it stands alone, or its half does.</summary>
    public required CertificateRow? Partner { get; init; }

    /// <summary>About the status of <see cref="Partner"/>: what was decided about one half is done to both.</summary>
    public required IReadOnlyList<DecisionRow> PartnerDecisions { get; init; }

    /// <summary>Of a pair: what subscribers' tokens have said of its envelopes, DER of SignedReceipt each.</summary>
    public required IReadOnlyList<byte[]> Receipts { get; init; }

    /// <summary>Of a pair: its signing certificate. Null: it stands alone.</summary>
    public required CertificateRow? SigningHalf { get; init; }

    /// <summary>Of a pair: its encryption certificate. Null: it stands alone.</summary>
    public required CertificateRow? EncryptionHalf { get; init; }

    /// <summary>Of an encryption certificate that follows another: the key of that one, SM3 of its SubjectPublicKeyInfo.</summary>
    public required byte[]? ReplacedKey { get; init; }

    /// <summary>By the hash that a decision names, as hexadecimal.</summary>
    public required IReadOnlyDictionary<string, byte[]> Approvals { get; init; }

    /// <summary>Null: there is none of the id that the decision names.</summary>
    public required CommandRow? Command { get; init; }

    /// <summary>Those that the events of its status name, by their ids.</summary>
    public required IReadOnlyDictionary<string, CommandRow> StatusCommands { get; init; }

    /// <summary>What the row says that it renews or re-keys; of an encryption certificate the signing one of that pair. Null: nothing, or what is not there.</summary>
    public required CertificateReference? Replaced { get; init; }

    /// <summary>Numbers of the attempts to sign it after the first.</summary>
    public required IReadOnlyList<long> Attempts { get; init; }

    /// <summary>Null: the region is not registered, or not as officers signed it.</summary>
    public required IReadOnlyList<SubjectText>? Place { get; init; }

    public required RevocationRow? Revocation { get; init; }

    public required string? SubjectOwner { get; init; }

    public required string? KeyOwner { get; init; }

    /// <summary>Of the log, in the order of their ids.</summary>
    public required IReadOnlyList<ListedEvent> Events { get; init; }

    /// <returns>Null: none of the name and kind.</returns>
    public static ReadOnlyMemory<byte>? OctetsOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Octets>().FirstOrDefault(field => field.Name == name)?.Value;

    /// <returns>Likewise.</returns>
    public static long? NumberOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Number>().FirstOrDefault(field => field.Name == name)?.Value;

    public static async Task<CertificateRecords> LoadAsync(
        Transaction transaction, CertificateRow row, IReadOnlyList<ListedEvent> events, AuthorityList authorities, ProfileStore profiles, Places places)
    {
        IReadOnlyList<DecisionRow> decisions = await DecisionRow.IssuesAsync(transaction, row.CertificateId);
        IReadOnlyList<DecisionRow> statuses = await DecisionRow.StatusesAsync(transaction, row.CertificateId);
        Profile? profile = await FindProfileAsync(transaction, profiles, row.ProfileHash);
        bool isHalf = profile is { Half: not PairHalf.None };
        PairRow? pair = isHalf ? await PairStore.FindOfAsync(transaction, row.CertificateId) : null;
        CertificateRow? partner = pair is null ? null : await FindPartnerAsync(transaction, profiles, row);
        IReadOnlyList<DecisionRow> partnerStatuses = partner is null ? [] : await DecisionRow.StatusesAsync(transaction, partner.CertificateId);
        CertificateRow? replaced = row.Replaces is { } old ? await CertificateStore.FindAsync(transaction, old) : null;
        var approvals = new Dictionary<string, byte[]>();
        foreach (byte[] hash in decisions.Concat(statuses).Concat(partnerStatuses).SelectMany(each => new[] { each.EntryHash, each.ReviewHash }).OfType<byte[]>())
        {
            if (await ApprovalStore.FindAsync(transaction, hash) is { } approval)
            {
                approvals[Convert.ToHexStringLower(hash)] = approval;
            }
        }

        var commands = new Dictionary<string, CommandRow>();
        foreach (string id in events.Select(each => OctetsOf(each.Leaf, "command")).OfType<ReadOnlyMemory<byte>>().Select(each => Convert.ToHexStringLower(each.Span)).Distinct())
        {
            if (await FindCommandAsync(transaction, id) is { } command)
            {
                commands[id] = command;
            }
        }

        return new CertificateRecords
        {
            Row = row,
            Authority = authorities.All.FirstOrDefault(each => each.Id == row.AuthorityId),
            Profile = profile,
            ProfileWasActive = profile is null || !decisions.Any(each => each.Kind == IssuanceOrder.Renewal) || await profiles.WasActiveAsync(transaction, profile),
            Decisions = decisions,
            StatusDecisions = statuses,
            Partner = partner,
            PartnerDecisions = partnerStatuses,
            Receipts = pair is null ? [] : await PairStore.ListReceiptsAsync(transaction, pair.PairId),
            SigningHalf = pair is null ? null : await CertificateStore.FindAsync(transaction, pair.PairId),
            EncryptionHalf = pair is null ? null : await CertificateStore.FindAsync(transaction, pair.EncryptionId),
            ReplacedKey = profile is { Half: PairHalf.Encryption } ? replaced?.KeyHash : null,
            Approvals = approvals,
            Command = decisions is [{ Kind: (short)DecisionKind.Command } decision] ? await FindCommandAsync(transaction, decision.Reference) : null,
            StatusCommands = commands,
            Replaced = replaced is null ? null : await FindReferenceAsync(transaction, replaced, profile, authorities),
            Attempts = await transaction.QueryAsync<long>("SELECT attempt FROM signing_attempt WHERE certificate_id = @CertificateId ORDER BY attempt", row),
            Place = await FindPlaceAsync(transaction, places, row.Region),
            Revocation = await CertificateStore.FindRevocationAsync(transaction, row),
            SubjectOwner = await transaction.FindAsync<string>("SELECT owner FROM subject_owner WHERE subject_hash = @SubjectHash", row),
            KeyOwner = await transaction.FindAsync<string>("SELECT owner FROM key_owner WHERE key_hash = @KeyHash", row),
            Events = events,
        };
    }

    private static async Task<CertificateReference?> FindReferenceAsync(Transaction transaction, CertificateRow replaced, Profile? profile, AuthorityList authorities)
    {
        CertificateRow? named = profile is { Half: PairHalf.Encryption } ? await PairStore.FindPartnerAsync(transaction, replaced.CertificateId) : replaced;
        return named is not null && authorities.All.FirstOrDefault(each => each.Id == named.AuthorityId) is { } authority
            ? new CertificateReference(authority.Issuer.KeyIdentifier, SerialNumber.Parse(named.Serial))
            : null;
    }

    private static async Task<Profile?> FindProfileAsync(Transaction transaction, ProfileStore profiles, byte[] hash)
    {
        try
        {
            return await profiles.GetAsync(transaction, hash);
        }
        catch (Exception e) when (e is ProfileException or InvalidOperationException)
        {
            return null;
        }
    }

    private static async Task<CertificateRow?> FindPartnerAsync(Transaction transaction, ProfileStore profiles, CertificateRow row)
    {
        try
        {
            return await PairPartner.FindAsync(transaction, profiles, row);
        }
        catch (Exception e) when (e is ProfileException or InvalidOperationException)
        {
            // Of the other half: its own check tells of it.
            return null;
        }
    }

    private static async Task<IReadOnlyList<SubjectText>?> FindPlaceAsync(Transaction transaction, Places places, string region)
    {
        try
        {
            return await places.OfAsync(transaction, region);
        }
        catch (RefusalException)
        {
            return null;
        }
    }

    /// <returns>Null: none of the id.</returns>
    internal static async Task<CommandRow?> FindCommandAsync(Transaction transaction, string reference) =>
        reference.Length == 2 * Ulid.Length && reference.All(char.IsAsciiHexDigitLower)
            ? await transaction.FindAsync<CommandRow>(
                """
                SELECT c.application, c.proposal, c.proposer_person_id, c.proposed_at, r.review, r.approver_person_id, r.reviewed_at
                FROM officer_command c LEFT JOIN command_review r ON r.command_id = c.command_id WHERE c.command_id = @Id
                """,
                new { Id = Convert.FromHexString(reference) })
            : null;
}
