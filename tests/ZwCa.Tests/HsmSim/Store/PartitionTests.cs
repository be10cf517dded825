using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class PartitionTests : IAsyncLifetime
{
    private readonly TestStore _test = new();
    private readonly List<Partition> _partitions = [];
    private readonly List<OpenedPartition> _opened = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (Partition partition in _partitions)
        {
            await partition.DisposeAsync();
        }

        _test.Dispose();
    }

    [Fact]
    public async Task ThresholdOfHolders_OpensThePartition()
    {
        Partition partition = PartitionOf(_test.Make());
        Assert.Equal((2, false), (partition.Status().SharesMissing, partition.IsOpen));
        Assert.Contains("2 of 2 shares", Assert.Throws<HsmException>(() => partition.Open).Message);
        Assert.Equal(1, await EnterAsync(partition, 3));
        PartitionStatus status = partition.Status();
        Assert.Equal(["holder 3"], status.Entered);
        Assert.Equal((1, 0), (status.SharesMissing, status.Epoch));
        Assert.Equal(HsmFailure.Locked, Assert.Throws<HsmException>(() => partition.Open).Failure);
        Assert.Equal(0, await EnterAsync(partition, 1));
        Assert.True(partition.IsOpen);
        Assert.NotNull(partition.Open);
        await TestStore.WriteAsync(Assert.Single(_opened).Store, TestStore.Key("k"), new StoreRecord.BackupMade(77, 1), TestStore.Key("l"));
        status = partition.Status();
        Assert.Equal(["holder 1", "holder 3"], status.Entered);
        Assert.Equal(["holder 1", "holder 2", "holder 3"], status.Holders);
        Assert.Equal((0, 1, 2, 1, 77, 0), (status.SharesMissing, status.Epoch, status.Keys, status.KeysWithoutBackup, status.LastBackup, status.PolicyVersion));
        Assert.Equal(0, await EnterAsync(partition, 2));
        Assert.Single(_opened);
    }

    [Fact]
    public async Task SameHolderTwice_CountsOnce()
    {
        Partition partition = PartitionOf(_test.Make());
        Assert.Equal(1, await EnterAsync(partition, 2));
        Assert.Equal(1, await EnterAsync(partition, 2));
        Assert.False(partition.IsOpen);
        Assert.Single(partition.Status().Entered);
    }

    [Fact]
    public async Task AllHoldersAtOnce_OpenItOnce()
    {
        Partition partition = PartitionOf(_test.Make());
        await Task.WhenAll(Enumerable.Range(0, 9).Select(i => Task.Run(() => EnterAsync(partition, 1 + (i % 3)), TestContext.Current.CancellationToken)));
        Assert.True(partition.IsOpen);
        Assert.Single(_opened);
    }

    [Fact]
    public async Task WrongShare_NamesItsHolder_AndHarmsNothing()
    {
        Partition partition = PartitionOf(_test.Make());
        byte[] share = Share(partition, 2);
        share[31] ^= 1;
        HsmException refused = await Assert.ThrowsAsync<HsmException>(() => partition.EnterShareAsync(2, share));
        Assert.Contains("holder 2", refused.Message);
        Assert.DoesNotContain(Convert.ToHexString(share), refused.Message, StringComparison.OrdinalIgnoreCase);
        await Assert.ThrowsAsync<HsmException>(() => partition.EnterShareAsync(1, Share(partition, 3)));
        await Assert.ThrowsAsync<HsmException>(() => partition.EnterShareAsync(1, Share(partition, 1).AsMemory(0, 31)));
        await Assert.ThrowsAsync<HsmException>(() => partition.EnterShareAsync(4, share));
        await Assert.ThrowsAsync<HsmException>(() => partition.EnterShareAsync(0, share));
        Assert.Empty(partition.Status().Entered);
        await EnterAsync(partition, 1);
        Assert.Equal(0, await EnterAsync(partition, 2));
    }

    [Fact]
    public async Task ShareOfAnotherPartition_IsWrong()
    {
        Partition first = PartitionOf(_test.Make("first"));
        Partition second = PartitionOf(_test.Make("second"));
        Assert.Equal(
            HsmFailure.WrongCredential, (await Assert.ThrowsAsync<HsmException>(() => first.EnterShareAsync(1, Share(second, 1)))).Failure);
    }

    [Fact]
    public void Stranger_GetsNoShare()
    {
        Partition partition = PartitionOf(_test.Make());
        using var stranger = ZwCa.Cryptography.Sm2PrivateKey.Generate();
        Assert.Equal(HsmFailure.KeyNotFound, Assert.Throws<HsmException>(() => partition.GetShare(stranger.PublicKey.ToBytes())).Failure);
    }

    /// <summary>The header can be written by whoever has the disk: a lower m gets him nothing.</summary>
    [Fact]
    public async Task HeaderWithALowerThreshold_DoesNotOpenWithFewerHolders()
    {
        PartitionFolder folder;
        using (var store = StoreFolder.Create(_test.Path))
        {
            folder = store.CreatePartition(_test.Plan("p", threshold: 3), TimeProvider.System);
        }

        byte[] genuine = await ForgeThresholdAsync(folder, 2);
        SortedDictionary<string, string> before = _test.Fingerprint();
        Partition partition = PartitionOf(folder);
        await EnterAsync(partition, 1);
        Assert.Contains("header", (await Assert.ThrowsAsync<HsmException>(() => EnterAsync(partition, 2))).Message);
        Assert.False(partition.IsOpen);
        Assert.Empty(partition.Status().Entered);
        Assert.Equal(before, _test.Fingerprint());

        await File.WriteAllBytesAsync(folder.HeaderPath, genuine, TestContext.Current.CancellationToken);
        partition = PartitionOf(folder);
        await EnterAsync(partition, 1);
        Assert.Equal(1, await EnterAsync(partition, 2));
        Assert.Equal(0, await EnterAsync(partition, 3));
    }

    /// <summary>A holder's key in the header is what policies and backups are signed with.</summary>
    [Fact]
    public async Task HeaderWithAnotherHolderKey_DoesNotOpen()
    {
        PartitionFolder folder = _test.Make();
        byte[] header = await File.ReadAllBytesAsync(folder.HeaderPath, TestContext.Current.CancellationToken);
        using var stranger = ZwCa.Cryptography.Sm2PrivateKey.Generate();
        int key = header.AsSpan().IndexOf(_test.HolderKeys[1].PublicKey.ToBytes());
        stranger.PublicKey.ToBytes().CopyTo(header, key);
        await File.WriteAllBytesAsync(folder.HeaderPath, header, TestContext.Current.CancellationToken);
        Partition partition = PartitionOf(folder);
        await EnterAsync(partition, 1);
        Assert.Contains("header", (await Assert.ThrowsAsync<HsmException>(() => EnterAsync(partition, 3))).Message);
        Assert.False(partition.IsOpen);
    }

    [Fact]
    public async Task HeaderExchangedWhileHoldersEnter_IsNotTrusted()
    {
        PartitionFolder folder = _test.Make();
        byte[] genuine = await ForgeThresholdAsync(folder, 3);
        Partition partition = PartitionOf(folder);
        await File.WriteAllBytesAsync(folder.HeaderPath, genuine, TestContext.Current.CancellationToken);
        await EnterAsync(partition, 1);
        await EnterAsync(partition, 2);
        Assert.Contains("header", (await Assert.ThrowsAsync<HsmException>(() => EnterAsync(partition, 3))).Message);
        Assert.False(partition.IsOpen);
    }

    [Fact]
    public async Task StoreThatCannotBeOpened_SaysWhy_AndOpensOnceItIsRepaired()
    {
        PartitionFolder folder = _test.Make();
        Partition partition = PartitionOf(folder);
        File.Move(folder.AnchorPath, _test.Elsewhere("anchor"));
        await EnterAsync(partition, 1);
        HsmException refused = await Assert.ThrowsAsync<HsmException>(() => EnterAsync(partition, 2));
        Assert.Equal(HsmFailure.DeviceError, refused.Failure);
        Assert.Contains("anchor", refused.Message);
        Assert.False(partition.IsOpen);

        // The shares are forgotten: nothing secret waits in memory.
        Assert.Empty(partition.Status().Entered);
        File.Move(_test.Elsewhere("anchor"), folder.AnchorPath);
        Assert.Equal(1, await EnterAsync(partition, 1));
        Assert.Equal(0, await EnterAsync(partition, 2));
    }

    [Fact]
    public async Task BackupOpensWithItsHolders_AndNotWithOneLess()
    {
        OpenedPartition opened = _test.Open(_test.Make());
        byte[] backup = opened.SealBackup(opened.Store.State.SnapshotForBackup());
        await TestStore.Close(opened);
        using var store = StoreFolder.Create(_test.Elsewhere("other"));
        Partition partition = PartitionOf(store.Restore(backup, "restored"));
        Assert.Equal(1, await EnterAsync(partition, 1));
        Assert.Equal(1, await EnterAsync(partition, 1));
        Assert.False(partition.IsOpen);
        Assert.Equal(0, await EnterAsync(partition, 3));
        Assert.Equal(2, partition.Status().Epoch);
    }

    [Fact]
    public async Task AutoUnlock_OpensAStoreMarkedSo()
    {
        Partition partition = PartitionOf(_test.Make(marks: StoreMarks.AutoUnlock));
        Assert.True(await partition.TryAutoUnlockAsync());
        Assert.True(await partition.TryAutoUnlockAsync());
        Assert.Equal(StoreMarks.AutoUnlock, partition.Status().Marks);
        Assert.Single(_opened);
    }

    [Fact]
    public async Task AutoUnlock_WithoutTheMark_IsRefusedEvenWithTheRightKey()
    {
        PartitionFolder folder = _test.Make();
        Partition partition = PartitionOf(folder);
        Assert.False(await partition.TryAutoUnlockAsync());
        byte[] secret = new byte[32];
        SecretSharing.Combine([1, 2], [Share(partition, 1), Share(partition, 2)], secret);
        await File.WriteAllBytesAsync(folder.AutoUnlockPath, secret, TestContext.Current.CancellationToken);
        Assert.Contains("auto-unlock", (await Assert.ThrowsAsync<HsmException>(() => partition.TryAutoUnlockAsync())).Message);
        Assert.Empty(_opened);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    public async Task AutoUnlock_WithAnotherKey_IsRefused(int length)
    {
        PartitionFolder folder = _test.Make(marks: StoreMarks.AutoUnlock);
        await File.WriteAllBytesAsync(folder.AutoUnlockPath, new byte[length], TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<HsmException>(() => PartitionOf(folder).TryAutoUnlockAsync());
    }

    [Fact]
    public async Task FaultKnobs_MarkTheStoreForGood()
    {
        PartitionFolder folder = _test.Make(marks: StoreMarks.Demo);
        Partition partition = PartitionOf(folder, new FaultKnobs(enabled: true));
        await EnterAsync(partition, 1);
        await EnterAsync(partition, 2);
        Assert.Equal(StoreMarks.Demo | StoreMarks.Faults, partition.Status().Marks);
        await partition.DisposeAsync();
        OpenedPartition again = _test.Open(folder);
        Assert.Equal(StoreMarks.Demo | StoreMarks.Faults, again.Store.State.Marks);
        await TestStore.Close(again);
    }

    /// <returns>The header as it was.</returns>
    private static async Task<byte[]> ForgeThresholdAsync(PartitionFolder folder, byte threshold)
    {
        // Behind magic, version and partition id, big-endian.
        const int LastByteOfThreshold = 8 + 2 + PartitionHeader.IdLength + 3;
        byte[] genuine = await File.ReadAllBytesAsync(folder.HeaderPath, TestContext.Current.CancellationToken);
        byte[] forged = [.. genuine];
        Assert.NotEqual(threshold, forged[LastByteOfThreshold]);
        forged[LastByteOfThreshold] = threshold;
        await File.WriteAllBytesAsync(folder.HeaderPath, forged, TestContext.Current.CancellationToken);
        return genuine;
    }

    private Partition PartitionOf(PartitionFolder folder, FaultKnobs? faults = null)
    {
        var partition = new Partition(folder, faults ?? TestStore.NoFaults, TimeProvider.System, Keep, _test.Notices.Add);
        _partitions.Add(partition);
        return partition;
    }

    private OpenPartition Keep(OpenedPartition opened)
    {
        _opened.Add(opened);
        return new OpenPartition(opened, TimeProvider.System);
    }

    private byte[] Share(Partition partition, int holder)
    {
        EncryptedShare share = partition.GetShare(_test.HolderKeys[holder - 1].PublicKey.ToBytes());
        Assert.Equal(holder, share.Index);
        return _test.HolderKeys[holder - 1].Decrypt(share.Ciphertext.Span);
    }

    private Task<int> EnterAsync(Partition partition, int holder) => partition.EnterShareAsync(holder, Share(partition, holder));
}
