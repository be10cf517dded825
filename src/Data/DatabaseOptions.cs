namespace ZwCa.Data;

/// <summary>Which of the three databases.</summary>
public enum DatabaseKind
{
    /// <summary>Embedded; one process writes. The default.</summary>
    Sqlite,

    /// <summary>And what speaks its wire protocol.</summary>
    PostgreSql,

    SqlServer,
}

/// <summary>Where a service keeps its records.</summary>
public sealed record DatabaseOptions
{
    public DatabaseKind Kind { get; init; } = DatabaseKind.Sqlite;

    /// <summary>The driver's: for SQLite <c>Data Source=/var/lib/zwca/ca.db</c>. May hold a password: never logged.</summary>
    public required string ConnectionString { get; init; }
}
