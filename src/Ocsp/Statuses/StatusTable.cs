using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Statuses;

/// <summary>
/// The status of every certificate and the signatures of its responses, in memory: arrays of plain values, no object per certificate. One writer; any number of readers, who take no lock and
/// never see half of a change.
/// <para>
/// How that holds. An entry has a sequence number, odd while the writer is at it. The writer makes it odd, lets no later write pass that one (a barrier of writes), changes the entry, its
/// responses and their signatures, and makes the sequence even with a releasing write. A reader reads the sequence (acquiring), copies, lets no later read pass the copies (a barrier of
/// reads), and reads the sequence again: the same even number says that no write of the writer fell between. What it has copied of a number of a signature is checked so before that number
/// is used, for a torn one might lead out of the arrays, and once more after the signature is copied, for its place may be another's by then. A place is given to another only by the writer,
/// after it has changed the sequence of the entry that had it.
/// </para>
/// <para>
/// The way to an entry is an index with open addressing; its places hold the number of an entry, and are written (releasing) when the entry is complete. An entry that is taken away leaves a
/// mark there that the search passes over, and may become another certificate's: a reader who comes to it compares the key, which is part of what it has copied. The index is made anew,
/// and published as a whole, when it is too full; who still searches the old one sees the table as it was.
/// </para>
/// </summary>
internal sealed class StatusTable
{
    /// <summary>Of a signature, bytes.</summary>
    public const int MaxSignature = 1024;

    private const int Hashes = 3;
    private const int ChunkBits = 14;
    private const int ChunkMask = (1 << ChunkBits) - 1;
    private const int Empty = 0;
    private const int Gone = -1;
    private const long Good = -1;

    private readonly Response[]?[][] _responses = [[], [], []];
    private readonly Stack<int> _free = [];
    private SignatureSlots[] _slots = [];
    private Entry[][] _entries = [];
    private int[] _index = new int[1 << 10];
    private int _used;
    private int _taken;
    private int _count;

    /// <summary>Certificates.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Takes a status, unless one with that version or a greater one is there. Only the writer.</summary>
    /// <returns>Whether anything has changed.</returns>
    public bool Apply(in FeedStatus status)
    {
        var key = new StatusKey(status.Authority, status.SerialNumber.Span);
        int number = Find(_index, key);
        if (number >= 0)
        {
            ref Entry known = ref EntryOf(number);
            if (status.Version <= known.Version)
            {
                return false;
            }

            Begin(ref known);
            Set(ref known, status);
            End(ref known);
            return true;
        }

        number = _free.TryPop(out int free) ? free : Grow();
        ref Entry entry = ref EntryOf(number);
        Begin(ref entry);
        entry.Key = key;
        Set(ref entry, status);
        End(ref entry);
        Enter(key, number);
        Volatile.Write(ref _count, _count + 1);
        return true;
    }

    /// <summary>
    /// Takes a response, if it is of the version that the certificate's status has and no older than the one that is there. Of a CA whose clock is ahead come responses that nobody may be given yet: such a one
    /// takes no other's place, and any other takes its own. Only the writer.
    /// </summary>
    /// <returns>Whether anything has changed.</returns>
    public bool Apply(in FeedBatch batch, in FeedResponse response, DateTimeOffset now)
    {
        int number = Find(_index, new StatusKey(batch.Authority, response.SerialNumber.Span));
        if (number < 0)
        {
            return false;
        }

        ref Entry entry = ref EntryOf(number);
        long thisUpdate = batch.ThisUpdate.ToUnixTimeSeconds();
        ref Response known = ref MakeResponse((int)batch.Hash, number);
        if (response.Version != entry.Version)
        {
            return false;
        }

        if (known.Slots > 0 && known.Version == entry.Version)
        {
            // Not simply the one that comes later: a clock that is a year ahead would take every good answer away until somebody signs them again.
            long seconds = now.ToUnixTimeSeconds(), latest = seconds + ClockDifference.Seconds;
            if (known.ThisUpdate <= latest && known.NextUpdate > seconds && (thisUpdate > latest || thisUpdate < known.ThisUpdate))
            {
                return false;
            }
        }

        byte slots = SlotsOf(response.Signature.Length);
        Begin(ref entry);
        if (known.Slots != slots)
        {
            Release(ref known);
            known.Slots = slots;
            known.Slot = _slots[slots - 1].Take();
        }

        _slots[slots - 1].Write(known.Slot, response.Signature.Span);
        known.Version = response.Version;
        known.Signer = batch.Signer;
        known.ThisUpdate = thisUpdate;
        known.NextUpdate = batch.NextUpdate.ToUnixTimeSeconds();
        End(ref entry);
        return true;
    }

