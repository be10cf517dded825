using System.Globalization;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Requests;

namespace ZwCa.Kmc.Reports;

/// <summary>Counts keys: of each state, each CA and each month. Looks at every row: a second or so for a million.</summary>
internal sealed class CountKeys(Database database, KmcOptions options, TimeProvider time)
{
    /// <summary>Keys that have been in history for longer than they are kept.</summary>
    public Task<long> CountPastRetentionAsync(CancellationToken cancellationToken) => database.ReadAsync(CountPastRetentionAsync, cancellationToken);

    public Task<KeyStatistics> RunAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async transaction =>
        {
            IReadOnlyList<ServedCa> cas = await ServedCa.ListAsync(transaction);
            IReadOnlyList<StateRow> states = await transaction.QueryAsync<StateRow>("SELECT ca_id, state, COUNT(*) AS row_count FROM escrowed_key WHERE state IN (2, 3) GROUP BY ca_id, state");

            // By days, which every database divides alike; months are put together here.
            IReadOnlyList<DayRow> bound = await transaction.QueryAsync<DayRow>(
                "SELECT ca_id, bound_at / 86400000 AS day_number, COUNT(*) AS row_count FROM escrowed_key WHERE state IN (2, 3) GROUP BY ca_id, bound_at / 86400000");
            IReadOnlyList<DayRow> ended = await transaction.QueryAsync<DayRow>(
                "SELECT ca_id, ended_at / 86400000 AS day_number, COUNT(*) AS row_count FROM escrowed_key WHERE state = 3 GROUP BY ca_id, ended_at / 86400000");
            return new KeyStatistics
            {
                Stock = await EscrowedKeyStore.CountAsync(transaction, KeyState.Stock),
                PastRetention = await CountPastRetentionAsync(transaction),
                Cas =
                [
                    .. cas.Select(ca => new CaKeys
                    {
                        Ca = ca.Name,
                        InUse = states.Where(row => row.CaId == ca.CaId && row.State == KeyState.InUse).Sum(row => row.RowCount),
                        History = states.Where(row => row.CaId == ca.CaId && row.State == KeyState.History).Sum(row => row.RowCount),
                        Months = MonthsOf([.. bound.Where(row => row.CaId == ca.CaId)], [.. ended.Where(row => row.CaId == ca.CaId)]),
                    }),
                ],
            };
        },
        cancellationToken);

    private static IReadOnlyList<MonthOfKeys> MonthsOf(IReadOnlyList<DayRow> bound, IReadOnlyList<DayRow> ended) =>
    [
        .. bound.Concat(ended).Select(row => row.Month).Distinct().Order(StringComparer.Ordinal).Select(month => new MonthOfKeys
        {
            Month = month,
            Bound = bound.Where(row => row.Month == month).Sum(row => row.RowCount),
            Ended = ended.Where(row => row.Month == month).Sum(row => row.RowCount),
        }),
    ];

    private async Task<long> CountPastRetentionAsync(Transaction transaction) => await transaction.GetAsync<long>(
        "SELECT COUNT(*) FROM escrowed_key WHERE state = 3 AND ended_at < @Before", new { Before = time.GetUtcNow().AddYears(-options.RetentionYears) });

    private sealed record StateRow
    {
        public required short CaId { get; init; }

        public required KeyState State { get; init; }

        public required long RowCount { get; init; }
    }

    private sealed record DayRow
    {
        public required short CaId { get; init; }

        public required long DayNumber { get; init; }

        public required long RowCount { get; init; }

        public string Month => DateTimeOffset.UnixEpoch.AddDays(DayNumber).ToString("yyyy-MM", CultureInfo.InvariantCulture);
    }
}
