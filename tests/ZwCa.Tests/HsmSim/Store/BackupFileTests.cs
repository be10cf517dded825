using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class BackupFileTests : IDisposable
{
    private readonly TestStore _test = new();
    private readonly TestRandom _random = new();

    public void Dispose() => _test.Dispose();

    [Fact]
    public async Task RestoredPartition_HasKeysCountsAndPolicy_AndBeginsANewEpoch()
    {
        (byte[] backup, OpenedPartition original) = await BackUpAsync();
        PartitionFolder folder = Restore("elsewhere", backup);
        OpenedPartition opened = _test.Open(folder);
        PartitionState state = opened.Store.State;
        Assert.Equal((2, 7), (state.Keys.Count, state.Keys["a"].Signatures));
        Assert.Equal((2, 0), (state.Epoch, state.Bindings));
        Assert.Equal(StoreMarks.Demo, state.Marks);
        Assert.Equal((1234, 2), (state.LastBackup!.Time, state.LastBackup.Keys));
        Assert.Equal(original.Id.ToArray(), opened.Id.ToArray());
        Assert.NotEqual(original.Store.State.EpochId.ToArray(), state.EpochId.ToArray());
        Assert.Contains("restored", Assert.Single(_test.Notices));
        await TestStore.WriteAsync(opened.Store, TestStore.Signed("a", 8));
        string expected = TestStore.Describe(opened.Store);
        await TestStore.Close(opened);
        Assert.False(File.Exists(folder.RestorePath));
        Assert.Equal(expected, await _test.ReadAsync(folder));
        Assert.Single(_test.Notices);
    }

    [Fact]
    public async Task RestoredTwice_AreTwoEpochs()
    {
        (byte[] backup, _) = await BackUpAsync();
        var epochs = new HashSet<string>();
        foreach (string store in new[] { "one", "two" })
        {
            OpenedPartition opened = _test.Open(Restore(store, backup));
            Assert.Equal(2, opened.Store.State.Epoch);
            Assert.True(epochs.Add(Convert.ToHexString(opened.Store.State.EpochId.Span)));
            await TestStore.Close(opened);
        }
    }

    [Fact]
    public async Task BackupOfARestoredPartition_RestoresToALaterEpochStill()
    {
        (byte[] backup, _) = await BackUpAsync();
        OpenedPartition opened = _test.Open(Restore("one", backup));
        byte[] second = opened.SealBackup(opened.Store.State.SnapshotForBackup());
        await TestStore.Close(opened);
        opened = _test.Open(Restore("two", second));
        Assert.Equal(3, opened.Store.State.Epoch);
        await TestStore.Close(opened);
    }

    [Fact]
    public async Task ChangedAnywhere_IsRefusedAtRestoreOrAtTheFirstOpening()
    {
        (byte[] backup, _) = await BackUpAsync();
        PartitionHeader header = BackupFile.ReadHeader(backup);
        using MasterKey master = _test.MasterOf(header);
        for (int i = 0; i < backup.Length; i++)
        {
            byte[] changed = [.. backup];
            changed[i] ^= (byte)(1 << _random.Next(8));
            Assert.Throws<StoreException>(() => BackupFile.Open(changed, master, header));
            Assert.Throws<StoreException>(() => BackupFile.ReadHeader(backup[..i]) is { } read ? BackupFile.Open(backup.AsMemory(0, i), master, read) : null);
        }

        Assert.Throws<StoreException>(() => BackupFile.Open((byte[])[.. backup, 0], master, header));

        // Its last record cut off cleanly: still framed well, and still refused.
        Assert.Throws<StoreException>(() => BackupFile.Open(backup.AsMemory(0, backup.Length - (4 + 33 + 16)), master, header));
    }

    [Fact]
    public async Task TamperedBackup_IsRefusedAtTheFirstOpeningWithTheReason_AndTheStoreStaysAsItIs()
    {
        (byte[] backup, _) = await BackUpAsync();
        backup[^20] ^= 1;
        PartitionFolder folder = Restore("one", backup);
        Assert.Contains("tampered", Assert.Throws<StoreException>(() => _test.Open(folder)).Message);
        Assert.True(File.Exists(folder.RestorePath));
        Assert.False(File.Exists(folder.JournalPath(1)));
    }

    [Fact]
    public async Task RestoreFilePutIntoARunningPartition_DoesNotBringBackTheBackup()
    {
        // The note in the anchor's place is what makes a restore; who has only the store cannot write it.
        (byte[] backup, OpenedPartition original) = await BackUpAsync();
        using var store = StoreFolder.Open(_test.Path);
        PartitionFolder folder = Assert.Single(store.Partitions);
        await File.WriteAllBytesAsync(folder.RestorePath, backup, TestContext.Current.CancellationToken);
        Assert.Equal(TestStore.Describe(original.Store), await _test.ReadAsync(folder));
        Assert.False(File.Exists(folder.RestorePath));
    }

    [Fact]
    public async Task BackupExchangedAfterTheRestore_IsRefused()
    {
        (byte[] backup, OpenedPartition original) = await BackUpAsync();
        PartitionFolder folder = Restore("one", backup);
        using MasterKey master = _test.MasterOf(original.Header);
        byte[] other = BackupFile.Seal(original.Header, master, original.Store.State.SnapshotForBackup());
        await File.WriteAllBytesAsync(folder.RestorePath, other, TestContext.Current.CancellationToken);
        Assert.Contains("changed", Assert.Throws<StoreException>(() => _test.Open(folder)).Message);
    }

    [Fact]
    public async Task DeathsDuringTheFirstOpening_LeaveARestoreOrARestoredPartition()
    {
        (byte[] backup, _) = await BackUpAsync();
        PartitionFolder folder = Restore("one", backup);
        foreach (FaultPoint point in new[] { FaultPoint.BeforeRename, FaultPoint.AfterRename, FaultPoint.BeforeRename })
        {
            var faults = new FaultKnobs(enabled: true, () => throw new TimeoutException());
            faults.Set(new Fault(FaultKind.DieAt, (int)point));
            Assert.Throws<TimeoutException>(() => _test.Open(folder, faults));
        }

        OpenedPartition opened = _test.Open(folder);
        string epoch = Convert.ToHexString(opened.Store.State.EpochId.Span);
        Assert.Equal(2, opened.Store.State.Epoch);
        await TestStore.Close(opened);

        // Died before the backup was deleted: it is not read again.
        await File.WriteAllBytesAsync(folder.RestorePath, backup, TestContext.Current.CancellationToken);
        opened = _test.Open(folder);
        Assert.Equal(epoch, Convert.ToHexString(opened.Store.State.EpochId.Span));
        await TestStore.Close(opened);
    }

    [Fact]
    public async Task OldJournalsOfTheLostPartition_DoNotPassForTheRestoredOne()
    {
        (byte[] backup, _) = await BackUpAsync();
        var journals = new Dictionary<string, byte[]>();
        using (var store = StoreFolder.Open(_test.Path))
        {
            PartitionFolder lost = Assert.Single(store.Partitions);
            for (int generation = 2; generation <= 8; generation++)
            {
                string journal = lost.JournalPath(generation);
                journals.Add(Path.GetFileName(journal), await File.ReadAllBytesAsync(journal, TestContext.Current.CancellationToken));
                await _test.ReadAsync(lost);
            }
        }

        PartitionFolder folder = Restore("one", backup);
        await _test.ReadAsync(folder);
        foreach ((string name, byte[] journal) in journals)
        {
            await File.WriteAllBytesAsync(
                Path.Combine(Path.GetDirectoryName(folder.HeaderPath)!, name), journal, TestContext.Current.CancellationToken);
        }

        // They are of higher generations, genuine and complete, but do not continue what the anchor tells of.
        Assert.Contains("rolled back", Assert.Throws<StoreException>(() => _test.Open(folder)).Message);
    }

    [Fact]
    public async Task WhatIsNoBackupOrThereAlready_IsRefused()
    {
        (byte[] backup, _) = await BackUpAsync();
        using var store = StoreFolder.Open(_test.Path);
        Assert.Contains("already", Assert.Throws<StoreException>(() => store.Restore(backup, "p")).Message);
        Assert.Contains("cannot be there twice", Assert.Throws<StoreException>(() => store.Restore(backup, "q")).Message);
        Assert.Contains("no backup", Assert.Throws<StoreException>(() => store.Restore(_random.Bytes(1000), "q")).Message);
        Assert.Contains("cut off", Assert.Throws<StoreException>(() => store.Restore(backup.AsSpan()[..^1], "q")).Message);
        Assert.Single(store.Partitions);
    }

    private PartitionFolder Restore(string storeName, byte[] backup)
    {
        using var store = StoreFolder.Create(_test.Elsewhere(storeName));
        return store.Restore(backup, "restored");
    }

    /// <summary>A partition with two keys and a binding, closed, and a backup of it that does not have its last signature.</summary>
    private async Task<(byte[] Backup, OpenedPartition Original)> BackUpAsync()
    {
        OpenedPartition opened = _test.Open(_test.Make(marks: StoreMarks.Demo));
        await TestStore.WriteAsync(
            opened.Store, TestStore.Key("a"), TestStore.Key("b"), TestStore.Signed("a", 7), TestStore.Bound(), new StoreRecord.BackupMade(1234, 2));
        byte[] backup = opened.SealBackup(opened.Store.State.SnapshotForBackup());
        await TestStore.WriteAsync(opened.Store, TestStore.Signed("a", 8));
        await TestStore.Close(opened);
        _test.Notices.Clear();
        return (backup, opened);
    }
}
