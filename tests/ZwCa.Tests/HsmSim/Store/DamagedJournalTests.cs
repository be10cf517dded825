using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

/// <summary>One small journal, cut and changed at every byte.</summary>
public sealed class DamagedJournalTests
{
    private readonly TestRandom _random = new();

    [Fact]
    public async Task CutAtEveryByte_NothingAcknowledgedIsLost_OrItIsRefused()
    {
        using var test = new TestStore();
        (SmallJournal journal, _) = await SmallJournal.MakeAsync(test);
        for (int length = 0; length < journal.File.Length; length++)
        {
            // Every position that the anchor may have been at.
            foreach (JournalPosition anchor in journal.Positions.Keys)
            {
                if (journal.TryRead(journal.File[..length], anchor) is { } content)
                {
                    Assert.True(length >= journal.Positions[anchor].End, "a cut before the anchor's record passed");
                    journal.RequirePrefix(content, anchor);
                }
                else
                {
                    Assert.True(length < journal.Positions[anchor].End, "a torn tail after the anchor's record was refused");
                }
            }
        }
    }

    [Fact]
    public async Task EveryByteChanged_NothingWrongIsAccepted()
    {
        using var test = new TestStore();
        (SmallJournal journal, _) = await SmallJournal.MakeAsync(test);
        for (int i = 0; i < journal.File.Length; i++)
        {
            byte[] changed = [.. journal.File];
            changed[i] ^= (byte)(1 << _random.Next(8));
            foreach (JournalPosition anchor in journal.Positions.Keys)
            {
                if (journal.TryRead(changed, anchor) is { } content)
                {
                    Assert.True(i >= journal.Positions[anchor].End, "a change before the anchor's record passed");
                    journal.RequirePrefix(content, anchor);
                }
                else
                {
                    Assert.True(i < journal.Positions[anchor].End, "a change after the anchor's record was refused");
                }
            }
        }
    }

    [Fact]
    public async Task BytesAppended_AreATornWrite()
    {
        using var test = new TestStore();
        (SmallJournal journal, _) = await SmallJournal.MakeAsync(test);
        JournalContent content = journal.TryRead([.. journal.File, .. _random.Bytes(100)], journal.Positions.Keys.Last())!;
        Assert.Equal(100, content.TornBytes);
        journal.RequirePrefix(content, journal.Positions.Keys.Last());
    }

    [Fact]
    public async Task RecordsExchangedRepeatedOrLeftOut_AreRefused()
    {
        using var test = new TestStore();
        (SmallJournal journal, _) = await SmallJournal.MakeAsync(test);
        (int Start, int End)[] records = [.. journal.Positions.Values];
        JournalPosition last = journal.Positions.Keys.Last();
        for (int i = 0; i + 1 < records.Length; i++)
        {
            byte[] before = journal.File[..records[i].Start];
            byte[] first = journal.File[records[i].Start..records[i].End];
            byte[] second = journal.File[records[i + 1].Start..records[i + 1].End];
            byte[] after = journal.File[records[i + 1].End..];
            Assert.Null(journal.TryRead([.. before, .. second, .. first, .. after], last));
            Assert.Null(journal.TryRead([.. before, .. first, .. first, .. second, .. after], last));
            Assert.Null(journal.TryRead([.. before, .. second, .. after], last));
        }
    }

    [Fact]
    public async Task TornTail_IsCutOffAndSaidOnce_AndTheFileIsNotWrittenBehindIt()
    {
        using var test = new TestStore();
        (SmallJournal journal, PartitionFolder folder) = await SmallJournal.MakeAsync(test);
        await File.AppendAllBytesAsync(folder.JournalPath(2), _random.Bytes(33), TestContext.Current.CancellationToken);
        OpenedPartition opened = test.Open(folder);
        string notice = Assert.Single(test.Notices);
        Assert.Contains("33 bytes", notice);
        Assert.Equal(journal.States[^1], TestStore.Describe(opened.Store));
        await TestStore.WriteAsync(opened.Store, TestStore.Key("after"));
        string expected = TestStore.Describe(opened.Store);
        await TestStore.Close(opened);
        Assert.Equal(expected, await test.ReadAsync(folder));
        Assert.Single(test.Notices);
    }

    [Fact]
    public async Task DamageBeforeTheAnchor_IsRefusedWithTheRecordsNumber_AndNothingIsTouched()
    {
        using var test = new TestStore();
        (SmallJournal journal, PartitionFolder folder) = await SmallJournal.MakeAsync(test);
        KeyValuePair<JournalPosition, (int Start, int End)> record = journal.Positions.ElementAt(4);
        journal.File[record.Value.Start + 7] ^= 1;
        await File.WriteAllBytesAsync(folder.JournalPath(2), journal.File, TestContext.Current.CancellationToken);
        SortedDictionary<string, string> before = test.Fingerprint();
        string message = Assert.Throws<StoreException>(() => test.Open(folder)).Message;
        Assert.Contains($"record {record.Key.Sequence} ", message);
        Assert.Contains("damaged", message);
        Assert.Contains("backup", message);
        Assert.Equal(before, test.Fingerprint());
    }

    [Fact]
    public async Task HeaderChangedAtAnyByte_IsRefused()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        PartitionHeader header = folder.ReadHeader();
        using MasterKey master = test.MasterOf(header);
        for (int i = 0; i < header.Bytes.Length; i++)
        {
            byte[] changed = header.Bytes.ToArray();
            changed[i] ^= (byte)(1 << _random.Next(8));
            Assert.False(TryRead(changed) is { } read && read.IsAuthentic(master), $"byte {i}");
            Assert.Null(TryRead(header.Bytes[..i]));
        }

