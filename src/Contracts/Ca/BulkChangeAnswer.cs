namespace ZwCa.Contracts.Ca;

/// <summary>Answer of <c>GET /bulk-changes/{id}</c>: how far a change of many certificates has come. The id is the command's.</summary>
public sealed record BulkChangeAnswer
{
    /// <summary>32 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Certificates that the command is about. Null: not counted yet.</summary>
    public long? Total { get; init; }

    /// <summary>That were changed.</summary>
    public required long Changed { get; init; }

    /// <summary>That were left as they are: not there, of another region, or not in a state that can be changed this way.</summary>
    public required long Skipped { get; init; }

    public required DateTimeOffset OrderedAt { get; init; }

    /// <summary>Null: it is at work.</summary>
    public DateTimeOffset? EndedAt { get; init; }
}
