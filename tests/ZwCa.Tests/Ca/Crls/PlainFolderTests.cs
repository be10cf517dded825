using System.Diagnostics;
using System.Runtime.InteropServices;
using ZwCa.Ca.Crls;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>A folder that others may write to, by itself.</summary>
public sealed partial class PlainFolderTests
{
    private const string StrictUmask = "ZWCA_TEST_UMASK";

    private static readonly byte[] Bytes = [1, 2, 3];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void WhatIsNoFileOfItsOwn_IsNotOpened_AndOpeningDoesNotWait()
    {
        Requires.Condition(OperatingSystem.IsLinux(), "links and pipes");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("a/b"));
        File.WriteAllBytes(folder.File("a/b/file"), Bytes);
        File.CreateSymbolicLink(folder.File("a/b/link"), folder.File("a/b/file"));
        File.CreateSymbolicLink(folder.File("a/b/lost"), folder.File("a/b/none"));
        File.CreateSymbolicLink(folder.File("a/b/zero"), "/dev/zero");
        Directory.CreateDirectory(folder.File("a/b/folder"));
        Directory.CreateSymbolicLink(folder.File("a/c"), folder.File("a/b"));
        Directory.CreateSymbolicLink(folder.File("root"), folder.Path);
        MakePipe(folder.File("a/b/pipe"));

        var published = new PublicationFolder(folder.File("root"));
        using (FileStream? file = published.Open("a/b/file"))
        {
            Assert.Equal(3, file!.Length);
        }

        Assert.Null(published.Open("a/b/none"));
        Assert.Null(published.Open("a/none/file"));
        foreach (string name in new[] { "link", "lost", "zero", "folder", "pipe" })
        {
            Assert.Throws<NoPlainFileException>(() => published.Open($"a/b/{name}"));
        }

        Assert.Contains("is a link", Assert.Throws<IOException>(() => published.Open("a/c/file")).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => published.Open("a/b/file/file"));
        Assert.Throws<DirectoryNotFoundException>(() => new PublicationFolder(folder.File("none")).Open("a/b/file"));
    }

    /// <summary>What is found at the last moment keeps the new file away, and nothing of it is left.</summary>
    [Fact]
    public async Task TheLastLook_Decides()
    {
        using var folder = new TemporaryFolder();
        var published = new PublicationFolder(folder.Path);
        await WriteAsync(published, Bytes, () => Task.CompletedTask);

        await Assert.ThrowsAsync<InvalidDataException>(() => WriteAsync(published, [9], () =>
        {
            Assert.Single(Directory.EnumerateFiles(folder.File("a/b"), "*.new"));
            throw new InvalidDataException("As the test wants it.");
        }));
        Assert.Equal(Bytes, await File.ReadAllBytesAsync(folder.File("a/b/c"), Token));
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.File("a/b")));
    }

    [Fact]
    public void AStrictUmask_DoesNotKeepAWebServerFromReading() =>
        ChildRun.Run(["-method", $"{typeof(PlainFolderTests).FullName}.{nameof(EverybodyMayRead_WhatIsPublished)}"], [(StrictUmask, "1")]);

    /// <summary>In a process of its own with a umask of its own, too.</summary>
    [Fact]
    public async Task EverybodyMayRead_WhatIsPublished()
    {
        Requires.Condition(OperatingSystem.IsLinux(), "modes of files");
        if (Environment.GetEnvironmentVariable(StrictUmask) is not null)
        {
            _ = SetUmask(0x3F);
        }

        using var folder = new TemporaryFolder();
        await WriteAsync(new PublicationFolder(folder.Path), Bytes, () => Task.CompletedTask);
        foreach ((string name, string mode) in new[] { ("a/b/c", "644"), ("a/b", "755"), ("a", "755") })
        {
            Assert.Equal(mode, OperatingSystem.IsWindows() ? null : Convert.ToString((int)File.GetUnixFileMode(folder.File(name)), 8));
        }
    }

    /// <summary>A name at which opening for reading waits for ever.</summary>
    internal static void MakePipe(string path)
    {
        using Process made = Process.Start("mkfifo", [path]);
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
    }

    private static Task WriteAsync(PublicationFolder folder, byte[] bytes, Func<Task> lastLookAsync) =>
        folder.WriteAsync("a/b/c", AsyncEnumerable.Repeat(bytes, 1), Sm3.HashData(bytes), lastLookAsync, Token);

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int SetUmask(int mask);
}
