using System.Globalization;
using System.Runtime.CompilerServices;
using Dapper;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>What was signed and logged about certificates that are on a CRL, or are not. Safe for concurrent use.</summary>
internal sealed class CrlEvidence(Database database, AuthorityList authorities, ProfileStore profiles, Places places, CertificateCheck check, EventList events, TimeProvider time)
{
    /// <summary>Changes of status that are held against a CRL in one walk through it.</summary>
    private const int Page = 10_000;

    private const int Lookup = 500;

    /// <summary>How long a resumption is waited for that has no place in the log yet.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>
    /// What the log says has to be on a CRL and is not, or is otherwise. Two CRLs tell nothing of a revocation that was lost before any CRL had it; the log does: what had its place there when
    /// the data were read, was in the data.
    /// </summary>
    /// <param name="from">Leaves of the log that an earlier CRL has answered for.</param>
    /// <param name="until">Leaves of the log when the data were read.</param>
    /// <param name="since">thisUpdate of the CRL before: what ended earlier has gone.</param>
    /// <returns>Why the CRL may not leave.</returns>
    public async IAsyncEnumerable<string> FindMissingAsync(
        CrlScope scope, CrlFile crl, long from, long until, DateTimeOffset? since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            IReadOnlyList<LoggedChange> changes = await database.QueryAsync<LoggedChange>(
                $"""
                 SELECT l.log_index, s.object_id, e.leaf
                 FROM log_leaf l CROSS JOIN audit_search s CROSS JOIN audit_event e
                 WHERE l.log_index >= @From AND l.log_index < @Until AND s.event_id = l.event_id AND e.event_id = l.event_id
                   AND s.object_kind = 'certificate' AND s.action IN (@Revoke, @Suspend, @Abandon)
                 ORDER BY l.log_index {database.Dialect.Limit(Page)}
                 """,
                new { From = from, Until = until, Revoke = CertificateStatus.RevokeAction, Suspend = CertificateStatus.SuspendAction, Abandon = FinishIssuance.AbandonAction },
                cancellationToken);

            // Step 1: the last of each certificate; what is on the CRL as it says, is done with.
            var expected = new Dictionary<string, LoggedChange>(StringComparer.Ordinal);
            foreach (LoggedChange change in changes.Where(change => IsOf(scope, change.ObjectId)))
            {
                expected[SerialOf(change.ObjectId)] = change;
            }

            Dictionary<string, EntryContent> otherwise = expected.Count == 0 ? [] : Compare(crl, expected);

            // Step 2: the others may be of another partition, have ended, or something else was done to them since.
            foreach (string[] serials in expected.Keys.Chunk(Lookup))
            {
                IReadOnlyDictionary<string, CertificateRow> rows = await FindRowsAsync(database, scope, serials, cancellationToken);
                foreach (string serial in serials)
                {
                    rows.TryGetValue(serial, out CertificateRow? row);
                    EntryContent? there = otherwise.TryGetValue(serial, out EntryContent content) ? content : null;
                    if (await WhyNotAsAsync(scope, expected[serial], row, there, until, since, began, cancellationToken) is { } reason)
                    {
                        yield return reason;
                    }
                }
            }

            if (changes.Count < Page)
            {
                yield break;
            }

            from = changes[^1].LogIndex + 1;
        }
    }

    public static async Task<IReadOnlyDictionary<string, CertificateRow>> FindRowsAsync(Database database, CrlScope scope, IReadOnlyList<string> serials, CancellationToken cancellationToken)
    {
        var parameters = new DynamicParameters(new { Authority = scope.Authority.Id });
        for (int i = 0; i < serials.Count; i++)
        {
            parameters.Add(string.Create(CultureInfo.InvariantCulture, $"S{i}"), serials[i]);
        }

        string list = string.Join(", ", serials.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"@S{i}")));
        return (await database.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE authority_id = @Authority AND serial IN ({list})", parameters, cancellationToken)).ToDictionary(row => row.Serial);
    }

    /// <summary>When a certificate ends, by the bytes that the CA has signed, or was about to: whoever can write rows has no say in it.</summary>
    /// <returns>Null: neither its signature nor the log vouches for them.</returns>
    public async Task<DateTimeOffset?> FindEndAsync(CrlScope scope, CertificateRow row, CancellationToken cancellationToken)
    {
        TbsCertificate tbs;
        Certificate? certificate;
        try
        {
            tbs = Der.Decode<TbsCertificate>(row.Tbs);
            certificate = row.FindCertificate();
        }
        catch (DerException)
        {
            return null;
        }

        Issuer issuer = scope.Authority.Issuer;
        bool isSo = tbs.SerialNumber.ToString() == row.Serial
            && (certificate is not null ? SignatureCheck.Holds(issuer.SubjectPublicKeyInfo, issuer.Algorithm, row.Tbs, certificate.Signature) : await IsIntendedAsync(scope, row, cancellationToken));
        return isSo ? tbs.Validity.NotAfter.Value : null;
    }

    /// <summary>Of what was given up there is no signature.</summary>
    private async Task<bool> IsIntendedAsync(CrlScope scope, CertificateRow row, CancellationToken cancellationToken)
    {
        byte[] hash = Sm3.HashData(row.Tbs);
        EventFilter filter = new() { Object = CertificateRow.ObjectOf(scope.Authority, row.Serial), Action = IssueCertificate.IntendAction };
        return (await events.ListAsync(filter, cancellationToken: cancellationToken)).Any(each => CertificateRecords.OctetsOf(each.Leaf, "tbs") is { } tbs && tbs.Span.SequenceEqual(hash));
    }

    /// <summary>The log may not have the resumption yet, for it comes a second later; nor what was done since.</summary>
    public async Task<string?> WhyNotResumedAsync(CrlScope scope, CertificateRow row, long logSize, long began, CancellationToken cancellationToken)
    {
        while (true)
        {
            string? reason = await IsResumedAsync(scope, row, logSize, cancellationToken)
                ? await FindDiscrepancyAsync(row, cancellationToken)
                : $"The hold of {row.Serial} vanished, and the log has no resumption since the last CRL.";
            if (reason is null || time.GetElapsedTime(began) >= Patience)
            {
                return reason;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
        }
    }

    /// <summary>By its place in the log: the clock of the node that resumed it may have been wrong.</summary>
    private async Task<bool> IsResumedAsync(CrlScope scope, CertificateRow row, long logSize, CancellationToken cancellationToken) => await database.FindAsync<long>(
        """
        SELECT COUNT(*) FROM audit_search s JOIN log_leaf l ON l.event_id = s.event_id
        WHERE s.object_kind = 'certificate' AND s.object_id = @Id AND s.action = @Resume AND l.log_index >= @LogSize
        """,
        new { CertificateRow.ObjectOf(scope.Authority, row.Serial).Id, Resume = CertificateStatus.ResumeAction, LogSize = logSize },
        cancellationToken) > 0;

    /// <summary>The event by itself proves nothing: who decided it, is asked as in the re-audit.</summary>
    public async Task<string?> FindDiscrepancyAsync(CertificateRow row, CancellationToken cancellationToken)
    {
        IReadOnlyList<ListedEvent> all = await events.ListAsync(new EventFilter { Object = row.ObjectOf(authorities) }, rows: EventList.MaxRows, cancellationToken: cancellationToken);
        CertificateRecords records = await database.ReadAsync(
            async transaction => await CertificateRecords.LoadAsync(transaction, (await CertificateStore.FindAsync(transaction, row.CertificateId))!, all, authorities, profiles, places), cancellationToken);
        return check.Judge(records, asToday: false) is [{ } discrepancy, ..] ? $"The entry of {row.Serial} vanished or changed, and its records do not agree: {discrepancy.Kind}: {discrepancy.Detail}." : null;
    }

    /// <summary>Takes out what is on the CRL as the log says.</summary>
    /// <returns>What is on it otherwise.</returns>
    private static Dictionary<string, EntryContent> Compare(CrlFile crl, Dictionary<string, LoggedChange> expected)
    {
        var otherwise = new Dictionary<string, EntryContent>(StringComparer.Ordinal);
        Dictionary<string, LoggedChange>.AlternateLookup<ReadOnlySpan<char>> lookup = expected.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<char> digits = stackalloc char[2 * SerialNumber.MaxOctets];
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            ReadOnlySpan<byte> serial = entry.SerialNumber is [0, ..] ? entry.SerialNumber[1..] : entry.SerialNumber;
            if (!Convert.TryToHexStringLower(serial, digits, out int length) || !lookup.TryGetValue(digits[..length], out string? key, out LoggedChange? change))
            {
                continue;
            }

            EntryContent content = CrlComparison.Content(entry);
            if (IsAs(change.Decode(), content, crl.ThisUpdate))
            {
                expected.Remove(key);
            }
            else
            {
                otherwise[key] = content;
            }
        }

        return otherwise;
    }

    /// <summary>What was given up says neither reason nor date.</summary>
    private static bool IsAs(AuditLeaf leaf, EntryContent content, Time thisUpdate)
    {
        if (leaf.Action == FinishIssuance.AbandonAction)
        {
            return content.Reason == RevocationReason.CessationOfOperation;
        }

        string? reason = leaf.Fields.OfType<AuditField.Text>().FirstOrDefault(field => field.Name == CertificateStatus.ReasonField)?.Value;
        DateTime? at = TimeOf(leaf, CertificateStatus.RevokedAtField);
        return reason == CertificateStatus.NameOf(content.Reason)
            && content.Date == (at > thisUpdate.Value.UtcDateTime ? thisUpdate.Value.UtcDateTime : at)
            && content.InvalidFrom == TimeOf(leaf, CertificateStatus.InvalidFromField);
    }

    private static DateTime? TimeOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Number>().FirstOrDefault(field => field.Name == name) is { } field
        ? Time.Truncate(DateTimeOffset.FromUnixTimeMilliseconds(field.Value)).Value.UtcDateTime
        : null;

    /// <summary>Whether the CA has the certificate, and the partition may: its name has the count of them, and what counts is the serial number.</summary>
    private static bool IsOf(CrlScope scope, string objectId) =>
        objectId.StartsWith($"{scope.Authority.KeyIdentifier}/", StringComparison.Ordinal)
        && (scope.IsComplete
            || (int.TryParse(scope.Shard.AsSpan(0, Math.Max(scope.Shard.IndexOf('-', StringComparison.Ordinal), 0)), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
                && SerialNumber.TryParse(SerialOf(objectId), out SerialNumber? serial) && UrlTemplate.ShardName(serial, count) == scope.Shard));

    private static string SerialOf(string objectId) => objectId[(objectId.IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <param name="there">What the CRL has of it; null: nothing.</param>
    private async Task<string?> WhyNotAsAsync(
        CrlScope scope, LoggedChange change, CertificateRow? row, EntryContent? there, long until, DateTimeOffset? since, long began, CancellationToken cancellationToken)
    {
        if (row is not null && ((!scope.IsComplete && row.Shard != scope.Shard) || await FindEndAsync(scope, row, cancellationToken) < since))
        {
            return null;
        }

        if (await IsFollowedAsync(change, until, cancellationToken))
        {
            return null;
        }

        // The data may be newer than the log was: a hold that has ended, or is a revocation now, whose event comes a second later. The next CRL is held against that one.
        string action = change.Decode().Action;
        if (action == CertificateStatus.SuspendAction && row is not null
            && ((row.State == CertificateState.Revoked && there is { Reason: not RevocationReason.CertificateHold }) || await WhyNotResumedAsync(scope, row, change.LogIndex, began, cancellationToken) is null))
        {
            return null;
        }

        string said = string.Create(CultureInfo.InvariantCulture, $"leaf {change.LogIndex} of the log says {action}");
        return there is null ? $"{SerialOf(change.ObjectId)} is missing, and {said}." : $"The entry of {SerialOf(change.ObjectId)} is {there}, and {said}.";
    }

    /// <summary>Whether a later page has the certificate too.</summary>
    private async Task<bool> IsFollowedAsync(LoggedChange change, long until, CancellationToken cancellationToken) => await database.FindAsync<long>(
        """
        SELECT COUNT(*) FROM audit_search s JOIN log_leaf l ON l.event_id = s.event_id
        WHERE s.object_kind = 'certificate' AND s.object_id = @ObjectId AND s.action IN (@Revoke, @Suspend, @Abandon) AND l.log_index > @LogIndex AND l.log_index < @Until
        """,
        new
        {
            change.ObjectId,
            change.LogIndex,
            Until = until,
            Revoke = CertificateStatus.RevokeAction,
            Suspend = CertificateStatus.SuspendAction,
            Abandon = FinishIssuance.AbandonAction,
        },
        cancellationToken) > 0;

    private sealed record LoggedChange
    {
        public required long LogIndex { get; init; }

        public required string ObjectId { get; init; }

        public required byte[] Leaf { get; init; }

        public AuditLeaf Decode() => Der.Decode<AuditLeaf>(Leaf);
    }
}
