using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using static ZwCa.Tests.Officers.CommandTests;

namespace ZwCa.Tests.Officers;

/// <summary>Who becomes an officer, by whom, and until when.</summary>
public sealed class OfficerRuleTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EachLevelIsCreatedByTheOneAbove_DownToTheCounty(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        await story.RegionAsync("350000", "000000", "福建省");
        await story.RegionAsync("350100", "350000", "福州市");
        await story.RegionAsync("350102", "350100", "鼓楼区");
        Clerk administrator = await story.BusinessAdministratorAsync("350000");
        Clerk another = await story.BusinessAdministratorAsync("350000");
        Clerk clerk = await story.OfficerAsync(administrator, another, RoleCatalogue.BusinessOperator, "350102");
        Clerk auditor = await story.OfficerAsync(story.Audit, story.Super, RoleCatalogue.Auditor);

        Officer found = await story.FindAsync(clerk);
        found.RequireStanding(story.Clock.GetUtcNow());
        Assert.Equal(("350102", OfficerKind.Operator, RoleCatalogue.BusinessOperator), (found.Region.Value, found.Kind, found.Role.Name));
        Assert.Equal(OfficerKind.Auditor, (await story.FindAsync(auditor)).Kind);
        Assert.Null(await story.Directory.FindAsync(ZwCa.Asn1.Pkix.SerialNumber.Parse("01"), Token));
        Assert.Equal(4, (await story.ActionsAsync(AuditOutcome.Done)).Count(action => action == OfficerActions.Create));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhoMayNotCreateWhom(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        await story.RegionAsync("350000", "000000", "福建省");
        await story.RegionAsync("440000", "000000", "广东省");
        Clerk fujian = await story.BusinessAdministratorAsync("350000");
        Clerk nation = await story.BusinessAdministratorAsync();

        (string Rule, Refusal Kind, Clerk By, Clerk Whom)[] wrongs =
        [
            ("one's own level", Refusal.NotAllowed, fujian, await story.NewClerkAsync(RoleCatalogue.BusinessAdministrator, "350000")),
            ("the level above", Refusal.NotAllowed, fujian, await story.NewClerkAsync(RoleCatalogue.SuperAdministrator, "350000")),
            ("two levels below", Refusal.NotAllowed, story.Super, await story.NewClerkAsync(RoleCatalogue.BusinessOperator)),
            ("the other branch", Refusal.NotAllowed, story.Super, await story.NewClerkAsync(RoleCatalogue.Auditor)),
            ("the other highest", Refusal.NotAllowed, story.Super, await story.NewClerkAsync(RoleCatalogue.AuditAdministrator)),
            ("the other branch, from the auditors", Refusal.NotAllowed, story.Audit, await story.NewClerkAsync(RoleCatalogue.BusinessAdministrator)),
            ("another region", Refusal.OutOfScope, fujian, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "440000")),
            ("the region above", Refusal.OutOfScope, fujian, await story.NewClerkAsync(RoleCatalogue.BusinessOperator)),
            ("no registered region", Refusal.NotFound, nation, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "510000")),
            ("nobody's person", Refusal.NotFound, nation, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, person: new byte[16])),
            ("himself", Refusal.SecondOfficerRequired, nation, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, person: nation.Person)),
            ("an auditor as operator", Refusal.RolesNotDisjoint, nation, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, person: story.Audit.Person)),
            ("an administrator as auditor", Refusal.RolesNotDisjoint, story.Audit, await story.NewClerkAsync(RoleCatalogue.Auditor, person: nation.Person)),
            ("a role of another kind", Refusal.NotAllowed, nation, await story.NewClerkAsync(RoleCatalogue.BusinessOperator, kind: OfficerKind.Auditor)),
            ("no role", Refusal.NotAllowed, nation, await story.NewClerkAsync("站长")),
        ];
        foreach ((string rule, Refusal expected, Clerk by, Clerk whom) in wrongs)
        {
            RefusalException refused = await Assert.ThrowsAsync<RefusalException>(
                () => story.ProposeAsync(by, OfficerActions.Create, whom.Identity.Region, Der.Encode(whom.Certificate)));
            Assert.True(refused.Kind == expected, $"{rule}: {refused.Kind} {refused.Message}");
        }

        // An operator and an auditor propose nothing, and nobody approves across regions.
        Clerk clerk = await story.OfficerAsync(nation, story.Super, RoleCatalogue.BusinessOperator);
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(clerk));
        Clerk auditor = await story.OfficerAsync(story.Audit, story.Super, RoleCatalogue.Auditor);
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(auditor));
        Application application = await story.ProposeHarmlessAsync(nation);
        await RefusedAsync(Refusal.OutOfScope, () => story.ApproveAsync(fujian, application));
        await RefusedAsync(Refusal.NotAllowed, () => story.ApproveAsync(auditor, application));

        // The person created may not be the one who approves.
        Clerk later = await story.BusinessAdministratorAsync();
        Clerk moved = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, person: later.Person);
        await RefusedAsync(Refusal.RolesNotDisjoint, () => story.ProposeAsync(nation, OfficerActions.Create, "000000", Der.Encode(moved.Certificate)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhoIsDisabled_IsRefusedAtOnce_AndStaysSo(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk administrator = await story.BusinessAdministratorAsync();
        Officer before = await story.FindAsync(administrator);
        before.RequireStanding(story.Clock.GetUtcNow());

        await story.DisableAsync(story.Super, administrator);

        Officer after = await story.FindAsync(administrator);
        await RefusedAsync(Refusal.NotAllowed, () => story.Directory.RequireStandingAsync(after, "certificate.list", Token));
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(administrator));
        Assert.Contains("certificate.list", await story.ActionsAsync(AuditOutcome.Refused));
        Assert.Contains(OfficerActions.Disable, await story.ActionsAsync(AuditOutcome.Done));
        await RefusedAsync(Refusal.WrongState, () => story.DisableAsync(story.Super, administrator));

        // The column may be set back; the row that says so may not go.
        await story.RawAsync("UPDATE officer SET enabled = 1");
        Assert.False((await story.FindAsync(administrator)).Enabled);
        await story.RawAsync("UPDATE officer SET enabled = 0 WHERE certificate_serial = @Serial", new { Serial = administrator.SerialNumber.ToString() });

        // He comes back with a new certificate, by the two who created him.
        Clerk again = await story.OfficerAsync(story.Super, story.Audit, RoleCatalogue.BusinessAdministrator, person: administrator.Person);
        Assert.True((await story.FindAsync(again)).Enabled);

        // The row alone is enough, without the column and without an ended certificate.
        await story.RawAsync(
            "INSERT INTO officer_disabling (officer_id, disabled_by, reason, disabled_at) VALUES (@Id, 'x', 'x', 1)",
            new { Id = (await story.FindAsync(again)).Id.ToArray() });
        Assert.False((await story.FindAsync(again)).Enabled);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ADisabledOfficersCertificate_MakesNobodyAnOfficer_InWhateverRow(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk administrator = await story.BusinessAdministratorAsync();
        await story.DisableAsync(story.Super, administrator);
        Assert.DoesNotContain(await story.LeafBytesAsync(), leaf => leaf.AsSpan().IndexOf("调离岗位"u8) >= 0);

        // The old row gets another serial number; a new one, of the same creation with another command's id, has the certificate.
        Application used = await story.ProposeHarmlessAsync(story.Super);
        await story.ApproveAsync(story.Audit, used);
        var parameters = new { Old = administrator.SerialNumber.ToString(), New = new byte[16], Command = OfficerStory.IdOf(used) };
        await story.RawAsync("UPDATE officer SET certificate_serial = 'aa' WHERE certificate_serial = @Old", parameters);
        await story.RawAsync(
            """
            INSERT INTO officer
            SELECT @New, origin, person_id, kind, role, is_top, region, super_of, audit_of, created_under, creator_id, creator_person_id, creator_role,
                creator_region, @Command, approver_person_id, @Old, certificate, 1, certified_until, created_at
            FROM officer WHERE certificate_serial = 'aa'
            """,
            parameters);

        Assert.False((await story.FindAsync(administrator)).Enabled);
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(administrator));
        IReadOnlyList<OfficerEntry> entries = await story.Directory.ListAsync(story.Persons, RegionCode.Nation, default, 500, Token);
        Assert.False(entries.Single(entry => entry.CertificateSerial == parameters.Old).Enabled);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task NobodyIsAskedAboutHimself(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Officer super = await story.FindAsync(story.Super);
        Officer audit = await story.FindAsync(story.Audit);
        await story.Database.WriteAsync(
            transaction =>
            {
                var context = new CommandContext
                {
                    Transaction = transaction,
                    Log = story.Log,
                    Now = story.Clock.GetUtcNow(),
                    CommandId = new byte[16],
                    Application = story.Commands.Draft(OfficerStory.Harmless, RegionCode.Nation, (byte[])[0x05, 0x00]),
                    Parameters = default,
                    Proposer = super,
                    Approver = audit,
                };
                context.RequireNotAbout(new byte[16]);
                Assert.Equal(Refusal.SecondOfficerRequired, Assert.Throws<RefusalException>(() => context.RequireNotAbout(super.PersonId.Span)).Kind);
                Assert.Equal(Refusal.SecondOfficerRequired, Assert.Throws<RefusalException>(() => context.RequireNotAbout(audit.PersonId.Span)).Kind);
                return Task.CompletedTask;
            },
            Token);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhoMayDisableWhom(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        await story.RegionAsync("350000", "000000", "福建省");
        Clerk fujian = await story.BusinessAdministratorAsync("350000");
        Clerk nation = await story.BusinessAdministratorAsync();
        Clerk clerk = await story.OfficerAsync(nation, story.Super, RoleCatalogue.BusinessOperator);
        Clerk auditor = await story.OfficerAsync(story.Audit, story.Super, RoleCatalogue.Auditor);

        await RefusedAsync(Refusal.OutOfScope, () => story.DisableAsync(fujian, clerk));
        await RefusedAsync(Refusal.NotAllowed, () => story.DisableAsync(nation, fujian, "350000"));
        await RefusedAsync(Refusal.NotAllowed, () => story.DisableAsync(nation, story.Super));
        await RefusedAsync(Refusal.NotAllowed, () => story.DisableAsync(nation, auditor));
        await RefusedAsync(Refusal.NotAllowed, () => story.DisableAsync(story.Audit, clerk));
        await RefusedAsync(Refusal.NotAllowed, () => story.DisableAsync(clerk, clerk));
        await RefusedAsync(Refusal.OutOfScope, () => story.DisableAsync(nation, fujian));

        await story.DisableAsync(story.Super, clerk);
        await story.DisableAsync(story.Audit, story.Super);
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(story.Super));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AuthorityEnds_UnlessTheLevelAboveConfirmsIt(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk administrator = await story.BusinessAdministratorAsync();
        Clerk clerk = await story.OfficerAsync(administrator, story.Super, RoleCatalogue.BusinessOperator);
        byte[] change = Der.Encode(new OfficerChange(clerk.SerialNumber, "年度复核"));
        story.Clock.Advance(TimeSpan.FromDays(300));
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeAsync(story.Super, OfficerActions.Recertify, "000000", change));
        await story.DoAsync(administrator, story.Super, OfficerActions.Recertify, "000000", change);

        story.Clock.Advance(TimeSpan.FromDays(65) - TimeSpan.FromMilliseconds(1));
        Officer lastMoment = await story.FindAsync(administrator);
        lastMoment.RequireStanding(story.Clock.GetUtcNow());
        Assert.Equal(
            Refusal.RecertificationDue, Assert.Throws<RefusalException>(() => lastMoment.RequireStanding(lastMoment.CertifiedUntil)).Kind);
        story.Clock.Advance(TimeSpan.FromDays(1));

        (await story.FindAsync(clerk)).RequireStanding(story.Clock.GetUtcNow());
        await RefusedAsync(
            Refusal.RecertificationDue, async () => await story.Directory.RequireStandingAsync(await story.FindAsync(administrator), "certificate.list", Token));
        await RefusedAsync(Refusal.RecertificationDue, () => story.ProposeHarmlessAsync(administrator));
        Assert.Contains("command.propose", await story.ActionsAsync(AuditOutcome.Refused));

        // The highest two are confirmed by the ceremony.
        Clerk super = await story.NewClerkAsync(RoleCatalogue.SuperAdministrator, person: story.Super.Person);
        Clerk audit = await story.NewClerkAsync(RoleCatalogue.AuditAdministrator);
        await RefusedAsync(Refusal.WrongState, () => story.InitialiseAsync(1, super, audit));
        await RefusedAsync(Refusal.WrongState, () => story.InitialiseAsync(3, super, audit));
        await story.InitialiseAsync(2, super, audit);
        Assert.True((await story.FindAsync(super)).Enabled);
        Assert.False((await story.FindAsync(story.Super)).Enabled);
        Assert.False((await story.FindAsync(story.Audit)).Enabled);
        await story.DoAsync(
            super, audit, OfficerActions.Recertify, "000000", Der.Encode(new OfficerChange(administrator.SerialNumber, "年度复核")));
        await story.ProposeHarmlessAsync(administrator);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task BeforeTheCeremony_ThereIsNobody_AndItNamesTwoPersons(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind, initialise: false);
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(story.Super));
        Clerk sameAsSuper = await story.NewClerkAsync(RoleCatalogue.AuditAdministrator, person: story.Super.Person);
        await RefusedAsync(Refusal.SecondOfficerRequired, () => story.InitialiseAsync(audit: sameAsSuper));
        await RefusedAsync(Refusal.NotAllowed, () => story.InitialiseAsync(super: story.Audit, audit: story.Super));
        Clerk provincial = await story.NewClerkAsync(RoleCatalogue.AuditAdministrator, "350000");
        await RefusedAsync(Refusal.NotAllowed, () => story.InitialiseAsync(audit: provincial));
        Clerk expired = await story.NewClerkAsync(RoleCatalogue.AuditAdministrator, validFor: TimeSpan.FromMinutes(-1));
        await RefusedAsync(Refusal.NotAllowed, () => story.InitialiseAsync(audit: expired));
        Clerk unknown = await story.NewClerkAsync(RoleCatalogue.AuditAdministrator, person: new byte[16]);
        await RefusedAsync(Refusal.NotFound, () => story.InitialiseAsync(audit: unknown));
        Assert.Null(await story.Directory.FindAsync(story.Super.SerialNumber, Token));

        await story.InitialiseAsync();

        await story.ProposeHarmlessAsync(story.Super);
        Assert.Equal(2, (await story.ActionsAsync(AuditOutcome.Done)).Count(action => action == "officer.initialise"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ARowThatIsNotWhatTheCertificateSays_GivesNothing(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        await story.RegionAsync("350000", "000000", "福建省");
        Clerk administrator = await story.BusinessAdministratorAsync("350000");
        Clerk operatorClerk = await story.OfficerAsync(administrator, story.Super, RoleCatalogue.BusinessOperator, "350000");
        var serial = new { Serial = operatorClerk.SerialNumber.ToString() };
        await using OfficerStory stranger = await OfficerStory.CreateAsync(DatabaseKind.Sqlite);
        Clerk forged = await story.NewClerkAsync(RoleCatalogue.BusinessOperator, "350000", operatorClerk.Person, issuer: stranger.Issuer);

        // Wider region; the certificate of another issuer; that of another person.
        await story.RawAsync("UPDATE officer SET creator_region = creator_region, region = '350000' WHERE certificate_serial = @Serial", serial);
        (await story.FindAsync(operatorClerk)).RequireStanding(story.Clock.GetUtcNow());
        await story.RegionAsync("350100", "350000", "福州市");
        (string Set, object Parameters)[] tamperings =
        [
            ("region = '350100'", serial),
            ("certificate = @Certificate", new { serial.Serial, Certificate = Der.Encode(forged.Certificate) }),
            ("certificate = @Certificate", new { serial.Serial, Certificate = Der.Encode(administrator.Certificate) }),
            ("certificate = @Certificate", new { serial.Serial, Certificate = new byte[] { 0x05, 0x00 } }),
        ];
        foreach ((string set, object parameters) in tamperings)
        {
            await story.RawAsync($"UPDATE officer SET {set} WHERE certificate_serial = @Serial", parameters);
            int before = (await story.ActionsAsync(AuditOutcome.Refused)).Count(action => action == "officer.mismatch");
            await RefusedAsync(Refusal.NotAllowed, () => story.FindAsync(operatorClerk));
            Assert.Equal(before + 1, (await story.ActionsAsync(AuditOutcome.Refused)).Count(action => action == "officer.mismatch"));
            await story.RawAsync(
                "UPDATE officer SET region = '350000', certificate = @Certificate WHERE certificate_serial = @Serial",
                new { serial.Serial, Certificate = Der.Encode(operatorClerk.Certificate) });
            (await story.FindAsync(operatorClerk)).RequireStanding(story.Clock.GetUtcNow());
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AReplacedCertificate_IsTheSameOfficer_AndTheOldOneIsNobody(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        Clerk administrator = await story.BusinessAdministratorAsync();
        Clerk renewed = await story.NewClerkAsync(RoleCatalogue.BusinessAdministrator, person: administrator.Person);
        Clerk promoted = await story.NewClerkAsync(RoleCatalogue.SuperAdministrator, person: administrator.Person);
        Clerk somebody = await story.NewClerkAsync(RoleCatalogue.BusinessAdministrator);
        Task Replace(Clerk with) => story.DoAsync(
            story.Super, story.Audit, OfficerActions.ReplaceCertificate, "000000", Der.Encode(new CertificateReplacement(administrator.SerialNumber, with.Certificate)));
        Officer before = await story.FindAsync(administrator);

        await RefusedAsync(Refusal.NotAllowed, () => Replace(promoted));
        await RefusedAsync(Refusal.NotAllowed, () => Replace(somebody));
        await RefusedAsync(Refusal.Duplicate, () => Replace(administrator));
        await Replace(renewed);

        Assert.Equal(before.Id.ToArray(), (await story.FindAsync(renewed)).Id.ToArray());
        Assert.Null(await story.Directory.FindAsync(administrator.SerialNumber, Token));
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(administrator));
        await story.ProposeHarmlessAsync(renewed);

        // It may have been replaced because its key was lost: neither two officers nor the row bring it back.
        await RefusedAsync(Refusal.Duplicate, () => story.DoAsync(
            story.Super, story.Audit, OfficerActions.ReplaceCertificate, "000000", Der.Encode(new CertificateReplacement(renewed.SerialNumber, administrator.Certificate))));
        await story.RawAsync(
            "UPDATE officer SET certificate_serial = @Old, certificate = @Certificate WHERE certificate_serial = @New",
            new { Old = administrator.SerialNumber.ToString(), New = renewed.SerialNumber.ToString(), Certificate = Der.Encode(administrator.Certificate) });
        Assert.False((await story.FindAsync(administrator)).Enabled);
        await RefusedAsync(Refusal.NotAllowed, () => story.ProposeHarmlessAsync(administrator));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RegionsNest(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        await story.RegionAsync("350000", "000000", "福建省");
        await RefusedAsync(Refusal.Duplicate, () => story.RegionAsync("350000", "000000", "福建省"));
        await RefusedAsync(Refusal.OutOfScope, () => story.RegionAsync("440100", "350000", "广州市"));
        await RefusedAsync(Refusal.OutOfScope, () => story.RegionAsync("350000", "350100", "福建省"));
        await RefusedAsync(Refusal.NotFound, () => story.RegionAsync("350102", "350100", "鼓楼区"));
        await story.RegionAsync("350100", "350000", "福州市");
        await story.RegionAsync("350102", "350100", "鼓楼区");
    }
}
