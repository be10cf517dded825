using ZwCa.Asn1;
using ZwCa.Hsm;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class JournalHistoryTests
{
    private readonly TestRandom _random = new();

    [Fact]
    public async Task NewPartition_HasItsFirstPolicyAndEpochAndMarks()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make(marks: StoreMarks.Demo);
        OpenedPartition opened = test.Open(folder);
        PartitionState state = opened.Store.State;
        Assert.Equal((1, 16, StoreMarks.Demo, 0, 0), (state.Epoch, state.EpochId.Length, state.Marks, state.Keys.Count, state.Policy.Version));
        Assert.Equal(opened.Id.ToArray(), state.Policy.Partition.ToArray());
        Assert.Equal((2, 3), (opened.Threshold, opened.Holders.Count));
        await TestStore.Close(opened);
    }

    [Fact]
    public async Task RandomHistories_AreTheSameAfterReopening()
    {
        int histories = TestRandom.Long ? 3000 : 60;
        for (int i = 0; i < histories; i++)
        {
            using var test = new TestStore();
            PartitionFolder folder = test.Make();
            var history = new History(_random);

            // From one record per generation to hardly a second generation.
            long growthLimit = _random.Next(1, 8) switch { 1 => 1, 2 => 300, 3 => 5000, _ => PartitionStore.DefaultGrowthLimit };
            string? expected = null;
            for (int opening = _random.Next(2, 5); opening > 0; opening--)
            {
                OpenedPartition opened = test.Open(folder, growthLimit: growthLimit);
                string found = TestStore.Describe(opened.Store);
                Assert.Equal(expected ?? found, found);
                for (int record = _random.Next(60); record > 0; record--)
                {
                    long position = TestStore.Append(opened.Store, history.Next(opened.Store.State, opened.Id));
                    if (_random.Next(4) == 0)
                    {
                        await opened.Store.WaitDurableAsync(position);
                    }
                }

                expected = TestStore.Describe(opened.Store);
                history.Check(opened.Store.State);
                await TestStore.Close(opened);
            }

            OpenedPartition last = test.Open(folder);
            Assert.Equal(expected, TestStore.Describe(last.Store));
            history.Check(last.Store.State);
            await TestStore.Close(last);
            Assert.Empty(test.Notices);
        }
    }

    [Fact]
    public async Task ManyWriters_FindWhatTheyWaitedFor()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder, growthLimit: 20_000);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"));
        int each = TestRandom.Long ? 5000 : 100;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < each; i++)
            {
                long position;
                lock (opened.Store.Gate)
                {
                    position = opened.Store.Append(TestStore.Signed("k", opened.Store.State.Keys["k"].Signatures + 1));
                    opened.Store.Append(TestStore.Bound());
                }

                await opened.Store.WaitDurableAsync(position);
            }
        })));
        await TestStore.Close(opened);

        opened = test.Open(folder);
        Assert.Equal(16 * each, opened.Store.State.Keys["k"].Signatures);
        Assert.Equal(16 * each, opened.Store.State.Bindings);
        await TestStore.Close(opened);
    }

    [Fact]
    public async Task CountsOfOneGroup_TakeOneRecord()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"));
        long before = new FileInfo(folder.JournalPath(2)).Length;
        long position = 0;

        // The gate is held: the writer gets all of them at once.
        lock (opened.Store.Gate)
        {
            for (int i = 1; i <= 1000; i++)
            {
                position = opened.Store.Append(TestStore.Signed("k", i));
            }
        }

        await opened.Store.WaitDurableAsync(position);

        // A group may have been taken empty just before; all 1,000 counts are one or two records of some 40 bytes.
        Assert.InRange(new FileInfo(folder.JournalPath(2)).Length - before, 20, 100);
        await TestStore.Close(opened);
        opened = test.Open(folder);
        Assert.Equal(1000, opened.Store.State.Keys["k"].Signatures);
        await TestStore.Close(opened);
    }

    [Fact]
    public async Task EachOpening_BeginsAGenerationWithAKeyOfItsOwn_AndDropsTheOneBefore()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        var salts = new HashSet<string>();
        for (int generation = 2; generation <= 5; generation++)
        {
            OpenedPartition opened = test.Open(folder);
            await TestStore.Close(opened);
            Assert.False(File.Exists(folder.JournalPath(generation - 1)));
            JournalHead head = JournalHead.Read(File.ReadAllBytes(folder.JournalPath(generation)))!;
            Assert.Equal(generation, head.Generation);
            Assert.True(salts.Add(Convert.ToHexString(head.Bytes.Span[^RecordChain.SaltLength..])));
        }
    }

    [Fact]
    public async Task GrowthBeyondTheLimit_BeginsAGeneration_WhileRecordsCome()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder, growthLimit: 1000);
        for (int i = 0; i < 200; i++)
        {
            await TestStore.WriteAsync(opened.Store, TestStore.Bound());
        }

        string expected = TestStore.Describe(opened.Store);
        await TestStore.Close(opened);
        string journal = Assert.Single(Directory.GetFiles(Path.GetDirectoryName(folder.HeaderPath)!, "journal-*"));
        Assert.InRange(JournalHead.GenerationOf(Path.GetFileName(journal))!.Value, 5, 300);
        Assert.Equal(expected, await test.ReadAsync(folder));
    }

    [Fact]
    public async Task AppendingAfterTheEnd_IsRefused()
    {
        using var test = new TestStore();
        OpenedPartition opened = test.Open(test.Make());
        await TestStore.Close(opened);
        Assert.Throws<ObjectDisposedException>(() => TestStore.Append(opened.Store, TestStore.Key("k")));
    }

    [Fact]
    public async Task RecordThatDoesNotFollow_IsRefused_AndNotWritten()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"), TestStore.Signed("k", 7));
        Assert.Throws<ZwCa.Hsm.Simulator.Wire.WireException>(() => TestStore.Append(opened.Store, TestStore.Signed("k", 6)));
        Assert.Throws<ZwCa.Hsm.Simulator.Wire.WireException>(() => TestStore.Append(opened.Store, TestStore.Key("k")));
        string expected = TestStore.Describe(opened.Store);
        await TestStore.Close(opened);
        Assert.Equal(expected, await test.ReadAsync(folder));
    }

    /// <summary>Makes records that follow from a state, and keeps books of its own.</summary>
    private sealed class History(TestRandom random)
    {
        private readonly Dictionary<string, long> _counts = [];
        private readonly Dictionary<string, string> _bindings = [];
        private StoreMarks _marks;
        private int _epoch = 1;
        private int _policy;

        public StoreRecord Next(PartitionState state, ReadOnlyMemory<byte> id)
        {
            switch (random.Next(20))
            {
                case < 4:
                    string label = $"key-{_counts.Count}.{random.Next(1000)}";
                    _counts.Add(label, 0);
                    return new StoreRecord.KeyAdded(
                        new KeyLabel(label), (HsmKeyKind)random.Next(1, 10), random.Bytes(random.Next(100)), random.Bytes(random.Next(2000)));
                case < 11 when _counts.Count > 0:
                    string signer = _counts.Keys.ElementAt(random.Next(_counts.Count));
                    _counts[signer] += random.Next(300);
                    return TestStore.Signed(signer, _counts[signer]);
                case < 16:
                    byte[] keyId = random.Bytes(16);
                    byte[] binding = random.Bytes(32);
                    _bindings.Add(Convert.ToHexString(keyId), Convert.ToHexString(binding));
                    return new StoreRecord.KeyBound(keyId, binding);
                case 16:
                    return new StoreRecord.PolicyInstalled(Der.Encode(TestStore.Policy(id, ++_policy)));
                case 17:
                    var marks = (StoreMarks)random.Next(8);
                    _marks |= marks;
                    return new StoreRecord.Marked(marks);
                case 18:
                    _epoch += random.Next(1, 3);
                    _bindings.Clear();
                    return new StoreRecord.EpochBegun(_epoch, random.Bytes(16));
                default:
                    return new StoreRecord.BackupMade(random.NextInt64(), state.Keys.Count);
            }
        }

        public void Check(PartitionState state)
        {
            Assert.Equal(_counts.OrderBy(c => c.Key), state.Keys.Select(k => KeyValuePair.Create(k.Key, k.Value.Signatures)).OrderBy(c => c.Key));
            Assert.Equal((_marks, _epoch, _policy, _bindings.Count), (state.Marks, state.Epoch, state.Policy.Version, state.Bindings));
            foreach ((string keyId, string binding) in _bindings)
            {
                Assert.Equal(binding, Convert.ToHexString(state.FindBinding(Convert.FromHexString(keyId))!.Value.Span));
            }
        }
    }
}
