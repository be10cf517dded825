using System.Data.Common;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Tests.Officers;

/// <summary>
/// The same rules without any code of the service: each statement would break one, and the database refuses it. The last test proves that the statements fail
/// for their rule and for nothing else.
/// </summary>
public sealed class ConstraintTests
{
    private const string InsertOfficer =
        """
        INSERT INTO officer (
            officer_id, origin, person_id, kind, role, is_top, region, super_of, audit_of, created_under, creator_id, creator_person_id, creator_role,
            creator_region, command_id, approver_person_id, certificate_serial, certificate, enabled, certified_until, created_at)
        """;

    /// <summary>A new operator of 350100, created by the administrator of 350000 with a command that another approved.</summary>
    private const string Good =
        InsertOfficer + " VALUES (@New, 0, @Free, 1, @Operator, 0, '350100', NULL, NULL, 1, @Creator, @CreatorPerson, @Administrator, '350000', @Command, @Approver, 'f1', @Der, 1, 1, 1)";

    private const string Initialise = "INSERT INTO initialisation VALUES ";
    private const string Review = "INSERT INTO command_review (command_id, proposer_person_id, approver_person_id, approver_serial, review, reviewed_at) VALUES ";

    private static readonly Dictionary<string, string> Breaches = new()
    {
        // Four eyes.
        ["a review by the proposer"] = Review + "(@Open, @CreatorPerson, @CreatorPerson, 'f2', @Der, 1)",
        ["a review of a command that names another proposer"] = Review + "(@Open, @Approver, @Super, 'f2', @Der, 1)",
        ["a second review"] = Review + "(@Command, @CreatorPerson, @Super, 'f2', @Der, 1)",
        ["a review by nobody in office"] = Review + "(@Open, @CreatorPerson, @Nobody, 'f2', @Der, 1)",
        ["a review taken back"] = "DELETE FROM command_review",
        ["a review by another afterwards"] = "UPDATE command_review SET approver_person_id = @Super",
        ["a creation without a command"] = Good.Replace("@Command", "NULL"),
        ["a creation by a command of somebody else"] = Good.Replace("@Approver", "@Super"),
        ["a creation by a command that nobody approved"] = Good.Replace("@Command", "@Open"),
        ["a creation by a command that was used"] = Good.Replace("@Command", "@Used"),
        ["a person who creates himself"] = Good.Replace("@Free, 1, @Operator", "@CreatorPerson, 0, @Administrator"),

        // One kind for a person.
        ["an auditor who becomes operator"] = "INSERT INTO person_role (person_id, kind) VALUES (@AuditPerson, 1)",
        ["an administrator who becomes auditor"] = "UPDATE person_role SET kind = 2 WHERE person_id = @CreatorPerson",
        ["a kind that is forgotten"] = "DELETE FROM person_role WHERE person_id = @Free",
        ["a fourth kind"] = "INSERT INTO person_role (person_id, kind) VALUES (@Nobody, 3)",
        ["a kind for nobody"] = "INSERT INTO person_role (person_id, kind) VALUES (@Unknown, 1)",
        ["an operator's office for an auditor"] = Good.Replace("@Free", "@AuditPerson"),
        ["an office of a kind that the role is not of"] = Good.Replace("@Free, 1, @Operator", "@AuditPerson, 2, @Operator"),
        ["a second enabled office"] = Good.Replace("@Free", "@Busy"),
        ["a disabled office that is enabled beside another"] = "UPDATE officer SET enabled = 1 WHERE person_id = @Busy",

        // By the level above.
        ["one's own level"] = Good.Replace("@Free, 1, @Operator", "@FreeAdministrator, 0, @Administrator"),
        ["the other branch"] = Good.Replace("@Free, 1, @Operator", "@FreeAuditor, 2, @Auditor"),
        ["a highest role by an officer"] = Good.Replace("@Free, 1, @Operator, 0", "@FreeAdministrator, 0, @SuperRole, 1"),
        ["a creator with a greater role than he has"] = Good.Replace("@Free, 1, @Operator", "@FreeAdministrator, 0, @Administrator").Replace("@CreatorPerson, @Administrator,", "@CreatorPerson, @SuperRole,"),
        ["a creator who is not there"] = Good.Replace("@Creator,", "@Unknown,"),
        ["nobody's creature"] = Good.Replace("@Creator, @CreatorPerson, @Administrator, '350000', @Command, @Approver", "NULL, NULL, NULL, NULL, NULL, NULL"),
        ["half a creator"] = Good.Replace("@Creator, ", "NULL, "),
        ["a creation across branches made a rule"] = "INSERT INTO role_creation VALUES (@SuperRole, 0, 1, @Auditor, 2, 0)",
        ["operators who create"] = "INSERT INTO role_creation VALUES (@Operator, 1, 0, @Administrator, 0, 0)",
        ["auditors who create operators"] = "INSERT INTO role_creation VALUES (@AuditRole, 2, 1, @Operator, 1, 0)",
        ["one highest role that creates the other"] = "INSERT INTO role_creation VALUES (@SuperRole, 0, 1, @AuditRole, 2, 1)",
        ["a role of another kind"] = "UPDATE officer_role SET kind = 0",
        ["a rule of creation that is taken away"] = "DELETE FROM role_creation",
        ["an operator of the highest level"] = "INSERT INTO officer_role (name, kind, is_top) VALUES ('x', 1, 1)",

        // Within the region.
        ["a region beside the creator's"] = Good.Replace("'350100'", "'440000'"),
        ["the region above the creator's"] = Good.Replace("'350100'", "'000000'"),
        ["a creator with a greater region than he has"] = Good.Replace("'350100'", "'440000'").Replace("'350000'", "'000000'"),
        ["a region that is not registered"] = Good.Replace("'350100'", "'350200'"),
        ["an officer who is moved"] = "UPDATE officer SET region = '440000' WHERE officer_id = @Busy2",
        ["an administrator whose region grows"] = "UPDATE officer SET region = '000000' WHERE officer_id = @Creator",
        ["a region under another province"] = "INSERT INTO region (code, level, parent, name) VALUES ('440100', 2, '350000', 'x')",
        ["a region of another level than its code"] = "INSERT INTO region (code, level, parent, name) VALUES ('440100', 1, '000000', 'x')",
        ["a region without a parent"] = "INSERT INTO region (code, level, parent, name) VALUES ('440100', 2, NULL, 'x')",
        ["a region in itself"] = "INSERT INTO region (code, level, parent, name) VALUES ('440100', 2, '440100', 'x')",
        ["a region of five digits"] = "INSERT INTO region (code, level, parent, name) VALUES ('44100', 2, '440000', 'x')",

        // The ceremony.
        ["a super administrator alone"] = Initialise + "(2, @Unknown, @FreeAdministrator, 0, NULL, NULL, 2, 1)",
        ["one person as both"] = Initialise + "(2, @Unknown, @FreeAdministrator, 0, @New, @FreeAdministrator, 2, 1)",
        ["an operator as super administrator"] = Initialise + "(2, @Unknown, @Free, 0, @New, @FreeAuditor, 2, 1)",
        ["an administrator as audit administrator"] = Initialise + "(2, @Unknown, @FreeAdministrator, 0, @New, @CreatorPerson, 2, 1)",
        ["another kind in his place"] = Initialise + "(2, @Unknown, @Free, 1, @New, @FreeAuditor, 2, 1)",
        ["the ceremony again"] = Initialise + "(1, @Unknown, @FreeAdministrator, 0, @New, @FreeAuditor, 2, 1)",
        ["a ceremony undone"] = "DELETE FROM initialisation",
        ["a super administrator whom no ceremony names"] =
            InsertOfficer + " VALUES (@New, 0, @FreeAdministrator, 0, @SuperRole, 1, '000000', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'f1', @Der, 0, 1, 1)",
        ["a super administrator without a ceremony"] =
            InsertOfficer + " VALUES (@New, 0, @FreeAdministrator, 0, @SuperRole, 1, '000000', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'f1', @Der, 0, 1, 1)",
        ["an officer of a ceremony that was not"] = Good.Replace("NULL, NULL, 1, @Creator", "NULL, NULL, 2, @Creator"),
        ["an officer of no ceremony"] = Good.Replace("NULL, NULL, 1, @Creator", "NULL, NULL, NULL, @Creator"),
        ["an officer from elsewhere"] = Good.Replace("@New, 0", "@New, 1").Replace("1, @Creator, @CreatorPerson, @Administrator, '350000', @Command, @Approver", "NULL, NULL, NULL, NULL, NULL, NULL, NULL"),

        // Persons, certificates, disabling.
        ["a second person with the same ID number"] = "INSERT INTO person SELECT @New, id_number_index, id_number_sealed, name_sealed, data_key_id, 1 FROM person WHERE person_id = @Free",
        ["a person who is found to be new"] = "UPDATE person SET id_number_index = @Unknown WHERE person_id = @Free",
        ["a person who is forgotten"] = "DELETE FROM person WHERE person_id = @Nobody",
        ["a certificate of two officers"] = Good.Replace("'f1'", "'used'"),
        ["a disabling that is taken back"] = "DELETE FROM officer_disabling",
        ["a disabling that is told in another way"] = "UPDATE officer_disabling SET reason = 'x'",
        ["a certificate that speaks again"] = "DELETE FROM ended_certificate",
        ["another certificate that ended instead"] = "UPDATE ended_certificate SET certificate_serial = 'f1'",
        ["a command that is open again"] = "DELETE FROM ended_command",
        ["a command that came to something else"] = "UPDATE ended_command SET state = 3",
        ["a command that came to nothing known"] = "INSERT INTO ended_command (command_id, state, ended_at) VALUES (@Open, 0, 1)",
        ["a command that ends twice"] = "INSERT INTO ended_command (command_id, state, ended_at) VALUES (@Used, 3, 1)",
        ["another id for a command that ended"] = "UPDATE officer_command SET command_id = @New WHERE command_id = @Used",
        ["an officer between enabled and disabled"] = "UPDATE officer SET enabled = 2",
        ["a data key that is exchanged"] = "UPDATE data_key SET wrapped_key = @Der",
        ["an index key that is exchanged"] = "UPDATE person_index_key SET check_value = @Der",
    };

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task NoStatement_BreaksARule(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        object parameters = await PrepareAsync(story);
        var accepted = new List<string>();
        foreach ((string rule, string sql) in Breaches)
        {
            try
            {
                // Where it goes through, it is rolled back, so that the others meet what they expect.
                await story.Database.WriteAsync(
                    async transaction =>
                    {
                        int rows = await transaction.ExecuteAsync(sql, parameters);
                        throw new InvalidOperationException($"{rows} rows");
                    },
                    Token);
            }
            catch (InvalidOperationException e)
            {
                accepted.Add($"{rule}: {e.Message}");
            }
            catch (DbException e) when (IsConstraint(e))
            {
                // As it should be.
            }
        }

        Assert.Empty(accepted);
    }

