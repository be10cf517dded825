using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

/// <summary>The part of a process that writes a store dies at each point where it may: what was acknowledged is there afterwards.</summary>
public sealed class CrashTests
{
    private readonly TestRandom _random = new();

    public static TheoryData<int, bool> Points()
    {
        var points = new TheoryData<int, bool>();
        for (int point = (int)FaultPoint.BeforeJournalWrite; point <= (int)FaultPoint.AfterRename; point++)
        {
            points.Add(point, false);
            points.Add(point, true);
        }

        return points;
    }

    [Theory]
    [MemberData(nameof(Points))]
    public async Task DeathWhileWriting_LosesNothingAcknowledged(int point, bool powerLoss)
    {
        int runs = TestRandom.Long ? 200 : 5;
        for (int run = 0; run < runs; run++)
        {
            using var test = new TestStore();
            PartitionFolder folder = test.Make();

            // One life with some records, then the one that ends at the fault point.
            OpenedPartition opened = test.Open(folder);
            await TestStore.WriteAsync(opened.Store, TestStore.Key("k"), TestStore.Signed("k", 1), TestStore.Bound());
            await TestStore.Close(opened);
            FaultKnobs faults = Mortal(powerLoss);
            opened = test.Open(folder, faults, growthLimit: 600);
            var acknowledged = new List<StoreRecord>();
            var appended = new List<StoreRecord>();
            int calm = _random.Next(8);
            long count = 1;
            await Assert.ThrowsAsync<IOException>(async () =>
            {
                for (int i = 0; i < 1000; i++)
                {
                    if (i == calm)
                    {
                        faults.Set(new Fault(FaultKind.DieAt, point));
                    }

                    var group = new List<StoreRecord>();
                    long position = 0;
                    for (int records = _random.Next(1, 5); records > 0; records--)
                    {
                        StoreRecord record = _random.Next(3) switch
                        {
                            0 => TestStore.Signed("k", ++count),
                            1 => TestStore.Bound(),
                            _ => TestStore.Key($"key-{i}-{records}"),
                        };
                        group.Add(record);
                        appended.Add(record);
                        position = TestStore.Append(opened.Store, record);
                    }

                    await opened.Store.WaitDurableAsync(position);
                    acknowledged.AddRange(group);
                }
            });
            Assert.Throws<IOException>(() => TestStore.Append(opened.Store, TestStore.Bound()));
            await TestStore.Close(opened);

            opened = test.Open(folder);
            RequireBetween(acknowledged, appended, opened.Store.State);
            string found = TestStore.Describe(opened.Store);
            await TestStore.Close(opened);
            Assert.Equal(found, await test.ReadAsync(folder));
        }
    }

    [Theory]
    [InlineData(FaultPoint.BeforeRename)]
    [InlineData(FaultPoint.AfterRename)]
    internal async Task DeathsInARowWhileOpening_ChangeNothing(FaultPoint point)
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"), TestStore.Signed("k", 5), TestStore.Bound());
        string expected = TestStore.Describe(opened.Store);
        await TestStore.Close(opened);
        for (int i = 0; i < 3; i++)
        {
            FaultKnobs faults = Mortal(powerLoss: false);
            faults.Set(new Fault(FaultKind.DieAt, (int)point));
            Assert.Throws<DiedException>(() => test.Open(folder, faults));
        }

        Assert.Equal(expected, await test.ReadAsync(folder));
        Assert.Equal(expected, await test.ReadAsync(folder));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(folder.HeaderPath)!, "journal-*"));
    }

    [Fact]
    public async Task GenerationThatTheAnchorDoesNotTellOf_MustBeWhole()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        FaultKnobs faults = Mortal(powerLoss: false);
        faults.Set(new Fault(FaultKind.DieAt, (int)FaultPoint.AfterRename));
        Assert.Throws<DiedException>(() => test.Open(folder, faults));
        byte[] journal = await File.ReadAllBytesAsync(folder.JournalPath(2), TestContext.Current.CancellationToken);
        foreach (byte[] changed in new[] { journal[..^1], journal[..JournalHead.Length], [.. journal, 0] })
        {
            await File.WriteAllBytesAsync(folder.JournalPath(2), changed, TestContext.Current.CancellationToken);
            Assert.Throws<StoreException>(() => test.Open(folder));
        }

        await File.WriteAllBytesAsync(folder.JournalPath(2), journal, TestContext.Current.CancellationToken);
        await test.ReadAsync(folder);
    }

    [Fact]
    public async Task PowerLossFromOutside_LosesNothingAcknowledged()
    {
        for (int run = 0; run < (TestRandom.Long ? 200 : 10); run++)
        {
            using var test = new TestStore();
            PartitionFolder folder = test.Make();
            var dead = new TaskCompletionSource();
            var faults = new FaultKnobs(enabled: true, dead.SetResult);
            OpenedPartition opened = test.Open(folder, faults, growthLimit: 2000);
            var acknowledged = new List<StoreRecord>();
            var appended = new List<StoreRecord>();
            var writing = Task.Run(WriteAsync, TestContext.Current.CancellationToken);
            await Task.Delay(_random.Next(20), TestContext.Current.CancellationToken);
            faults.Set(new Fault(FaultKind.PowerLoss, 0));
            await writing;
            OpenedPartition again = test.Open(folder);
            RequireBetween(acknowledged, appended, again.Store.State);
            await TestStore.Close(again);

            async Task WriteAsync()
            {
                while (!dead.Task.IsCompleted)
                {
                    StoreRecord record = TestStore.Bound();
                    appended.Add(record);
                    long position = TestStore.Append(opened.Store, record);

                    // The writer stands still for ever after the loss, as if the process were gone.
                    await Task.WhenAny(opened.Store.WaitDurableAsync(position).AsTask(), dead.Task);
                    if (!dead.Task.IsCompleted)
                    {
                        acknowledged.Add(record);
                    }
                }
            }
        }
    }

    private static FaultKnobs Mortal(bool powerLoss)
    {
        FaultKnobs? knobs = null;
        bool dying = false;
        knobs = new FaultKnobs(enabled: true, () =>
        {
            if (powerLoss && !dying)
            {
                dying = true;
                knobs!.Set(new Fault(FaultKind.PowerLoss, 0));
            }

            throw new DiedException();
        });
        return knobs;
    }

    // All that was acknowledged, and nothing that was never asked for.
    private static void RequireBetween(List<StoreRecord> acknowledged, List<StoreRecord> appended, PartitionState state)
    {
        foreach (StoreRecord record in acknowledged)
        {
            Assert.True(record switch
            {
                StoreRecord.KeyAdded key => state.Keys.ContainsKey(key.Label.Value),
                StoreRecord.SignaturesMade made => state.Keys[made.Label.Value].Signatures >= made.Count,
                StoreRecord.KeyBound bound => state.FindBinding(bound.KeyId.Span) is { } binding && binding.Span.SequenceEqual(bound.Binding.Span),
                _ => false,
            });
        }

        Assert.InRange(state.Keys.Count, 0, 1 + appended.OfType<StoreRecord.KeyAdded>().Count());
        Assert.InRange(state.Bindings, 0, 1 + appended.OfType<StoreRecord.KeyBound>().Count());
        long counted = appended.OfType<StoreRecord.SignaturesMade>().Select(made => made.Count).LastOrDefault(1);
        Assert.All(state.Keys.Values, key => Assert.InRange(key.Signatures, 0, counted));
    }

    private sealed class DiedException : Exception;
}
