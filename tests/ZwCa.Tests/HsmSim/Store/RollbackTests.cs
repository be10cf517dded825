using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class RollbackTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    public async Task OlderCopyOfTheStore_IsRefusedAsRolledBack(int openingsSince, bool takenWhileOpen)
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"));
        if (takenWhileOpen)
        {
            TestStore.Copy(test.Path, test.Elsewhere("copy"));
        }

        await TestStore.WriteAsync(opened.Store, TestStore.Signed("k", 1));
        if (!takenWhileOpen)
        {
            TestStore.Copy(test.Path, test.Elsewhere("copy"));
        }

        await TestStore.WriteAsync(opened.Store, TestStore.Signed("k", 2));
        await TestStore.Close(opened);
        string newest = "";
        for (int i = 0; i < openingsSince; i++)
        {
            newest = await test.ReadAsync(folder);
        }

        TestStore.Copy(test.Path, test.Elsewhere("newest"));
        TestStore.Copy(test.Elsewhere("copy"), test.Path);
        SortedDictionary<string, string> before = test.Fingerprint();
        string message = Assert.Throws<StoreException>(() => test.Open(folder)).Message;
        Assert.Contains("rolled back", message);
        Assert.Contains("backup", message);
        Assert.Equal(before, test.Fingerprint());

        // The newest files put back, it opens.
        TestStore.Copy(test.Elsewhere("newest"), test.Path);
        string found = await test.ReadAsync(folder);
        Assert.True(newest.Length == 0 || found == newest);
    }

    [Fact]
    public async Task KilledProcessesStoreCopiedBeforeALaterRecord_IsRefused()
    {
        // Nothing is closed: as after a kill, the anchor tells of the last answer.
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"));
        TestStore.Copy(test.Path, test.Elsewhere("older"));
        await TestStore.WriteAsync(opened.Store, TestStore.Signed("k", 1));
        TestStore.Copy(test.Path, test.Elsewhere("killed"));
        TestStore.Copy(test.Anchors, test.Elsewhere("killed.anchor"));
        TestStore.Copy(test.Anchors, test.Elsewhere("older.anchor"));
        string expected = TestStore.Describe(opened.Store);
        await TestStore.Close(opened);

        Assert.Equal(expected, await test.ReadAsync(PartitionIn("killed")));
        Assert.Contains("rolled back", Assert.Throws<StoreException>(() => test.Open(PartitionIn("older"))).Message);

        PartitionFolder PartitionIn(string name)
        {
            using var store = StoreFolder.Open(test.Elsewhere(name));
            return Assert.Single(store.Partitions);
        }
    }

    [Fact]
    public async Task JournalOrAnchorOrHeaderOfAnotherPartition_IsRefused()
    {
        using var test = new TestStore();
        PartitionFolder first = test.Make("first");
        PartitionFolder second = test.Make("second");
        SortedDictionary<string, string> before = test.Fingerprint();
        foreach (Func<PartitionFolder, string> file in new Func<PartitionFolder, string>[] { f => f.JournalPath(1), f => f.AnchorPath, f => f.HeaderPath })
        {
            Swap(file(first), file(second));
            using MasterKey master = test.MasterOf(first.ReadHeader());
            Assert.Throws<StoreException>(() => first.Open(master, TestStore.NoFaults, TimeProvider.System, test.Notices.Add));
            Assert.Throws<StoreException>(() => test.Open(second));
            Swap(file(first), file(second));
        }

        Assert.Equal(before, test.Fingerprint());
        await test.ReadAsync(first);
        await test.ReadAsync(second);

        static void Swap(string one, string other)
        {
            byte[] content = File.ReadAllBytes(one);
            File.Copy(other, one, overwrite: true);
            File.WriteAllBytes(other, content);
        }
    }

    /// <summary>
    /// Holders opened a copy of the store and of its anchors elsewhere, an exercise perhaps. Its journal is genuine and newer by number; it stands for
    /// what was before (or after) what this store did since.
    /// </summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task JournalOfACopyThatWentOnElsewhere_IsRefused(bool copiedBeforeTheLastRecord, bool copyHasMore)
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        OpenedPartition opened = test.Open(folder);
        await TestStore.WriteAsync(opened.Store, TestStore.Key("k"), TestStore.Signed("k", 1));
        if (copiedBeforeTheLastRecord)
        {
            CopyAll();
        }

        await TestStore.WriteAsync(opened.Store, TestStore.Signed("k", 2), TestStore.Bound());
        string expected = TestStore.Describe(opened.Store);
        await TestStore.Close(opened);
        if (!copiedBeforeTheLastRecord)
        {
            CopyAll();
        }

        PartitionFolder copy;
        using (var store = StoreFolder.Open(test.Elsewhere("copy")))
        {
            copy = Assert.Single(store.Partitions);
        }

        OpenedPartition elsewhere = test.Open(copy);
        if (copyHasMore)
        {
            await TestStore.WriteAsync(elsewhere.Store, TestStore.Signed("k", 3));
        }

        await TestStore.Close(elsewhere);
        File.Copy(copy.JournalPath(3), folder.JournalPath(3));
        Assert.Contains("rolled back", Assert.Throws<StoreException>(() => test.Open(folder)).Message);
        File.Delete(folder.JournalPath(3));
        Assert.Equal(expected, await test.ReadAsync(folder));

        void CopyAll()
        {
            TestStore.Copy(test.Path, test.Elsewhere("copy"));
            TestStore.Copy(test.Anchors, test.Elsewhere("copy.anchor"));
        }
    }

    [Fact]
    public void MissingFiles_AreNamed()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        using MasterKey master = test.MasterOf(folder.ReadHeader());
        Assert.Contains("journal is missing", WithoutFile(folder.JournalPath(1)));
        Assert.Contains("anchor", WithoutFile(folder.AnchorPath));
        Assert.Contains("header is missing", WithoutFile(folder.HeaderPath));

        string WithoutFile(string path)
        {
            File.Move(path, test.Elsewhere("away"));
            string message = Assert.Throws<StoreException>(() => folder.Open(master, TestStore.NoFaults, TimeProvider.System, test.Notices.Add)).Message;
            File.Move(test.Elsewhere("away"), path);
            return message;
        }
    }

    [Fact]
    public async Task JournalUnderAnotherGenerationsName_IsRefused()
    {
        using var test = new TestStore();
        PartitionFolder folder = test.Make();
        File.Copy(folder.JournalPath(1), folder.JournalPath(2));
        Assert.Throws<StoreException>(() => test.Open(folder));
        File.Delete(folder.JournalPath(2));
        await test.ReadAsync(folder);
    }
}
