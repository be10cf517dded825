using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>What lies in a publication folder under a CRL's name.</summary>
/// <param name="Hash">SM3 of the file; null: there is none that could be read whole.</param>
/// <param name="Number">Of a CRL that is the scope's: its issuer, key and place, and the signature holds. Null: it is none.</param>
/// <param name="ThisUpdate">As <paramref name="Number"/>.</param>
/// <param name="What">In words: "nothing", "another CA's CRL".</param>
internal sealed record ServedCrl(byte[]? Hash, long? Number, DateTimeOffset? ThisUpdate, string What)
{
    public static readonly ServedCrl Nothing = new(null, null, null, "nothing") { Exists = false };

    /// <summary>There is something under the name, be it no file.</summary>
    public bool Exists { get; private init; } = true;

    /// <summary>The CA's key signed it, whatever it is and wherever it belongs.</summary>
    public bool IsSigned { get; init; }

    public bool Has(byte[]? hash) => Hash is not null && hash is not null && Hash.AsSpan().SequenceEqual(hash);
}

/// <summary>Looks at what relying parties get. A file that has not changed is not read again before ten minutes have passed. Safe for concurrent use.</summary>
internal sealed class ServedCrls(TimeProvider time)
{
    /// <summary>Of a CRL: what the lint reads too.</summary>
    public const long MaxLength = 512L << 20;

    /// <summary>A file may be changed and keep its length and time.</summary>
    public static readonly TimeSpan ReadAnewAfter = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, Seen> _seen = [];

    /// <inheritdoc cref="LookAsync(PublicationFolder, string, Certificate, Func{CrlFile, bool}, bool, CancellationToken)"/>
    public Task<ServedCrl> LookAsync(PublicationFolder folder, CrlScope scope, bool anew, CancellationToken cancellationToken) =>
        LookAsync(folder, scope.Path, scope.Authority.Certificate, crl => IsAtItsPlace(crl, scope), anew, cancellationToken);

    /// <param name="isAtItsPlace">Of a CRL of that CA whose signature holds.</param>
    /// <param name="anew">Reads it in any case.</param>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public async Task<ServedCrl> LookAsync(PublicationFolder folder, string name, Certificate issuer, Func<CrlFile, bool> isAtItsPlace, bool anew, CancellationToken cancellationToken)
    {
        string path = folder.PathOf(name);
        try
        {
            await using FileStream? stream = folder.Open(name);
            if (stream is null)
            {
                return ServedCrl.Nothing;
            }

            (long length, DateTime writtenAt) = (stream.Length, File.GetLastWriteTimeUtc(stream.SafeFileHandle));
            if (length > MaxLength)
            {
                return Not($"a file of {length} octets");
            }

            bool isKnown = _seen.TryGetValue(path, out Seen? seen);
            if (!anew && isKnown && (seen!.Length, seen.WrittenAt) == (length, writtenAt) && time.GetElapsedTime(seen.ReadAt) < ReadAnewAfter)
            {
                return seen.Crl;
            }

            long readAt = time.GetTimestamp();
            byte[] hash = await FileHash.ComputeAsync(stream, cancellationToken);

            // The same bytes are what they were: their signature is not verified again.
            ServedCrl crl = isKnown && seen!.Crl.Has(hash) ? seen.Crl : Judge(stream, issuer, isAtItsPlace) with { Hash = hash };
            _seen[path] = new Seen(length, writtenAt, readAt, crl);
            return crl;
        }
        catch (NoPlainFileException)
        {
            return Not("no file of its own, but a link, a folder, a device or a pipe");
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A partition's is named by the path that it has, a complete one by nothing.</summary>
    private static bool IsAtItsPlace(CrlFile crl, CrlScope scope) => crl.BaseNumber is null && (scope.IsComplete
        ? crl.Scope is null
        : crl.Scope?.DistributionPoint is FullName name
            && name.Names.OfType<UniformResourceIdentifier>().Any(each => each.Uri.EndsWith($"/{scope.Path}", StringComparison.Ordinal)));

    private static ServedCrl Judge(Stream stream, Certificate issuer, Func<CrlFile, bool> isAtItsPlace)
    {
        try
        {
            var crl = CrlFile.Read(stream);
            if (!crl.IsSignedBy(issuer))
            {
                return Not("another CA's CRL, or one whose signature does not hold");
            }

            ServedCrl found = !crl.IsOf(issuer) ? Not("another CA's CRL, though the key is the same")
                : !isAtItsPlace(crl) ? Not("a CRL of the CA that belongs elsewhere")
                : crl.Number is not { } number || number > long.MaxValue ? Not("a CRL without a number")
                : new ServedCrl(null, (long)number, crl.ThisUpdate.Value, $"number {number} of the CA");
            return found with { IsSigned = true };
        }
        catch (DerException)
        {
            return Not("no CRL");
        }
    }

    private static ServedCrl Not(string what) => new(null, null, null, what);

    private sealed record Seen(long Length, DateTime WrittenAt, long ReadAt, ServedCrl Crl);
}
