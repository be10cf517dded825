using System.Text.RegularExpressions;

namespace ZwCa.Data;

/// <summary>The database is not the one that this program needs; the message says what to do.</summary>
public sealed class DatabaseVersionException(string message) : Exception(message);

/// <summary>Brings a database to the program's version, and says where it differs.</summary>
public sealed partial class Migrator(Database database, IReadOnlyList<MigrationSet> sets, TimeProvider time)
{
    /// <summary>Refuses a database that is newer or older than the program, or was made from other files.</summary>
    /// <exception cref="DatabaseVersionException">It is.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<Applied> applied = await database.ReadAsync(ReadAppliedAsync, cancellationToken);
        foreach (MigrationSet set in sets)
        {
            IReadOnlyList<Migration> missing = Missing(set, applied);
            if (missing.Count > 0)
            {
                throw new DatabaseVersionException(
                    $"The database is older than this program: {set.Module} is at {missing[0].Version - 1}, {set.Migrations.Count} is needed. Run the verb migrate.");
            }
        }
    }

    /// <summary>Applies what is missing, each file in a transaction of its own.</summary>
    /// <returns>What was applied, as module/file.</returns>
    /// <exception cref="DatabaseVersionException">The database is newer than the program, or was made from other files.</exception>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancellationToken = default)
    {
        await database.WriteAsync(CreateVersionTableAsync, cancellationToken);
        IReadOnlyList<Applied> applied = await database.ReadAsync(ReadAppliedAsync, cancellationToken);
        var names = new List<string>();
        foreach (MigrationSet set in sets)
        {
            foreach (Migration migration in Missing(set, applied))
            {
                await database.WriteAsync(transaction => ApplyAsync(transaction, set.Module, migration), cancellationToken);
                names.Add($"{set.Module}/{migration.Name}");
            }
        }

        return names;
    }

    [GeneratedRegex(@"\{([a-z_]+(\([a-z0-9_]+\))?)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    private async Task ApplyAsync(Transaction transaction, string module, Migration migration)
    {
        // First the row: where two programs migrate at once, its primary key lets one of them through.
        await transaction.ExecuteAsync(
            "INSERT INTO schema_version (module, version, name, digest, applied_at) VALUES (@Module, @Version, @Name, @Digest, @AppliedAt)",
            new { Module = module, Version = (long)migration.Version, migration.Name, migration.Digest, AppliedAt = time.GetUtcNow() });
        foreach (string statement in migration.Text.Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            await transaction.ExecuteAsync(Token().Replace(statement, match => transaction.Dialect.Ddl(match.Groups[1].Value)));
        }
    }

    private static async Task CreateVersionTableAsync(Transaction transaction) => await transaction.ExecuteAsync(
        Token().Replace(
            """
            {create_if_missing(schema_version)} (
                module {text(64)} NOT NULL,
                version bigint NOT NULL,
                name {text(128)} NOT NULL,
                digest {text(64)} NOT NULL,
                applied_at bigint NOT NULL,
                PRIMARY KEY (module, version)
            )
            """,
            match => transaction.Dialect.Ddl(match.Groups[1].Value)));

    private static async Task<IReadOnlyList<Applied>> ReadAppliedAsync(Transaction transaction) =>
        await transaction.GetAsync<long>(transaction.Dialect.Ddl("count_tables(schema_version)")) == 0
            ? []
            : await transaction.QueryAsync<Applied>("SELECT module, version, name, digest FROM schema_version ORDER BY module, version");

    private static IReadOnlyList<Migration> Missing(MigrationSet set, IReadOnlyList<Applied> all)
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
                throw new DatabaseVersionException($"The database was made with another {set.Module}/{here.Name} than this program has.");
            }
        }

        return [.. set.Migrations.Skip(applied.Length)];
    }

    private sealed record Applied
    {
        public required string Module { get; init; }

        public required long Version { get; init; }

        public required string Name { get; init; }

        public required string Digest { get; init; }
    }
}
