namespace ZwCa.Officers;

/// <summary>What has become of a command. The number is in the database.</summary>
public enum CommandState
{
    Proposed = 0,
    Done = 1,
    Rejected = 2,
    Withdrawn = 3,
}

/// <summary>A command in a list; what it orders is in its application.</summary>
public sealed record CommandEntry
{
    public required byte[] CommandId { get; init; }

    public required string Action { get; init; }

    public required CommandState State { get; init; }

    /// <summary>DER of Application: what a second officer looks at before he signs.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of the proposer's Approval.</summary>
    public required byte[] Proposal { get; init; }

    public required byte[] ProposerPersonId { get; init; }

    public required string ProposerSerial { get; init; }

    public required DateTimeOffset ProposedAt { get; init; }

    /// <summary>Nobody approves it afterwards.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}