    /// <summary>Forgets certificates that expired before then. Only the writer.</summary>
    /// <param name="before">Unix seconds.</param>
    /// <returns>How many.</returns>
    public int RemoveExpired(long before)
    {
        int removed = 0;
        for (int number = 0; number < _used; number++)
        {
            ref Entry entry = ref EntryOf(number);
            if (entry.Key == default || entry.NotAfter >= before)
            {
                continue;
            }

            _index[PlaceOf(entry.Key)] = Gone;
            Begin(ref entry);
            entry.Key = default;
            for (int hash = 0; hash < Hashes; hash++)
            {
                if (ChunkOf(hash, number) is { } chunk)
                {
                    Release(ref chunk[number & ChunkMask]);
                }
            }

            End(ref entry);
            _free.Push(number);
            removed++;
        }

        Volatile.Write(ref _count, _count - removed);
        return removed;
    }

    /// <summary>Some certificates that are stored, no matter which; one that goes meanwhile may be a wrong one. Safe for concurrent use.</summary>
    public IReadOnlyList<(short Authority, byte[] SerialNumber)> Sample(int most)
    {
        var sample = new List<(short, byte[])>();
        int[] index = Volatile.Read(ref _index);
        for (int place = 0; place < index.Length && sample.Count < most; place++)
        {
            if (Volatile.Read(ref index[place]) is > 0 and int found && EntryOf(found - 1).Key.Split() is { SerialNumber.Length: > 0 } each)
            {
                sample.Add(each);
            }
        }

        return sample;
    }

    /// <summary>Safe for concurrent use.</summary>
    /// <param name="serialNumber">Content of its INTEGER, 1 to 20 bytes.</param>
    /// <param name="signature">Of the response, if there is one: <see cref="MaxSignature"/> bytes.</param>
    /// <returns>False: not stored.</returns>
    public bool TryRead(short authority, ReadOnlySpan<byte> serialNumber, CertIdHash hash, Span<byte> signature, out CertificateStatus status)
    {
        var key = new StatusKey(authority, serialNumber);
        int[] index = Volatile.Read(ref _index);
        for (int place = key.GetHashCode() & (index.Length - 1); ; place = (place + 1) & (index.Length - 1))
        {
            int found = Volatile.Read(ref index[place]);
            if (found == Empty)
            {
                status = default;
                return false;
            }

            if (found != Gone && TryReadEntry(found - 1, key, (int)hash, signature, out status))
            {
                return true;
            }
        }
    }

