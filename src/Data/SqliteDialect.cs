using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace ZwCa.Data;

internal sealed class SqliteDialect : Dialect
{
    public override string Limit(int rows) => string.Create(CultureInfo.InvariantCulture, $"LIMIT {rows}");

    public override bool IsUniqueViolation(DbException exception) =>
        exception is SqliteException { SqliteExtendedErrorCode: SQLITE_CONSTRAINT_PRIMARYKEY or SQLITE_CONSTRAINT_UNIQUE };

    public override string Ddl(string token) => Parse(token) switch
    {
        ("text", not null) => "text",
        ("blob", _) => "blob",
        ("bool", null) => "smallint",
        ("by_key", null) => "WITHOUT ROWID",
        ("insert_only", { } table) =>
            $"""
             CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END;
             CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END;
             """,
        ("create_if_missing", { } table) => $"CREATE TABLE IF NOT EXISTS {table}",
        ("count_tables", { } table) => $"SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '{table}'",
        _ => throw Unknown(token),
    };

    public override async Task BulkInsertAsync(
        Transaction transaction, string table, IReadOnlyList<string> columns, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken = default)
    {
        using DbCommand insert = transaction.CreateCommand(
            $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(column => "@" + column))})");
        foreach (string column in columns)
        {
            DbParameter parameter = insert.CreateParameter();
            parameter.ParameterName = "@" + column;
            insert.Parameters.Add(parameter);
        }

        insert.Prepare();
        foreach (object?[] row in rows)
        {
            for (int i = 0; i < columns.Count; i++)
            {
                insert.Parameters[i].Value = Stored(row[i]) ?? DBNull.Value;
            }

            await insert.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
