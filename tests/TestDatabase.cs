using System.Security.Cryptography;
using ZwCa.Data;

namespace ZwCa;

/// <summary>
/// An empty database of a test's own, on each kind that this machine has: SQLite always, the others where ZWCA_TEST_POSTGRES or ZWCA_TEST_SQLSERVER
/// holds a connection string. Linked into the test projects.
/// </summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _schema = "t" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private readonly DatabaseKind _kind;

    private TestDatabase(DatabaseKind kind)
    {
        _kind = kind;
        Options = new DatabaseOptions
        {
            Kind = kind,
            ConnectionString = kind switch
            {
                DatabaseKind.Sqlite => $"Data Source={_folder.File("test.db")}",
                DatabaseKind.PostgreSql => $"{ServerOf(kind)};Search Path={_schema}",
                _ => $"{ServerOf(kind)};Database={_schema}",
            },
        };
        Database = new Database(Options);
    }

    /// <summary>For <c>[MemberData]</c>: the kinds that this machine has.</summary>
    public static TheoryData<DatabaseKind> Kinds => [.. Enum.GetValues<DatabaseKind>().Where(IsHere)];

    public DatabaseOptions Options { get; }

    public Database Database { get; }

    public static bool IsHere(DatabaseKind kind) => kind == DatabaseKind.Sqlite || ServerOf(kind) is not null;

    /// <param name="sets">What is migrated into it; without any it is empty.</param>
    public static async Task<TestDatabase> CreateAsync(DatabaseKind kind, params MigrationSet[] sets)
    {
        var test = new TestDatabase(kind);
        try
        {
            await test.OnServerAsync($"CREATE {Container(kind)} {test._schema}");
            if (kind == DatabaseKind.SqlServer)
            {
                await test.OnServerAsync($"ALTER DATABASE {test._schema} SET ALLOW_SNAPSHOT_ISOLATION ON");
            }

            if (sets.Length > 0)
            {
                await new Migrator(test.Database, sets, TimeProvider.System).MigrateAsync();
            }

            return test;
        }
        catch
        {
            await test.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        Microsoft.Data.SqlClient.SqlConnection.ClearAllPools();
        await OnServerAsync(_kind == DatabaseKind.PostgreSql ? $"DROP SCHEMA IF EXISTS {_schema} CASCADE" : $"DROP DATABASE IF EXISTS {_schema}");
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private static string Container(DatabaseKind kind) => kind == DatabaseKind.PostgreSql ? "SCHEMA" : "DATABASE";

    private static string? ServerOf(DatabaseKind kind) => kind switch
    {
        DatabaseKind.PostgreSql => Environment.GetEnvironmentVariable("ZWCA_TEST_POSTGRES"),
        DatabaseKind.SqlServer => Environment.GetEnvironmentVariable("ZWCA_TEST_SQLSERVER"),
        _ => null,
    };

    private async Task OnServerAsync(string statement)
    {
        switch (_kind)
        {
            case DatabaseKind.PostgreSql:
                await using (var source = Npgsql.NpgsqlDataSource.Create(ServerOf(_kind)!))
                {
                    await using Npgsql.NpgsqlCommand command = source.CreateCommand(statement);
                    await command.ExecuteNonQueryAsync();
                }

                break;
            case DatabaseKind.SqlServer:
                await using (var connection = new Microsoft.Data.SqlClient.SqlConnection(ServerOf(_kind)))
                {
                    await connection.OpenAsync();
                    await using Microsoft.Data.SqlClient.SqlCommand command = connection.CreateCommand();
                    command.CommandText = statement;
                    await command.ExecuteNonQueryAsync();
                }

                break;
            default:
                break;
        }
    }
}
