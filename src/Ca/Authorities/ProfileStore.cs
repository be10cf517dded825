using System.Collections.Concurrent;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Import;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Officers;

namespace ZwCa.Ca.Authorities;

/// <summary>
/// Profiles in the database: every version that was ever known, and which is in use. Versions do not change and are remembered; which is active is asked anew each time. A row alone puts none
/// into use: the last command of officers about the profile does, or, where there was none, the ceremony, which used a profile of the program. Safe for concurrent use.
/// </summary>
internal sealed class ProfileStore(ProfileCatalogue catalogue, OrderedCommands commands, AuthorityList authorities, TimeProvider time)
{
    /// <summary>Certificates of the CAs' own that are looked at for a profile.</summary>
    private const int MaxLooked = 20;

    private readonly ConcurrentDictionary<string, Profile> _versions = [];

    /// <summary>By names: the version that was found to be in use, and how many commands about profiles there were then.</summary>
    private readonly ConcurrentDictionary<string, ActiveRow> _proven = [];

    /// <summary>Hashes of versions that were in use once, which stays so.</summary>
    private readonly ConcurrentDictionary<string, bool> _used = [];

    /// <summary>Puts the catalogue's profiles into the table of versions. Run at start; none becomes active by it.</summary>
    public async Task InstallAsync(Transaction transaction)
    {
        foreach (Profile profile in catalogue.All)
        {
            await transaction.TryInsertAsync(
                "INSERT INTO profile_version (profile_hash, name, definition, added_at) VALUES (@Hash, @Name, @Definition, @Now)",
                new { Hash = profile.Hash.ToArray(), profile.Name, Definition = Encoding.UTF8.GetBytes(profile.CanonicalJson), Now = time.GetUtcNow() });
        }
    }

    /// <summary>The version that is in use, if it is the one that the caller means.</summary>
    /// <param name="hash"><see cref="Profile.Hash"/>.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.UnknownProfile"/>: no such profile, not active, or another version of it is; or nobody who may has put it into use.</exception>
    public async Task<Profile> GetActiveAsync(Transaction transaction, string name, ReadOnlyMemory<byte> hash)
    {
        Profile active = await GetActiveAsync(transaction, name);
        return active.Hash.Span.SequenceEqual(hash.Span)
            ? active
            : throw new RefusalException(Refusal.UnknownProfile, $"证书模板“{name}”的当前版本与申请所写的不同，请按当前版本重新审批。");
    }

    /// <summary>The version that is in use, whichever it is.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.UnknownProfile"/>: none; or nobody who may has put it into use.</exception>
    public async Task<Profile> GetActiveAsync(Transaction transaction, string name)
    {
        ActiveRow row = await transaction.FindAsync<ActiveRow>($"{ActiveRow.Select} WHERE name = @Name", new { Name = name })
            ?? throw new RefusalException(Refusal.UnknownProfile, $"证书模板“{name}”不存在或未启用。");
        return await FindProvenAsync(transaction, row)
            ?? throw new RefusalException(Refusal.UnknownProfile, $"证书模板“{name}”的启用没有两名人员签署的命令，已停止使用，请联系CA管理员。");
    }

    /// <returns>Names of profiles whose active versions nobody who may has put into use.</returns>
    public async Task<IReadOnlyList<string>> ListUnprovenAsync(Transaction transaction)
    {
        var unproven = new List<string>();
        foreach (ActiveRow row in await transaction.QueryAsync<ActiveRow>($"{ActiveRow.Select} ORDER BY name"))
        {
            try
            {
                if (await FindProvenAsync(transaction, row) is not null)
                {
                    continue;
                }
            }
            catch (Exception e) when (e is ProfileException or InvalidOperationException or DerException)
            {
                // Somebody has put there what this program never writes: the caller tells of it.
            }

            unproven.Add(row.Name);
        }

        return unproven;
    }

    /// <summary>Whether a version is, or was, put into use by who may.</summary>
    public async Task<bool> WasActiveAsync(Transaction transaction, Profile profile)
    {
        string key = Convert.ToHexStringLower(profile.Hash.Span);
        if (_used.ContainsKey(key))
        {
            return true;
        }

        var reference = new ProfileReference(profile.Name, profile.Hash);
        bool wasActive = (await commands.ListAsync<ProfileReference>(transaction, ProfileActions.Activate, each => each == reference)).Count > 0
            || await WasUsedAtCeremonyAsync(transaction, profile);
        return wasActive && (_used.TryAdd(key, true) || true);
    }

    /// <summary>Whether officers have ordered anything about a profile: then it is for them to say whether it is in use.</summary>
    public async Task<bool> IsOrderedAsync(Transaction transaction, string name) => (await ListOrdersAsync(transaction, name)).Count > 0;

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

