using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Tests.Ca.Pairs;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>What RA, CA and KMC say of one batch that has come to its end, and what does not fit.</summary>
internal sealed class BatchTruth(CaProcess ca, KmcProcess kmc, RaProcess ra)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly List<string> _findings = [];

    /// <summary>Waits until what has died is looked after: serial numbers that were only reserved, keys that nobody got.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        await using Database issuing = ca.OpenDatabase();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        while (await CountAsync(issuing, "SELECT COUNT(*) FROM certificate WHERE state < 2") + await CountAsync(issuing, "SELECT COUNT(*) FROM key_task") > 0)
        {
            await Task.Delay(100, patience.Token);
        }
    }

    public async Task<IReadOnlyList<string>> CheckAsync(BatchApplicants applicants, CancellationToken cancellationToken)
    {
        await using Database own = ra.OpenDatabase();
        await using Database issuing = ca.OpenDatabase();
        await using Database escrow = kmc.OpenDatabase();
        IReadOnlyList<Row> rows = await own.QueryAsync<Row>(
            "SELECT r.row_number, LOWER(HEX(r.enrollment_id)) AS enrollment, e.state FROM batch_row r JOIN enrollment e ON e.enrollment_id = r.enrollment_id ORDER BY r.row_number",
            cancellationToken: cancellationToken);
        await CheckRowsAsync(own, rows, applicants, cancellationToken);
        await CheckStepsAsync(own, rows.Count);
        await CheckIssuedAsync(own, issuing, rows, applicants, cancellationToken);

        int pairs = applicants.Good.Values.Count(each => each.IsPair);
        _findings.AddRange(await PairTruth.CheckWholeAsync(issuing, cancellationToken));
        long whole = await CountAsync(issuing, "SELECT COUNT(*) FROM certificate_pair p JOIN certificate c ON c.certificate_id = p.pair_id WHERE c.state = 2");
        Require(whole == pairs, $"the CA has issued {whole} pairs, not {pairs}");
        long inUse = await CountAsync(escrow, $"SELECT COUNT(*) FROM key_binding b JOIN escrowed_key k ON k.key_id = b.key_id WHERE k.state = {(short)KeyState.InUse}");
        Require(inUse == pairs, $"the KMC has {inUse} keys in use, not {pairs}");
        return _findings;
    }

    /// <summary>Of each good row one enrollment, of each other one a refusal; and no subscriber too many.</summary>
    private async Task CheckRowsAsync(Database own, IReadOnlyList<Row> rows, BatchApplicants applicants, CancellationToken cancellationToken)
    {
        Require(rows.Select(row => row.RowNumber).SequenceEqual(applicants.Good.Keys), "rows were lost, or have come twice");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM enrollment") == rows.Count, "an enrollment is of no row");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM subscriber") == rows.Count, "there are not as many subscribers as good rows");
        Require(rows.All(row => row.State == 6), "an enrollment is not issued");
        (long, long, long, long)[] expected = [.. Enumerable.Range(1, 4).Select(kind => ((long)kind, 1L, (long)applicants.Good.Count, kind <= 2 ? applicants.Wrong.Count : 0L))];
        IReadOnlyList<(long Kind, long State, long Done, long Refused)> tasks = await own.QueryAsync<(long, long, long, long)>("SELECT kind, state, done, refused FROM batch_task ORDER BY number", cancellationToken: cancellationToken);
        Require(tasks.SequenceEqual(expected), $"tasks: {string.Join("; ", tasks)}");
        IReadOnlyList<(long Number, long Row)> refused = await own.QueryAsync<(long, long)>("SELECT number, row_number FROM batch_refusal ORDER BY number, row_number", cancellationToken: cancellationToken);
        Require(refused.SequenceEqual(new[] { 1L, 2L }.SelectMany(number => applicants.Wrong.Select(row => (number, row)))), $"refused: {string.Join("; ", refused)}");
    }

    /// <summary>Each step once, by two persons.</summary>
    private async Task CheckStepsAsync(Database own, int rows)
    {
        Require(
            await CountAsync(own, "SELECT COUNT(*) FROM enrollment e WHERE e.version <> (SELECT COUNT(*) FROM enrollment_step s WHERE s.enrollment_id = e.enrollment_id)") == 0, "a step is missing");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM submission") == rows && await CountAsync(own, "SELECT COUNT(*) FROM submission WHERE round <> 1") == 0, "something was not submitted once");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM review") == rows && await CountAsync(own, "SELECT COUNT(*) FROM review WHERE outcome <> 1 OR number <> 1") == 0, "something was not approved once");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM review WHERE reviewer_index = submitter_index") == 0, "somebody has reviewed his own entry");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM approval") == 2, "there are not two signatures over all of them");
        Require(await CountAsync(own, "SELECT COUNT(*) FROM outbox") == rows && await CountAsync(own, "SELECT COUNT(*) FROM outbox WHERE state <> 2") == 0, "the CA was not asked once for each");
    }

    /// <summary>RA and CA have the same certificates, one or two of each row, decided by two persons.</summary>
    private async Task CheckIssuedAsync(Database own, Database issuing, IReadOnlyList<Row> rows, BatchApplicants applicants, CancellationToken cancellationToken)
    {
        Dictionary<string, int> expected = rows.Where(row => applicants.Good.ContainsKey(row.RowNumber)).ToDictionary(row => row.Enrollment, row => applicants.Good[row.RowNumber].IsPair ? 2 : 1);
        IReadOnlyList<Held> held = await own.QueryAsync<Held>("SELECT LOWER(HEX(enrollment_id)) AS enrollment, serial FROM certificate", cancellationToken: cancellationToken);
        Require(IsAsExpected(held.Select(each => each.Enrollment)), "the RA has not as many certificates for each as were applied for");
        IReadOnlyList<string> issued = await issuing.QueryAsync<string>("SELECT serial FROM certificate WHERE ra_name = @Name AND state = 2", new { RaProcess.Name }, cancellationToken);
        Require(issued.Order().SequenceEqual(held.Select(each => each.Serial).Order()), $"the CA has issued {issued.Count} certificates, the RA has {held.Count}");
        IReadOnlyList<Decision> decisions = await issuing.QueryAsync<Decision>(
            "SELECT reference, entry_person, review_person FROM decision WHERE requester = @Name", new { RaProcess.Name }, cancellationToken);
        Require(IsAsExpected(decisions.Select(each => each.Reference)), "the CA has not decided once about each");
        Require(decisions.All(each => !each.EntryPerson.AsSpan().SequenceEqual(each.ReviewPerson)), "one person has decided");

        bool IsAsExpected(IEnumerable<string> enrollments)
        {
            Dictionary<string, int> counts = enrollments.CountBy(each => each).ToDictionary();
            return counts.Count == expected.Count && counts.All(each => expected.GetValueOrDefault(each.Key) == each.Value);
        }
    }

    private static Task<long> CountAsync(Database database, string sql) => database.ReadAsync(transaction => transaction.GetAsync<long>(sql));

    private void Require(bool right, string finding)
    {
        if (!right)
        {
            _findings.Add(finding);
        }
    }

    private sealed record Row
    {
        public required long RowNumber { get; init; }

        public required string Enrollment { get; init; }

        public required long State { get; init; }
    }

    private sealed record Held
    {
        public required string Enrollment { get; init; }

        public required string Serial { get; init; }
    }

    private sealed record Decision
    {
        public required string Reference { get; init; }

        public required byte[] EntryPerson { get; init; }

        public required byte[] ReviewPerson { get; init; }
    }
}
