using System.Globalization;
using Dapper;
using ZwCa.Asn1;
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

/// <summary>A CRL that is signed and has not left yet.</summary>
/// <param name="Row">As it was intended, with length and hash of the file.</param>
/// <param name="Path">Of the file.</param>
/// <param name="Profiles">All that are known.</param>
internal sealed record CrlCandidate(CrlScope Scope, CrlRow Row, string Path, IReadOnlyList<Profile> Profiles);

/// <summary>
/// Decides whether a CRL may leave: docs/CRLS.md, in the same steps. It trusts neither what made the CRL nor the rows that it was made from: it reads the file as a relying party does,
/// and compares it with what relying parties have now, with the certificates, and with the log. Safe for concurrent use.
/// </summary>
internal sealed class CrlGate(
    Database database, AuthorityList authorities, ProfileStore profiles, Places places, CertificateCheck check, EventList events, PublicationFolders folders, ServedCrls served, CrlNode node, ClockWatch clock,
    CrlOptions options, TimeProvider time)
{
    /// <summary>How long ago the data may have been read.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(30);

    /// <summary>Reasons that are told one by one.</summary>
    private const int MaxReasons = 10;

    private const int Page = 500;

    /// <summary>How long a resumption is waited for that has no place in the log yet.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <returns>Why it may not leave, in English, for the operator; empty: it may.</returns>
    /// <exception cref="IOException">A publication folder cannot be read.</exception>
    public async Task<IReadOnlyList<string>> JudgeAsync(CrlCandidate candidate, CancellationToken cancellationToken)
    {
        var reasons = new List<string>();
        (CrlScope scope, CrlRow row) = (candidate.Scope, candidate.Row);
        await using var stream = new FileStream(candidate.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
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
        (ServedCrl Crl, string Path)? others = await JudgeServedAsync(reasons, scope, last, cancellationToken);
        if (last is not null)
        {
            Require(reasons, row.CrlNumber > last.CrlNumber, $"Its number {row.CrlNumber} is not above {last.CrlNumber}, which was published.");
            Require(reasons, crl.ThisUpdate.Value > last.ThisUpdate!.Value, $"Its thisUpdate {crl.ThisUpdate} is not after that of number {last.CrlNumber}.");
            Require(reasons, row.LogSize >= last.LogSize, $"Its data are of {row.LogSize} events of the log, those of number {last.CrlNumber} of {last.LogSize}: they are older.");
        }
        else if (others is { } found)
        {
            Require(reasons, row.CrlNumber > found.Crl.Number, $"Its number {row.CrlNumber} is not above {found.Crl.Number}, which {found.Path} has.");
            Require(reasons, crl.ThisUpdate.Value > found.Crl.ThisUpdate, $"Its thisUpdate {crl.ThisUpdate} is not after that of {found.Path}.");
        }

        if (reasons.Count > 0)
        {
            return reasons;
        }

        // Step 3: each entry that was there and is not, or is now and was not.
        await using Stream? before = last is not null ? await OpenPublishedAsync(scope, last, cancellationToken) : others is { } there ? OpenServed(there.Path) : null;
        try
        {
            using var comparison = CrlComparison.Make(before is null ? null : CrlFile.Read(before), crl, node.WorkFolder);
            Require(reasons, comparison.After == row.Entries, $"It has {comparison.After} entries, and was intended to have {row.Entries}.");
            DateTimeOffset? since = last?.ThisUpdate ?? others?.Crl.ThisUpdate;
            long began = time.GetTimestamp();
            foreach (EntryChange[] changes in comparison.ReadChanges().Chunk(Page))
            {
                await JudgeChangesAsync(reasons, scope, changes, row.ThisUpdate!.Value, since, last?.LogSize ?? 0, began, cancellationToken);
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
        foreach (Finding finding in CrlLint.Check(crl.View, new CrlLintContext { Issuer = issuer, DistributionPoint = point }).Where(each => each.Severity == Severity.Error).Take(MaxReasons))
        {
            reasons.Add($"Lint: {finding}.");
        }
    }

    private static bool IsSame(DistributionPointName? one, DistributionPointName? other) => one is null || other is null ? one is null && other is null : one.DerEquals(other);

    /// <returns>The newest of what is served and was not published by this service: of the ceremony; null: nothing is.</returns>
    private async Task<(ServedCrl Crl, string Path)?> JudgeServedAsync(List<string> reasons, CrlScope scope, CrlRow? last, CancellationToken cancellationToken)
    {
        (ServedCrl Crl, string Path)? others = null;
        foreach (PublicationFolder folder in folders.All)
        {
            ServedCrl there = await served.LookAsync(folder, scope, anew: true, cancellationToken);
            if (last is not null ? there.Hash?.AsSpan().SequenceEqual(last.Hash) == true : there.Hash is null)
            {
                continue;
            }

            string path = folder.PathOf(scope.Path);
            if (last is not null)
            {
                reasons.Add($"{path} is not number {last.CrlNumber}, which was published, but {there.What}.");
            }
            else if (there.Number is null)
            {
                reasons.Add($"{path} is {there.What}.");
            }
            else if (others is null || there.Number > others.Value.Crl.Number)
            {
                others = (there, path);
            }
        }

        return others;
    }

    private static FileStream OpenServed(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0);

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
    private async Task JudgeChangesAsync(
        List<string> reasons, CrlScope scope, EntryChange[] changes, DateTimeOffset readAt, DateTimeOffset? since, long logSize, long began, CancellationToken cancellationToken)
    {
        string list = string.Join(", ", changes.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"@S{i}")));
        var parameters = new DynamicParameters(new { Authority = scope.Authority.Id });
        for (int i = 0; i < changes.Length; i++)
        {
            parameters.Add(string.Create(CultureInfo.InvariantCulture, $"S{i}"), changes[i].Serial);
        }

        var rows = (await database.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE authority_id = @Authority AND serial IN ({list})", parameters, cancellationToken)).ToDictionary(row => row.Serial);
        foreach (EntryChange change in changes)
        {
            rows.TryGetValue(change.Serial, out CertificateRow? row);
            string? reason = (change.Before, change.After) switch
            {
                (null, { } after) => WhyNotNew(change.Serial, after, row, readAt),
                ({ } before, { } after) when before == after => null,
                ({ Reason: not RevocationReason.CertificateHold } before, { } after) => $"The entry of {change.Serial} was {before}, and would be {after}.",
                ({ } before, { } after) when before.Date == after.Date => WhyNotNew(change.Serial, after, row, readAt),

                // Gone and come back meanwhile.
                ({ }, { } after) => WhyNotNew(change.Serial, after, row, readAt) ?? await WhyNotResumedAsync(scope, row!, logSize, began, cancellationToken),
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

    private static string? WhyNotNew(string serial, EntryContent after, CertificateRow? row, DateTimeOffset readAt)
    {
        if (row is null)
        {
            return $"{serial} appears, and no certificate has the number.";
        }

        // What has changed since the data were read is on the next CRL.
        bool isSo = row.ChangedAt > readAt
            || (row.State == CertificateState.Held && after.Reason == RevocationReason.CertificateHold)
            || (row.State == CertificateState.Revoked && after.Reason != RevocationReason.CertificateHold);
        return isSo ? null : $"{serial} appears as {after.Reason}, and its certificate is {row.State}.";
    }

    /// <summary>Incident 5: an entry goes when its certificate had expired before the CRL on which it was last, or with a resumption that officers decided and the log has.</summary>
    private async Task<string?> WhyNotGoneAsync(
        CrlScope scope, string serial, EntryContent before, CertificateRow? row, DateTimeOffset since, long logSize, long began, CancellationToken cancellationToken)
    {
        if (row is null || await FindEndAsync(scope, row, cancellationToken) is not { } notAfter)
        {
            return $"{serial} vanished, and nothing that was signed says when its certificate ends.";
        }

        return notAfter < since ? null
            : before.Reason == RevocationReason.CertificateHold ? await WhyNotResumedAsync(scope, row, logSize, began, cancellationToken)
            : $"{serial} vanished, and its certificate does not end before {notAfter:u}.";
    }

    /// <summary>When a certificate ends, by the bytes that the CA has signed, or was about to: whoever can write rows has no say in it.</summary>
    /// <returns>Null: neither its signature nor the log vouches for them.</returns>
    private async Task<DateTimeOffset?> FindEndAsync(CrlScope scope, CertificateRow row, CancellationToken cancellationToken)
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
    private async Task<string?> WhyNotResumedAsync(CrlScope scope, CertificateRow row, long logSize, long began, CancellationToken cancellationToken)
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

    private async Task<bool> IsResumedAsync(CrlScope scope, CertificateRow row, long logSize, CancellationToken cancellationToken)
    {
        EventFilter filter = new() { Object = CertificateRow.ObjectOf(scope.Authority, row.Serial), Action = CertificateStatus.ResumeAction };
        return await events.ListAsync(filter, rows: 1, newestFirst: true, cancellationToken: cancellationToken) is [{ } last]
            && await database.FindAsync<long?>("SELECT log_index FROM log_leaf WHERE event_id = @EventId", new { last.EventId }, cancellationToken) >= logSize;
    }

    /// <summary>The event by itself proves nothing: who decided it, is asked as in the re-audit.</summary>
    private async Task<string?> FindDiscrepancyAsync(CertificateRow row, CancellationToken cancellationToken)
    {
        IReadOnlyList<ListedEvent> all = await events.ListAsync(new EventFilter { Object = row.ObjectOf(authorities) }, rows: EventList.MaxRows, cancellationToken: cancellationToken);
        CertificateRecords records = await database.ReadAsync(
            async transaction => await CertificateRecords.LoadAsync(transaction, (await CertificateStore.FindAsync(transaction, row.CertificateId))!, all, authorities, profiles, places), cancellationToken);
        return check.Judge(records) is [{ } discrepancy, ..] ? $"The hold of {row.Serial} vanished, and its records do not agree: {discrepancy.Kind}: {discrepancy.Detail}." : null;
    }

    private static void Require(List<string> reasons, bool met, string reason)
    {
        if (!met)
        {
            reasons.Add(reason);
        }
    }
}
