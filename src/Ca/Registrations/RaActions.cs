using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Registrations;

/// <summary>Commands about RAs: who they are, what they may ask for, and whether they may ask at all.</summary>
internal sealed class RaActions(AuthorityList authorities, ProfileStore profiles, ClientStore clients)
{
    public const string Register = "ra.register";
    public const string Change = "ra.change";
    public const string Disable = "ra.disable";
    public const string Enable = "ra.enable";

    /// <summary>Columns of entities.</summary>
    private const int MaxEntity = 64;

    private static readonly IReadOnlyList<CommandRule> OneAdministrator =
        [.. OfficerActions.OnePerson.Where(rule => rule.Proposer != RoleCatalogue.AuditAdministrator)];

    // What the database calls where no RA asked.
    private static readonly string[] Taken = [IssuanceOrder.Command, IssuanceOrder.Link, IssuanceOrder.SystemOwner];

    private static readonly string[] SystemProfiles = [SystemProfile.Ra, SystemProfile.ServiceSigner, SystemProfile.Link, SystemProfile.OfficerLink];

    public IReadOnlyList<CommandAction> All =>
    [
        new CommandAction(Register, OfficerActions.ForRegions) { CheckAsync = CheckRegisterAsync, DoAsync = RegisterAsync },
        new CommandAction(Change, OfficerActions.ForRegions) { CheckAsync = CheckChangeAsync, DoAsync = ChangeAsync },
        new CommandAction(Disable, OneAdministrator)
        {
            TakesAwayOnly = true,
            CheckAsync = static context => CheckSwitchAsync(context, enabled: false),
            DoAsync = context => SwitchAsync(context, enabled: false),
        },
        new CommandAction(Enable, OfficerActions.ForRegions)
        {
            CheckAsync = static context => CheckSwitchAsync(context, enabled: true),
            DoAsync = context => SwitchAsync(context, enabled: true),
        },
    ];

    /// <summary>Certificates by which the system itself is run (trust.md §1): whatever an RA's officers sign, none of these comes of it.</summary>
    public static bool IsNeverAnRas(Profile profile) =>
        profile.IsAuthority
        || profile.Options.OfficerIdentity
        || profile.Purposes.Contains(Oids.OcspSigning)
        || profile.Purposes.Contains(Oids.TimeStamping)
        || SystemProfiles.Contains(profile.Name);

    private static AuditObject ObjectOf(string name) => new("ra", name);

    private static async Task<RegistrationAuthority> GetAsync(CommandContext context, string name)
    {
        RegistrationAuthority ra = await RaStore.FindAsync(context.Transaction, name) ?? throw new RefusalException(Refusal.NotFound, "没有该RA。");
        context.RequireRegion(ra.Region);
        return ra;
    }

    private static async Task CheckSwitchAsync(CommandContext context, bool enabled) =>
        Require((await GetAsync(context, context.Read<RaSwitch>().Name)).Enabled != enabled, Refusal.WrongState, enabled ? "该RA没有停用。" : "该RA已被停用。");

    /// <summary>Disabling closes all its links. Enabling opens none: which of them are still in the right hands, the officers say who open or register them.</summary>
    private async Task SwitchAsync(CommandContext context, bool enabled)
    {
        RaSwitch change = context.Read<RaSwitch>();
        Require(
            await RaStore.SwitchAsync(context.Transaction, change.Name, enabled, context.Now), Refusal.WrongState, enabled ? "该RA没有停用。" : "该RA已被停用。");
        await context.RecordAsync(enabled ? Enable : Disable, ObjectOf(change.Name), change.Reason);
        if (!enabled)
        {
            await clients.DisableAllAsync(context.Transaction, context.Actor(), change.Name, ClientKind.Ra);
        }
    }

    private async Task CheckRegisterAsync(CommandContext context)
    {
        RaRegistration registration = context.Read<RaRegistration>();
        Require(
            SignedMessage.IsRecipient(registration.Name) && !Taken.Contains(registration.Name),
            Refusal.Malformed,
            "RA名称有误：应为1至64个小写字母、数字、点或连字符，且不得为command、link、system。");
        Require(registration.Entity.Length <= MaxEntity, Refusal.Malformed, $"实体编号过长，最多{MaxEntity}个字符。");
        context.RequireRegion(registration.Region);
        Require(
            await context.Transaction.GetAsync<long>("SELECT COUNT(*) FROM region WHERE code = @Region", new { registration.Region }) == 1,
            Refusal.NotFound,
            "该区域尚未登记。");
        await ReadScopeAsync(context.Transaction, registration);
    }

    private async Task RegisterAsync(CommandContext context)
    {
        RaRegistration registration = context.Read<RaRegistration>();
        Require(await RaStore.InsertAsync(context.Transaction, registration, context.Now), Refusal.Duplicate, "该RA名称或实体编号已登记。");
        await RaStore.SetScopeAsync(context.Transaction, registration.Name, await ReadScopeAsync(context.Transaction, registration));
        await RecordAsync(context, Register, registration);
    }

    private async Task CheckChangeAsync(CommandContext context)
    {
        RaRegistration registration = context.Read<RaRegistration>();
        RegistrationAuthority ra = await GetAsync(context, registration.Name);
        Require(ra.Entity == registration.Entity && ra.Region == registration.Region, Refusal.WrongState, "RA的实体编号和区域不能变更，请另行登记。");
        await ReadScopeAsync(context.Transaction, registration);
    }

    private async Task ChangeAsync(CommandContext context)
    {
        RaRegistration registration = context.Read<RaRegistration>();
        await RaStore.SetQuotaAsync(context.Transaction, registration.Name, registration.Quota, context.Now);
        await RaStore.SetScopeAsync(context.Transaction, registration.Name, await ReadScopeAsync(context.Transaction, registration));
        await RecordAsync(context, Change, registration);
    }

    /// <summary>The scope by the numbers of CAs, after looking at all that was never an RA's.</summary>
    private async Task<IReadOnlyList<(string Profile, short Authority)>> ReadScopeAsync(Transaction transaction, RaRegistration registration)
    {
        var scope = new List<(string, short)>();
        foreach (RaScope each in registration.Scope)
        {
            Authority? authority = authorities.Find(each.Issuer.Span);
            Require(
                authority is { ForSubscribers: true } && authority != authorities.Operations && authority != authorities.System,
                Refusal.OutOfScope,
                "RA的业务范围只能含面向用户的签发CA。");

            // All versions that are known, for any of them may become the active one.
            IReadOnlyList<Profile> versions = await profiles.GetVersionsAsync(transaction, each.Profile);
            Require(versions.Count > 0, Refusal.UnknownProfile, $"证书模板“{each.Profile}”不存在。");
            Require(!versions.Any(IsNeverAnRas), Refusal.OutOfScope, $"证书模板“{each.Profile}”不得由RA申请。");
            scope.Add((each.Profile, authority!.Id));
        }

        Require(scope.Distinct().Count() == scope.Count, Refusal.Malformed, "RA的业务范围有重复。");
        return scope;
    }

    private static Task RecordAsync(CommandContext context, string action, RaRegistration registration) => context.RecordAsync(
        action,
        ObjectOf(registration.Name),
        reason: null,
        new AuditField.Text("entity", registration.Entity),
        new AuditField.Text("region", registration.Region),
        new AuditField.Number("quota", registration.Quota),
        new AuditField.Number("scope", registration.Scope.Count),
        new AuditField.Octets("registration", Sm3.HashData(context.Parameters.Span)));
}
