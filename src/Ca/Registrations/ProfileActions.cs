using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Contracts;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Registrations;

/// <summary>Commands about profiles: which version certificates are issued by.</summary>
internal sealed class ProfileActions(ProfileStore profiles)
{
    public const string Activate = "profile.activate";
    public const string Retire = "profile.retire";

    public IReadOnlyList<CommandAction> All =>
    [
        new CommandAction(Activate, OfficerActions.ForRegions) { CheckAsync = CheckActivateAsync, DoAsync = ActivateAsync },
        new CommandAction(Retire, OfficerActions.ForRegions) { CheckAsync = CheckRetireAsync, DoAsync = RetireAsync },
    ];

    private static Task RecordAsync(CommandContext context, string action, ProfileReference reference) => context.RecordAsync(
        action, new AuditObject("profile", reference.Name), reason: null, new AuditField.Octets("profileHash", reference.Hash));

    private static Task<byte[]?> FindActiveAsync(CommandContext context, ProfileReference reference) =>
        context.Transaction.FindAsync<byte[]>("SELECT profile_hash FROM active_profile WHERE name = @Name", new { reference.Name });

    private async Task CheckActivateAsync(CommandContext context)
    {
        ProfileReference reference = context.Read<ProfileReference>();
        context.RequireRegion(RegionCode.Nation.Value);
        Profile profile = (await profiles.GetVersionsAsync(context.Transaction, reference.Name)).FirstOrDefault(each => each.Hash.Span.SequenceEqual(reference.Hash.Span))
            ?? throw new RefusalException(Refusal.UnknownProfile, $"证书模板“{reference.Name}”没有该版本。");
        Require(!profile.IsAuthority, Refusal.NotAllowed, "CA证书只在密钥仪式上签发，其模板不启用。");
        Require(
            !RaActions.IsNeverAnRas(profile)
                || await context.Transaction.GetAsync<long>("SELECT COUNT(*) FROM ra_scope WHERE profile = @Name", new { reference.Name }) == 0,
            Refusal.WrongState,
            "该证书模板在RA的业务范围内，而此版本不得由RA申请。");
        byte[]? active = await FindActiveAsync(context, reference);
        Require(active is null || !active.AsSpan().SequenceEqual(reference.Hash.Span), Refusal.WrongState, "该版本已启用。");
    }

    private async Task ActivateAsync(CommandContext context)
    {
        ProfileReference reference = context.Read<ProfileReference>();
        var row = new { reference.Name, Hash = reference.Hash.ToArray(), context.Now };
        bool done = await context.Transaction.ExecuteAsync("UPDATE active_profile SET profile_hash = @Hash, activated_at = @Now WHERE name = @Name", row) == 1
            || await context.Transaction.TryInsertAsync("INSERT INTO active_profile (name, profile_hash, activated_at) VALUES (@Name, @Hash, @Now)", row);
        Require(done, Refusal.WrongState, "该证书模板正由另一命令启用。");
        await RecordAsync(context, Activate, reference);
    }

    private static async Task CheckRetireAsync(CommandContext context)
    {
        ProfileReference reference = context.Read<ProfileReference>();
        context.RequireRegion(RegionCode.Nation.Value);
        byte[]? active = await FindActiveAsync(context, reference);
        Require(active is not null && active.AsSpan().SequenceEqual(reference.Hash.Span), Refusal.WrongState, "该版本没有启用。");
    }

    private static async Task RetireAsync(CommandContext context)
    {
        ProfileReference reference = context.Read<ProfileReference>();
        int retired = await context.Transaction.ExecuteAsync(
            "DELETE FROM active_profile WHERE name = @Name AND profile_hash = @Hash", new { reference.Name, Hash = reference.Hash.ToArray() });
        Require(retired == 1, Refusal.WrongState, "该版本没有启用。");
        await RecordAsync(context, Retire, reference);
    }
}
