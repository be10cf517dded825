namespace ZwCa.Contracts.Kmc;

/// <summary>
/// What a CA asks a KMC for beside GM/T 0014, <c>POST /recoveries</c>: a subscriber's key, towards another signing key than it was bound to. GM/T 0014 has no place for the decision. Bytes
/// are base64 in JSON.
/// </summary>
public sealed record KeyRecovery
{
    /// <summary>DER of a CARequest (GM/T 0014) with one RestoreKeyReq.</summary>
    public required byte[] Message { get; init; }

    /// <summary>DER of the Application, of kind recovery.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of the Approval of step entry.</summary>
    public required byte[] Entry { get; init; }

    /// <summary>DER of the Approval of step review.</summary>
    public required byte[] Review { get; init; }

    /// <summary>DER of the current complete CRL of the officers' issuer, at most 24 hours old.</summary>
    public required byte[] OfficerCrl { get; init; }
}

/// <summary>Answer to a <see cref="KeyRecovery"/>.</summary>
public sealed record KeyRecoveryReply
{
    /// <summary>DER of KMRespond (GM/T 0014).</summary>
    public required byte[] Reply { get; init; }
}

/// <summary>
/// <c>POST /receipts</c>, a signed message of a CA: the subscribers have what the KMC answered. Of the answer it keeps the hash only from then on. Sent again it has the same answer.
/// </summary>
public sealed record KeyReceipt
{
    /// <summary>Of the message that was answered, decimal. All of its subscribers have signed their receipts.</summary>
    public required string TaskNo { get; init; }
}
