using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Publishes what the service has and does not make: the certificates of its CAs, and of the ceremony those of the CAs above and their ARLs, as files. A new ARL is put in place of the old
/// file, by the operator; this service says when that is due, and nobody takes an older one for it. Safe for concurrent use.
/// </summary>
internal sealed class CeremonyPublication(CrlOptions options, AuthorityList authorities, PublicationFolders folders, TimeProvider time)
{
    /// <summary>Before the end of an ARL (trust.md §7): a ceremony takes weeks to prepare.</summary>
    public static readonly TimeSpan Amber = TimeSpan.FromDays(60);

    /// <inheritdoc cref="Amber"/>
    public static readonly TimeSpan Red = TimeSpan.FromDays(14);

    private volatile IReadOnlyList<(string File, DateTimeOffset NextUpdate)> _lists = [];

    /// <returns>ARLs that end soon, with what is to be said.</returns>
    public IEnumerable<(bool IsRed, string Reason)> FindDue()
    {
        DateTimeOffset now = time.GetUtcNow();
        return _lists.Where(list => list.NextUpdate - now < Amber)
            .Select(list => (list.NextUpdate - now < Red, $"The ARL {list.File} ends at {list.NextUpdate:u}: it is renewed at a ceremony (zwca ceremony plan renew-arl)."));
    }

    /// <summary>Puts into every folder what is not there.</summary>
    /// <exception cref="InvalidDataException">A file is neither a certificate nor a CRL, or its CA is not among the others; or a folder has a newer one.</exception>
    /// <exception cref="IOException">A file cannot be read, or a folder not be written.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var certificates = authorities.All.Select(each => each.Certificate).ToList();
        var lists = new List<(string File, byte[] Bytes)>();
        foreach (string file in options.CeremonyFiles)
        {
            byte[] bytes = await ReadAsync(file, cancellationToken);
            if (CrlView.IsLikely(bytes))
            {
                lists.Add((file, bytes));
            }
            else
            {
                certificates.Add(Decode<Certificate>(file, bytes));
            }
        }

        foreach (Certificate certificate in certificates)
        {
            if (certificate.Tbs.Extensions?.Find<SubjectKeyIdentifier>() is { } identifier)
            {
                await PutAsync($"ca/{Convert.ToHexStringLower(identifier.KeyIdentifier.Span)}.cer", Der.Encode(certificate), cancellationToken);
            }
        }

        var due = new List<(string, DateTimeOffset)>();
        foreach ((string file, byte[] bytes) in lists)
        {
            await PutListAsync(file, bytes, certificates, due, cancellationToken);
        }

        _lists = due;
    }

    private async Task PutListAsync(string file, byte[] bytes, List<Certificate> certificates, List<(string, DateTimeOffset)> due, CancellationToken cancellationToken)
    {
        CrlFile list;
        try
        {
            list = CrlFile.Read(bytes);
        }
        catch (DerException e)
        {
            throw new InvalidDataException($"{file}: {e.Message}", e);
        }

        Certificate issuer = certificates.FirstOrDefault(each => list.IsOf(each) && list.IsSignedBy(each))
            ?? throw new InvalidDataException($"{file}: the certificate of its CA is not among Ca:Crls:CeremonyFiles, or its signature does not hold.");
        ReadOnlyMemory<byte> identifier = issuer.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier;
        if (authorities.Find(identifier.Span) is not null)
        {
            // The service goes on with the numbers of the ceremony's CRL, and makes the next ones.
            return;
        }

        string name = $"crl/{Convert.ToHexStringLower(identifier.Span)}/{CrlScope.Complete}.crl";
        foreach (PublicationFolder folder in folders.All)
        {
            string path = folder.PathOf(name);
            if (File.Exists(path) && FindNumber(await File.ReadAllBytesAsync(path, cancellationToken), issuer) > list.Number)
            {
                throw new InvalidDataException($"{path} is newer than {file}: the file in Ca:Crls:CeremonyFiles is an old one.");
            }
        }

        await PutAsync(name, bytes, cancellationToken);
        due.Add((file, list.NextUpdate?.Value ?? DateTimeOffset.MinValue));
    }

    /// <returns>Null: not a CRL of that CA.</returns>
    private static System.Numerics.BigInteger? FindNumber(byte[] bytes, Certificate issuer)
    {
        try
        {
            var crl = CrlFile.Read(bytes);
            return crl.IsOf(issuer) && crl.IsSignedBy(issuer) ? crl.Number : null;
        }
        catch (DerException)
        {
            return null;
        }
    }

    private async Task PutAsync(string name, byte[] bytes, CancellationToken cancellationToken)
    {
        byte[] hash = Sm3.HashData(bytes);
        foreach (PublicationFolder folder in folders.All)
        {
            if (await folder.HashAsync(name, cancellationToken) is not { } there || !there.AsSpan().SequenceEqual(hash))
            {
                await folder.WriteAsync(name, AsyncEnumerable.Repeat(bytes, 1), hash, cancellationToken);
            }
        }
    }

    private static async Task<byte[]> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            byte[] bytes = await File.ReadAllBytesAsync(file, cancellationToken);
            string text = System.Text.Encoding.ASCII.GetString(bytes);
            return PemEncoding.TryFind(text, out PemFields fields) ? Convert.FromBase64String(text[fields.Base64Data]) : bytes;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{file} cannot be read: {e.Message}", e);
        }
    }

    private static T Decode<T>(string file, byte[] bytes)
        where T : IDer<T>
    {
        try
        {
            return Der.Decode<T>(bytes);
        }
        catch (DerException e)
        {
            throw new InvalidDataException($"{file}: neither a certificate nor a CRL: {e.Message}", e);
        }
    }
}
