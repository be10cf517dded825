namespace ZwCa.Audit;

/// <summary>
/// The log's own rows contradict each other or a checkpoint: somebody changed them behind the program's back, or the storage lost some. Nothing is signed
/// over it. The message says what does not fit.
/// </summary>
public class LogDamagedException(string message) : Exception(message);

/// <summary>The database is older than a checkpoint that was made of it, or has gone another way since: a backup was restored, perhaps.</summary>
/// <param name="databaseSize">Leaves in the database.</param>
/// <param name="anchoredSize">Leaves that the highest anchored checkpoint tells of; -1 where there is no anchor any more.</param>
public sealed class LogRolledBackException(long databaseSize, long anchoredSize, string message) : LogDamagedException(message)
{
    public long DatabaseSize { get; } = databaseSize;

    public long AnchoredSize { get; } = anchoredSize;
}
