using System.Collections.Concurrent;
using System.Text;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Authorities;

/// <summary>
/// Profiles in the database: every version that was ever known, and which is in use. Versions do not change and are remembered; which is active is asked anew each time. Safe for
/// concurrent use.
/// </summary>
internal sealed class ProfileStore(Database database, ProfileCatalogue catalogue, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Profile> _versions = [];

    /// <summary>Puts the catalogue's profiles into the table of versions. Run at start; none becomes active by it.</summary>
    public Task InstallAsync(CancellationToken cancellationToken = default) => database.WriteAsync(
        async transaction =>
        {
            foreach (Profile profile in catalogue.All)
            {
                await transaction.TryInsertAsync(
                    "INSERT INTO profile_version (profile_hash, name, definition, added_at) VALUES (@Hash, @Name, @Definition, @Now)",
                    new { Hash = profile.Hash.ToArray(), profile.Name, Definition = Encoding.UTF8.GetBytes(profile.CanonicalJson), Now = time.GetUtcNow() });
            }
        },
        cancellationToken);

    /// <summary>The version that is in use, if it is the one that the caller means.</summary>
    /// <param name="hash"><see cref="Profile.Hash"/>.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.UnknownProfile"/>: no such profile, not active, or another version of it is.</exception>
    public async Task<Profile> GetActiveAsync(Transaction transaction, string name, ReadOnlyMemory<byte> hash)
    {
        byte[]? active = await transaction.FindAsync<byte[]>("SELECT profile_hash FROM active_profile WHERE name = @Name", new { Name = name });
        if (active is null || !active.AsSpan().SequenceEqual(hash.Span))
        {
            throw new RefusalException(
                Refusal.UnknownProfile, active is null ? $"证书模板“{name}”不存在或未启用。" : $"证书模板“{name}”的当前版本与申请所写的不同，请按当前版本重新审批。");
        }

        return await GetAsync(transaction, active);
    }

    /// <summary>The version that is in use, whichever it is.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.UnknownProfile"/>: none.</exception>
    public async Task<Profile> GetActiveAsync(Transaction transaction, string name) => await GetAsync(
        transaction,
        await transaction.FindAsync<byte[]>("SELECT profile_hash FROM active_profile WHERE name = @Name", new { Name = name })
            ?? throw new RefusalException(Refusal.UnknownProfile, $"证书模板“{name}”不存在或未启用。"));

    /// <summary>All versions of a profile that were ever known; none: there is no such profile.</summary>
    public async Task<IReadOnlyList<Profile>> GetVersionsAsync(Transaction transaction, string name)
    {
        var versions = new List<Profile>();
        foreach (byte[] hash in await transaction.QueryAsync<byte[]>("SELECT profile_hash FROM profile_version WHERE name = @Name", new { Name = name }))
        {
            versions.Add(await GetAsync(transaction, hash));
        }

        return versions;
    }

    /// <summary>All versions of all profiles that were ever known.</summary>
    public async Task<IReadOnlyList<Profile>> GetAllAsync(Transaction transaction)
    {
        var all = new List<Profile>();
        foreach (byte[] hash in await transaction.QueryAsync<byte[]>("SELECT profile_hash FROM profile_version ORDER BY profile_hash"))
        {
            all.Add(await GetAsync(transaction, hash));
        }

        return all;
    }

    /// <summary>A version, active or not: certificates are judged by that of their day.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    /// <exception cref="ProfileException">The row is no profile, or not of this hash: somebody changed it.</exception>
    public async Task<Profile> GetAsync(Transaction transaction, byte[] hash)
    {
        string key = Convert.ToHexStringLower(hash);
        if (_versions.TryGetValue(key, out Profile? known))
        {
            return known;
        }

        byte[] definition = await transaction.FindAsync<byte[]>("SELECT definition FROM profile_version WHERE profile_hash = @Hash", new { Hash = hash })
            ?? throw new InvalidOperationException($"The database has no profile of the hash {key}.");
        Profile profile = Profile.Parse(definition);
        return profile.Hash.Span.SequenceEqual(hash)
            ? _versions.GetOrAdd(key, profile)
            : throw new ProfileException($"The row of the profile {profile.Name} {key} holds another profile.");
    }
}
