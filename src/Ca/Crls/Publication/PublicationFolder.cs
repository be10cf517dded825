using System.Runtime.CompilerServices;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>
/// A folder that relying parties' servers read: each name in it is the old file or the new one, never half of it, also after a power failure. Safe for concurrent use, also by several
/// processes: who is later wins.
/// </summary>
/// <param name="path">Is there: one that is missing was not mounted, rather than is to be made.</param>
internal sealed class PublicationFolder(string path)
{
    private const UnixFileMode ForUs = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Whatever the process' umask says: a web server of another user reads it.</summary>
    private const UnixFileMode ForAll = ForUs | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Who can make more of them has the CA's key: these are enough to know it by.</summary>
    private const int MaxKept = 16;

    private static readonly TimeSpan LeftBehindAfter = TimeSpan.FromDays(1);

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <param name="name">Relative, with slashes: <c>crl/SKI/SHARD.crl</c>.</param>
    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Opens a file for reading.</summary>
    /// <returns>Null: there is none.</returns>
    /// <exception cref="NoPlainFileException">A link, or something that is no file.</exception>
    /// <exception cref="IOException">The folder is not there, or it cannot be read.</exception>
    public FileStream? Open(string name)
    {
        (string parent, string leaf) = Split(name);
        using var folder = PlainFolder.Open(Path, parent, make: false);
        return folder?.OpenFile(leaf);
    }

    /// <summary>Puts a file in place of the one of that name, for everybody to read.</summary>
    /// <param name="parts">Its bytes, one after the other.</param>
    /// <param name="hash">SM3 of all of them.</param>
    /// <param name="lastLookAsync">Called when everything is written, just before it takes its place; what it throws keeps it from that.</param>
    /// <exception cref="IOException">The folder is not there, full, or not ours to write: the old file stays.</exception>
    /// <exception cref="InvalidDataException">The parts are not what the hash says: the old file stays.</exception>
    public async Task WriteAsync(string name, IAsyncEnumerable<byte[]> parts, ReadOnlyMemory<byte> hash, Func<Task> lastLookAsync, CancellationToken cancellationToken)
    {
        (string parent, string leaf) = Split(name);
        using PlainFolder folder = PlainFolder.Open(Path, parent, make: true)!;

        // A name that no server gives out.
        string unfinished = folder.Reach($".{Guid.NewGuid():N}.new");
        string target = folder.Reach(leaf);
        try
        {
            RemoveUnfinished(folder);
            await using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                SetMode(file, ForAll);
                using var sum = new Sm3();
                await foreach (byte[] part in parts.WithCancellation(cancellationToken))
                {
                    sum.Append(part);
                    await file.WriteAsync(part, cancellationToken);
                }

                byte[] written = new byte[Sm3.HashSizeInBytes];
                sum.GetHashAndReset(written);
                if (!hash.Span.SequenceEqual(written))
                {
                    throw new InvalidDataException($"The stored bytes of {name} are not those that were judged.");
                }

                file.Flush(flushToDisk: true);
            }

            FaultPoint.Reach("publication-written");
            await lastLookAsync();
            File.Move(unfinished, target, overwrite: true);
            Folder.Flush(folder.Reach(""));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            // The same words each time: neither the unfinished name nor how the folder is held.
            string message = e.Message.Replace(unfinished, PathOf(name), StringComparison.Ordinal).Replace(target, PathOf(name), StringComparison.Ordinal);
            throw new IOException($"{PathOf(name)} cannot be written: {message}", e);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>Keeps a copy of what lies under a name, beside it, for this service's user alone, under a name that no server gives out: one of each content, and so many at most.</summary>
    /// <param name="hash">SM3 of what lies there.</param>
    /// <returns>Its path; null: there are too many already, or something else lies there by now.</returns>
    /// <exception cref="IOException">It cannot be read, or written.</exception>
    public async Task<string?> KeepAsync(string name, byte[] hash, CancellationToken cancellationToken)
    {
        (string parent, string leaf) = Split(name);
        using PlainFolder? folder = PlainFolder.Open(Path, parent, make: false);
        string kept = $".{Convert.ToHexStringLower(hash)}.found", path = PathOf($"{parent}/{kept}");
        if (folder is null)
        {
            return null;
        }

        if (File.Exists(folder.Reach(kept)))
        {
            return path;
        }

        if (Directory.EnumerateFiles(folder.Reach(""), ".*.found").Skip(MaxKept - 1).Any())
        {
            return null;
        }

        string unfinished = folder.Reach($".{Guid.NewGuid():N}.new");
        try
        {
            await using FileStream? from = folder.OpenFile(leaf);
            if (from is null)
            {
                return null;
            }

            await using (var to = new FileStream(unfinished, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                SetMode(to, ForUs);
                await foreach (byte[] part in FileHash.ReadAsync(from, cancellationToken))
                {
                    await to.WriteAsync(part, cancellationToken);
                }

                to.Position = 0;
                if (!(await FileHash.ComputeAsync(to, cancellationToken)).AsSpan().SequenceEqual(hash))
                {
                    return null;
                }

                to.Flush(flushToDisk: true);
            }

            File.Move(unfinished, folder.Reach(kept), overwrite: true);
            Folder.Flush(folder.Reach(""));
            return path;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} cannot be written.", e);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static void SetMode(FileStream file, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file.SafeFileHandle, mode);
        }
    }

    private static (string Parent, string Leaf) Split(string name) => (name[..name.LastIndexOf('/')], name[(name.LastIndexOf('/') + 1)..]);

    /// <summary>What a process that died has left: each is as large as a CRL.</summary>
    private static void RemoveUnfinished(PlainFolder folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder.Reach(""), ".*.new").Where(file => File.GetLastWriteTimeUtc(file) < DateTime.UtcNow - LeftBehindAfter))
        {
            File.Delete(file);
        }
    }
}

/// <summary>Of files of any size.</summary>
internal static class FileHash
{
    private const int BufferLength = 1 << 16;

    /// <returns>SM3 of what follows in the stream, 32 bytes.</returns>
    public static async Task<byte[]> ComputeAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var sum = new Sm3();
        await foreach (byte[] part in ReadAsync(stream, cancellationToken))
        {
            sum.Append(part);
        }

        byte[] hash = new byte[Sm3.HashSizeInBytes];
        sum.GetHashAndReset(hash);
        return hash;
    }

    /// <summary>What follows in the stream, and no more than it has now: what grows, or never ends, is cut off.</summary>
    public static async IAsyncEnumerable<byte[]> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long left = stream.Length - stream.Position;
        byte[] buffer = new byte[BufferLength];
        for (int count; left > 0 && (count = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken)) > 0; left -= count)
        {
            yield return count == buffer.Length ? buffer : buffer[..count];
        }
    }
}
