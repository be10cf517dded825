namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>A service's log.</summary>
public sealed record LogKeyOptions
{
    /// <summary>The log's name, for ever.</summary>
    public required string Origin { get; init; }

    public required string KeyLabel { get; init; }

    /// <summary>Files outside the database.</summary>
    public required IReadOnlyList<string> Anchors { get; init; }
}
