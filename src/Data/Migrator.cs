using System.Data.Common;
using System.Text.RegularExpressions;

namespace ZwCa.Data;

/// <summary>The database is not the one that this program needs; the message says what to do.</summary>
public sealed class DatabaseVersionException(string message) : Exception(message);

/// <summary>Brings a database to the program's version, and says where it differs.</summary>
public sealed partial class Migrator(Database database, IReadOnlyList<MigrationSet> sets, TimeProvider time)
{
    private readonly MigrationSet[] _sets = [.. sets.Where(set => !set.OnServersOnly || database.Kind != DatabaseKind.Sqlite)];

    /// <summary>Refuses a database that is newer or older than the program, was made from other files, or is not there yet.</summary>
    /// <exception cref="DatabaseVersionException">It is.</exception>
    /// <exception cref="DbException">The database cannot be had.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken = default)
    {
        if (database.FindMissingFile() is { } file)
        {
            throw new DatabaseVersionException($"There is no database {file} yet. Run the verb migrate.");
        }

        if (Missing(await database.ReadAsync(ReadAppliedAsync, cancellationToken)) is [(MigrationSet set, Migration first), ..])
        {
            throw new DatabaseVersionException(
                $"The database is older than this program: {set.Module} is at {first.Version - 1}, {set.Migrations.Count} is needed. Run the verb migrate.");
        }
    }

    /// <summary>Applies what is missing, each file in a transaction of its own. Several programs may do so at once.</summary>
    /// <returns>What was applied here, as module/file.</returns>
    /// <exception cref="DatabaseVersionException">The database is newer than the program, or was made from other files; nothing was applied.</exception>
    /// <exception cref="DbException">The database refused a file: what came before it is applied, of it nothing is.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken = default)
    {
        await UnlessDoneByAnotherAsync(CreateVersionTableAsync, HasVersionTableAsync, cancellationToken);
        var names = new List<string>();
        foreach ((MigrationSet set, Migration migration) in Missing(await database.ReadAsync(ReadAppliedAsync, cancellationToken)))
        {
            if (await UnlessDoneByAnotherAsync(
                transaction => ApplyAsync(transaction, set.Module, migration),
                async transaction => !Missing(await ReadAppliedAsync(transaction)).Contains((set, migration)),
                cancellationToken))
            {
                names.Add($"{set.Module}/{migration.Name}");
            }
        }

        return names;
    }

    [GeneratedRegex(@"\{([a-z_]+(\([A-Za-z0-9_-]+\))?)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    /// <returns>False where another program was there first.</returns>
    private async Task<bool> UnlessDoneByAnotherAsync(
        Func<Transaction, Task> work, Func<Transaction, Task<bool>> isDone, CancellationToken cancellationToken)
    {
        try
        {
            await database.WriteAsync(work, cancellationToken);
            return true;
        }
        catch (DbException)
        {
            if (!await database.ReadAsync(isDone, cancellationToken))
            {
                throw;
            }

            return false;
        }
    }

    private async Task ApplyAsync(Transaction transaction, string module, Migration migration)
    {
        // First the row: where two programs migrate at once, its primary key lets one of them through.
        await transaction.ExecuteAsync(
            "INSERT INTO schema_version (module, version, name, digest, applied_at) VALUES (@Module, @Version, @Name, @Digest, @AppliedAt)",
            new { Module = module, Version = (long)migration.Version, migration.Name, migration.Digest, AppliedAt = time.GetUtcNow() });
        foreach (string statement in migration.Text.Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            await transaction.ExecuteAsync(Translate(transaction.Dialect, statement));
        }
    }

    private static string Translate(Dialect dialect, string text) => Token().Replace(text, match => dialect.Ddl(match.Groups[1].Value));

    private static async Task CreateVersionTableAsync(Transaction transaction) => await transaction.ExecuteAsync(
        Translate(
            transaction.Dialect,
            """
            {create_if_missing(schema_version)} (
                module {text(64)} NOT NULL,
                version bigint NOT NULL,
                name {text(128)} NOT NULL,
                digest {text(64)} NOT NULL,
                applied_at bigint NOT NULL,
                PRIMARY KEY (module, version)
            )
            """));

    private static async Task<bool> HasVersionTableAsync(Transaction transaction) =>
        await transaction.GetAsync<long>(transaction.Dialect.Ddl("count_tables(schema_version)")) != 0;

    private static async Task<IReadOnlyList<Applied>> ReadAppliedAsync(Transaction transaction) =>
        await HasVersionTableAsync(transaction)
            ? await transaction.QueryAsync<Applied>("SELECT module, version, name, digest FROM schema_version ORDER BY module, version")
            : [];

    private List<(MigrationSet Set, Migration Migration)> Missing(IReadOnlyList<Applied> all)
    {
        if (all.FirstOrDefault(each => _sets.All(set => set.Module != each.Module)) is { } unknown)
        {
            throw new DatabaseVersionException($"The database is newer than this program, which knows no {unknown.Module}. Install the newer program.");
        }

        var missing = new List<(MigrationSet, Migration)>();
        foreach (MigrationSet set in _sets)
        {
            Applied[] applied = [.. all.Where(each => each.Module == set.Module)];
            if (applied.Length > set.Migrations.Count)
            {
                throw new DatabaseVersionException(
                    $"The database is newer than this program: {set.Module} is at {applied.Length}, the program knows {set.Migrations.Count}. Install the newer program.");
            }

            foreach ((Applied there, Migration here) in applied.Zip(set.Migrations))
            {
                if (there.Version != here.Version || there.Digest != here.Digest)
                {
                    throw new DatabaseVersionException(
                        $"The database was made with another {set.Module}/{here.Name} than this program has. Install the program that it was made with.");
                }
            }

            missing.AddRange(set.Migrations.Skip(applied.Length).Select(migration => (set, migration)));
        }

        return missing;
    }

    private sealed record Applied
    {
        public required string Module { get; init; }

        public required long Version { get; init; }

        public required string Name { get; init; }

        public required string Digest { get; init; }
    }
}
