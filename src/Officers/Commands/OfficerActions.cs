using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>The commands about officers and regions that every service has.</summary>
public sealed class OfficerActions(OfficerDirectory directory, TimeSpan certifiedFor)
{
    public const string Create = "officer.create";
    public const string Disable = "officer.disable";
    public const string Recertify = "officer.recertify";
    public const string ReplaceCertificate = "officer.replace-certificate";
    public const string RegisterRegion = "region.register";

    private readonly OfficerStore _store = directory.Store;

    /// <summary>How long an officer's authority holds before the level above confirms it again.</summary>
    public static TimeSpan DefaultCertifiedFor => TimeSpan.FromDays(365);

    /// <summary>
    /// The highest two each decide about what the other proposes, for at the beginning nobody else is there; a business administrator's proposal goes to
    /// another one or to the super administrator.
    /// </summary>
    public static IReadOnlyList<CommandRule> TwoPersons { get; } =
    [
        new CommandRule(RoleCatalogue.SuperAdministrator, [RoleCatalogue.AuditAdministrator]),
        new CommandRule(RoleCatalogue.AuditAdministrator, [RoleCatalogue.SuperAdministrator]),
        new CommandRule(RoleCatalogue.BusinessAdministrator, [RoleCatalogue.BusinessAdministrator, RoleCatalogue.SuperAdministrator]),
    ];

    /// <summary>Disabling only takes away, and has to be at once: whoever stands above does it alone.</summary>
    public static IReadOnlyList<CommandRule> OnePerson { get; } =
    [
        new CommandRule(RoleCatalogue.SuperAdministrator, []),
        new CommandRule(RoleCatalogue.AuditAdministrator, []),
        new CommandRule(RoleCatalogue.BusinessAdministrator, []),
    ];

    /// <summary>Regions belong to the administrators; the auditor's word is needed where there is only one of them.</summary>
    public static IReadOnlyList<CommandRule> ForRegions { get; } = [TwoPersons[0], TwoPersons[2]];

    /// <summary>All five, by the standard roles.</summary>
    public IReadOnlyList<CommandAction> Standard =>
    [
        new CommandAction(Create, TwoPersons) { CheckAsync = CheckCreateAsync, DoAsync = CreateAsync },
        new CommandAction(Disable, OnePerson) { TakesAwayOnly = true, CheckAsync = CheckDisableAsync, DoAsync = DisableAsync },
        new CommandAction(Recertify, TwoPersons) { CheckAsync = CheckRecertifyAsync, DoAsync = RecertifyAsync },
        new CommandAction(ReplaceCertificate, TwoPersons) { CheckAsync = CheckReplaceAsync, DoAsync = ReplaceAsync },
        new CommandAction(RegisterRegion, ForRegions) { CheckAsync = CheckRegionAsync, DoAsync = RegisterRegionAsync },
    ];

    /// <summary>
    /// Before somebody gets a certificate with an identity: what would be refused when he is created by it, or when it replaces the one that he has. For services that issue them.
    /// </summary>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotAllowed"/> (role), <see cref="Refusal.OutOfScope"/> (region), <see cref="Refusal.NotFound"/> (person, region), <see cref="Refusal.SecondOfficerRequired"/>
    /// (himself), <see cref="Refusal.RolesNotDisjoint"/>, <see cref="Refusal.Duplicate"/>: he is in another office.
    /// </exception>
    public async Task RequireMayCertifyAsync(CommandContext context, OfficerIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(identity);
        await RequireOfficeAsync(context, identity);
        byte[] person = identity.Person.ToArray();
        await OfficerStore.RequireKindAsync(context.Transaction, person, identity.Kind);
        long others = await context.Transaction.GetAsync<long>(
            "SELECT COUNT(*) FROM officer WHERE person_id = @Person AND enabled = 1 AND (role <> @Role OR region <> @Region)",
            new { Person = person, identity.Role, identity.Region });
        Require(others == 0, Refusal.Duplicate, "该人员已有一个启用的职务。");
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }

