using System.Data.Common;
using ZwCa.Data;

namespace ZwCa.Tests.Data;

public sealed class MigratorTests
{
    private static readonly (string Name, string Text)[] Files =
    [
        ("0001_one.sql", "-- The first;\nCREATE TABLE one (id bigint NOT NULL PRIMARY KEY, words {text(20)});\r\nINSERT INTO one (id, words) VALUES (1, '甲;乙');\n"),
        ("0002_two.sql", "CREATE TABLE two (id bigint NOT NULL PRIMARY KEY);\n{insert_only(two)};"),
        ("0003_three.sql", "ALTER TABLE one ADD extra bigint;\n"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task StepByStep_OrAtOnce(DatabaseKind kind)
    {
        await using TestDatabase stepwise = await TestDatabase.CreateAsync(kind);
        await Assert.ThrowsAsync<DatabaseVersionException>(async () =>
        {
            // SQLite: an empty database is none yet.
            await stepwise.Database.WriteAsync(transaction => transaction.ExecuteAsync("CREATE TABLE other (id bigint)"), Token);
            await Migrator(stepwise, Files).CheckAsync(Token);
        });
        for (int version = 1; version <= Files.Length; version++)
        {
            Assert.Equal([$"m/{Files[version - 1].Name}"], await Migrator(stepwise, Files[..version]).MigrateAsync(Token));
            Assert.Empty(await Migrator(stepwise, Files[..version]).MigrateAsync(Token));
            await Migrator(stepwise, Files[..version]).CheckAsync(Token);
        }

        await using TestDatabase atOnce = await TestDatabase.CreateAsync(kind);
        Assert.Equal(Files.Select(file => $"m/{file.Name}"), await Migrator(atOnce, Files).MigrateAsync(Token));
        foreach (TestDatabase test in (TestDatabase[])[stepwise, atOnce])
        {
            await Migrator(test, Files).CheckAsync(Token);
            Assert.Equal("甲;乙", await test.Database.FindAsync<string>("SELECT words FROM one WHERE extra IS NULL", cancellationToken: Token));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OlderNewerOrOtherDatabase_IsRefusedAndLeftAlone(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Set("m", Files[..2]), Set("n", Files[2] with { Name = "0001_three.sql" }));

        DatabaseVersionException older = await Assert.ThrowsAsync<DatabaseVersionException>(() => With(Set("m", Files), N()).CheckAsync(Token));
        Assert.Contains("older", older.Message);
        Assert.Contains("m is at 2, 3 is needed", older.Message);

        (string What, string Says, Migrator Program)[] refused =
        [
            ("fewer files", "newer", With(Set("m", Files[..1]), N())),
            ("no such module", "newer", With(Set("m", Files[..2]))),
            ("changed file", "another m/0001_one.sql", With(Set("m", Files[0] with { Text = Files[0].Text + " " }, Files[1], Files[2]), N())),
        ];
        foreach ((string what, string says, Migrator program) in refused)
        {
            Assert.True((await Assert.ThrowsAsync<DatabaseVersionException>(() => program.CheckAsync(Token))).Message.Contains(says), what);
            Assert.True((await Assert.ThrowsAsync<DatabaseVersionException>(() => program.MigrateAsync(Token))).Message.Contains(says), what);
        }

        // Other line endings are the same file.
        await With(Set("m", Files[0] with { Text = Files[0].Text.ReplaceLineEndings("\r\n") }, Files[1]), N()).CheckAsync(Token);
        Assert.Equal(3, await test.Database.FindAsync<long>("SELECT COUNT(*) FROM schema_version", cancellationToken: Token));

        Migrator With(params MigrationSet[] sets) => new(test.Database, sets, TimeProvider.System);
        MigrationSet N() => Set("n", Files[2] with { Name = "0001_three.sql" });
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task FailingFile_LeavesTheVersionBefore(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind);
        (string, string) bad = ("0002_two.sql", "CREATE TABLE two (id bigint NOT NULL PRIMARY KEY);\nINSERT INTO two (id) VALUES (1);\nINSERT INTO two (id) VALUES (1);\n");
        DbException failure = await Assert.ThrowsAnyAsync<DbException>(() => Migrator(test, Files[0], bad, Files[2]).MigrateAsync(Token));
        Assert.True(test.Database.Dialect.IsUniqueViolation(failure));
        await Migrator(test, Files[..1]).CheckAsync(Token);

        // Also its tables are gone.
        Assert.Equal(["m/0002_two.sql", "m/0003_three.sql"], await Migrator(test, Files).MigrateAsync(Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TwoProgramsAtOnce_BothEndWell(DatabaseKind kind)
    {
        for (int round = 0; round < 5; round++)
        {
            await using TestDatabase test = await TestDatabase.CreateAsync(kind);
            Database[] nodes = [.. Enumerable.Range(0, 4).Select(_ => new Database(test.Options))];
            IReadOnlyList<string>[] applied = await Task.WhenAll(nodes.Select(node => Task.Run(
                () => new Migrator(node, [MigrationSet.Data, Set("m", Files)], TimeProvider.System).MigrateAsync(Token))));
            Assert.Equal(
                ["data/0001_lease.sql", .. Files.Select(file => $"m/{file.Name}")], applied.SelectMany(names => names).Order(StringComparer.Ordinal));
            await new Migrator(test.Database, [MigrationSet.Data, Set("m", Files)], TimeProvider.System).CheckAsync(Token);
            foreach (Database node in nodes)
            {
                await node.DisposeAsync();
            }
        }
    }

    [Fact]
    public void NumbersWithAGap_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => Set("m"));
        Assert.Throws<ArgumentException>(() => Set("m", Files[1]));
        Assert.Throws<ArgumentException>(() => Set("m", Files[0], Files[2]));
        Assert.Throws<ArgumentException>(() => Set("m", Files[0], Files[0] with { Name = "0001_other.sql" }));
        Assert.Throws<ArgumentException>(() => new MigrationSet("m", typeof(MigratorTests).Assembly));
    }

    [Fact]
    public void EmbeddedFiles_AreRead()
    {
        Assert.Equal("0001_lease.sql", MigrationSet.Data.Migrations[0].Name);
        Assert.Contains("CREATE TABLE lease", MigrationSet.Data.Migrations[0].Text);
    }

    [Fact]
    public async Task UnknownToken_IsRefused()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(
            () => Migrator(test, ("0001_one.sql", "CREATE TABLE one (id {uuid} NOT NULL);\n")).MigrateAsync(Token));
        Assert.Contains("{uuid}", refusal.Message);
    }

    private static MigrationSet Set(string module, params (string Name, string Text)[] files) => new(module, files);

    private static Migrator Migrator(TestDatabase test, params (string Name, string Text)[] files) => new(test.Database, [Set("m", files)], TimeProvider.System);
}
