using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Crash;

/// <summary>A request that a client sent until it was answered.</summary>
internal sealed record Answered(RaParty Ra, RequestId Id, DecidedRequest Request, CertificateAnswer Answer);

/// <summary>Serial numbers of the SM2 CA of subscribers by what became of them, and what does not fit.</summary>
/// <param name="Intended">Rows that ever had an intention.</param>
/// <param name="Again">Attempts after the first.</param>
/// <param name="Counted">Signatures that the device counted.</param>
internal sealed record CrashReport(int Reserved, int Intended, long Again, long Counted, int Stored, int GivenUp, int Unused, long LogSize, IReadOnlyList<string> Findings)
{
    public override string ToString() =>
        $"reserved {Reserved}, intended {Intended}, signed again {Again}, signed by counter {Counted}, stored {Stored}, given up {GivenUp}, unused {Unused}; log of {LogSize} events"
        + (Findings.Count == 0 ? " verified" : $"\n{string.Join('\n', Findings.Take(20))}");
}

/// <summary>What database, device and log say about the same certificates, each read by itself, after the service has ended.</summary>
internal sealed class Truth(CaProcess ca, IReadOnlyList<Answered> answered)
{
    private const string Issuing = "issuing-s1";

    private readonly List<string> _findings = [];

    /// <param name="signedBefore">The device's count before the first request.</param>
    public async Task<CrashReport> CheckAsync(long signedBefore, CancellationToken cancellationToken)
    {
        await using Database database = ca.OpenDatabase();
        short authority = await database.FindAsync<short>("SELECT authority_id FROM authority WHERE name = @Name", new { Name = Issuing }, cancellationToken);
        IReadOnlyList<CertificateRow> rows = await database.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE authority_id = @Authority", new { Authority = authority }, cancellationToken);
        CertificateRow[] intended = [.. rows.Where(row => row.Tbs is not null)];
        CertificateRow[] stored = [.. rows.Where(row => row.Signature is not null)];
        CertificateRow[] givenUp = [.. intended.Where(row => row.State == CertificateState.Revoked && row.Signature is null)];
        int unused = rows.Count(row => row.State == CertificateState.Unused);

        // Every serial number is in a final state.
        Require(stored.All(row => row.State == CertificateState.Valid), "a stored certificate is not valid");
        Require(rows.Count == stored.Length + givenUp.Length + unused, $"{rows.Count} serial numbers are {stored.Length} stored, {givenUp.Length} given up, {unused} unused");

        // The device has signed what is stored, and nothing that no row tells of: an intention lets it sign once, each attempt once more.
        long again = await database.FindAsync<long>(
            "SELECT COUNT(*) FROM signing_attempt JOIN certificate ON certificate.certificate_id = signing_attempt.certificate_id WHERE authority_id = @Authority",
            new { Authority = authority },
            cancellationToken);
        long counted = await ca.CountSignaturesAsync(Issuing) - signedBefore;
        Require(stored.Length <= counted && counted <= intended.Length + again, $"{counted} signatures, but {stored.Length} stored, {intended.Length} intentions and {again} attempts more");

        await CheckRequestsAsync(database, rows, intended.Length, cancellationToken);
        SignatureCheck check = new SignatureCheck(ca.Issuers.Subscribers.SubjectPublicKeyInfo, ca.Issuers.Subscribers.Algorithm).Prepare();
        foreach (CertificateRow row in stored)
        {
            Certificate certificate = row.FindCertificate()!;
            Require(check.Holds(certificate.TbsBytes.Span, certificate.Signature), $"{row}: the signature does not hold");
        }

        long size = await CheckLogAsync(database, rows, again, cancellationToken);
        return new CrashReport(rows.Count, intended.Length, again, counted, stored.Length, givenUp.Length, unused, size, _findings);
    }

    private async Task CheckRequestsAsync(Database database, IReadOnlyList<CertificateRow> rows, int intended, CancellationToken cancellationToken)
    {
        // One decision, one certificate, one answer.
        IReadOnlyList<DecisionRow> decisions = await database.QueryAsync<DecisionRow>(
            "SELECT requester, request_id, certificate_id FROM decision WHERE requester <> 'command'", cancellationToken: cancellationToken);
        Require(decisions.Count == intended, $"{decisions.Count} decisions for {intended} intentions");
        Require(decisions.Select(each => Convert.ToHexString(each.CertificateId)).Distinct().Count() == decisions.Count, "two decisions have one certificate");
        Require(decisions.Select(each => each.RequestId).Distinct().Count() == decisions.Count, "one request spent two decisions");
        long unanswered = await database.FindAsync<long>("SELECT COUNT(*) FROM message_answer WHERE state = 0", cancellationToken: cancellationToken);
        Require(unanswered == 0, $"{unanswered} requests have no answer kept");
        Dictionary<string, DecisionRow> byRequest = decisions.ToDictionary(each => each.RequestId);
        Dictionary<string, CertificateRow> byId = rows.ToDictionary(row => Convert.ToHexString(row.CertificateId));
        foreach (Answered each in answered)
        {
            Certificate? kept = byRequest.TryGetValue(each.Id.ToString(), out DecisionRow? decision)
                ? byId[Convert.ToHexString(decision.CertificateId)].FindCertificate()
                : null;
            Require(kept is not null && Der.Encode(kept).AsSpan().SequenceEqual(each.Answer.Certificate), $"request {each.Id} was answered with another certificate than is stored");
        }

        // An intention counts against its RA's quota, once.
        foreach (IGrouping<string, DecisionRow> ra in decisions.GroupBy(each => each.Requester))
        {
            long issued = await database.FindAsync<long>("SELECT issued FROM registration_authority WHERE ra_name = @Name", new { Name = ra.Key }, cancellationToken);
            Require(issued == ra.Count(), $"{ra.Key} has {ra.Count()} intentions and {issued} counted");
        }
    }

