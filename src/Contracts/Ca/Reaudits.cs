namespace ZwCa.Contracts.Ca;

/// <summary>A re-audit: <c>GET /reaudits</c> lists the last ones, newest first.</summary>
public sealed record ReauditAnswer
{
    /// <summary>32 hexadecimal digits: <c>GET /reaudits/{id}/findings</c>.</summary>
    public required string Id { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Null: it is at work, or was broken off and goes on with the next start.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Certificates that were compared.</summary>
    public required long Certificates { get; init; }

    /// <summary>Events of the log that were compared.</summary>
    public required long Events { get; init; }

    public required long Findings { get; init; }
}

/// <summary>Findings of a re-audit, in the order in which they were found.</summary>
public sealed record FindingPage
{
    public required IReadOnlyList<ReauditFinding> Findings { get; init; }

    /// <summary>Where the next page begins: <c>after=</c>. Null: this is the last one.</summary>
    public string? Next { get; init; }
}

/// <summary>Something that did not agree: docs/REAUDIT.md says what each kind means.</summary>
public sealed record ReauditFinding
{
    /// <summary>The certificate: the SubjectKeyIdentifier of its CA, a slash, its serial number.</summary>
    public required string Certificate { get; init; }

    public required string Kind { get; init; }

    public required string Detail { get; init; }

    public required DateTimeOffset FoundAt { get; init; }
}
