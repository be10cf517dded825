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
                    return (await WriteAsync(transaction, scope, since - Margin ?? DateTimeOffset.UnixEpoch, file), size, now);
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
    /// <remarks>
    /// A date of the future, of a node whose clock was ahead, becomes thisUpdate: a CRL tells of what has been, and without its entry nobody would hear of the revocation.
    /// </remarks>
    public IEnumerable<CrlEntry> ReadEntries()
    {
        var latest = Time.Truncate(ReadAt);
        _file.Position = 0;
        byte[] record = new byte[RecordLength];
        for (long i = 0; i < Count; i++)
        {
            _file.ReadExactly(record);
            yield return Read(record, latest);
        }
    }

    public void Dispose() => _file.Dispose();

    private static Task<long> WriteAsync(Transaction transaction, CrlScope scope, DateTimeOffset since, FileStream file)
    {
        byte[] record = new byte[RecordLength];
        return transaction.ReadEachAsync(
            $"""
             SELECT serial, reason, revoked_at, invalid_from FROM revocation
             WHERE authority_id = @Authority {(scope.IsComplete ? "" : "AND shard = @Shard")} AND not_after >= @Since
             ORDER BY serial
             """,
            new { Authority = scope.Authority.Id, scope.Shard, Since = since },
            row =>
            {
                Write(SerialNumber.Parse(row.GetString(0)), row.GetInt16(1), row.GetInt64(2), row.IsDBNull(3) ? 0 : row.GetInt64(3), record);
                file.Write(record);
            });
    }

    private static void Write(SerialNumber serial, short reason, long revokedAt, long invalidFrom, Span<byte> record)
    {
        record.Clear();
        record[0] = (byte)serial.Content.Length;
        serial.Content.CopyTo(record[1..]);
        record[1 + SerialOctets] = checked((byte)reason);
        BinaryPrimitives.WriteInt64LittleEndian(record[(2 + SerialOctets)..], revokedAt);
        BinaryPrimitives.WriteInt64LittleEndian(record[(2 + SerialOctets + sizeof(long))..], invalidFrom);
    }

    private static CrlEntry Read(ReadOnlySpan<byte> record, Time latest)
    {
        Time revokedAt = TimeOf(BinaryPrimitives.ReadInt64LittleEndian(record[(2 + SerialOctets)..]));
        long invalidFrom = BinaryPrimitives.ReadInt64LittleEndian(record[(2 + SerialOctets + sizeof(long))..]);
        return new CrlEntry(
            SerialNumber.FromBytes(record.Slice(1, record[0])),
            revokedAt > latest ? latest : revokedAt,
            (RevocationReason)record[1 + SerialOctets],
            invalidFrom == 0 ? null : TimeOf(invalidFrom));
    }

    private static Time TimeOf(long milliseconds) => Time.Truncate(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
}
