using ZwCa.Ca.Crls;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Where CRLs are made that nobody sees yet: several processes may share the folder, and each may die at any time.</summary>
public sealed class WorkFolderTests
{
    [Fact]
    public void WhatDeadProcessesHaveLeft_IsRemovedAtTheNextStart_AndNothingElse()
    {
        using var folder = new TemporaryFolder();
        var options = new CrlOptions { WorkFolder = folder.Path };
        using var living = new CrlNode(options);
        string unfinished = Path.Combine(living.WorkFolder, "0123.crl");
        File.WriteAllText(unfinished, "half a CRL");
        string[] dead = [Left("crl-0123", "0123.crl", "alive"), Left("crl-4567", "4567.entries"), Left("crl-89ab")];
        string[] others = [Left("other", "0123.crl"), Left("crlx")];

        using (var next = new CrlNode(options))
        {
            Assert.True(Directory.Exists(next.WorkFolder));
            Assert.Equal(next.WorkFolder, next.WorkFolder);
            Assert.NotEqual(living.WorkFolder, next.WorkFolder);
            Assert.All(dead, each => Assert.False(Directory.Exists(each), each));
            Assert.All(others, each => Assert.True(Directory.Exists(each), each));
            Assert.True(File.Exists(unfinished));
        }

        // One that ends in order leaves nothing.
        Assert.Equal([living.WorkFolder, .. others.Order(StringComparer.Ordinal)], Directory.EnumerateDirectories(folder.Path).Order(StringComparer.Ordinal));

        string Left(string name, params string[] files)
        {
            string path = Directory.CreateDirectory(folder.File(name)).FullName;
            Array.ForEach(files, file => File.WriteAllText(Path.Combine(path, file), "left behind"));
            return path;
        }
    }

    [Fact]
    public async Task ProcessesThatStartTogether_LeaveEachOtherAlone()
    {
        using var folder = new TemporaryFolder();
        var options = new CrlOptions { WorkFolder = folder.File("work") };
        CrlNode[] nodes = [.. Enumerable.Range(0, 12).Select(_ => new CrlNode(options))];
        string[] folders = await Task.WhenAll(nodes.Select(node => Task.Run(() => node.WorkFolder, TestContext.Current.CancellationToken)));

        Assert.Equal(nodes.Length, folders.Distinct().Count());
        Assert.All(folders, each => Assert.True(Directory.Exists(each), each));
        Array.ForEach(nodes, node => node.Dispose());
        Assert.Empty(Directory.EnumerateDirectories(folder.File("work")));
    }

    /// <summary>The disk was not mounted yet: the next CRL finds it.</summary>
    [Fact]
    public void AFolderThatCannotBeMade_IsTriedAgain()
    {
        using var folder = new TemporaryFolder();
        string work = folder.File("work");
        using var node = new CrlNode(new CrlOptions { WorkFolder = work });
        File.WriteAllText(work, "");
        Assert.ThrowsAny<IOException>(() => node.WorkFolder);

        File.Delete(work);
        Assert.True(Directory.Exists(node.WorkFolder));
    }
}
