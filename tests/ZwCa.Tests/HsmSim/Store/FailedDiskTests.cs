using System.Runtime.Versioning;
using ZwCa.HsmSim.Store;

namespace ZwCa.Tests.HsmSim.Store;

/// <summary>The disk takes no more while many write: nobody is answered falsely, and what was answered is there once it takes again.</summary>
public sealed class FailedDiskTests : IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    /// <summary>Linux has a device that is always full.</summary>
    [Fact]
    [UnsupportedOSPlatform("windows")]
    public Task DiskFullWhenAGenerationBegins_IsTheEnd()
    {
        Requires.Condition(File.Exists("/dev/full"), "/dev/full");
        return EndsUnderLoadAsync(path => File.CreateSymbolicLink(path, "/dev/full"), File.Delete, "space");
    }

    [Fact]
    public Task FileThatCannotBeMade_IsTheEnd() => EndsUnderLoadAsync(path => Directory.CreateDirectory(path), Directory.Delete, ".new");

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task DiskFullAtTheOpening_ChangesNothing()
    {
        Requires.Condition(File.Exists("/dev/full"), "/dev/full");
        PartitionFolder folder = _test.Make();
        string unfinished = folder.JournalPath(2) + ".new";
        File.CreateSymbolicLink(unfinished, "/dev/full");
        Assert.ThrowsAny<IOException>(() => _test.Open(folder));
        File.Delete(unfinished);
        await _test.ReadAsync(folder);
    }

    private async Task EndsUnderLoadAsync(Action<string> obstruct, Action<string> clear, string reason)
    {
        PartitionFolder folder = _test.Make();
        OpenedPartition opened = _test.Open(folder, growthLimit: 3000);
        string obstacle = folder.JournalPath(3) + ".new";
        obstruct(obstacle);
        var acknowledged = new List<StoreRecord.KeyBound>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(WriteAsync, TestContext.Current.CancellationToken)));

        // Some 70 bytes a record.
        Assert.InRange(acknowledged.Count, 20, 200);
        IOException after = Assert.Throws<IOException>(() => TestStore.Append(opened.Store, TestStore.Bound()));
        Assert.Contains(reason, after.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Start the device anew", after.Message);
        await TestStore.Close(opened);

        clear(obstacle);
        opened = _test.Open(folder);
        Assert.All(acknowledged, record => Assert.Equal(record.Binding.ToArray(), opened.Store.State.FindBinding(record.KeyId.Span)?.ToArray()));
        await TestStore.Close(opened);

        async Task WriteAsync()
        {
            try
            {
                while (true)
                {
                    var record = (StoreRecord.KeyBound)TestStore.Bound();
                    await TestStore.WriteAsync(opened.Store, record);
                    lock (acknowledged)
                    {
                        acknowledged.Add(record);
                        Assert.True(acknowledged.Count < 1000, "The failure was not noticed.");
                    }
                }
            }
            catch (IOException)
            {
                // The end that is waited for.
            }
        }
    }
}