        byte[] oneHolderMore = header.Bytes.ToArray();
        oneHolderMore[8 + 2 + 16 + 3] ^= 1;
        await File.WriteAllBytesAsync(folder.HeaderPath, oneHolderMore, TestContext.Current.CancellationToken);
        Assert.Contains("header", Assert.Throws<StoreException>(() => folder.Open(master, TestStore.NoFaults, TimeProvider.System, test.Notices.Add)).Message);

        static PartitionHeader? TryRead(ReadOnlyMemory<byte> bytes)
        {
            try
            {
                return PartitionHeader.Read(bytes);
            }
            catch (StoreException)
            {
                return null;
            }
        }
    }

    [Fact]
    public async Task AnchorChangedAtAnyByte_StillTellsTheSame_OrIsRefused()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"));
        await TestStore.Close(opened);
        using MasterKey master = test.MasterOf(folder.ReadHeader());
        byte[] file = await File.ReadAllBytesAsync(folder.AnchorPath, TestContext.Current.CancellationToken);
        JournalPosition genuine = Read(file)!.Value;

        // Of each slot 88 bytes say something.
        int slot = file.Length / 2;
        var seen = new HashSet<JournalPosition?>();
        for (int i = 0; i < slot; i++)
        {
            // In one slot: the other still holds, though it may tell of the write before. In both: only zeros do not matter.
            byte[] changed = [.. file];
            changed[i] ^= 0x10;
            Assert.True(Read(changed) is { } one && one.Sequence <= genuine.Sequence);
            seen.Add(Read(changed));
            changed[slot + i] ^= 0x10;
            JournalPosition? both = Read(changed);
            Assert.True(both is null || both == genuine);
            Assert.Equal(i >= 88, both is not null);
        }

        Assert.InRange(seen.Count, 1, 2);
        Assert.Null(Read(file[..slot]));
        Assert.Null(Read([]));

        JournalPosition? Read(byte[] bytes)
        {
            string path = test.Elsewhere("anchor");
            File.WriteAllBytes(path, bytes);
            try
            {
                using var anchor = Anchor.Open(path, master, opened.Id);
                return anchor.Position;
            }
            catch (StoreException)
            {
                return null;
            }
        }
    }

    /// <summary>Generation 2 of a partition, where each of its records begins and ends, and the states that they lead to.</summary>
    private sealed class SmallJournal
    {
        private readonly TestStore _test;
        private readonly PartitionHeader _header;

        private SmallJournal(TestStore test, PartitionFolder folder)
        {
            _test = test;
            _header = folder.ReadHeader();
            File = System.IO.File.ReadAllBytes(folder.JournalPath(2));
            using MasterKey master = test.MasterOf(_header);
            JournalHead head = JournalHead.Read(File)!;
            using var chain = new RecordChain(master, JournalHead.Purpose, head.Bytes.Span, _header.Id.Span, head.Generation, head.SequenceBefore);
            var state = new PartitionState();
            bool closed = false;
            for (int start = JournalHead.Length, length; chain.Open(File.AsSpan(start), out length) is { } record; start += length)
            {
                if (record[0] == JournalHead.ClosingKind)
                {
                    closed = true;
                }
                else
                {
                    state.Apply(StoreRecord.Decode(record));
                }

                // The anchor never tells of a record within a snapshot.
                if (closed)
                {
                    Positions.Add(chain.Position, (start, start + length));
                    States.Add(TestStore.Describe(state));
                }
            }
        }

        public byte[] File { get; }

        public Dictionary<JournalPosition, (int Start, int End)> Positions { get; } = [];

        public List<string> States { get; } = [];

        public static async Task<(SmallJournal Journal, PartitionFolder Folder)> MakeAsync(TestStore test)
        {
            PartitionFolder folder = test.Make();
            OpenedPartition opened = test.Open(folder);
            await TestStore.WriteAsync(opened.Store, TestStore.Key("a"));
            await TestStore.WriteAsync(opened.Store, TestStore.Signed("a", 3));
            await TestStore.WriteAsync(opened.Store, TestStore.Bound());
            await TestStore.WriteAsync(opened.Store, TestStore.Key("b"));
            await TestStore.WriteAsync(opened.Store, TestStore.Signed("a", 4));
            await TestStore.WriteAsync(opened.Store, TestStore.Bound());
            await TestStore.Close(opened);
            var journal = new SmallJournal(test, folder);
            Assert.Equal(7, journal.Positions.Count);
            return (journal, folder);
        }

        public JournalContent? TryRead(byte[] file, JournalPosition anchor)
        {
            using MasterKey master = _test.MasterOf(_header);
            try
            {
                return JournalReader.Read(_ => file, 2, master, _header.Id.Span, anchor);
            }
            catch (StoreException)
            {
                return null;
            }
        }

        /// <summary>The state is one that there was, and not before the anchor's.</summary>
        public void RequirePrefix(JournalContent content, JournalPosition anchor)
        {
            int reached = Array.IndexOf([.. Positions.Keys], content.End);
            Assert.True(reached >= Array.IndexOf([.. Positions.Keys], anchor));
            Assert.Equal(States[reached], TestStore.Describe(content.State));
        }
    }
}
