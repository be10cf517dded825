using System.Data;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace ZwCa.Data;

/// <summary>
/// A connection that keeps what it has prepared: SQLite takes longer to prepare a short statement than to run it. For one thread, and for statements
/// that do not overlap.
/// </summary>
internal sealed class SqliteStatements(string connectionString) : SqliteConnection(connectionString)
{
    /// <summary>More texts than a service has; a text that is made of values would otherwise be kept for ever.</summary>
    private const int Most = 512;

    private readonly Dictionary<string, Statement> _idle = new(StringComparer.Ordinal);
    private readonly Dictionary<string, sqlite3_stmt> _plain = new(StringComparer.Ordinal);
    private string? _next;

    /// <summary>What the next command will be: Dapper makes a command before it says of what.</summary>
    public void Expect(string sql) => _next = sql;

    public void Execute(string sql)
    {
        Expect(sql);
        using SqliteCommand command = CreateCommand();
        command.ExecuteNonQuery();
    }

    /// <returns>The library's own statement, which is kept as long as the connection: of texts of which a service has a few.</returns>
    /// <exception cref="SqliteException">SQLite refuses the text.</exception>
    public sqlite3_stmt Prepare(string sql)
    {
        if (!_plain.TryGetValue(sql, out sqlite3_stmt? statement))
        {
            SqliteException.ThrowExceptionForRC(sqlite3_prepare_v3(Handle, sql, SQLITE_PREPARE_PERSISTENT, out statement), Handle);
            _plain.Add(sql, statement);
        }

        return statement;
    }

    public override SqliteCommand CreateCommand()
    {
        if (_next is not { } sql)
        {
            return base.CreateCommand();
        }

        _next = null;
        return _idle.Remove(sql, out Statement? idle) ? idle : new Statement(this, sql);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (Statement statement in _idle.Values)
            {
                statement.Free();
            }

            _idle.Clear();
            foreach (sqlite3_stmt statement in _plain.Values)
            {
                statement.Dispose();
            }

            _plain.Clear();
        }

        base.Dispose(disposing);
    }

    private sealed class Statement : SqliteCommand
    {
        private readonly SqliteStatements _owner;
        private readonly string _sql;
        private bool _free;

        public Statement(SqliteStatements owner, string sql)
            : base(sql, owner)
        {
            _owner = owner;
            _sql = sql;
        }

        /// <summary>Dapper names parameters without their @, with which SQLite knows them.</summary>
        public override SqliteParameter CreateParameter() => new PrefixedParameter();

        public void Free()
        {
            _free = true;
            Dispose();
        }

        protected override void Dispose(bool disposing)
        {
            // Dapper changes the text where a parameter is a list.
            if (disposing && !_free && CommandText == _sql && _owner.State == ConnectionState.Open && _owner._idle.Count < Most)
            {
                Parameters.Clear();
                if (_owner._idle.TryAdd(_sql, this))
                {
                    return;
                }
            }

            _free = true;
            base.Dispose(disposing);
        }
    }

    private sealed class PrefixedParameter : SqliteParameter
    {
        [AllowNull]
        public override string ParameterName
        {
            get => base.ParameterName;
            set => base.ParameterName = value is null || value.StartsWith('@') ? value : "@" + value;
        }
    }
}
