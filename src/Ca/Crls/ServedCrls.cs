using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>What lies in a publication folder under a CRL's name.</summary>
/// <param name="Hash">SM3 of the file; null: there is none.</param>
/// <param name="Number">Of a CRL that is the scope's: its issuer, key and place, and the signature holds. Null: it is none.</param>
/// <param name="ThisUpdate">As <paramref name="Number"/>.</param>
/// <param name="What">In words: "nothing", "another CA's CRL".</param>
internal sealed record ServedCrl(byte[]? Hash, long? Number, DateTimeOffset? ThisUpdate, string What);

/// <summary>Looks at what relying parties get. A file that has not changed is not read again. Safe for concurrent use.</summary>
internal sealed class ServedCrls
{
    private readonly ConcurrentDictionary<string, (long Length, DateTime WrittenAt, ServedCrl Crl)> _seen = [];

    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <param name="anew">Reads it in any case: a file may be changed and keep its length and time.</param>
    public async Task<ServedCrl> LookAsync(PublicationFolder folder, CrlScope scope, bool anew, CancellationToken cancellationToken)
    {
        var file = new FileInfo(folder.PathOf(scope.Path));
        if (!file.Exists)
        {
            return Directory.Exists(folder.Path)
                ? new ServedCrl(null, null, null, "nothing")
                : throw new DirectoryNotFoundException($"The publication folder {folder.Path} is not there: is its disk mounted?");
        }

        (long length, DateTime writtenAt) = (file.Length, file.LastWriteTimeUtc);
        if (!anew && _seen.TryGetValue(file.FullName, out (long Length, DateTime WrittenAt, ServedCrl Crl) seen) && (seen.Length, seen.WrittenAt) == (length, writtenAt))
        {
            return seen.Crl;
        }

        ServedCrl crl;
        try
        {
            await using FileStream stream = file.Open(new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, BufferSize = 0 });
            byte[] hash = await FileHash.ComputeAsync(stream, cancellationToken);
            crl = Judge(stream, scope) with { Hash = hash };
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{file.FullName} cannot be read: {e.Message}", e);
        }

        _seen[file.FullName] = (length, writtenAt, crl);
        return crl;
    }

    /// <summary>A partition's is named by the path that it has, a complete one by nothing.</summary>
    private static bool IsAtItsPlace(CrlFile crl, CrlScope scope) => crl.BaseNumber is null && (scope.IsComplete
        ? crl.Scope is null
        : crl.Scope?.DistributionPoint is FullName name
            && name.Names.OfType<UniformResourceIdentifier>().Any(each => each.Uri.EndsWith($"/{scope.Path}", StringComparison.Ordinal)));

    private static ServedCrl Judge(Stream stream, CrlScope scope)
    {
        try
        {
            var crl = CrlFile.Read(stream);
            return !crl.IsOf(scope.Authority.Certificate) || !crl.IsSignedBy(scope.Authority.Certificate) ? Not("another CA's CRL, or one whose signature does not hold")
                : !IsAtItsPlace(crl, scope) ? Not("a CRL of the CA that belongs elsewhere")
                : crl.Number is not { } number || number > long.MaxValue ? Not("a CRL without a number")
                : new ServedCrl(null, (long)number, crl.ThisUpdate.Value, $"number {number} of the CA");
        }
        catch (DerException)
        {
            return Not("no CRL");
        }

        static ServedCrl Not(string what) => new(null, null, null, what);
    }
}
