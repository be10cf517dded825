namespace ZwCa.Contracts.Ca;

/// <summary>An officer's command to a CA: <c>POST /commands</c>. Whoever sends it, it proves itself. Bytes are base64 in JSON.</summary>
public sealed record CommandProposal
{
    /// <summary>DER of the Application, of kind command.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of the proposer's Approval, of step entry.</summary>
    public required byte[] Approval { get; init; }
}

/// <summary>The second officer's decision: <c>POST /commands/ID/approval</c>.</summary>
public sealed record CommandReview
{
    /// <summary>DER of the Approval, of step review, over the command's application.</summary>
    public required byte[] Approval { get; init; }
}

/// <summary>A command as it stands.</summary>
public sealed record CommandAnswer
{
    /// <summary>32 lower-case hexadecimal digits; the application's enrollmentId.</summary>
    public required string Id { get; init; }

    /// <summary><c>ra.register</c></summary>
    public required string Action { get; init; }

    /// <summary>proposed, done, rejected, withdrawn.</summary>
    public required string State { get; init; }

    /// <summary>DER of the Application: what the second officer looks at before he signs.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of the proposer's Approval.</summary>
    public required byte[] Proposal { get; init; }

    /// <summary>Serial number of the proposer's officer certificate.</summary>
    public required string Proposer { get; init; }

    public required DateTimeOffset ProposedAt { get; init; }

    /// <summary>Nobody approves it afterwards.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Null: the command orders no certificate, or is not done; in lists always.</summary>
    public OrderAnswer? Order { get; init; }
}

/// <summary>What became of a certificate that officers ordered.</summary>
public sealed record OrderAnswer
{
    /// <summary>waiting, issued, refused.</summary>
    public required string State { get; init; }

    /// <summary>Name of the refusal. Null: none.</summary>
    public string? Refusal { get; init; }

    /// <summary>What was wrong, in Chinese. Null: nothing.</summary>
    public string? Detail { get; init; }

    /// <summary>Null unless issued.</summary>
    public CertificateAnswer? Certificate { get; init; }
}

/// <summary>A page of commands.</summary>
public sealed record CommandPage
{
    public required IReadOnlyList<CommandAnswer> Commands { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}
