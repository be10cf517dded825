using System.Data.Common;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace ZwCa.Data;

internal sealed class PostgreSqlDialect : Dialect
{
    public override string Limit(int rows) => string.Create(CultureInfo.InvariantCulture, $"LIMIT {rows}");

    public override string Clock => "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)";

    public override bool IsUniqueViolation(DbException exception) => exception is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    public override string Ddl(string token) => Parse(token) switch
    {
        // The order of bytes, as on the other two, whatever the language of the server.
        ("text", { } length) => $"varchar({length}) COLLATE \"C\"",
        ("blob", _) => "bytea",
        ("bool", null) => "boolean",
        ("by_key", null) => "",
        ("insert_only", { } table) =>
            $"""
             CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME; END $$;
             CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
             """,
        ("create_if_missing", { } table) => $"CREATE TABLE IF NOT EXISTS {table}",
        ("count_tables", { } table) => $"SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = '{table}'",
        ("role", { } name) => $"\"{name}\"",
        ("let_in", { } name) => $"DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), '{name}'); END $$",
        ("may_alter", { } name) => $"SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND pg_has_role('{name}', tableowner, 'MEMBER')",
        _ => throw Unknown(token),
    };

    public override async Task BulkInsertAsync(
        Transaction transaction, string table, IReadOnlyList<string> columns, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken = default)
    {
        if (rows.Count == 0)
        {
            return;
        }

        // One array for each column: fifteen times as fast as single statements. A column without any value has no type, and needs none.
        using var insert = (NpgsqlCommand)transaction.CreateCommand("");
        var values = new List<string>();
        for (int i = 0; i < columns.Count; i++)
        {
            NpgsqlParameter? array = Column([.. rows.Select(row => Stored(row[i]))]);
            values.Add(array is null ? "NULL" : $"column{i}");
            if (array is not null)
            {
                insert.Parameters.Add(array);
            }
        }

        string arrays = string.Join(", ", Enumerable.Range(1, insert.Parameters.Count).Select(i => $"${i}"));
        string names = string.Join(", ", values.Where(value => value != "NULL"));
        insert.CommandText = $"INSERT INTO {table} ({string.Join(", ", columns)}) SELECT {string.Join(", ", values)} FROM unnest({arrays}) AS rows ({names})";
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter? Column(object?[] values) => values.FirstOrDefault(value => value is not null) switch
    {
        null => null,
        string => Array<string?>(values, NpgsqlDbType.Text),
        byte[] => Array<byte[]?>(values, NpgsqlDbType.Bytea),
        short => Array<short?>(values, NpgsqlDbType.Smallint),
        _ => Array<long?>(values, NpgsqlDbType.Bigint),
    };

    private static NpgsqlParameter Array<T>(object?[] values, NpgsqlDbType type) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = System.Array.ConvertAll(values, value => (T)value!) };
}
