using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;
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

    /// <remarks>By the library itself: what ADO.NET does for a command and for each of its parameters, by name, is a good part of what a row takes.</remarks>
    public override Task BulkInsertAsync(
        Transaction transaction, string table, IReadOnlyList<string> columns, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken = default)
    {
        SqliteStatements connection = transaction.Sqlite;
        sqlite3_stmt insert = connection.Prepare($"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(_ => "?"))})");
        try
        {
            foreach (object?[] row in rows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (int i = 0; i < columns.Count; i++)
                {
                    SqliteException.ThrowExceptionForRC(Bind(insert, i + 1, Stored(row[i])), connection.Handle);
                }

                int result = sqlite3_step(insert);
                SqliteException.ThrowExceptionForRC(result == SQLITE_DONE ? SQLITE_OK : result, connection.Handle);
                _ = sqlite3_reset(insert);
            }
        }
        finally
        {
            // Says again what the last step has said. Values of persons do not stay in a statement that is kept.
            _ = sqlite3_reset(insert);
            _ = sqlite3_clear_bindings(insert);
        }

        return Task.CompletedTask;
    }

    private static int Bind(sqlite3_stmt statement, int place, object? value) => value switch
    {
        null => sqlite3_bind_null(statement, place),
        long number => sqlite3_bind_int64(statement, place, number),
        short number => sqlite3_bind_int64(statement, place, number),
        string text => sqlite3_bind_text(statement, place, text),
        _ => sqlite3_bind_blob(statement, place, (byte[])value),
    };
}
