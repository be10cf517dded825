using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>The certificate of a CA, and where it comes from.</summary>
/// <param name="Source">A file, or the configuration.</param>
/// <param name="KeyIdentifier">Lower-case hexadecimal.</param>
internal sealed record PublishedAuthority(string Source, string KeyIdentifier, Certificate Certificate, byte[] Bytes);

/// <summary>A CRL that a ceremony made, of a CA among <see cref="PublishedAuthority"/>s.</summary>
internal sealed record CeremonyList(string File, byte[] Bytes, byte[] Hash, PublishedAuthority Issuer, long Number, DateTimeOffset NextUpdate);

/// <summary>Does a piece of work under a name: what goes wrong is told under that name, and keeps nothing else back.</summary>
internal delegate Task Attempt(string name, Func<Task> work);

/// <summary>Reads and judges what <c>Ca:Crls:CeremonyFiles</c> names. A file that has not changed is not judged again. Not safe for use by several threads at once.</summary>
internal sealed class CeremonyFiles(CrlOptions options, AuthorityList authorities)
{
    /// <summary>Of an ARL, or of a certificate: PEM.</summary>
    private const int MaxLength = 16 << 20;

    private readonly Dictionary<string, Source> _sources = [];

    /// <summary>Each file by itself. One that cannot be read at the moment is what it was; one that is wrong is not among the results.</summary>
    public async Task<(IReadOnlyList<PublishedAuthority> Authorities, IReadOnlyList<CeremonyList> Lists)> ReadAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        var known = new Dictionary<string, PublishedAuthority>();
        foreach (Authority each in authorities.All)
        {
            known[each.KeyIdentifier] = new PublishedAuthority($"CA {each.Name}", each.KeyIdentifier, each.Certificate, Der.Encode(each.Certificate));
        }

        var lists = new List<Source>();
        foreach (string file in options.CeremonyFiles.Distinct())
        {
            await attempt($"read {file}", () => LoadAsync(file, cancellationToken));
            await attempt($"judge {file}", () =>
            {
                if (_sources.GetValueOrDefault(file) is not { } source)
                {
                    return Task.CompletedTask;
                }

                if (source.List is not null)
                {
                    lists.Add(source);
                    return Task.CompletedTask;
                }

                PublishedAuthority authority = source.Authority ?? throw new InvalidDataException($"{file}: {source.Fault}");
                if (known.TryGetValue(authority.KeyIdentifier, out PublishedAuthority? other) && !other.Bytes.AsSpan().SequenceEqual(authority.Bytes))
                {
                    throw new InvalidDataException($"{file} has the key identifier of {other.Source} and is another certificate: one of them can be published, and it is the latter.");
                }

                known[authority.KeyIdentifier] = authority;
                return Task.CompletedTask;
            });
        }

        var judged = new List<CeremonyList>();
        foreach (Source source in lists)
        {
            await attempt($"judge {source.File}", () =>
            {
                if (Judge(source, known.Values) is { } list)
                {
                    judged.Add(list);
                }

                return Task.CompletedTask;
            });
        }

        return ([.. known.Values], judged);
    }

    /// <returns>Null: of a CA of this service, which goes on with the numbers of the ceremony's CRL and makes the next ones.</returns>
    private CeremonyList? Judge(Source source, IEnumerable<PublishedAuthority> known)
    {
        // Signatures are verified once for each content and certificate.
        CrlFile crl = source.List!;
        if (source.Judged is not { } list || !known.Any(each => each.Bytes.AsSpan().SequenceEqual(list.Issuer.Bytes)))
        {
            PublishedAuthority issuer = known.FirstOrDefault(each => crl.IsOf(each.Certificate) && crl.IsSignedBy(each.Certificate))
                ?? throw new InvalidDataException($"{source.File}: the certificate of its CA is not among Ca:Crls:CeremonyFiles, or its signature does not hold.");
            long number = crl.Number is { } given && given <= long.MaxValue ? (long)given
                : throw new InvalidDataException($"{source.File}: it has no CRLNumber (RFC 5280 §5.2.3), or one above {long.MaxValue}.");
            DateTimeOffset nextUpdate = crl.NextUpdate?.Value ?? throw new InvalidDataException($"{source.File}: it has no nextUpdate (RFC 5280 §5.1.2.5).");
            list = crl.BaseNumber is null ? new CeremonyList(source.File, source.Bytes, Sm3.HashData(source.Bytes), issuer, number, nextUpdate)
                : throw new InvalidDataException($"{source.File}: a delta CRL has no place of its own.");
            source.Judged = list;
        }

        return authorities.All.Any(each => each.KeyIdentifier == list.Issuer.KeyIdentifier) ? null : list;
    }

    private async Task LoadAsync(string file, CancellationToken cancellationToken)
    {
        var info = new FileInfo(file);
        if (!info.Exists)
        {
            throw new FileNotFoundException($"{file} is not there.");
        }

        if (_sources.TryGetValue(file, out Source? known) && (known.Length, known.WrittenAt) == (info.Length, info.LastWriteTimeUtc))
        {
            return;
        }

        if (info.Length > MaxLength)
        {
            throw new InvalidDataException($"{file} has {info.Length} octets, and {MaxLength} is the most that a file of a ceremony may have.");
        }

        byte[] bytes;
        try
        {
            await using FileStream stream = info.Open(new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, BufferSize = 0 });
            bytes = new byte[info.Length];
            await stream.ReadExactlyAsync(bytes, cancellationToken);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{file} cannot be read: {e.Message}", e);
        }

        _sources[file] = Understand(file, info, bytes);
    }

    private static Source Understand(string file, FileInfo info, byte[] bytes)
    {
        Source Made(byte[] der, string? fault = null) => new() { File = file, Length = info.Length, WrittenAt = info.LastWriteTimeUtc, Bytes = der, Fault = fault };
        try
        {
            string text = System.Text.Encoding.ASCII.GetString(bytes);
            byte[] der = PemEncoding.TryFind(text, out PemFields fields) ? Convert.FromBase64String(text[fields.Base64Data]) : bytes;
            if (CrlView.IsLikely(der))
            {
                return Made(der) with { List = CrlFile.Read(der) };
            }

            Certificate certificate = Der.Decode<Certificate>(der);
            return certificate.Tbs.Extensions?.Find<BasicConstraints>() is not { IsCa: true } ? Made(der, "it is no certificate of a CA (RFC 5280 §4.2.1.9).")
                : certificate.Tbs.Extensions.Find<SubjectKeyIdentifier>() is not { } identifier ? Made(der, "it has no SubjectKeyIdentifier (RFC 5280 §4.2.1.2), by which it would be found.")
                : Made(der) with { Authority = new PublishedAuthority(file, Convert.ToHexStringLower(identifier.KeyIdentifier.Span), certificate, der) };
        }
        catch (DerException e)
        {
            return Made(bytes, $"neither a certificate nor a CRL: {e.Message}");
        }
    }

    /// <summary>A file as it was when it was read: one of the last three is there.</summary>
    private sealed record Source
    {
        public required string File { get; init; }

        public required long Length { get; init; }

        public required DateTime WrittenAt { get; init; }

        /// <summary>DER.</summary>
        public required byte[] Bytes { get; init; }

        public string? Fault { get; init; }

        public PublishedAuthority? Authority { get; init; }

        public CrlFile? List { get; init; }

        /// <summary>What it was found to be.</summary>
        public CeremonyList? Judged { get; set; }
    }
}