    private bool TryReadEntry(int number, in StatusKey key, int hash, Span<byte> signature, out CertificateStatus status)
    {
        ref Entry entry = ref EntryOf(number);
        var spin = default(SpinWait);
        while (true)
        {
            int sequence = Volatile.Read(ref entry.Sequence);
            if ((sequence & 1) == 0)
            {
                Entry copy = entry;
                Response response = ChunkOf(hash, number) is { } chunk ? chunk[number & ChunkMask] : default;
                if (IsStill(ref entry, sequence))
                {
                    if (copy.Key != key)
                    {
                        status = default;
                        return false;
                    }

                    bool hasResponse = response.Slots > 0 && response.Version == copy.Version;
                    SignatureSlots? slots = hasResponse ? Volatile.Read(ref _slots)[response.Slots - 1] : null;
                    slots?.Read(response.Slot, signature);
                    if (IsStill(ref entry, sequence))
                    {
                        status = new CertificateStatus
                        {
                            Version = copy.Version,
                            RevokedAt = copy.RevokedAt,
                            Reason = (RevocationReason)copy.Reason,
                            NotAfter = copy.NotAfter,
                            Signer = hasResponse ? response.Signer : (short)-1,
                            ThisUpdate = response.ThisUpdate,
                            NextUpdate = response.NextUpdate,
                            SignatureLength = slots?.Length ?? 0,
                        };
                        return true;
                    }
                }
            }

            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    private static bool IsStill(ref Entry entry, int sequence)
    {
        Volatile.ReadBarrier();
        return Volatile.Read(ref entry.Sequence) == sequence;
    }

    private static void Begin(ref Entry entry)
    {
        Volatile.Write(ref entry.Sequence, unchecked(entry.Sequence + 1));
        Volatile.WriteBarrier();
    }

    private static void End(ref Entry entry) => Volatile.Write(ref entry.Sequence, unchecked(entry.Sequence + 1));

    private static void Set(ref Entry entry, in FeedStatus status)
    {
        entry.Version = status.Version;
        entry.RevokedAt = status.RevokedAt?.ToUnixTimeSeconds() ?? Good;
        entry.Reason = (byte)status.Reason;
        entry.NotAfter = status.NotAfter.ToUnixTimeSeconds();
    }

    private ref Entry EntryOf(int number) => ref Volatile.Read(ref _entries)[number >> ChunkBits][number & ChunkMask];

    /// <returns>Null: none of them has a response of that hash.</returns>
    private Response[]? ChunkOf(int hash, int number) => Volatile.Read(ref _responses[hash]) is { } chunks && number >> ChunkBits < chunks.Length ? chunks[number >> ChunkBits] : null;

    private ref Response MakeResponse(int hash, int number)
    {
        if (ChunkOf(hash, number) is { } chunk)
        {
            return ref chunk[number & ChunkMask];
        }

        var made = new Response[ChunkMask + 1];
        Response[]?[] chunks = [.. _responses[hash], .. Enumerable.Repeat<Response[]?>(null, Math.Max(0, (number >> ChunkBits) + 1 - _responses[hash].Length))];
        chunks[number >> ChunkBits] = made;
        Volatile.Write(ref _responses[hash], chunks);
        return ref made[number & ChunkMask];
    }

    private void Release(ref Response response)
    {
        if (response.Slots > 0)
        {
            _slots[response.Slots - 1].Give(response.Slot);
            response = default;
        }
    }

    /// <returns>From 1 on.</returns>
    private byte SlotsOf(int length)
    {
        int found = Array.FindIndex(_slots, each => each.Length == length);
        if (found < 0)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxSignature);
            found = _slots.Length;
            Volatile.Write(ref _slots, [.. _slots, new SignatureSlots(length)]);
        }

        return checked((byte)(found + 1));
    }

    private int Grow()
    {
        if (_used >> ChunkBits == _entries.Length)
        {
            Volatile.Write(ref _entries, [.. _entries, new Entry[ChunkMask + 1]]);
        }

        return _used++;
    }

    /// <returns>-1: not there. For the writer.</returns>
    private int Find(int[] index, in StatusKey key)
    {
        for (int place = key.GetHashCode() & (index.Length - 1); index[place] != Empty; place = (place + 1) & (index.Length - 1))
        {
            if (index[place] != Gone && EntryOf(index[place] - 1).Key == key)
            {
                return index[place] - 1;
            }
        }

        return -1;
    }

    private int PlaceOf(in StatusKey key)
    {
        int place = key.GetHashCode() & (_index.Length - 1);
        while (_index[place] == Gone || EntryOf(_index[place] - 1).Key != key)
        {
            place = (place + 1) & (_index.Length - 1);
        }

        return place;
    }

    private void Enter(in StatusKey key, int number)
    {
        // At two thirds the way to one that is not there is about five places long.
        if ((_taken + 1) * 3L > _index.Length * 2L)
        {
            int size = _index.Length;
            while ((Count + 1) * 3L > size)
            {
                size *= 2;
            }

            int[] index = new int[size];
            foreach (int each in _index)
            {
                if (each is not (Empty or Gone))
                {
                    index[FreePlace(index, EntryOf(each - 1).Key)] = each;
                }
            }

            index[FreePlace(index, key)] = number + 1;
            _taken = Count + 1;
            Volatile.Write(ref _index, index);
            return;
        }

        Volatile.Write(ref _index[FreePlace(_index, key)], number + 1);
        _taken++;
    }

    private static int FreePlace(int[] index, in StatusKey key)
    {
        int place = key.GetHashCode() & (index.Length - 1);
        while (index[place] != Empty)
        {
            place = (place + 1) & (index.Length - 1);
        }

        return place;
    }

    private struct Entry
    {
        /// <summary>Odd: the writer is at it.</summary>
        public int Sequence;

        public byte Reason;

        /// <summary>Default: it is nobody's.</summary>
        public StatusKey Key;

        public long Version;

        public long RevokedAt;

        public long NotAfter;
    }

    private struct Response
    {
        public long Version;

        public long ThisUpdate;

        public long NextUpdate;

        public int Slot;

        public short Signer;

        /// <summary>Which of the slots, from 1 on; 0: there is no response.</summary>
        public byte Slots;
    }
}