    private static T Read<T>(CommandContext context)
        where T : IDer<T>
    {
        try
        {
            return Der.Decode<T>(context.Parameters);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "命令参数格式有误。", inner: e);
        }
    }

    private static Task RecordAsync(
        CommandContext context, string what, ReadOnlySpan<byte> officerId, string? reason, params IReadOnlyList<AuditField> fields) =>
        context.Log.AppendAsync(
            context.Transaction,
            new AuditEvent((context.Approver ?? context.Proposer).Actor, what, OfficerStore.ObjectOf(officerId), AuditOutcome.Done)
            {
                Fields = [new AuditField.Octets("command", context.CommandId), .. fields],

                // Free text, in which somebody may name a person.
                Personal = reason is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["reason"] = reason },
            });

    /// <summary>What is signed about an officer names his region: an approver of another region is out of scope.</summary>
    private static void RequireRegion(CommandContext context, RegionCode region)
    {
        Require(context.Application.Region == region.Value, Refusal.OutOfScope, "命令所写区域与人员所属区域不一致。");
        Require(context.Proposer.Region.Covers(region), Refusal.OutOfScope, "该人员不在提出人的管辖区域内。");
    }

    private static async Task<short> InitialisationAsync(Transaction transaction)
    {
        short number = await transaction.GetAsync<short>("SELECT COALESCE(MAX(initialisation_number), 0) FROM initialisation");
        Require(number > 0, Refusal.WrongState, "系统尚未初始化。");
        return number;
    }

    private async Task CheckCreateAsync(CommandContext context)
    {
        OfficerCertificate certificate = _store.Issuers.Verify(context.Parameters);
        OfficerIdentity identity = certificate.Identity;
        await RequireOfficeAsync(context, identity);
        Require(certificate.IsValidAt(context.Now), Refusal.NotAllowed, "人员证书不在有效期内。");
        await InitialisationAsync(context.Transaction);
        await OfficerStore.RequirePersonAsync(context.Transaction, identity.Person.ToArray(), identity.Kind);
    }

    /// <summary>The office is one that the proposer may give: the level below his own, in a region of his that is registered, to somebody else.</summary>
    private async Task RequireOfficeAsync(CommandContext context, OfficerIdentity identity)
    {
        Role? role = _store.Roles.Find(identity.Role);
        Require(role is not null && role.Kind == identity.Kind, Refusal.NotAllowed, "没有该角色。");
        Require(context.Proposer.Role.Creates.Contains(role!.Name), Refusal.NotAllowed, "只能创建下一级角色的人员。");
        RequireRegion(context, RegionCode.Parse(identity.Region));
        context.RequireNotAbout(identity.Person.Span);
        Require(
            await context.Transaction.GetAsync<long>("SELECT COUNT(*) FROM region WHERE code = @Code", new { Code = identity.Region }) == 1,
            Refusal.NotFound,
            "该区域尚未登记。");
    }

    private async Task CreateAsync(CommandContext context)
    {
        OfficerCertificate certificate = _store.Issuers.Verify(context.Parameters);
        byte[] id = Ulid.Create(context.Now);
        await _store.InsertAsync(
            context.Transaction,
            new NewOfficer
            {
                OfficerId = id,
                Certificate = certificate,
                CertifiedUntil = context.Now + certifiedFor,
                CreatedAt = context.Now,
                CreatedUnder = await InitialisationAsync(context.Transaction),
                Creator = context.Proposer,
                CommandId = context.CommandId,
                ApproverPersonId = context.Approver!.PersonId.ToArray(),
            });
        await RecordAsync(
            context,
            Create,
            id,
            reason: null,
            new AuditField.Octets("person", certificate.Identity.Person),
            new AuditField.Text("role", certificate.Identity.Role),
            new AuditField.Text("region", certificate.Identity.Region),
            new AuditField.Text("certificate", certificate.SerialNumber.ToString()));
    }

    private async Task CheckDisableAsync(CommandContext context)
    {
        Officer subject = await SubjectAsync(context, Read<OfficerChange>(context).Officer);
        bool isOtherHighest = context.Proposer.Role.IsTop && subject.Role.IsTop && context.Proposer.Kind != subject.Kind;
        Require(isOtherHighest || _store.Roles.IsAbove(context.Proposer.Role, subject.Role), Refusal.NotAllowed, "只能停用下级人员。");
        Require(subject.Enabled, Refusal.WrongState, "该人员已被停用。");
    }

    private async Task DisableAsync(CommandContext context)
    {
        OfficerChange change = Read<OfficerChange>(context);
        Officer subject = await SubjectAsync(context, change.Officer);
        Require(
            await OfficerStore.DisableAsync(context.Transaction, subject.Id, context.Proposer.SerialNumber.ToString(), change.Reason, context.Now),
            Refusal.WrongState,
            "该人员已被停用。");
        await RecordAsync(context, Disable, subject.Id.Span, change.Reason, new AuditField.Text("certificate", change.Officer.ToString()));
    }

    private async Task CheckRecertifyAsync(CommandContext context)
    {
        Officer subject = await SubjectAsync(context, Read<OfficerChange>(context).Officer);
        RequireDirectlyBelow(context, subject);
    }

    private async Task RecertifyAsync(CommandContext context)
    {
        OfficerChange change = Read<OfficerChange>(context);
        Officer subject = await SubjectAsync(context, change.Officer);
        DateTimeOffset until = context.Now + certifiedFor;
        int changed = await context.Transaction.ExecuteAsync(
            "UPDATE officer SET certified_until = @Until WHERE officer_id = @Id AND enabled = 1", new { Until = until, Id = subject.Id.ToArray() });
        Require(changed == 1, Refusal.WrongState, "该人员已被停用。");
        await RecordAsync(
            context,
            Recertify,
            subject.Id.Span,
            change.Reason,
            new AuditField.Number("certifiedUntil", until.ToUnixTimeMilliseconds()));
    }

    private async Task CheckReplaceAsync(CommandContext context)
    {
        CertificateReplacement replacement = Read<CertificateReplacement>(context);
        Officer subject = await SubjectAsync(context, replacement.Officer);
        RequireDirectlyBelow(context, subject);
        OfficerCertificate certificate = _store.Issuers.Verify(replacement.Certificate);
        Require(certificate.Identity == subject.Certificate.Identity, Refusal.NotAllowed, "新证书的人员、角色或区域与原证书不同。");
        Require(certificate.IsValidAt(context.Now), Refusal.NotAllowed, "人员证书不在有效期内。");
    }

    private async Task ReplaceAsync(CommandContext context)
    {
        CertificateReplacement replacement = Read<CertificateReplacement>(context);
        Officer subject = await SubjectAsync(context, replacement.Officer);
        OfficerCertificate certificate = _store.Issuers.Verify(replacement.Certificate);
        string serial = certificate.SerialNumber.ToString();
        await OfficerStore.RequireUnusedAsync(context.Transaction, certificate.SerialNumber);
        int changed = await context.Transaction.ExecuteAsync(
            """
            UPDATE officer SET certificate_serial = @Serial, certificate = @Certificate
            WHERE officer_id = @Id AND certificate_serial = @Old AND enabled = 1
            """,
            new { Serial = serial, Certificate = certificate.Bytes.ToArray(), Id = subject.Id.ToArray(), Old = replacement.Officer.ToString() });
        Require(changed == 1, Refusal.WrongState, "该人员已被停用，或证书已更换。");
        await OfficerStore.EndCertificateAsync(context.Transaction, replacement.Officer.ToString(), context.Now);
        await RecordAsync(
            context,
            ReplaceCertificate,
            subject.Id.Span,
            reason: null,
            new AuditField.Text("old", replacement.Officer.ToString()),
            new AuditField.Text("certificate", serial));
    }

    private static Task CheckRegionAsync(CommandContext context)
    {
        RegionEntry entry = Read<RegionEntry>(context);
        var region = RegionCode.Parse(entry.Code);
        var parent = RegionCode.Parse(entry.Parent);
        RequireRegion(context, region);
        Require(region != parent && parent.Covers(region) && region.Level != RegionLevel.Nation, Refusal.OutOfScope, "该区域不属于所写的上级区域。");
        return Task.CompletedTask;
    }

    private static async Task RegisterRegionAsync(CommandContext context)
    {
        RegionEntry entry = Read<RegionEntry>(context);
        Require(
            await context.Transaction.GetAsync<long>("SELECT COUNT(*) FROM region WHERE code = @Parent", new { entry.Parent }) == 1,
            Refusal.NotFound,
            "上级区域尚未登记。");
        bool isNew = await context.Transaction.TryInsertAsync(
            "INSERT INTO region (code, level, parent, name) VALUES (@Code, @Level, @Parent, @Name)",
            new { entry.Code, Level = (short)RegionCode.Parse(entry.Code).Level, entry.Parent, entry.Name });
        Require(isNew, Refusal.Duplicate, "该区域已登记。");
        await context.Log.AppendAsync(
            context.Transaction,
            new AuditEvent(context.Approver!.Actor, RegisterRegion, new AuditObject("region", entry.Code), AuditOutcome.Done)
            {
                Fields = [new AuditField.Octets("command", context.CommandId), new AuditField.Text("parent", entry.Parent), new AuditField.Text("name", entry.Name)],
            });
    }

    private async Task<Officer> SubjectAsync(CommandContext context, SerialNumber serial)
    {
        OfficerRow row = await OfficerStore.FindRowAsync(context.Transaction, serial) ?? throw new RefusalException(Refusal.NotFound, "没有持该证书的人员。");
        Officer subject = _store.Build(row);
        RequireRegion(context, subject.Region);
        context.RequireNotAbout(subject.PersonId.Span);
        return subject;
    }

    private static void RequireDirectlyBelow(CommandContext context, Officer subject)
    {
        Require(context.Proposer.Role.Creates.Contains(subject.Role.Name), Refusal.NotAllowed, "只能由上一级办理。");
        Require(subject.Enabled, Refusal.WrongState, "该人员已被停用。");
    }
}