    /// <returns>Null: nobody who may has put it into use.</returns>
    private async Task<Profile?> FindProvenAsync(Transaction transaction, ActiveRow row)
    {
        if (_proven.TryGetValue(row.Name, out ActiveRow? known) && known.Commands == row.Commands && known.ProfileHash.AsSpan().SequenceEqual(row.ProfileHash))
        {
            return await GetAsync(transaction, row.ProfileHash);
        }

        Profile profile = await GetAsync(transaction, row.ProfileHash);
        bool isProven = await ListOrdersAsync(transaction, row.Name) is [.., { } last]
            ? last.Body.Action == ProfileActions.Activate && Der.Decode<ProfileReference>(last.Body.Parameters).Hash.Span.SequenceEqual(row.ProfileHash)
            : await WasUsedAtCeremonyAsync(transaction, profile);
        if (!isProven || profile.Name != row.Name)
        {
            return null;
        }

        _proven[row.Name] = row;
        return profile;
    }

    /// <summary>What officers have ordered about a profile, the last one last.</summary>
    private async Task<IReadOnlyList<OrderedCommand>> ListOrdersAsync(Transaction transaction, string name)
    {
        var orders = new List<OrderedCommand>();
        foreach (string action in (string[])[ProfileActions.Activate, ProfileActions.Retire])
        {
            orders.AddRange(await commands.ListAsync<ProfileReference>(transaction, action, each => each.Name == name));
        }

        return OrderedCommands.InOrder(orders.Where(each => each.Region == RegionCode.Nation.Value));
    }

    /// <summary>
    /// A version of this program, or of an earlier one, which the log then knows from the import; and one of these CAs has certified by it: the first of it is the ceremony's. The CA's signature
    /// and the profile's rules show that; what the certificate's row says shows nothing, and one that somebody puts before it hides nothing.
    /// </summary>
    private async Task<bool> WasUsedAtCeremonyAsync(Transaction transaction, Profile profile)
    {
        if (catalogue.Find(profile.Name, profile.Hash.Span) is null && !await IsFirstImportAsync(transaction, profile))
        {
            return false;
        }

        IReadOnlyList<CertificateRow> rows = await transaction.QueryAsync<CertificateRow>(
            $"""
             SELECT {CertificateRow.Columns} FROM certificate WHERE profile_hash = @Hash AND signature IS NOT NULL AND ra_name IS NULL
             ORDER BY certificate_id {transaction.Dialect.Limit(MaxLooked)}
             """,
            new { Hash = profile.Hash.ToArray() });
        return rows.Any(row => IsCertifiedBy(profile, row));
    }

    private bool IsCertifiedBy(Profile profile, CertificateRow row)
    {
        try
        {
            return row.FindCertificate() is { } certificate
                && authorities.All.FirstOrDefault(each => each.Id == row.AuthorityId) is { } authority
                && certificate.SignatureAlgorithm == authority.Issuer.Algorithm
                && SignatureCheck.Holds(authority.Issuer.SubjectPublicKeyInfo, authority.Issuer.Algorithm, certificate.TbsBytes, certificate.Signature)
                && !Linter.Check(Der.Encode(certificate), new LintContext { Profile = profile, Issuer = authority.Issuer }).Any(each => each.Severity == Severity.Error);
        }
        catch (DerException)
        {
            return false;
        }
    }

    /// <summary>Whether the first that the log has of a profile is that the import put this version into use. Whoever adds an event comes later.</summary>
    private static async Task<bool> IsFirstImportAsync(Transaction transaction, Profile profile)
    {
        byte[]? first = await transaction.FindAsync<byte[]>(
            $"""
             SELECT e.leaf FROM audit_search s JOIN audit_event e ON e.event_id = s.event_id JOIN log_leaf l ON l.event_id = s.event_id
             WHERE s.object_kind = 'profile' AND s.object_id = @Name AND s.action = 'profile.activate' ORDER BY l.log_index {transaction.Dialect.Limit(1)}
             """,
            new { profile.Name });
        return first is not null
            && Der.Decode<AuditLeaf>(first) is { } leaf
            && leaf.Actor == ImportCeremony.Actor
            && CertificateRecords.OctetsOf(leaf, "profileHash") is { } hash
            && hash.Span.SequenceEqual(profile.Hash.Span);
    }

    private sealed record ActiveRow
    {
        /// <summary>With the number of commands that have changed what is in use: where there is another, what was found before is looked at again.</summary>
        public const string Select =
            """
            SELECT name, profile_hash,
                (SELECT COUNT(*) FROM officer_command WHERE action = 'profile.activate' AND state = 1)
                    + (SELECT COUNT(*) FROM officer_command WHERE action = 'profile.retire' AND state = 1) AS commands
            FROM active_profile
            """;

        public required string Name { get; init; }

        public required byte[] ProfileHash { get; init; }

        public required long Commands { get; init; }
    }
}
