using System.Text.RegularExpressions;

namespace ZwCa.Data;

/// <content>What a service may do to its own tables.</content>
public sealed partial class Migrator
{
    /// <summary>
    /// Lets a service's role into the tables of the sets, and no further than it needs: rows of insert-only tables it reads and adds, other rows it also
    /// changes and deletes, the version it reads. What it was granted on these tables before is taken away.
    /// </summary>
    /// <param name="role">On PostgreSQL a role, on SQL Server a user of this database: letters, digits, _ and -. Never the one that migrates.</param>
    /// <exception cref="ArgumentException">No such name.</exception>
    /// <exception cref="NotSupportedException">SQLite has no roles: the file's permissions decide.</exception>
    /// <exception cref="DatabaseVersionException">The database is not at the program's version.</exception>
    /// <exception cref="InvalidOperationException">The role owns the tables, or is above grants, and could take the triggers away.</exception>
    /// <exception cref="System.Data.Common.DbException">There is no such role, or the connection may not grant.</exception>
    public async Task GrantAsync(string role, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(role);
        if (!RoleName().IsMatch(role))
        {
            throw new ArgumentException("Letters, digits, _ and - make the name of a role.", nameof(role));
        }

        if (database.Kind == DatabaseKind.Sqlite)
        {
            throw new NotSupportedException("SQLite has no roles: the permissions of the file and its folder decide.");
        }

        await CheckAsync(cancellationToken);
        string text = string.Join('\n', _sets.SelectMany(set => set.Migrations).Select(migration => migration.Text));
        HashSet<string> insertOnly = [.. InsertOnly().Matches(text).Select(match => match.Groups[1].Value)];
        string[] tables = [.. Table().Matches(text).Select(match => match.Groups[1].Value)];
        await database.WriteAsync(
            async transaction =>
            {
                string name = transaction.Dialect.Ddl($"role({role})");
                await transaction.ExecuteAsync(transaction.Dialect.Ddl($"let_in({role})"));
                if (await transaction.GetAsync<long>(transaction.Dialect.Ddl($"may_alter({role})")) != 0)
                {
                    throw new InvalidOperationException($"The role {role} owns the tables or is above grants: a service needs one that is not.");
                }

                foreach (string table in (string[])[.. tables, "schema_version"])
                {
                    if (await transaction.GetAsync<long>(transaction.Dialect.Ddl($"count_tables({table})")) == 0)
                    {
                        // A later file dropped it.
                        continue;
                    }

                    string rights = table == "schema_version" ? "SELECT" : insertOnly.Contains(table) ? "SELECT, INSERT" : "SELECT, INSERT, UPDATE, DELETE";
                    await transaction.ExecuteAsync($"REVOKE ALL ON {table} FROM {name}");
                    await transaction.ExecuteAsync($"GRANT {rights} ON {table} TO {name}");
                }
            },
            cancellationToken);
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_-]{0,62}$", RegexOptions.CultureInvariant)]
    private static partial Regex RoleName();

    [GeneratedRegex(@"^CREATE TABLE ([a-z0-9_]+)", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Table();

    [GeneratedRegex(@"^\{insert_only\(([a-z0-9_]+)\)\}", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex InsertOnly();
}
