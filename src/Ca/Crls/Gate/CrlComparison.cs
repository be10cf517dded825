using System.Buffers.Binary;
using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>What became of an entry from one CRL to the next.</summary>
/// <param name="Serial">As in the database.</param>
/// <param name="Before">Null: it was not there.</param>
/// <param name="After">Null: it is there no more.</param>
internal readonly record struct EntryChange(string Serial, EntryContent? Before, EntryContent? After);

/// <param name="Reason">Unspecified where none is written.</param>
/// <param name="Date">UTC, as <paramref name="InvalidFrom"/>.</param>
internal readonly record struct EntryContent(RevocationReason Reason, DateTime Date, DateTime? InvalidFrom)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Reason} of {Date:u}{(InvalidFrom is null ? "" : $", invalid from {InvalidFrom:u}")}");
}

/// <summary>
/// The differences between two CRLs, in a file: both may have a million entries, and so may what is different. One walk through both, which have their entries in the order of serial
/// numbers; an older CRL that has not (of a ceremony) is small and read whole.
/// </summary>
internal sealed class CrlComparison : IDisposable
{
    /// <summary>Of a CRL that is not in order.</summary>
    private const int MaxUnordered = 10_000;

    // serial's length and octets; of before and after each: there or not, reason, date, invalidity date or 0
    private const int SerialOctets = SerialNumber.MaxOctets;
    private const int ContentLength = 2 + (2 * sizeof(long));
    private const int RecordLength = 1 + SerialOctets + (2 * ContentLength);

    private readonly FileStream _file;

    private CrlComparison(FileStream file) => _file = file;

    /// <summary>Entries that are in one of the two, or in both and not the same.</summary>
    public long Count { get; private set; }

    /// <summary>Entries of the second.</summary>
    public long After { get; private set; }