    /// <summary>SQLite deletes the row that REPLACE meets, and fires the trigger only when it is told to.</summary>
    [Theory]
    [InlineData("REPLACE INTO person_role (person_id, kind) VALUES (@Nobody, 1)")]
    [InlineData("INSERT OR REPLACE INTO person_index_key (index_key_number, check_value) VALUES (1, @Der)")]
    [InlineData("REPLACE INTO ended_certificate (certificate_serial, ended_at) SELECT certificate_serial, 2 FROM ended_certificate")]
    public async Task OnSqlite_NothingIsReplaced(string sql)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(DatabaseKind.Sqlite);
        object parameters = await PrepareAsync(story);
        await story.RawAsync("INSERT INTO person_role (person_id, kind) VALUES (@Nobody, 2)", parameters);

        DbException refused = await Assert.ThrowsAnyAsync<DbException>(() => story.RawAsync(sql, parameters));

        Assert.Contains("insert-only", refused.Message);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatKeepsTheRules_GoesThrough(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        object parameters = await PrepareAsync(story);

        await story.RawAsync(Good, parameters);
        await story.RawAsync(Review + "(@Open, @CreatorPerson, @Approver, 'f2', @Der, 1)", parameters);
        await story.RawAsync(Initialise + "(2, @Unknown, @FreeAdministrator, 0, @New, @FreeAuditor, 2, 1)", parameters);
        await story.RawAsync("INSERT INTO region (code, level, parent, name) VALUES ('440100', 2, '440000', 'x')", parameters);
        await story.RawAsync("INSERT INTO person_role (person_id, kind) VALUES (@Nobody, 2)", parameters);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task BeforeTheCeremony_NoOfficerExists(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind, initialise: false);
        byte[] person = story.Super.Person.ToArray();
        await story.RawAsync("INSERT INTO person_role (person_id, kind) VALUES (@Person, 0)", new { Person = person });
        var parameters = new { Id = new byte[16], Person = person, Super = RoleCatalogue.SuperAdministrator, Business = RoleCatalogue.BusinessAdministrator, Der = new byte[1] };

        await Assert.ThrowsAnyAsync<DbException>(() => story.RawAsync(
            InsertOfficer + " VALUES (@Id, 0, @Person, 0, @Super, 1, '000000', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'f1', @Der, 1, 1, 1)", parameters));
        await Assert.ThrowsAnyAsync<DbException>(() => story.RawAsync(
            InsertOfficer + " VALUES (@Id, 0, @Person, 0, @Business, 0, '000000', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'f1', @Der, 1, 1, 1)", parameters));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OtherRolesInTheTables_StopTheService(DatabaseKind kind)
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(kind);
        await RoleCatalogue.Standard.InstallAsync(story.Database, Token);

        await story.RawAsync("INSERT INTO officer_role (name, kind, is_top) VALUES ('x', 0, 0)");

        await Assert.ThrowsAsync<DatabaseVersionException>(() => RoleCatalogue.Standard.InstallAsync(story.Database, Token));
    }

