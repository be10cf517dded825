using System.Data.Common;
using ZwCa.Data;

namespace ZwCa.Tests.Ra.Batches.Decisions;

/// <summary>The rules of batches without any code of the service: each statement would break one, and the database refuses it. What they are made from goes through.</summary>
public sealed class BatchConstraintTests
{
    private const string Batch =
        """
        INSERT INTO batch (batch_id, kind, region, title, content_sealed, data_key_id, file_hash, file_length, file_deleted_at, created_by, created_at, cancelled_at)
        VALUES (@New, 1, '350100', 'x', @Der, @Key, @Hash, 7, NULL, 'f1', 1, NULL)
        """;

    private const string OfTask =
        """
        INSERT INTO batch_task (batch_id, number, kind, state, officer_serial, approval_hash, reached, position, row_count, done, refused, reason, claim, claimed_until, failures, retry_at, started_at, ended_at)
        VALUES (@Idle, 2, 3, 0, 'f1', @Approval, 0, NULL, NULL, 0, 0, NULL, NULL, 0, 0, 0, 1, NULL)
        """;

    private const string Row = "INSERT INTO batch_row (batch_id, row_number, enrollment_id) VALUES (@Idle, 2, @Enrollment)";
    private const string Refused = "INSERT INTO batch_refusal (batch_id, number, row_number, reason) VALUES (@Busy, 1, 2, 'x')";
    private const string Approval = "INSERT INTO approval (approval_hash, approval, kept_at) VALUES (@Hash, @Der, 1)";
    private const string Part = "INSERT INTO batch_part (batch_id, number, bytes_sealed, data_key_id) VALUES (@Idle, 0, @Der, @Key)";

    private static readonly string[] Right = [Batch, OfTask, Row, Refused, Approval, Part, OfTask.Replace("2, 3, 0", "2, 1, 0").Replace("@Approval", "NULL")];

    private static readonly Dictionary<string, string> Breaches = new()
    {
        ["a fourth kind of batch"] = Batch.Replace("@New, 1", "@New, 4"),
        ["a batch of a region that is not registered"] = Batch.Replace("'350100'", "'350199'"),
        ["a batch sealed by an unknown key"] = Batch.Replace("@Key", "@Unknown"),
        ["a renewal with a file"] = Batch.Replace("@New, 1", "@New, 2"),
        ["a file of no length"] = Batch.Replace("@Hash, 7", "@Hash, NULL"),
        ["an empty file"] = Batch.Replace("@Hash, 7", "@Hash, 0"),
        ["no file, deleted"] = Batch.Replace("@Hash, 7, NULL", "NULL, NULL, 9"),
        ["a batch twice"] = Batch.Replace("@New", "@Idle"),
        ["a file's part of no batch"] = Part.Replace("@Idle", "@Unknown"),
        ["a part before the first"] = Part.Replace("@Idle, 0", "@Idle, -1"),
        ["a submission without an approval"] = OfTask.Replace("@Approval", "NULL"),
        ["a review without an approval"] = OfTask.Replace("2, 3, 0", "2, 4, 0").Replace("@Approval", "NULL"),
        ["a check with an approval"] = OfTask.Replace("2, 3, 0", "2, 1, 0"),
        ["a cancellation with an approval"] = OfTask.Replace("2, 3, 0", "2, 5, 0"),
        ["a submission by an approval that nobody kept"] = OfTask.Replace("@Approval", "@Hash"),
        ["a sixth kind of task"] = OfTask.Replace("2, 3, 0", "2, 6, 0").Replace("@Approval", "NULL"),
        ["a task in no known state"] = OfTask.Replace("2, 3, 0", "2, 3, 3"),
        ["a task that has failed less than never"] = OfTask.Replace("NULL, NULL, 0, 0, 0, 1", "NULL, NULL, 0, -1, 0, 1"),
        ["a task of number 0"] = OfTask.Replace("@Idle, 2", "@Idle, 0"),
        ["a task twice"] = OfTask.Replace("@Idle, 2, 3, 0", "@Idle, 1, 3, 1"),
        ["a task of no batch"] = OfTask.Replace("@Idle", "@Unknown"),
        ["a second task that runs"] = OfTask.Replace("@Idle", "@Busy"),
        ["a task that runs again beside another"] = "UPDATE batch_task SET state = 0 WHERE batch_id = @Busy AND number = 2",
        ["a row of no batch"] = Row.Replace("@Idle", "@Unknown"),
        ["a row 0"] = Row.Replace("@Idle, 2", "@Idle, 0"),
        ["a row twice"] = Row.Replace("@Idle, 2", "@Busy, 1"),
        ["an enrollment in two batches"] = Row.Replace("@Enrollment", "@Taken"),
        ["a row of no enrollment"] = Row.Replace("@Enrollment", "@Unknown"),
        ["a row that becomes another's"] = "UPDATE batch_row SET enrollment_id = @Enrollment",
        ["a row that is forgotten"] = "DELETE FROM batch_row",
        ["a refusal of no task"] = Refused.Replace("@Busy, 1", "@Busy, 9"),
        ["a refusal of row 0"] = Refused.Replace("1, 2, 'x'", "1, 0, 'x'"),
        ["a row refused twice"] = Refused.Replace("1, 2, 'x'", "1, 1, 'x'"),
        ["a refusal without a reason"] = Refused.Replace("'x'", "NULL"),
        ["an approval twice"] = Approval.Replace("@Hash", "@Approval"),
        ["an approval that says something else afterwards"] = "UPDATE approval SET approval = @Hash",
        ["an approval that is forgotten"] = "DELETE FROM approval",
    };

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task NoStatement_BreaksARule_AndWhatKeepsThemGoesThrough(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        object parameters = await PrepareAsync(records);
        var wrong = new List<string>();
        foreach ((string rule, string sql) in Breaches.Concat(Right.Select(sql => KeyValuePair.Create(sql, sql))))
        {
            bool isBreach = Breaches.ContainsKey(rule);
            try
            {
                // Where it goes through, it is rolled back, so that the others meet what they expect.
                await records.Database.WriteAsync(
                    async transaction =>
                    {
                        int rows = await transaction.ExecuteAsync(sql, parameters);
                        throw new RolledBackException(rows);
                    },
                    Token);
            }
            catch (RolledBackException e) when (!isBreach && e.Rows == 1)
            {
                // As it should be.
            }
            catch (RolledBackException e)
            {
                wrong.Add($"{rule}: {e.Rows} rows");
            }
            catch (DbException e) when (!isBreach || !IsConstraint(e))
            {
                wrong.Add($"{rule}: {e.Message}");
            }
            catch (DbException)
            {
                // As it should be.
            }
        }

        Assert.Empty(wrong);
    }

