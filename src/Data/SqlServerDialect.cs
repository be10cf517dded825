using System.Data;
using System.Data.Common;
using System.Globalization;
using Microsoft.Data.SqlClient;

namespace ZwCa.Data;

internal sealed class SqlServerDialect : Dialect
{
    private const int DuplicateKey = 2627;
    private const int DuplicateIndexRow = 2601;

    public override string Limit(int rows) => string.Create(CultureInfo.InvariantCulture, $"OFFSET 0 ROWS FETCH NEXT {rows} ROWS ONLY");

    public override string Clock => "SELECT DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME())";

    public override bool IsUniqueViolation(DbException exception) => exception is SqlException { Number: DuplicateKey or DuplicateIndexRow };

    public override string Ddl(string token) => Parse(token) switch
    {
        // Chinese needs nvarchar; BIN2 compares code points, as the other two do.
        ("text", { } length) => $"nvarchar({length}) COLLATE Latin1_General_100_BIN2",
        ("blob", null) => "varbinary(max)",
        ("blob", { } length) => $"varbinary({length})",
        ("bool", null) => "bit",
        ("by_key", null) => "",
        ("insert_only", { } table) =>
            $"CREATE TRIGGER {table}_insert_only ON {table} INSTEAD OF UPDATE, DELETE AS THROW 51000, '{table} is insert-only', 1;",
        ("create_if_missing", { } table) => $"IF OBJECT_ID('{table}') IS NULL CREATE TABLE {table}",
        ("count_tables", { } table) => $"SELECT COUNT_BIG(*) FROM information_schema.tables WHERE table_name = '{table}'",
        ("role", { } name) => $"[{name}]",
        ("let_in", { } name) => $"GRANT CONNECT TO [{name}]",
        ("may_alter", { } name) =>
            $"""
             SELECT COUNT_BIG(*) FROM sys.database_role_members AS m JOIN sys.database_principals AS r ON r.principal_id = m.role_principal_id
             WHERE m.member_principal_id = DATABASE_PRINCIPAL_ID('{name}') AND r.name IN ('db_owner', 'db_ddladmin', 'db_securityadmin', 'db_datawriter')
             """,
        _ => throw Unknown(token),
    };

    public override async Task BulkInsertAsync(
        Transaction transaction, string table, IReadOnlyList<string> columns, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken = default)
    {
        using var values = new DataTable();
        for (int i = 0; i < columns.Count; i++)
        {
            values.Columns.Add(columns[i], rows.Select(row => Stored(row[i])).FirstOrDefault(value => value is not null)?.GetType() ?? typeof(long));
        }

        foreach (object?[] row in rows)
        {
            values.Rows.Add([.. row.Select(value => Stored(value) ?? DBNull.Value)]);
        }

        using DbCommand command = transaction.CreateCommand("");
        using var copy = new SqlBulkCopy(
            (SqlConnection)command.Connection!,
            SqlBulkCopyOptions.CheckConstraints | SqlBulkCopyOptions.FireTriggers | SqlBulkCopyOptions.KeepNulls,
            (SqlTransaction?)command.Transaction)
        {
            DestinationTableName = table,
        };
        foreach (string column in columns)
        {
            copy.ColumnMappings.Add(column, column);
        }

        await copy.WriteToServerAsync(values, cancellationToken);
    }
}