    /// <param name="before">Null: nothing was there before.</param>
    /// <param name="folder">Where the file is made.</param>
    /// <exception cref="DerException">An entry cannot be read, or the second CRL is not in order.</exception>
    public static CrlComparison Make(CrlFile? before, CrlFile after, string folder)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 1 << 16, Options = FileOptions.DeleteOnClose,
        };
        var comparison = new CrlComparison(new FileStream(Path.Combine(folder, $"{Guid.NewGuid():N}.changes"), options));
        try
        {
            if (!comparison.TryCompare(before, after))
            {
                comparison.Clear();
                comparison.CompareWith(Sorted(before!), after);
            }

            comparison._file.Flush();
            return comparison;
        }
        catch
        {
            comparison.Dispose();
            throw;
        }
    }

    /// <summary>In the order of serial numbers.</summary>
    public IEnumerable<EntryChange> ReadChanges()
    {
        _file.Position = 0;
        byte[] record = new byte[RecordLength];
        for (long i = 0; i < Count; i++)
        {
            _file.ReadExactly(record);
            yield return new EntryChange(
                SerialNumber.FromBytes(record.AsSpan(1, record[0])).ToString(), Read(record.AsSpan(1 + SerialOctets)), Read(record.AsSpan(1 + SerialOctets + ContentLength)));
        }
    }

    public void Dispose() => _file.Dispose();

    /// <returns>False: the older one is not in order.</returns>
    private bool TryCompare(CrlFile? before, CrlFile after)
    {
        CrlEntryReader old = before is null ? default : before.ReadEntries();
        using CrlEntryReader now = after.ReadEntries();
        try
        {
            bool hasOld = before is not null && old.MoveNext();
            bool hasNow = now.MoveNext();
            Span<byte> last = stackalloc byte[SerialOctets];
            Span<byte> lastOld = stackalloc byte[SerialOctets];
            int lastLength = 0, lastOldLength = 0;
            while (hasOld || hasNow)
            {
                bool isSame = hasOld && hasNow && old.Current.Encoded.SequenceEqual(now.Current.Encoded);
                int order = isSame ? 0 : !hasOld ? 1 : !hasNow ? -1 : Order(Serial(old.Current), Serial(now.Current));
                if (!isSame)
                {
                    Add(order <= 0 ? Serial(old.Current) : Serial(now.Current), order <= 0 ? Content(old.Current) : null, order >= 0 ? Content(now.Current) : null);
                }

                if (order >= 0)
                {
                    Require(Follows(last, ref lastLength, Serial(now.Current)));
                    After++;
                    hasNow = now.MoveNext();
                }

                if (order <= 0)
                {
                    if (!Follows(lastOld, ref lastOldLength, Serial(old.Current)))
                    {
                        return false;
                    }

                    hasOld = old.MoveNext();
                }
            }

            return true;
        }
        finally
        {
            if (before is not null)
            {
                old.Dispose();
            }
        }
    }

    /// <summary>Remembers the serial number for the next call.</summary>
    private static bool Follows(Span<byte> last, ref int length, ReadOnlySpan<byte> serial)
    {
        bool follows = length == 0 || Order(last[..length], serial) < 0;
        serial.CopyTo(last);
        length = serial.Length;
        return follows;
    }

    private void Clear()
    {
        _file.SetLength(0);
        (Count, After) = (0, 0);
    }

    private void CompareWith(SortedDictionary<string, EntryContent> before, CrlFile after)
    {
        var now = new SortedDictionary<string, EntryContent>(StringComparer.Ordinal);
        foreach (CrlEntryView entry in after.ReadEntries())
        {
            After++;
            string serial = Convert.ToHexStringLower(Serial(entry));
            EntryContent content = Content(entry);
            if (before.Remove(serial, out EntryContent old))
            {
                if (old != content)
                {
                    Add(Serial(entry), old, content);
                }
            }
            else
            {
                Add(Serial(entry), null, content);
            }
        }

        foreach ((string serial, EntryContent content) in before)
        {
            Add(Convert.FromHexString(serial), content, null);
        }
    }

    private static SortedDictionary<string, EntryContent> Sorted(CrlFile crl)
    {
        var sorted = new SortedDictionary<string, EntryContent>(StringComparer.Ordinal);
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            sorted[Convert.ToHexStringLower(Serial(entry))] = Content(entry);
            if (sorted.Count > MaxUnordered)
            {
                throw new DerException($"The CRL's entries are not in order, and it has more than {MaxUnordered} of them.");
            }
        }

        return sorted;
    }

    /// <summary>Without the sign octet: as its text in the database is ordered.</summary>
    private static ReadOnlySpan<byte> Serial(CrlEntryView entry) =>
        entry.Fault is not null ? throw new DerException($"Entry {entry.Number}: {entry.Fault}.")
            : entry.SerialNumber.Length is 0 or > SerialOctets ? throw new DerException($"Entry {entry.Number}: no serial number.")
            : entry.SerialNumber is [0, ..] ? entry.SerialNumber[1..]
            : entry.SerialNumber;

    private static int Order(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other) => one.SequenceCompareTo(other);

    private static void Require(bool isOrdered)
    {
        if (!isOrdered)
        {
            throw new DerException("The CRL's entries are not in order.");
        }
    }

    internal static EntryContent Content(CrlEntryView entry) => new(
        entry.Reason ?? throw new DerException($"Entry {entry.Number}: no reason that exists."), entry.RevokedAt ?? throw new DerException($"Entry {entry.Number}: no date."),
        entry.InvalidityDate);

    private void Add(ReadOnlySpan<byte> serial, EntryContent? before, EntryContent? after)
    {
        Span<byte> record = stackalloc byte[RecordLength];
        record.Clear();
        record[0] = (byte)serial.Length;
        serial.CopyTo(record[1..]);
        Write(before, record[(1 + SerialOctets)..]);
        Write(after, record[(1 + SerialOctets + ContentLength)..]);
        _file.Write(record);
        Count++;
    }

    private static void Write(EntryContent? content, Span<byte> destination)
    {
        if (content is { } there)
        {
            destination[0] = 1;
            destination[1] = (byte)there.Reason;
            BinaryPrimitives.WriteInt64LittleEndian(destination[2..], there.Date.Ticks);
            BinaryPrimitives.WriteInt64LittleEndian(destination[(2 + sizeof(long))..], there.InvalidFrom?.Ticks ?? 0);
        }
    }

    private static EntryContent? Read(ReadOnlySpan<byte> source) => source[0] == 0
        ? null
        : new EntryContent(
            (RevocationReason)source[1],
            new DateTime(BinaryPrimitives.ReadInt64LittleEndian(source[2..]), DateTimeKind.Utc),
            BinaryPrimitives.ReadInt64LittleEndian(source[(2 + sizeof(long))..]) is > 0 and long ticks ? new DateTime(ticks, DateTimeKind.Utc) : null);
}
