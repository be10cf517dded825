using System.Security.Cryptography;
using Npgsql;
using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>A service's role on PostgreSQL; the triggers alone would not stop the owner of the tables.</summary>
public sealed class GrantTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Role_DoesItsWorkAndNothingElse()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, MigrationSet.Data, Sample.Tables);
        var migrator = new Migrator(test.Database, [MigrationSet.Data, Sample.Tables], TimeProvider.System);
        string owner = await test.Database.FindAsync<string>("SELECT current_user", cancellationToken: Token) ?? "";
        string role = "zwca-test-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        await ExecuteAsync(test.Database, $"CREATE ROLE \"{role}\" LOGIN PASSWORD '{role}'");
        try
        {
            // What somebody granted by hand is taken away.
            await ExecuteAsync(test.Database, $"GRANT ALL ON note, schema_version TO \"{role}\"");
            await migrator.GrantAsync(role, Token);
            await migrator.GrantAsync(role, Token);
            await using (var service = new Database(test.Options with
            {
                ConnectionString = new NpgsqlConnectionStringBuilder(test.Options.ConnectionString) { Username = role, Password = role, Pooling = false }.ToString(),
            }))
            {
                await UseAsync(service);
                string[] refused =
                [
                    "UPDATE note SET words = 'not so'", "DELETE FROM note", "TRUNCATE note", "TRUNCATE item", "ALTER TABLE note DISABLE TRIGGER ALL",
                    "ALTER TABLE note DISABLE TRIGGER note_insert_only", "DROP TRIGGER note_insert_only ON note", "DROP TABLE note CASCADE",
                    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
                    "DROP FUNCTION refuse_change() CASCADE", "CREATE TRIGGER a BEFORE INSERT ON note EXECUTE FUNCTION refuse_change()",
                    "CREATE RULE a AS ON INSERT TO note DO INSTEAD NOTHING", "SET session_replication_role = replica", "CREATE TABLE more (id bigint)",
                    "UPDATE schema_version SET version = 9", "DELETE FROM schema_version", "INSERT INTO schema_version SELECT 'x', version, name, digest, applied_at FROM schema_version",
                    "SELECT * FROM note FOR UPDATE",
                ];
                foreach (string statement in refused)
                {
                    PostgresException refusal = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(service, statement));
                    Assert.True(refusal.SqlState == PostgresErrorCodes.InsufficientPrivilege, $"{statement}: {refusal.MessageText}");
                }

                Assert.Equal("so", await service.FindAsync<string>("SELECT words FROM note", cancellationToken: Token));
            }

            // Whoever may do everything is no role for a service.
            await ExecuteAsync(test.Database, $"ALTER ROLE \"{role}\" SUPERUSER");
            await Assert.ThrowsAsync<InvalidOperationException>(() => migrator.GrantAsync(role, Token));
            await ExecuteAsync(test.Database, $"ALTER ROLE \"{role}\" NOSUPERUSER; GRANT \"{owner}\" TO \"{role}\"");
            await Assert.ThrowsAsync<InvalidOperationException>(() => migrator.GrantAsync(role, Token));
        }
        finally
        {
            await ExecuteAsync(test.Database, $"DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\"");
        }

        await Assert.ThrowsAsync<PostgresException>(() => migrator.GrantAsync(role, Token));
        await Assert.ThrowsAsync<DatabaseVersionException>(
            () => new Migrator(test.Database, [MigrationSet.Data], TimeProvider.System).GrantAsync(role, Token));

        async Task UseAsync(Database service)
        {
            await new Migrator(service, [MigrationSet.Data, Sample.Tables], TimeProvider.System).CheckAsync(Token);
            Item item = Sample.NewItem("a");
            await service.WriteAsync(
                async transaction =>
                {
                    Assert.True(await new Lease("job", "node", TimeSpan.FromSeconds(1)).TakeAsync(transaction, TimeProvider.System.GetUtcNow()));
                    await Sample.InsertAsync(transaction, item);
                    Assert.Equal(1, await transaction.ExecuteAsync("UPDATE item SET amount = 5 WHERE id = @Id", item));
                    await transaction.ExecuteAsync("INSERT INTO note (note_number, item_id, words) VALUES (1, @Id, 'so')", item);
                    await transaction.ExecuteAsync("INSERT INTO account (account_number, total) VALUES (1, 0)");
                    Assert.Equal(1, await transaction.ExecuteAsync("DELETE FROM account"));
                },
                Token);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\"; DROP TABLE item; --")]
    [InlineData("a'b")]
    [InlineData("1a")]
    [InlineData("中")]
    public async Task NoName_IsRefused(string role)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        await Assert.ThrowsAsync<ArgumentException>(() => new Migrator(test.Database, [Sample.Tables], TimeProvider.System).GrantAsync(role, Token));
    }

    [Fact]
    public async Task Sqlite_HasNoRoles()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        NotSupportedException refusal = await Assert.ThrowsAsync<NotSupportedException>(
            () => new Migrator(test.Database, [Sample.Tables], TimeProvider.System).GrantAsync("zwca", Token));
        Assert.Contains("permissions of the file", refusal.Message);
    }

    private static Task ExecuteAsync(Database database, string statement) => database.WriteAsync(transaction => transaction.ExecuteAsync(statement), Token);
}
