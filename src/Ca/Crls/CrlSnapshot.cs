using System.Buffers.Binary;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>
/// What the database said at one moment about everything that goes on a CRL, in a file of its own: a CRL's entries are read several times, and no database keeps a snapshot open that long for
/// nothing. In the order of the serial numbers' text. The file goes with the object.
/// </summary>
internal sealed class CrlSnapshot : IDisposable
{
    private const int Page = 5000;

    /// <summary>
    /// What was revoked just before its end may have been committed after the last CRL was read, which is dated after that end: it would never have been on one. Longer than a revocation
    /// takes, and than the nodes' clocks differ by.
    /// </summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(10);

    // serial number's length and octets, reason, date, invalidity date or 0
    private const int SerialOctets = SerialNumber.MaxOctets;
    private const int RecordLength = 1 + SerialOctets + 1 + (2 * sizeof(long));

    private readonly FileStream _file;

    private CrlSnapshot(FileStream file, long count, long logSize, DateTimeOffset readAt)
    {
        _file = file;
        Count = count;
        LogSize = logSize;
        ReadAt = readAt;
    }

    /// <summary>Entries.</summary>
    public long Count { get; }

    /// <summary>Leaves of the log at that moment.</summary>
    public long LogSize { get; }

    /// <summary>Read from the clock at that moment: nothing in it is later.</summary>
    public DateTimeOffset ReadAt { get; }

    /// <param name="since">thisUpdate of the last CRL: what had expired some minutes before was on it, and goes (RFC 5280 §3.3). Null: there was none.</param>
    /// <param name="folder">Where the file is made.</param>
    /// <exception cref="LogRolledBackException">The database, or the copy of it that answers, is older than the log's anchors.</exception>
    /// <exception cref="LogDamagedException">It contradicts its own log.</exception>
    /// <exception cref="AnchorException">An anchor cannot be read.</exception>
    public static async Task<CrlSnapshot> ReadAsync(
        Database database, LogGuard guard, CrlScope scope, DateTimeOffset? since, string folder, TimeProvider time, CancellationToken cancellationToken)
    {
        Checkpoint? anchored = guard.ReadAnchors();
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 1 << 16, Options = FileOptions.DeleteOnClose,
        };
        var file = new FileStream(Path.Combine(folder, $"{Convert.ToHexStringLower(Ulid.Create(time.GetUtcNow()))}.entries"), options);
        try
        {
            (long count, long logSize, DateTimeOffset readAt) = await database.ReadAsync(
                async transaction =>
                {
                    file.SetLength(0);
                    long size = await guard.RequireNoneOlderAsync(transaction, anchored);
                    DateTimeOffset now = time.GetUtcNow();
                    return (await WriteAsync(transaction, scope, since - Margin ?? DateTimeOffset.UnixEpoch, file, cancellationToken), size, now);
                },
                cancellationToken);
            await file.FlushAsync(cancellationToken);
            return new CrlSnapshot(file, count, logSize, readAt);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>From the first to the last, anew each time; not twice at the same time.</summary>
    public IEnumerable<CrlEntry> ReadEntries()
    {
        _file.Position = 0;
        byte[] record = new byte[RecordLength];
        for (long i = 0; i < Count; i++)
        {
            _file.ReadExactly(record);
            yield return Read(record);
        }
    }

    public void Dispose() => _file.Dispose();

    private static async Task<long> WriteAsync(Transaction transaction, CrlScope scope, DateTimeOffset since, FileStream file, CancellationToken cancellationToken)
    {
        string after = "";
        long count = 0;
        byte[] record = new byte[RecordLength];
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            IReadOnlyList<Row> rows = await transaction.QueryAsync<Row>(
                $"""
                 SELECT serial, reason, revoked_at, invalid_from FROM revocation
                 WHERE authority_id = @Authority {(scope.IsComplete ? "" : "AND shard = @Shard")} AND serial > @After AND not_after >= @Since
                 ORDER BY serial {transaction.Dialect.Limit(Page)}
                 """,
                new { Authority = scope.Authority.Id, scope.Shard, After = after, Since = since });
            foreach (Row row in rows)
            {
                Write(row, record);
                await file.WriteAsync(record, cancellationToken);
            }

            count += rows.Count;
            if (rows.Count < Page)
            {
                return count;
            }

            after = rows[^1].Serial;
        }
    }

    private static void Write(Row row, Span<byte> record)
    {
        ReadOnlySpan<byte> serial = SerialNumber.Parse(row.Serial).Content;
        record.Clear();
        record[0] = (byte)serial.Length;
        serial.CopyTo(record[1..]);
        record[1 + SerialOctets] = (byte)row.Reason;
        BinaryPrimitives.WriteInt64LittleEndian(record[(2 + SerialOctets)..], row.RevokedAt.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64LittleEndian(record[(2 + SerialOctets + sizeof(long))..], row.InvalidFrom?.ToUnixTimeMilliseconds() ?? 0);
    }

    private static CrlEntry Read(ReadOnlySpan<byte> record)
    {
        long invalidFrom = BinaryPrimitives.ReadInt64LittleEndian(record[(2 + SerialOctets + sizeof(long))..]);
        return new CrlEntry(
            SerialNumber.FromBytes(record.Slice(1, record[0])),
            TimeOf(BinaryPrimitives.ReadInt64LittleEndian(record[(2 + SerialOctets)..])),
            (RevocationReason)record[1 + SerialOctets],
            invalidFrom == 0 ? null : TimeOf(invalidFrom));
    }

    private static Time TimeOf(long milliseconds) => Time.Truncate(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));

    private sealed record Row
    {
        public required string Serial { get; init; }

        public required RevocationReason Reason { get; init; }

        public required DateTimeOffset RevokedAt { get; init; }

        public DateTimeOffset? InvalidFrom { get; init; }
    }
}
