using System.Security.Cryptography;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Benchmarks;

/// <summary>
/// Durable writes: a row like a certificate's (about 1 KB, found by subject and by end too) and the conditional update after it, with and without the
/// audit event in the same transaction. SQLite is a file in the folder for temporary files; PostgreSQL where ZWCA_TEST_POSTGRES says.
/// </summary>
internal static class DataBenchmark
{
    private const int Writers = 64;
    private const int Rounds = 7;
    private const int CertificateLength = 900;

    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);
    private static readonly AuditLog Log = new(TimeProvider.System);

    public static async Task<int> RunAsync()
    {
        Machine.Print("writers as each row says, each waiting for its answer");
        using (var folder = new TemporaryFolder())
        {
            await using (var database = new Database(new DatabaseOptions { ConnectionString = $"Data Source={folder.File("benchmark.db")};Pooling=False" }))
            {
                await MeasureAsync(database, "");
            }
        }

        if (Environment.GetEnvironmentVariable("ZWCA_TEST_POSTGRES") is { } server)
        {
            string schema = "b" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
            await using var owner = new Database(new DatabaseOptions { Kind = DatabaseKind.PostgreSql, ConnectionString = server });
            await owner.WriteAsync(transaction => transaction.ExecuteAsync($"CREATE SCHEMA {schema}"));
            try
            {
                await using var database = new Database(new DatabaseOptions { Kind = DatabaseKind.PostgreSql, ConnectionString = $"{server};Search Path={schema}" });
                await MeasureAsync(database, "-postgresql");
            }
            finally
            {
                await owner.WriteAsync(transaction => transaction.ExecuteAsync($"DROP SCHEMA {schema} CASCADE"));
            }
        }
        else
        {
            Console.WriteLine("not run here: postgresql (ZWCA_TEST_POSTGRES)");
        }

        return 0;
    }

    private static async Task MeasureAsync(Database database, string suffix)
    {
        await new Migrator(database, [AuditLog.Migrations], TimeProvider.System).MigrateAsync();
        Dialect dialect = database.Dialect;
        await database.WriteAsync(transaction => transaction.ExecuteAsync(
            $"""
             CREATE TABLE certificate (
                 serial {dialect.Ddl("text(40)")} NOT NULL PRIMARY KEY,
                 issuer smallint NOT NULL,
                 subject {dialect.Ddl("text(256)")} NOT NULL,
                 not_before bigint NOT NULL,
                 not_after bigint NOT NULL,
                 state smallint NOT NULL,
                 der {dialect.Ddl("blob")}
             );
             CREATE INDEX certificate_subject ON certificate (subject, serial);
             CREATE INDEX certificate_end ON certificate (state, not_after, serial)
             """));

        string plain = $"plain, {Writers} writers", audited = $"with its audit event, {Writers} writers", single = "plain, 1 writer";
        var load = new Load($"Durable writes on {database.Kind}", Rounds, Slice);
        load.Add(plain, Writers, 1, () => database.WriteAsync(WriteAsync));
        load.Add(audited, Writers, 1, () => database.WriteAsync(WriteAuditedAsync));
        load.Add(single, 1, 1, () => database.WriteAsync(WriteAsync));
        load.Add("with its audit event, 1 writer", 1, 1, () => database.WriteAsync(WriteAuditedAsync));
        await load.RunAsync();
        load.PrintRatio($"audit.write.vs.plain{suffix}", audited, plain);
        load.PrintRatio($"data.grouped.vs.single{suffix}", plain, single);
    }

    private static async Task<string> WriteAsync(Transaction transaction)
    {
        string serial = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        await transaction.ExecuteAsync(
            """
            INSERT INTO certificate (serial, issuer, subject, not_before, not_after, state, der)
            VALUES (@Serial, @Issuer, @Subject, @NotBefore, @NotAfter, @State, @Der)
            """,
            new
            {
                Serial = serial, Issuer = (short)3, Subject = $"CN=张三 {serial[..6]},OU=业务一处,O=某某市大数据管理局,C=CN", NotBefore = now, NotAfter = now.AddYears(3),
                State = (short)1, Der = RandomNumberGenerator.GetBytes(CertificateLength),
            });
        int won = await transaction.ExecuteAsync(
            "UPDATE certificate SET state = @Valid WHERE serial = @Serial AND state = @Reserved", new { Serial = serial, Valid = (short)2, Reserved = (short)1 });
        return won == 1 ? serial : throw new InvalidOperationException("The row is not there.");
    }

    private static async Task WriteAuditedAsync(Transaction transaction)
    {
        string serial = await WriteAsync(transaction);
        var certificate = new AuditEvent(
            new AuditActor(AuditActorKind.Service, "ra-330000"), "certificate.issue", new AuditObject("certificate", serial), AuditOutcome.Done)
        {
            Fields =
            [
                new AuditField.Text("profile", "person-signing"), new AuditField.Number("issuer", 3),
                new AuditField.Octets("certificate-sm3", RandomNumberGenerator.GetBytes(32)),
            ],
            Personal = new Dictionary<string, string> { ["subject"] = "CN=张三,OU=业务一处,O=某某市大数据管理局,C=CN" },
        };
        await Log.AppendAsync(transaction, certificate);
    }
}
