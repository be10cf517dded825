using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>A CRL that is on the disk.</summary>
/// <param name="Path">Of the file; its name is its SM3.</param>
/// <param name="Tag">Of HTTP: from number and hash.</param>
internal sealed record ServedCrl(string Path, long Number, long Length, DateTimeOffset ThisUpdate, DateTimeOffset NextUpdate, string Tag);

/// <summary>The files of the CRLs that the feed names: fetched, compared with their hash, and given out. The CRL before stays until the next one is there. Safe for concurrent readers.</summary>
internal sealed partial class CrlFiles(ILogger<CrlFiles> logger)
{
    private FrozenDictionary<(short Authority, string Shard), ServedCrl> _served = FrozenDictionary<(short, string), ServedCrl>.Empty;

    /// <returns>Null: there is none.</returns>
    public ServedCrl? Find(short authority, string shard) => Volatile.Read(ref _served).GetValueOrDefault((authority, shard));

    /// <summary>Takes up what is on the disk already.</summary>
    public void Look(string folder, ServedFeed feed)
    {
        var served = _served.ToDictionary();
        foreach (((short Authority, string Shard) key, FeedCrl crl) in feed.Crls)
        {
            string path = PathOf(folder, crl);
            if ((!served.TryGetValue(key, out ServedCrl? known) || known.Number < crl.Number) && File.Exists(path) && Read(path, crl) is { } found)
            {
                served[key] = found;
            }
        }

        Volatile.Write(ref _served, served.ToFrozenDictionary());
    }

    /// <summary>Fetches what is missing, and deletes what nobody names any more. One that cannot be had keeps no other back.</summary>
    /// <returns>What could not be had, in words.</returns>
    public async Task<IReadOnlyList<string>> FetchAsync(string folder, ServedFeed feed, FeedClient client, CancellationToken cancellationToken)
    {
        FrozenDictionary<(short Authority, string Shard), FeedCrl> named = feed.Crls;
        FeedCrl[] missing = [.. named.Where(each => Find(each.Key.Authority, each.Key.Shard) is not { } served || served.Number < each.Value.Number).Select(each => each.Value)];
        if (missing.Length == 0)
        {
            return [];
        }

        var faults = new List<string>();
        foreach (FeedCrl crl in missing)
        {
            string name = $"CRL {crl.Number} ({crl.Shard}) of the CA {crl.Authority}";
            try
            {
                bool isHad = File.Exists(PathOf(folder, crl)) || await TryReadAsync(folder, crl, client, cancellationToken);
                Look(folder, feed);
                if (!isHad || Find(crl.Authority, crl.Shard) is not { } served || served.Number < crl.Number)
                {
                    faults.Add($"{name} is another file than the feed names, or no CRL.");
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                faults.Add($"{name}: {e.Message}");
            }
        }

        var kept = new HashSet<string>(Volatile.Read(ref _served).Values.Select(each => each.Path));
        foreach (string file in Directory.GetFiles(folder).Where(each => !kept.Contains(each)))
        {
            File.Delete(file);
        }

        return faults;
    }

    /// <returns>False: the CA has sent another file.</returns>
    private static async Task<bool> TryReadAsync(string folder, FeedCrl crl, FeedClient client, CancellationToken cancellationToken)
    {
        string temporary = Path.Combine(folder, "fetched.tmp");
        await using (var file = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            await client.ReadCrlAsync(crl.Hash, crl.Length, file, cancellationToken);
            file.Position = 0;
            if (file.Length != crl.Length || !HashOf(file).AsSpan().SequenceEqual(crl.Hash.Span))
            {
                return false;
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, PathOf(folder, crl), overwrite: true);
        Folder.Flush(folder);
        return true;
    }

    private static string PathOf(string folder, FeedCrl crl) => Path.Combine(folder, Convert.ToHexStringLower(crl.Hash.Span));

    private static byte[] HashOf(Stream file)
    {
        using var sm3 = new Sm3();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = file.Read(buffer)) > 0;)
        {
            sm3.Append(buffer.AsSpan(0, count));
        }

        byte[] hash = new byte[Sm3.HashSizeInBytes];
        sm3.GetHashAndReset(hash);
        return hash;
    }

    /// <returns>Null: it is damaged, and is fetched again.</returns>
    private ServedCrl? Read(string path, FeedCrl crl)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            bool isWhole = file.Length == crl.Length && HashOf(file).AsSpan().SequenceEqual(crl.Hash.Span);
            file.Position = 0;
            if (isWhole && CrlFile.Read(file) is { NextUpdate: { } next } read)
            {
                return new ServedCrl(path, crl.Number, crl.Length, read.ThisUpdate.Value, next.Value, $"\"{Convert.ToHexStringLower(crl.Hash.Span[..16])}\"");
            }
        }
        catch (Exception e) when (e is DerException or IOException)
        {
            LogDamaged(logger, path, e.Message);
        }

        File.Delete(path);
        return null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} is no CRL that is given out: {Reason}")]
    private static partial void LogDamaged(ILogger logger, string file, string reason);
}
