using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Jobs;

namespace ZwCa.Ca.Crls;

/// <summary>A CRL that is signed and has not left yet.</summary>
/// <param name="Row">As it was intended.</param>
/// <param name="Path">Of the file.</param>
/// <param name="Profiles">All that are known.</param>
internal sealed record CrlCandidate(CrlScope Scope, CrlRow Row, string Path, IReadOnlyList<Profile> Profiles);

/// <summary>
/// Decides whether a CRL may leave: docs/CRLS.md, in the same steps. It trusts neither what made the CRL nor the rows that it was made from: it reads the file as a relying party does,
/// and compares it with what relying parties have now, with the certificates, and with the log. Safe for concurrent use.
/// </summary>
internal sealed class CrlGate(
    Database database, CrlEvidence evidence, OrderedCommands ordered, PublicationFolders folders, ServedCrls served, CrlNode node, ClockWatch clock, CrlOptions options, TimeProvider time)
{
    /// <summary>How long ago the data may have been read.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(30);

    /// <summary>Reasons that are told one by one.</summary>
    private const int MaxReasons = 10;

    private const int Page = 500;

    private static readonly TimeSpan AroundReading = TimeSpan.FromMinutes(1);

    /// <returns>Why it may not leave, in English, for the operator; empty: it may.</returns>
    /// <exception cref="IOException">A publication folder cannot be read.</exception>
    public async Task<IReadOnlyList<string>> JudgeAsync(CrlCandidate candidate, CancellationToken cancellationToken)
    {
        // Lint looks at nothing but the file: beside the rest.
        Task<List<string>> lint = Task.Run(() => JudgeForm(candidate), CancellationToken.None);
        Task<List<string>> content = Task.Run(() => JudgeContentAsync(candidate, cancellationToken), CancellationToken.None);
        await Task.WhenAll(lint, content);
        return [.. await content, .. await lint];
    }

    private static FileStream Open(CrlCandidate candidate) => new(candidate.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);

    private static List<string> JudgeForm(CrlCandidate candidate)
    {
        using FileStream stream = Open(candidate);
        var context = new CrlLintContext { Issuer = candidate.Scope.Authority.Certificate, DistributionPoint = CrlScopes.PointOf(candidate.Scope, candidate.Profiles) };
        return [.. CrlLint.Check(CrlView.Read(stream), context).Where(finding => finding.Severity == Severity.Error).Take(MaxReasons).Select(finding => $"Lint: {finding}.")];
    }

    private async Task<List<string>> JudgeContentAsync(CrlCandidate candidate, CancellationToken cancellationToken)
    {
        var reasons = new List<string>();
        (CrlScope scope, CrlRow row) = (candidate.Scope, candidate.Row);
        await using FileStream stream = Open(candidate);
        CrlFile crl;
        try
        {
            crl = CrlFile.Read(stream);
        }
        catch (DerException e)
        {
            return [e.Message];
        }

        // Step 1: the clock, and the file by itself.
        JudgeTimes(reasons, row, crl);
        JudgeFile(reasons, candidate, crl);

        // Step 2: what relying parties have now. The database says what that was; the folders are outside it, and say the same.
        CrlRow? last = await database.ReadAsync(transaction => CrlStore.FindPublishedAsync(transaction, scope), cancellationToken);
        (ServedCrl Crl, PublicationFolder Folder)? others = await JudgeServedAsync(reasons, scope, last, cancellationToken);
        if (last is not null)
        {
            Require(reasons, row.CrlNumber > last.CrlNumber, $"Its number {row.CrlNumber} is not above {last.CrlNumber}, which was published.");
            Require(reasons, crl.ThisUpdate.Value > last.ThisUpdate!.Value, $"Its thisUpdate {crl.ThisUpdate} is not after that of number {last.CrlNumber}.");
            Require(
                reasons,
                time.GetUtcNow() <= last.NextUpdate || await database.ReadAsync(transaction => CrlActions.IsOrderedAsync(transaction, ordered, scope, last.LogSize!.Value), cancellationToken),
                $"Number {last.CrlNumber} ended at {last.NextUpdate:u}, and now it is {time.GetUtcNow():u}: was the service away for so long, or is its clock wrong? Where the time is right, two officers say so by {CrlActions.Emergency}.");
            Require(reasons, row.LogSize >= last.LogSize, $"Its data are of {row.LogSize} events of the log, those of number {last.CrlNumber} of {last.LogSize}: they are older.");
        }
        else if (others is { } found)
        {
            Require(reasons, row.CrlNumber > found.Crl.Number, $"Its number {row.CrlNumber} is not above {found.Crl.Number}, which {found.Folder.PathOf(scope.Path)} has.");
            Require(reasons, crl.ThisUpdate.Value > found.Crl.ThisUpdate, $"Its thisUpdate {crl.ThisUpdate} is not after that of {found.Folder.PathOf(scope.Path)}.");
        }

        if (reasons.Count > 0)
        {
            return reasons;
        }

        DateTimeOffset? since = null;

        // Step 3: each entry that was there and is not, or is now and was not.
        await using Stream? before = last is not null ? await OpenPublishedAsync(scope, last, cancellationToken) : others?.Folder.Open(scope.Path);
        try
        {
            CrlFile? earlier = before is null ? null : CrlFile.Read(before);
            since = earlier?.ThisUpdate.Value;
            using var comparison = CrlComparison.Make(earlier, crl, node.WorkFolder);
            Require(reasons, comparison.After == row.Entries, $"It has {comparison.After} entries, and was intended to have {row.Entries}.");
            long began = time.GetTimestamp();
            var adopted = new Lazy<Task<bool>>(
                () => last is null ? Task.FromResult(false) : database.ReadAsync(transaction => AdoptCrl.IsOrderedAsync(transaction, ordered, scope, last.Hash!), cancellationToken));
            foreach (EntryChange[] changes in comparison.ReadChanges().Chunk(Page))
            {
                await JudgeChangesAsync(reasons, scope, changes, row.ThisUpdate!.Value, since, last?.LogSize ?? 0, began, adopted, cancellationToken);
                if (reasons.Count >= MaxReasons)
                {
                    reasons.Add("There may be more.");
                    break;
                }
            }
        }
        catch (DerException e)
        {
            reasons.Add(e.Message);
            return reasons;
        }

        // Step 4: each change of status that the log has since then, and had when the data were read.
        await foreach (string missing in evidence.FindMissingAsync(scope, crl, last?.LogSize ?? 0, row.LogSize!.Value, since, cancellationToken))
        {
            reasons.Add(missing);
            if (reasons.Count >= MaxReasons)
            {
                reasons.Add("There may be more.");
                break;
            }
        }

        return reasons;
    }

    private void JudgeTimes(List<string> reasons, CrlRow row, CrlFile crl)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (clock.FindFault() is { } fault)
        {
            reasons.Add(fault);
        }

        Require(
            reasons,
            crl.ThisUpdate.Value == row.ThisUpdate && crl.NextUpdate?.Value == row.NextUpdate && row.NextUpdate - row.ThisUpdate == options.Validity,
            $"Its times, {crl.ThisUpdate} to {crl.NextUpdate}, are not those that were intended.");
        Require(reasons, crl.ThisUpdate.Value <= now, $"Its thisUpdate {crl.ThisUpdate} is in the future: it is {now:u}.");
        Require(reasons, crl.ThisUpdate.Value >= now - MaxAge, $"Its data were read at {crl.ThisUpdate}, and now it is {now:u}: it has taken too long.");
    }

    private static void JudgeFile(List<string> reasons, CrlCandidate candidate, CrlFile crl)
    {
        (CrlScope scope, CrlRow row) = (candidate.Scope, candidate.Row);
        Certificate issuer = scope.Authority.Certificate;
        Require(reasons, crl.Number == row.CrlNumber, $"Its number is {crl.Number}, and was intended to be {row.CrlNumber}.");
        Require(reasons, crl.IsOf(issuer) && crl.AuthorityKeyIdentifier is not null, $"Its issuer or key identifier is not that of {scope.Authority.Name}, whose place is {scope.Path}.");
        Require(reasons, crl.IsSignedBy(issuer), $"Its signature is not that of {scope.Authority.Name}.");
        DistributionPointName? point = CrlScopes.PointOf(scope, candidate.Profiles);
        Require(
            reasons,
            crl.BaseNumber is null && crl.Kind == (point is null ? CrlKind.Complete : CrlKind.Partition) && IsSame(crl.Scope?.DistributionPoint, point),
            "Its scope is not what the certificates name.");
    }

    private static bool IsSame(DistributionPointName? one, DistributionPointName? other) => one is null || other is null ? one is null && other is null : one.DerEquals(other);

    /// <summary>
    /// One folder that has what was published last is enough: another that cannot be read, or is not as far yet, keeps no CRL from those who read the first. What is neither there nor
    /// was published before is a reason, wherever it is.
    /// </summary>
    /// <returns>The newest of what is served and was not published by this service: of the ceremony; null: nothing is.</returns>
    private async Task<(ServedCrl Crl, PublicationFolder Folder)?> JudgeServedAsync(List<string> reasons, CrlScope scope, CrlRow? last, CancellationToken cancellationToken)
    {
        (ServedCrl Crl, PublicationFolder Folder)? others = null;
        bool isAnyRight = folders.All.Count == 0;
        var behind = new List<string>();
        IOException? unreadable = null;
        foreach (PublicationFolder folder in folders.All)
        {
            ServedCrl there;
            try
            {
                there = await served.LookAsync(folder, scope, anew: true, cancellationToken);
            }
            catch (IOException e)
            {
                unreadable ??= e;
                continue;
            }

            string path = folder.PathOf(scope.Path);
            if (last is not null)
            {
                CrlRow? known = there.Hash is null ? null
                    : there.Has(last.Hash) ? last
                    : await database.ReadAsync(transaction => CrlStore.FindByHashAsync(transaction, scope, there.Hash), cancellationToken);
                string reason = $"{path} is not number {last.CrlNumber}, which was published, but {there.What}.";
                bool isLater = known is { State: CrlState.GivenUp } && known.CrlNumber > last.CrlNumber;
                if (known?.CrlNumber == last.CrlNumber || isLater)
                {
                    // A later one has passed the gate, and was given up since it had expired before anybody was known to have it: the next one is not held up by it.
                    isAnyRight = true;
                }
                else if (!there.Exists || (known is { State: CrlState.Published or CrlState.GivenUp } && known.CrlNumber < last.CrlNumber))
                {
                    behind.Add(reason);
                }
                else
                {
                    reasons.Add(reason);
                }
            }
            else if (!there.Exists)
            {
                continue;
            }
            else if (there.Number is null)
            {
                reasons.Add($"{path} is {there.What}.");
            }
            else if (others is null || there.Number > others.Value.Crl.Number)
            {
                others = (there, folder);
            }
        }

        // Before the first one, what is of the ceremony has to be seen everywhere.
        if (unreadable is not null && (last is null || (!isAnyRight && behind.Count == 0)))
        {
            throw new IOException(unreadable.Message, unreadable);
        }

        reasons.AddRange(isAnyRight ? [] : behind);
        return others;
    }

    /// <summary>From the database, whole, as it was published.</summary>
    private async Task<Stream> OpenPublishedAsync(CrlScope scope, CrlRow last, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0, Options = FileOptions.DeleteOnClose,
        };
        var file = new FileStream(System.IO.Path.Combine(node.WorkFolder, $"{Guid.NewGuid():N}.last"), options);
        try
        {
            for (long part = 0; await database.ReadAsync(transaction => CrlStore.FindPartAsync(transaction, last.CrlId, part), cancellationToken) is { } content; part++)
            {
                await file.WriteAsync(content, cancellationToken);
            }

            file.Position = 0;
            byte[] hash = await FileHash.ComputeAsync(file, cancellationToken);
            return hash.AsSpan().SequenceEqual(last.Hash) ? file : throw new InvalidDataException($"The database has lost the bytes of {scope} number {last.CrlNumber}, or they were changed.");
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <param name="readAt">When the data were read.</param>
    /// <param name="since">thisUpdate of the CRL before; null: there was none.</param>
    /// <param name="logSize">Leaves of the log when that one's data were read.</param>
    /// <param name="began">Ticks: since when the log is waited for.</param>
    /// <param name="adopted">Whether officers have ordered that the one before is taken as it is.</param>
    private async Task JudgeChangesAsync(
        List<string> reasons, CrlScope scope, EntryChange[] changes, DateTimeOffset readAt, DateTimeOffset? since, long logSize, long began, Lazy<Task<bool>> adopted,
        CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, CertificateRow> rows = await CrlEvidence.FindRowsAsync(database, scope, [.. changes.Select(change => change.Serial)], cancellationToken);
        foreach (EntryChange change in changes)
        {
            rows.TryGetValue(change.Serial, out CertificateRow? row);
            string? reason = (change.Before, change.After) switch
            {
                (null, { } after) => WhyNotNew(scope, change.Serial, after, row, readAt),
                ({ } before, { } after) when before == after => null,

                // It was of the future, and is nearer to what it was to be: see the snapshot.
                ({ } before, { } after) when before.Date == since!.Value.UtcDateTime && after.Date > before.Date && after == before with { Date = after.Date } => null,
                ({ } before, { } after) when AdoptCrl.IsDoneAgain(before, after) && await adopted.Value =>
                    WhyNotNew(scope, change.Serial, after, row, readAt) ?? await evidence.FindDiscrepancyAsync(row!, cancellationToken),
                ({ } before, { } after) when before.Reason != RevocationReason.CertificateHold || (before.Reason == after.Reason && before.Date == after.Date) =>
                    $"The entry of {change.Serial} was {before}, and would be {after}.",
                ({ } before, { } after) when before.Date == after.Date => WhyNotNew(scope, change.Serial, after, row, readAt),

                // Gone and come back meanwhile.
                ({ }, { } after) => WhyNotNew(scope, change.Serial, after, row, readAt) ?? await evidence.WhyNotResumedAsync(scope, row!, logSize, began, cancellationToken),
                ({ } before, null) => await WhyNotGoneAsync(scope, change.Serial, before, row, since!.Value, logSize, began, cancellationToken),
                _ => null,
            };
            if (reason is not null)
            {
                reasons.Add(reason);
            }

            if (reasons.Count >= MaxReasons)
            {
                return;
            }
        }
    }

    private static string? WhyNotNew(CrlScope scope, string serial, EntryContent after, CertificateRow? row, DateTimeOffset readAt)
    {
        if (row is null)
        {
            return $"{serial} appears, and no certificate has the number.";
        }

        if (!scope.IsComplete && row.Shard != scope.Shard)
        {
            return $"{serial} appears, and its certificate is on the CRL {row.Shard}.";
        }

        // What has changed since the data were read is on the next CRL; a change is dated a little earlier than it is committed, which only for a resumption makes a difference.
        bool isSo = row.ChangedAt > (after.Reason == RevocationReason.CertificateHold ? readAt - AroundReading : readAt)
            || (row.State == CertificateState.Held && after.Reason == RevocationReason.CertificateHold)
            || (row.State == CertificateState.Revoked && after.Reason != RevocationReason.CertificateHold);
        return isSo ? null : $"{serial} appears as {after.Reason}, and its certificate is {row.State}.";
    }

    /// <summary>Incident 5: an entry goes when its certificate had expired before the CRL on which it was last, or with a resumption that officers decided and the log has.</summary>
    private async Task<string?> WhyNotGoneAsync(
        CrlScope scope, string serial, EntryContent before, CertificateRow? row, DateTimeOffset since, long logSize, long began, CancellationToken cancellationToken)
    {
        if (row is null || await evidence.FindEndAsync(scope, row, cancellationToken) is not { } notAfter)
        {
            return $"{serial} vanished, and nothing that was signed says when its certificate ends.";
        }

        return notAfter < since ? null
            : before.Reason == RevocationReason.CertificateHold ? await evidence.WhyNotResumedAsync(scope, row, logSize, began, cancellationToken)
            : $"{serial} vanished, and its certificate does not end before {notAfter:u}.";
    }

    private static void Require(List<string> reasons, bool met, string reason)
    {
        if (!met)
        {
            reasons.Add(reason);
        }
    }
}
