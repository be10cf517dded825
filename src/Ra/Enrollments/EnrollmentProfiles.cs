using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Ra.CertificationAuthority;

namespace ZwCa.Ra.Enrollments;

/// <summary>What can be applied for, with the versions of the CA's profiles as it last told them: while it is away work goes on by those. Safe for concurrent use.</summary>
internal sealed class EnrollmentProfiles(RaOptions options, Database database, CaClient ca, TimeProvider time)
{
    /// <exception cref="RefusalException"><see cref="Refusal.UnknownProfile"/>: there is none of that name.</exception>
    public EnrollmentProfileOptions Get(string? name) =>
        name is not null && options.Profiles.TryGetValue(name, out EnrollmentProfileOptions? profile)
            ? profile
            : throw new RefusalException(Refusal.UnknownProfile, $"没有名为“{name}”的业务类型。");

    /// <returns>SM3 of the version in use, 32 bytes, of the certificate's profile, and of the encryption certificate's; that is null where there is none.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.UnknownProfile"/>: the CA does not have it in use.</exception>
    public async Task<(byte[] Certificate, byte[]? Encryption)> HashesAsync(EnrollmentProfileOptions profile, CancellationToken cancellationToken) =>
        (await HashAsync(profile.Certificate, cancellationToken), profile.Encryption is null ? null : await HashAsync(profile.Encryption, cancellationToken));

    /// <summary>Asks the CA.</summary>
    /// <exception cref="RefusalException">As <see cref="CaClient.GetAsync"/>.</exception>
    public async Task PullAsync(CancellationToken cancellationToken)
    {
        List<ProfileAnswer> told = await ca.GetAsync<List<ProfileAnswer>>("/profiles", cancellationToken);
        var active = told.Where(each => each.Active).ToDictionary(each => each.Name, each => Convert.FromHexString(each.Hash));
        await database.WriteAsync(
            async transaction =>
            {
                foreach (string gone in (await transaction.QueryAsync<string>("SELECT name FROM ca_profile")).Where(name => !active.ContainsKey(name)))
                {
                    await transaction.ExecuteAsync("DELETE FROM ca_profile WHERE name = @Name", new { Name = gone });
                }

                foreach ((string name, byte[] hash) in active)
                {
                    var row = new { Name = name, Hash = hash, Now = time.GetUtcNow() };
                    if (await transaction.ExecuteAsync("UPDATE ca_profile SET profile_hash = @Hash, told_at = @Now WHERE name = @Name", row) == 0)
                    {
                        await transaction.TryInsertAsync("INSERT INTO ca_profile (name, profile_hash, told_at) VALUES (@Name, @Hash, @Now)", row);
                    }
                }
            },
            cancellationToken);
    }

    public async Task<IReadOnlyList<EnrollmentProfileAnswer>> ListAsync(CancellationToken cancellationToken)
    {
        HashSet<string> active = [.. await database.QueryAsync<string>("SELECT name FROM ca_profile", cancellationToken: cancellationToken)];
        return
        [
            .. options.Profiles.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => new EnrollmentProfileAnswer
            {
                Name = each.Key,
                Title = each.Value.Title,
                Subscriber = EnrollmentNames.NameOf(each.Value.Subscriber),
                Certificate = each.Value.Certificate,
                Encryption = each.Value.Encryption,
                Days = each.Value.Days,
                Reviews = [.. each.Value.ReviewLevels.Select(EnrollmentNames.NameOf)],
                Evidence = each.Value.Evidence,
                Available = active.Contains(each.Value.Certificate) && (each.Value.Encryption is null || active.Contains(each.Value.Encryption)),
            }),
        ];
    }

    private async Task<byte[]> HashAsync(string name, CancellationToken cancellationToken) =>
        await database.FindAsync<byte[]>("SELECT profile_hash FROM ca_profile WHERE name = @Name", new { Name = name }, cancellationToken)
        ?? throw new RefusalException(Refusal.UnknownProfile, $"CA未启用证书模板{name}，或尚未从CA获知，请联系管理员。");
}
