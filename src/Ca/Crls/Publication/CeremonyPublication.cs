using System.Collections.Concurrent;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Publishes what the service has and does not make: the certificates of its CAs, and of the ceremony those of the CAs above and their ARLs, as files. A new ARL is put in place of the old
/// file, by the operator; this service says when that is due, and nobody takes an older one for it. Safe for concurrent use.
/// </summary>
internal sealed class CeremonyPublication(Database database, AuditLog log, CrlOptions options, AuthorityList authorities, PublicationFolders folders, ServedCrls served, TimeProvider time) : IDisposable
{
    public const string PublishAction = "ca.publish";
    public const string RestoreAction = "ca.restore";

    /// <summary>Of the log.</summary>
    public const string ObjectKind = "ca";

    /// <summary>Before the end of an ARL (trust.md §7): a ceremony takes weeks to prepare.</summary>
    public static readonly TimeSpan Amber = TimeSpan.FromDays(60);

    /// <inheritdoc cref="Amber"/>
    public static readonly TimeSpan Red = TimeSpan.FromDays(14);

    private readonly CeremonyFiles _files = new(options, authorities);
    private readonly SemaphoreSlim _oneAtATime = new(1);

    /// <summary>By path: SM3 of what of ours was last seen there.</summary>
    private readonly ConcurrentDictionary<string, byte[]> _right = [];

    /// <summary>By path: SM3 of what was there and was told of.</summary>
    private readonly ConcurrentDictionary<string, string> _told = [];

    private volatile IReadOnlyList<CeremonyList> _lists = [];

    /// <returns>ARLs that end soon, with what is to be said.</returns>
    public IEnumerable<(bool IsRed, string Reason)> FindDue()
    {
        DateTimeOffset now = time.GetUtcNow();
        return _lists.Where(list => list.NextUpdate - now < Amber)
            .Select(list => (list.NextUpdate - now < Red, $"The ARL {list.File} ends at {list.NextUpdate:u}: it is renewed at a ceremony (zwca ceremony plan renew-arl)."));
    }

    /// <summary>Puts into every folder what is not there.</summary>
    /// <param name="attempt">Does each piece of work: a file, and a name in a folder.</param>
    public async Task RunAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            // Step 1: what there is. When an ARL ends is known whether or not it can be published.
            (IReadOnlyList<PublishedAuthority> known, IReadOnlyList<CeremonyList> lists) = await _files.ReadAsync(attempt, cancellationToken);
            _lists = lists;

            // Step 2: each name in each folder.
            foreach (PublicationFolder folder in folders.All)
            {
                foreach (PublishedAuthority authority in known)
                {
                    string name = $"ca/{authority.KeyIdentifier}.cer";
                    await attempt(folder.PathOf(name), () => PutAsync(folder, name, authority, cancellationToken));
                }

                foreach (CeremonyList list in lists)
                {
                    string name = $"crl/{list.Issuer.KeyIdentifier}/{CrlScope.Complete}.crl";
                    await attempt($"{folder.PathOf(name)} of {list.File}", () => PutAsync(folder, name, list, cancellationToken));
                }
            }
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public void Dispose() => _oneAtATime.Dispose();

    private async Task PutAsync(PublicationFolder folder, string name, PublishedAuthority authority, CancellationToken cancellationToken)
    {
        byte[] hash = Sm3.HashData(authority.Bytes);
        ServedCrl there = await LookAsync(folder, name, authority.Certificate, cancellationToken);
        there = there with { What = there.Exists ? "another file" : there.What };
        bool isChanged = there.Exists || _right.ContainsKey(folder.PathOf(name));
        Placed placed = new(folder, name, authority.Bytes, hash, new AuditObject(ObjectKind, authority.KeyIdentifier), []);
        await PutAsync(placed, there, isChanged ? RestoreAction : PublishAction, isChanged, () => Task.CompletedTask, cancellationToken);
    }

    private async Task PutAsync(PublicationFolder folder, string name, CeremonyList list, CancellationToken cancellationToken)
    {
        string path = folder.PathOf(name);
        ServedCrl there = await LookAsync(folder, name, list.Issuer.Certificate, cancellationToken);
        RequireNotNewer(there);

        // The one before it is what is expected there; and that only until this one was seen.
        bool wasRight = _right.TryGetValue(path, out byte[]? right) && right.AsSpan().SequenceEqual(list.Hash);
        bool isChanged = wasRight || (there.Exists ? there.Number is null || there.Number == list.Number : right is not null);
        var what = new AuditObject(MakeCrl.ObjectKind, $"{list.Issuer.KeyIdentifier}/{CrlScope.Complete}");
        Placed placed = new(folder, name, list.Bytes, list.Hash, what, [new AuditField.Number("number", list.Number)]);
        await PutAsync(
            placed, there, isChanged ? PutCrl.RestoreAction : PublishCrls.PublishAction, isChanged,
            async () => RequireNotNewer(await LookAsync(folder, name, list.Issuer.Certificate, cancellationToken)), cancellationToken);

        void RequireNotNewer(ServedCrl now)
        {
            if (now.Number > list.Number)
            {
                throw new InvalidDataException($"{path} is newer than {list.File}: the file in Ca:Crls:CeremonyFiles is an old one.");
            }
        }
    }

    /// <summary>Of a certificate it knows no more than the hash, which is all that is asked.</summary>
    private Task<ServedCrl> LookAsync(PublicationFolder folder, string name, Certificate issuer, CancellationToken cancellationToken) =>
        served.LookAsync(folder, name, issuer, crl => crl.BaseNumber is null, anew: false, cancellationToken);

    /// <summary>What was changed is told of before it is replaced, for afterwards nothing shows it any more; what is new, once it is there.</summary>
    private async Task PutAsync(Placed placed, ServedCrl there, string action, bool isChanged, Func<Task> lastLookAsync, CancellationToken cancellationToken)
    {
        string path = placed.Folder.PathOf(placed.Name);
        if (!there.Has(placed.Hash))
        {
            string found = there.Hash is null ? there.What : Convert.ToHexStringLower(there.Hash);
            if (isChanged && (!_told.TryGetValue(path, out string? told) || told != found))
            {
                await RecordAsync(placed, action, AuditOutcome.Intended, PutCrl.Found(there));
                _told[path] = found;
            }

            await placed.Folder.WriteAsync(placed.Name, AsyncEnumerable.Repeat(placed.Bytes, 1), placed.Hash, lastLookAsync, cancellationToken);
            if (!isChanged)
            {
                await RecordAsync(placed, action, AuditOutcome.Done, []);
            }
        }

        _right[path] = placed.Hash;
        _told.TryRemove(path, out _);
    }

    private Task RecordAsync(Placed placed, string action, AuditOutcome outcome, IReadOnlyList<AuditField> more) => database.WriteAsync(
        transaction => log.AppendAsync(
            transaction,
            new AuditEvent(PutCrl.Actor, action, placed.What, outcome)
            {
                Fields = [.. placed.Fields, new AuditField.Octets("hash", placed.Hash), new AuditField.Number("length", placed.Bytes.Length), .. more],
            }),
        CancellationToken.None);

    private sealed record Placed(PublicationFolder Folder, string Name, byte[] Bytes, byte[] Hash, AuditObject What, IReadOnlyList<AuditField> Fields);
}
