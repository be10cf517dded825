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
    private static readonly TimeSpan LeftBehindAfter = TimeSpan.FromDays(1);

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <param name="name">Relative, with slashes: <c>crl/SKI/SHARD.crl</c>.</param>
    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Puts a file in place of the one of that name.</summary>
    /// <param name="parts">Its bytes, one after the other.</param>
    /// <param name="hash">SM3 of all of them.</param>
    /// <exception cref="IOException">The folder is not there, full, or not ours to write: the old file stays.</exception>
    /// <exception cref="InvalidDataException">The parts are not what the hash says: the old file stays.</exception>
    public async Task WriteAsync(string name, IAsyncEnumerable<byte[]> parts, ReadOnlyMemory<byte> hash, CancellationToken cancellationToken)
    {
        string target = PathOf(name);
        string folder = System.IO.Path.GetDirectoryName(target)!;

        // A name that no server gives out.
        string unfinished = System.IO.Path.Combine(folder, $".{Guid.NewGuid():N}.new");
        bool isMade = false;
        try
        {
            MakeFolder(folder);
            RemoveUnfinished(folder);
            isMade = true;
            await using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
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
            File.Move(unfinished, target, overwrite: true);
            Folder.Flush(folder);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{target} cannot be written: {e.Message}", e);
        }
        finally
        {
            if (isMade)
            {
                File.Delete(unfinished);
            }
        }
    }

    /// <returns>SM3 of the file; null: there is none.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async Task<byte[]?> HashAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = new FileStream(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            return await FileHash.ComputeAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{PathOf(name)} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>What a process that died has left: each is as large as a CRL.</summary>
    private static void RemoveUnfinished(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, ".*.new").Where(file => File.GetLastWriteTimeUtc(file) < DateTime.UtcNow - LeftBehindAfter))
        {
            File.Delete(file);
        }
    }

    private void MakeFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        if (!Directory.Exists(Path))
        {
            throw new DirectoryNotFoundException($"The publication folder {Path} is not there: is its disk mounted?");
        }

        Directory.CreateDirectory(folder);
        Folder.Flush(System.IO.Path.GetDirectoryName(folder)!);
    }
}

/// <summary>Of files of any size.</summary>
internal static class FileHash
{
    /// <returns>SM3 of what follows in the stream, 32 bytes.</returns>
    public static async Task<byte[]> ComputeAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var sum = new Sm3();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            sum.Append(buffer.AsSpan(0, count));
        }

        byte[] hash = new byte[Sm3.HashSizeInBytes];
        sum.GetHashAndReset(hash);
        return hash;
    }
}
