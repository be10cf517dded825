using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Ca.Registrations;

/// <summary>An RA that is registered here.</summary>
internal sealed record RegistrationAuthority
{
    public required string RaName { get; init; }

    /// <summary>Whose message certificates are the RA's.</summary>
    public required string Entity { get; init; }

    /// <summary>GB/T 2260: its applications are of this region or below.</summary>
    public required string Region { get; init; }

    public required bool Enabled { get; init; }

    /// <summary>Certificates that it may have had issued in all.</summary>
    public required long Quota { get; init; }

    public required long Issued { get; init; }
}

/// <summary>The rows of RAs, inside one unit of work.</summary>
internal static class RaStore
{
    /// <returns>Null: none of the name.</returns>
    public static Task<RegistrationAuthority?> FindAsync(Transaction transaction, string name) => transaction.FindAsync<RegistrationAuthority>(
        "SELECT ra_name, entity, region, enabled, quota, issued FROM registration_authority WHERE ra_name = @Name", new { Name = name });

    /// <returns>Null: none of the entity.</returns>
    public static Task<RegistrationAuthority?> FindByEntityAsync(Transaction transaction, string entity) => transaction.FindAsync<RegistrationAuthority>(
        "SELECT ra_name, entity, region, enabled, quota, issued FROM registration_authority WHERE entity = @Entity", new { Entity = entity });

    /// <summary>All of them: as many as there are provinces, or a few more.</summary>
    public static Task<IReadOnlyList<RegistrationAuthority>> ListAsync(Transaction transaction) => transaction.QueryAsync<RegistrationAuthority>(
        "SELECT ra_name, entity, region, enabled, quota, issued FROM registration_authority ORDER BY ra_name");

    public static Task<IReadOnlyList<ScopeRow>> ListScopeAsync(Transaction transaction) =>
        transaction.QueryAsync<ScopeRow>("SELECT ra_name, profile, authority_id FROM ra_scope ORDER BY ra_name, profile, authority_id");

    /// <summary>Whether the RA may ask for a profile from a CA.</summary>
    public static async Task<bool> IsInScopeAsync(Transaction transaction, string name, string profile, short authority) =>
        await transaction.GetAsync<long>(
            "SELECT COUNT(*) FROM ra_scope WHERE ra_name = @Name AND profile = @Profile AND authority_id = @Authority",
            new { Name = name, Profile = profile, Authority = authority }) == 1;

    /// <returns>False: an RA has the name or the entity.</returns>
    public static Task<bool> InsertAsync(Transaction transaction, RaRegistration registration, DateTimeOffset now) => transaction.TryInsertAsync(
        """
        INSERT INTO registration_authority (ra_name, entity, region, enabled, quota, issued, registered_at, changed_at)
        VALUES (@Name, @Entity, @Region, 1, @Quota, 0, @Now, @Now)
        """,
        new { registration.Name, registration.Entity, registration.Region, registration.Quota, Now = now });

    public static Task SetQuotaAsync(Transaction transaction, string name, long quota, DateTimeOffset now) => transaction.ExecuteAsync(
        "UPDATE registration_authority SET quota = @Quota, changed_at = @Now WHERE ra_name = @Name", new { Name = name, Quota = quota, Now = now });

    /// <returns>False: it is so already.</returns>
    public static async Task<bool> SwitchAsync(Transaction transaction, string name, bool enabled, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE registration_authority SET enabled = @Enabled, changed_at = @Now WHERE ra_name = @Name AND enabled = @Before",
        new { Name = name, Enabled = enabled, Before = !enabled, Now = now }) == 1;

    /// <summary>Whether it is enabled, and stays so until this transaction ends: who disables it waits, and then finds the links that were opened here.</summary>
    public static async Task<bool> HoldEnabledAsync(Transaction transaction, string name) => await transaction.ExecuteAsync(
        "UPDATE registration_authority SET enabled = enabled WHERE ra_name = @Name AND enabled = 1", new { Name = name }) == 1;

    /// <summary>Puts a scope into the place of the one before.</summary>
    public static async Task SetScopeAsync(Transaction transaction, string name, IReadOnlyList<(string Profile, short Authority)> scope)
    {
        await transaction.ExecuteAsync("DELETE FROM ra_scope WHERE ra_name = @Name", new { Name = name });
        foreach ((string profile, short authority) in scope)
        {
            await transaction.ExecuteAsync(
                "INSERT INTO ra_scope (ra_name, profile, authority_id) VALUES (@Name, @Profile, @Authority)", new { Name = name, Profile = profile, Authority = authority });
        }
    }

    /// <summary>Counts one certificate more; of two that want the last one, one gets it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: disabled by now; <see cref="Refusal.QuotaExhausted"/>.</exception>
    public static async Task CountAsync(Transaction transaction, string name)
    {
        int counted = await transaction.ExecuteAsync(
            "UPDATE registration_authority SET issued = issued + 1 WHERE ra_name = @Name AND enabled = 1 AND issued < quota", new { Name = name });
        if (counted == 1)
        {
            return;
        }

        RegistrationAuthority? ra = await FindAsync(transaction, name);
        throw ra is not { Enabled: true }
            ? new RefusalException(Refusal.NotAllowed, "该RA已被停用。")
            : new RefusalException(Refusal.QuotaExhausted, $"该RA的签发配额（{ra.Quota}张）已用完，请联系CA管理员增加配额。");
    }

    /// <summary>A profile that an RA may ask a CA for.</summary>
    public sealed record ScopeRow
    {
        public required string RaName { get; init; }

        public required string Profile { get; init; }

        public required short AuthorityId { get; init; }
    }
}
