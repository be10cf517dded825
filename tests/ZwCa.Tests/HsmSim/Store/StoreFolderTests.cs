using System.Runtime.Versioning;
using ZwCa.Hsm;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

public sealed class StoreFolderTests : IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    [Fact]
    public void SecondProcess_IsRefusedWithTheReason()
    {
        using (StoreFolder.Create(_test.Path))
        {
            Assert.Contains("in use", Assert.Throws<StoreException>(() => StoreFolder.Open(_test.Path)).Message);
            Assert.Contains("in use", Assert.Throws<StoreException>(() => StoreFolder.Create(_test.Path)).Message);
        }

        StoreFolder.Open(_test.Path).Dispose();
    }

    /// <summary>Both would bind the same key, each to another recipient.</summary>
    [Fact]
    public void CopyOnTheSameAnchors_CannotRunBeside()
    {
        _test.Make();
        TestStore.Copy(_test.Path, _test.Elsewhere("copy"));
        using (StoreFolder.Open(_test.Path))
        {
            Assert.Contains("of its own", Assert.Throws<StoreException>(() => StoreFolder.Open(_test.Elsewhere("copy"), _test.Anchors)).Message);
            Assert.Contains("of its own", Assert.Throws<StoreException>(() => StoreFolder.Create(_test.Elsewhere("new"), _test.Anchors)).Message);
        }

        StoreFolder.Open(_test.Elsewhere("copy"), _test.Anchors).Dispose();
    }

    [Fact]
    public async Task AnchorOfAnotherPartitionOfThatName_IsNotOverwritten()
    {
        PartitionFolder folder = _test.Make();
        OpenedPartition opened = _test.Open(folder);
        byte[] backup = opened.SealBackup(opened.Store.State.SnapshotForBackup());
        await TestStore.Close(opened);
        using (var other = StoreFolder.Create(_test.Elsewhere("other"), _test.Anchors))
        {
            Assert.Contains("anchor", Assert.Throws<StoreException>(() => other.CreatePartition(_test.Plan("p"), TimeProvider.System)).Message);
            Assert.Contains("anchor", Assert.Throws<StoreException>(() => other.Restore(backup, "p")).Message);
            Assert.Empty(other.Partitions);
        }

        await _test.ReadAsync(folder);
    }

    [Fact]
    public void AnchorsFolderThatCannotBeMade_LeavesNoStore()
    {
        string file = _test.Elsewhere("file");
        File.WriteAllText(file, "");

        Assert.ThrowsAny<IOException>(() => StoreFolder.Create(_test.Elsewhere("new"), Path.Combine(file, "anchors")));
        Assert.False(Directory.Exists(_test.Elsewhere("new")));
    }

    [Fact]
    public void AnchorsFolderThatIsMissing_IsNamed()
    {
        _test.Make();
        Directory.Delete(_test.Anchors, recursive: true);
        Assert.Contains(_test.Anchors, Assert.Throws<StoreException>(() => StoreFolder.Open(_test.Path)).Message);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void FilesAreTheOwnersAlone()
    {
        Requires.Condition(!OperatingSystem.IsWindows(), "Unix file modes");
        _test.Make(marks: StoreMarks.AutoUnlock);
        foreach (string entry in new[] { _test.Path, _test.Anchors }
            .SelectMany(f => Directory.EnumerateFileSystemEntries(f, "*", SearchOption.AllDirectories).Append(f)))
        {
            UnixFileMode expected = UnixFileMode.UserRead | UnixFileMode.UserWrite | (Directory.Exists(entry) ? UnixFileMode.UserExecute : 0);
            Assert.Equal((entry, expected), (entry, File.GetUnixFileMode(entry)));
        }
    }

    [Fact]
    public void AnchorsInsideTheStore_AreRefused()
    {
        Assert.Throws<StoreException>(() => StoreFolder.Create(_test.Path, Path.Combine(_test.Path, "anchors")));
        Assert.Throws<StoreException>(() => StoreFolder.Create(_test.Path, _test.Path));
        StoreFolder.Create(_test.Path, _test.Elsewhere("anchors")).Dispose();
    }

    [Fact]
    public void FolderThatIsNoStore_IsRefused() =>
        Assert.Contains("init", Assert.Throws<StoreException>(() => StoreFolder.Open(_test.Elsewhere("nothing"))).Message);

    [Fact]
    public async Task PartitionsOfOneStore_AreListedByName_AndHaveKeysOfTheirOwn()
    {
        using var store = StoreFolder.Create(_test.Path);
        PartitionFolder second = store.CreatePartition(_test.Plan("kmc"), TimeProvider.System);
        PartitionFolder first = store.CreatePartition(_test.Plan("ca"), TimeProvider.System);
        Assert.Equal(["ca", "kmc"], store.Partitions.Select(p => p.Name));
        Assert.NotEqual(first.ReadHeader().Id.ToArray(), second.ReadHeader().Id.ToArray());
        using MasterKey master = _test.MasterOf(first.ReadHeader());
        Assert.False(second.ReadHeader().IsAuthentic(master));
        await _test.ReadAsync(first);
        await _test.ReadAsync(second);
        Assert.Contains("already", Assert.Throws<StoreException>(() => store.CreatePartition(_test.Plan("ca"), TimeProvider.System)).Message);
    }

    [Fact]
    public void WhatAnInterruptedInitLeft_IsReplaced()
    {
        using var store = StoreFolder.Create(_test.Path);
        Directory.CreateDirectory(Path.Combine(_test.Path, "partitions", ".p.new", "x"));
        File.WriteAllBytes(Path.Combine(_test.Anchors, "p"), new byte[8192]);
        Assert.Empty(store.Partitions);
        store.CreatePartition(_test.Plan("p"), TimeProvider.System);
        Assert.Equal("p", Assert.Single(store.Partitions).Name);
        Assert.False(Directory.Exists(Path.Combine(_test.Path, "partitions", ".p.new")));
    }

    [Fact]
    public void PolicyOfAnotherPartition_IsNoFirstPolicy()
    {
        using var store = StoreFolder.Create(_test.Path);
        var plan = new NewPartition("p", _test.Plan("p").Holders, 2) { Policy = _ => TestStore.Policy(new byte[16]) };
        Assert.Throws<ArgumentException>(() => store.CreatePartition(plan, TimeProvider.System));
        Assert.Empty(store.Partitions);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".hidden")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("分区")]
    public void NamesThatAreNone_AreRefused(string name) => Assert.Throws<StoreException>(() => _test.Plan(name));

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    [InlineData(4)]
    public void ThresholdsThatProtectNothingOrCannotBeMet_AreRefused(int threshold) =>
        Assert.Throws<StoreException>(() => _test.Plan("p", threshold: threshold));

    [Fact]
    public void HoldersThatAreNotDistinctOrHaveNoKey_AreRefused()
    {
        byte[] one = _test.HolderKeys[0].PublicKey.ToBytes();
        byte[] two = _test.HolderKeys[1].PublicKey.ToBytes();
        byte[] offCurve = [.. two];
        offCurve[64] ^= 1;
        Assert.Contains("another holder's", Refusal(("a", one), ("b", one)));
        Assert.Contains("named twice", Refusal(("a", one), ("a", two)));
        Assert.Contains("public key of b", Refusal(("a", one), ("b", offCurve)));
        Assert.Contains("public key of b", Refusal(("a", one), ("b", two[..33])));
        Assert.Contains("no name", Refusal(("a", one), ("", two)));
        Assert.Contains("17", Refusal([.. Enumerable.Range(0, 17).Select(i => ($"h{i}", one))]));

        static string Refusal(params (string, byte[])[] holders) => Assert.Throws<StoreException>(() =>
            new NewPartition("p", [.. holders.Select(h => (h.Item1, (ReadOnlyMemory<byte>)h.Item2))], 2) { Policy = id => TestStore.Policy(id) }).Message;
    }

    [Fact]
    public void NoShareAndNoMasterKey_IsInAnyFile()
    {
        PartitionFolder folder = _test.Make();
        PartitionHeader header = folder.ReadHeader();
        byte[][] secrets = [_test.ShareOf(header, 1), _test.ShareOf(header, 2), _test.ShareOf(header, 3), Secret(header)];
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(_test.Path)!, "*", SearchOption.AllDirectories))
        {
            byte[] content = File.ReadAllBytes(file);
            Assert.All(secrets, secret => Assert.Equal(-1, content.AsSpan().IndexOf(secret)));
        }

        // The check finds it where it is: in the file of auto-unlock.
        PartitionFolder marked = _test.Make("marked", StoreMarks.AutoUnlock);
        Assert.Equal(Secret(marked.ReadHeader()), File.ReadAllBytes(marked.AutoUnlockPath));

        byte[] Secret(PartitionHeader of)
        {
            byte[] secret = new byte[32];
            SecretSharing.Combine([2, 3], [_test.ShareOf(of, 2), _test.ShareOf(of, 3)], secret);
            return secret;
        }
    }
}
