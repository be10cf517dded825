namespace ZwCa.Contracts.Ca;

/// <summary>That the CA's log of the one size begins with that of the other: <c>GET /log/consistency?first=&amp;second=</c>.</summary>
public sealed record ConsistencyAnswer
{
    /// <summary>DER of ConsistencyProof.</summary>
    public required byte[] Proof { get; init; }
}

/// <summary>How an epoch of the CA's log began: <c>GET /log/epochs/{epoch}</c>.</summary>
public sealed record EpochAnswer
{
    /// <summary>DER of the epoch's first Checkpoint; after the first epoch it carries the decision of two officers.</summary>
    public required byte[] Checkpoint { get; init; }
}
