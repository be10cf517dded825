using System.Data.Common;
using System.Globalization;

namespace ZwCa.Data;

/// <summary>All that differs between the three databases. A statement that needs more than these five does not belong into the common subset.</summary>
public abstract class Dialect
{
    private protected Dialect()
    {
    }

    /// <summary>Ends a SELECT with ORDER BY so that it gives at most so many rows.</summary>
    public abstract string Limit(int rows);

    /// <summary>A SELECT of what time it is by the server's clock, in Unix ms. Null: it is the clock of this machine.</summary>
    public virtual string? Clock => null;

    /// <summary>Whether an INSERT or UPDATE failed because a primary key or a unique index has the value already.</summary>
    public abstract bool IsUniqueViolation(DbException exception);

    /// <summary>
    /// What a token of a migration stands for: <c>{text(n)}</c> (n characters, compared by code), <c>{blob}</c>, <c>{blob(n)}</c> (n bytes, may be a key),
    /// <c>{bool}</c> (for a library's tables: ours have smallint),
    /// <c>{by_key}</c> (after a table's last parenthesis: its rows lie in the order of the primary key, one tree less to write, where the database has that),
    /// <c>{insert_only(table)}</c> (a statement of its own, at the start of a line: UPDATE and DELETE on that table are refused). <see cref="Migrator"/>
    /// has a few more for itself.
    /// </summary>
    /// <param name="token">Without the braces.</param>
    /// <exception cref="ArgumentException">No such token.</exception>
    public abstract string Ddl(string token);

    /// <summary>Inserts many rows the way that the database does it fastest.</summary>
    /// <param name="rows">As many values each as there are columns: one type per column, of those that <see cref="Transaction"/> names, or null.</param>
    /// <exception cref="DbException">A row was refused; none is inserted once the transaction is rolled back.</exception>
    public abstract Task BulkInsertAsync(
        Transaction transaction, string table, IReadOnlyList<string> columns, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken = default);

    /// <returns>The name and the argument of <c>name</c> or <c>name(argument)</c>.</returns>
    private protected static (string Name, string? Argument) Parse(string token)
    {
        int open = token.IndexOf('(', StringComparison.Ordinal);
        return open > 0 && token[^1] == ')' ? (token[..open], token[(open + 1)..^1]) : (token, null);
    }

    /// <returns>What a column holds for it: long, short, string, byte[] or null.</returns>
    /// <exception cref="ArgumentException">Another type.</exception>
    private protected static object? Stored(object? value) => value switch
    {
        null or long or short or string or byte[] => value,
        int number => (long)number,
        DateTimeOffset time => time.ToUnixTimeMilliseconds(),
        bool flag => (short)(flag ? 1 : 0),
        Enum member => Convert.ToInt16(member, CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"No column holds a {value.GetType().Name}.", nameof(value)),
    };

    private protected static ArgumentException Unknown(string token) => new($"A migration has no token {{{token}}}.", nameof(token));
}
