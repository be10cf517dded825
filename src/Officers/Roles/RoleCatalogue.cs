using ZwCa.Asn1.Decisions;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>
/// The roles that there are. What a role may do is decided by this, which comes with the program and its configuration; the tables have the same for
/// their constraints, and where they differ the service does not start. So a row that somebody adds gives nobody a power.
/// </summary>
public sealed class RoleCatalogue
{
    public const string SuperAdministrator = "超级管理员";
    public const string BusinessAdministrator = "业务管理员";
    public const string BusinessOperator = "业务操作员";
    public const string AuditAdministrator = "审计管理员";
    public const string Auditor = "审计员";

    private const string NationName = "全国";

    /// <exception cref="ArgumentException">Two roles of one name, a creation across kinds, no two highest roles of the two branches, duties of no operator.</exception>
    public RoleCatalogue(IReadOnlyList<Role> roles)
    {
        ArgumentNullException.ThrowIfNull(roles);
        Roles = [.. roles];
        Require(Roles.Select(role => role.Name).Distinct(StringComparer.Ordinal).Count() == Roles.Count, "Two roles have one name.");
        Require(
            Roles.Where(role => role.IsTop).Select(role => role.Kind).Order().SequenceEqual([OfficerKind.Administrator, OfficerKind.Auditor]),
            "There is one highest role of administrators and one of auditors.");
        Require(Roles.All(role => role.Kind == OfficerKind.Operator || role.Duties.Count == 0), "Only operators have duties.");
        foreach (Role role in Roles)
        {
            Require(!Below(role).Contains(role), $"{role.Name} would create itself.");
            foreach (Role created in role.Creates.Select(Get))
            {
                Require(!created.IsTop && created.Name != role.Name, $"{role.Name} cannot create {created.Name}.");
                Require(
                    role.Kind switch
                    {
                        OfficerKind.Administrator => created.Kind != OfficerKind.Auditor,
                        OfficerKind.Auditor => created.Kind == OfficerKind.Auditor,
                        _ => false,
                    },
                    $"{role.Name} cannot create {created.Name}, which is of another branch.");
            }
        }
    }

    /// <summary>As GB/T 25056 is commonly read; docs/OFFICERS.md says what of it is unverified.</summary>
    public static RoleCatalogue Standard { get; } = new(
    [
        new Role(SuperAdministrator, OfficerKind.Administrator) { IsTop = true, Creates = [BusinessAdministrator] },
        new Role(BusinessAdministrator, OfficerKind.Administrator) { Creates = [BusinessOperator] },
        new Role(BusinessOperator, OfficerKind.Operator) { Duties = [Duty.Entry, Duty.Review, Duty.Production] },
        new Role(AuditAdministrator, OfficerKind.Auditor) { IsTop = true, Creates = [Auditor] },
        new Role(Auditor, OfficerKind.Auditor),
    ]);

    /// <summary>The tables of persons, officers and commands.</summary>
    public static MigrationSet Migrations { get; } = new("officers", typeof(RoleCatalogue).Assembly);

    public IReadOnlyList<Role> Roles { get; }

    /// <returns>Null where there is no such role.</returns>
    public Role? Find(string name) => Roles.FirstOrDefault(role => role.Name == name);

    /// <summary>Whether the first stands above the second: creates it, or creates a role that stands above it.</summary>
    public bool IsAbove(Role upper, Role lower)
    {
        ArgumentNullException.ThrowIfNull(upper);
        ArgumentNullException.ThrowIfNull(lower);
        return Below(upper).Contains(lower);
    }

    /// <summary>Puts the roles and the nation into the tables where they are missing. Run at start.</summary>
    /// <exception cref="DatabaseVersionException">The tables have other roles, or give them other powers: somebody changed them, or the program is another.</exception>
    public Task InstallAsync(Database database, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        return database.WriteAsync(InstallAsync, cancellationToken);
    }

    private Role Get(string name) => Find(name) ?? throw new ArgumentException($"There is no role {name}.");

    /// <summary>Whom a role creates, and whom those create.</summary>
    private HashSet<Role> Below(Role role)
    {
        var below = new HashSet<Role>();
        var left = new Queue<Role>([role]);
        while (left.TryDequeue(out Role? next))
        {
            foreach (Role created in next.Creates.Select(Get).Where(below.Add))
            {
                left.Enqueue(created);
            }
        }

        return below;
    }

    private static void Require(bool met, string message)
    {
        if (!met)
        {
            throw new ArgumentException(message);
        }
    }

    private async Task InstallAsync(Transaction transaction)
    {
        // Chinese text stays out of the migrations: the three databases write it in different ways.
        foreach (Role role in Roles)
        {
            await transaction.TryInsertAsync("INSERT INTO officer_role (name, kind, is_top) VALUES (@Name, @Kind, @IsTop)", RowOf(role));
        }

        (Role Creator, Role Created)[] creations = [.. Roles.SelectMany(creator => creator.Creates.Select(name => (creator, Find(name)!)))];
        foreach ((Role creator, Role created) in creations)
        {
            await transaction.TryInsertAsync(
                """
                INSERT INTO role_creation (creator_role, creator_kind, creator_is_top, role, kind, is_top)
                VALUES (@CreatorRole, @CreatorKind, @CreatorIsTop, @Role, @Kind, @IsTop)
                """,
                new
                {
                    CreatorRole = creator.Name,
                    CreatorKind = (short)creator.Kind,
                    CreatorIsTop = (short)(creator.IsTop ? 1 : 0),
                    Role = created.Name,
                    Kind = (short)created.Kind,
                    IsTop = (short)0,
                });
        }

        await transaction.TryInsertAsync(
            "INSERT INTO region (code, level, parent, name) VALUES (@Code, 0, NULL, @Name)", new { Code = RegionCode.Nation.Value, Name = NationName });

        IReadOnlyList<RoleRow> roles = await transaction.QueryAsync<RoleRow>("SELECT name, kind, is_top FROM officer_role");
        IReadOnlyList<CreationRow> pairs = await transaction.QueryAsync<CreationRow>("SELECT creator_role, role FROM role_creation");
        if (!roles.ToHashSet().SetEquals(Roles.Select(RowOf))
            || !pairs.Select(row => (row.CreatorRole, row.Role)).ToHashSet().SetEquals(creations.Select(each => (each.Creator.Name, each.Created.Name))))
        {
            throw new DatabaseVersionException("The database has other roles than this program: see the tables officer_role and role_creation.");
        }
    }

    private static RoleRow RowOf(Role role) => new() { Name = role.Name, Kind = (short)role.Kind, IsTop = (short)(role.IsTop ? 1 : 0) };

    private sealed record RoleRow
    {
        public required string Name { get; init; }

        public required short Kind { get; init; }

        public required short IsTop { get; init; }
    }

    private sealed record CreationRow
    {
        public required string CreatorRole { get; init; }

        public required string Role { get; init; }
    }
}