    private async Task<long> CheckLogAsync(Database database, IReadOnlyList<CertificateRow> rows, long again, CancellationToken cancellationToken)
    {
        // The log by itself.
        var options = new LogOptions
        {
            Origin = CaScene.LogOrigin,
            Key = (await ca.Hsm.FindKeyAsync(new KeyLabel("ca-log"), cancellationToken))!.PublicKey!,
            Anchors = [new Anchor(ca.AnchorFile)],
        };
        LogCheckReport report = await new LogCheck(database, options).RunAsync(cancellationToken);
        _findings.AddRange(report.Findings);
        long events = await database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", cancellationToken: cancellationToken);
        Require(report.Pending == 0 && report.Leaves == events, $"{events} events, {report.Leaves} in the log, {report.Pending} waiting");
        Checkpoint latest = (await new LogProofs(database).FindLatestCheckpointAsync(cancellationToken))!;
        Require(latest.Tbs.TreeSize == events, $"the last checkpoint covers {latest.Tbs.TreeSize} of {events} events");

        // What an anchor got is what the log is.
        var verifier = new AuditVerifier(options.Origin, options.Key);
        foreach (Checkpoint anchored in options.Anchors[0].Read().TakeLast(20))
        {
            verifier.VerifyConsistency(anchored, latest, await new LogProofs(database).ProveConsistencyAsync(anchored.Tbs.TreeSize, latest.Tbs.TreeSize, cancellationToken));
        }

        // And what it tells of certificates, in its order.
        string prefix = Convert.ToHexStringLower(ca.Issuers.Subscribers.KeyIdentifier.Span) + "/";
        IReadOnlyList<byte[]> leaves = await database.QueryAsync<byte[]>(
            "SELECT leaf FROM log_leaf JOIN audit_event ON audit_event.event_id = log_leaf.event_id ORDER BY log_index", cancellationToken: cancellationToken);
        ILookup<string, AuditLeaf> told = leaves.Select(leaf => Der.Decode<AuditLeaf>(leaf))
            .Where(leaf => leaf.Object.Kind == "certificate" && leaf.Object.Id.StartsWith(prefix, StringComparison.Ordinal))
            .ToLookup(leaf => leaf.Object.Id[prefix.Length..]);
        Require(told.All(each => rows.Any(row => row.Serial == each.Key)), "the log tells of a certificate that has no row");
        foreach (CertificateRow row in rows)
        {
            CheckEvents(row, [.. told[row.Serial]]);
        }

        long toldAgain = told.SelectMany(each => each).LongCount(leaf => leaf.Action == FinishIssuance.SignAgainAction);
        Require(toldAgain == again, $"{again} attempts, {toldAgain} in the log");
        return report.Leaves;
    }

    private void CheckEvents(CertificateRow row, AuditLeaf[] leaves)
    {
        string[] actions = [.. leaves.Select(leaf => leaf.Action).Where(action => action != FinishIssuance.SignAgainAction)];
        string[] expected = row.State switch
        {
            CertificateState.Unused => [IssueCertificate.UnusedAction],
            _ when row.Signature is not null => [IssueCertificate.IntendAction, FinishIssuance.IssueAction],
            _ => [IssueCertificate.IntendAction, FinishIssuance.AbandonAction],
        };
        Require(actions.SequenceEqual(expected), $"{row}: the log tells {string.Join(", ", leaves.Select(leaf => leaf.Action))}");
        if (leaves.FirstOrDefault(leaf => leaf.Action == IssueCertificate.IntendAction) is { } intention)
        {
            Require(leaves[0] == intention && FieldOf(intention, "tbs").SequenceEqual(Sm3.HashData(row.Tbs!)), $"{row}: the log knows another intention");
        }

        if (leaves.FirstOrDefault(leaf => leaf.Action == FinishIssuance.IssueAction) is { } issue)
        {
            Require(FieldOf(issue, "certificate").SequenceEqual(Sm3.HashData(Der.Encode(row.FindCertificate()!))), $"{row}: the log knows another certificate");
        }
    }

    private static ReadOnlySpan<byte> FieldOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Octets>().Single(field => field.Name == name).Value.Span;

    private void Require(bool met, string finding)
    {
        if (!met)
        {
            _findings.Add(finding);
        }
    }

    private sealed record DecisionRow
    {
        public required string Requester { get; init; }

        public required string RequestId { get; init; }

        public required byte[] CertificateId { get; init; }
    }
}