    /// <summary>A constraint or a trigger said no; a statement that is merely wrong proves nothing.</summary>
    private static bool IsConstraint(DbException exception) => exception switch
    {
        Microsoft.Data.Sqlite.SqliteException sqlite => sqlite.SqliteErrorCode == SQLitePCL.raw.SQLITE_CONSTRAINT,
        Npgsql.PostgresException postgres => postgres.SqlState.StartsWith("23", StringComparison.Ordinal) || postgres.SqlState == "P0001",
        Microsoft.Data.SqlClient.SqlException server => server.Number is 515 or 547 or 2601 or 2627 or 51000,
        _ => false,
    };

    private static async Task<object> PrepareAsync(OfficerStory story)
    {
        await story.RegionAsync("350000", "000000", "福建省");
        await story.RegionAsync("350100", "350000", "福州市");
        await story.RegionAsync("440000", "000000", "广东省");
        Clerk creator = await story.BusinessAdministratorAsync("350000");
        Clerk approver = await story.BusinessAdministratorAsync("350000");
        Clerk busy = await story.OfficerAsync(creator, approver, RoleCatalogue.BusinessOperator, "350100");
        await story.DisableAsync(creator, busy, "350100");
        Clerk busyAgain = await story.OfficerAsync(creator, approver, RoleCatalogue.BusinessOperator, "350100", busy.Person);
        byte[] used = (await story.Database.FindAsync<byte[]>(
            "SELECT command_id FROM officer WHERE certificate_serial = @Serial", new { Serial = busyAgain.SerialNumber.ToString() }, Token))!;
        byte[] creatorId = (await story.FindAsync(creator)).Id.ToArray();
        byte[] busyId = (await story.FindAsync(busyAgain)).Id.ToArray();
        byte[][] free = [.. (await Task.WhenAll(story.EnrollAsync(), story.EnrollAsync(), story.EnrollAsync(), story.EnrollAsync())).Select(each => each.Id.ToArray())];
        byte[] open = [.. Enumerable.Repeat((byte)1, 16)];
        byte[] command = [.. Enumerable.Repeat((byte)2, 16)];
        var parameters = new
        {
            New = (byte[])[.. Enumerable.Repeat((byte)3, 16)],
            Unknown = (byte[])[.. Enumerable.Repeat((byte)4, 16)],
            Free = free[0],
            FreeAdministrator = free[1],
            FreeAuditor = free[2],
            Nobody = free[3],
            Creator = creatorId,
            CreatorPerson = creator.Person.ToArray(),
            Approver = approver.Person.ToArray(),
            Busy = busy.Person.ToArray(),
            Busy2 = busyId,
            Super = story.Super.Person.ToArray(),
            AuditPerson = story.Audit.Person.ToArray(),
            Open = open,
            Command = command,
            Used = used,
            Der = (byte[])[5, 0],
            SuperRole = RoleCatalogue.SuperAdministrator,
            Administrator = RoleCatalogue.BusinessAdministrator,
            Operator = RoleCatalogue.BusinessOperator,
            AuditRole = RoleCatalogue.AuditAdministrator,
            Auditor = RoleCatalogue.Auditor,
        };
        await story.RawAsync(
            "INSERT INTO person_role (person_id, kind) VALUES (@Free, 1), (@FreeAdministrator, 0), (@FreeAuditor, 2)", parameters);
        foreach (byte[] id in new[] { open, command })
        {
            await story.RawAsync(
                """
                INSERT INTO officer_command (command_id, action, state, application, proposal, proposer_person_id, proposer_serial, proposed_at, expires_at)
                VALUES (@Id, 'officer.create', 0, @Id, @Id, @Person, 'f3', 1, 2)
                """,
                new { Id = id, Person = creator.Person.ToArray() });
        }

        await story.RawAsync(Review + "(@Command, @CreatorPerson, @Approver, 'f2', @Der, 1)", parameters);
        await story.RawAsync("UPDATE officer SET certificate_serial = 'used' WHERE officer_id = @Busy2", parameters);
        return parameters;
    }
}