    private static async Task<object> PrepareAsync(RaRecords records)
    {
        byte[] enrollment = await records.EnrollAsync(), taken = await records.EnrollAsync();
        byte[] key = (await records.Database.FindAsync<byte[]>($"SELECT data_key_id FROM data_key ORDER BY data_key_id {records.Database.Dialect.Limit(1)}", cancellationToken: Token))!;
        var parameters = new { New = Id(1), Idle = Id(2), Busy = Id(3), Unknown = Id(4), Enrollment = enrollment, Taken = taken, Key = key, Der = new byte[] { 1, 2 }, Hash = Hash(1), Approval = Hash(2) };
        foreach (string sql in (string[])
        [
            Approval.Replace("@Hash", "@Approval"),
            Batch.Replace("@New", "@Idle"), Batch.Replace("@New", "@Busy"),
            OfTask.Replace("@Idle, 2, 3, 0", "@Idle, 1, 3, 1"), OfTask.Replace("@Idle, 2, 3, 0", "@Busy, 1, 3, 0"), OfTask.Replace("@Idle, 2, 3, 0", "@Busy, 2, 3, 2"),
            Row.Replace("@Idle, 2, @Enrollment", "@Busy, 1, @Taken"),
            Refused.Replace("1, 2, 'x'", "1, 1, 'x'"),
        ])
        {
            await records.Story.RawAsync(sql, parameters);
        }

        return parameters;

        static byte[] Id(byte number) => [.. new byte[15], number];
        static byte[] Hash(byte number) => [.. new byte[31], number];
    }

    /// <summary>A constraint or a trigger said no; a statement that is merely wrong proves nothing.</summary>
    private static bool IsConstraint(DbException exception) => exception switch
    {
        Microsoft.Data.Sqlite.SqliteException sqlite => sqlite.SqliteErrorCode == SQLitePCL.raw.SQLITE_CONSTRAINT,
        Npgsql.PostgresException postgres => postgres.SqlState.StartsWith("23", StringComparison.Ordinal) || postgres.SqlState == "P0001",
        Microsoft.Data.SqlClient.SqlException server => server.Number is 515 or 547 or 2601 or 2627 or 51000,
        _ => false,
    };

    private sealed class RolledBackException(int rows) : Exception("Rolled back.")
    {
        public int Rows => rows;
    }
}
