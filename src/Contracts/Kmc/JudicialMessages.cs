namespace ZwCa.Contracts.Kmc;

/// <summary>
/// <c>POST /judicial-recoveries</c>, by an officer: the command that orders a judicial recovery, written out for him to sign. Nothing is ordered by it. Bytes are base64 in JSON.
/// </summary>
public sealed record JudicialDraft
{
    /// <summary>Of the CA that had the key bound, as the KMC knows it.</summary>
    public required string CaName { get; init; }

    /// <summary>Of the encryption certificate, hexadecimal.</summary>
    public required string Serial { get; init; }

    /// <summary>DER of a SignedStatement over a RecoveryCase, with the recovery officers' signatures.</summary>
    public required byte[] Statement { get; init; }
}

/// <summary>Answer to a <see cref="JudicialDraft"/>.</summary>
public sealed record JudicialDraftAnswer
{
    /// <summary>DER of the Application: proposed and approved as any command is. Its enrollment id is that of the recovery.</summary>
    public required byte[] Application { get; init; }
}

/// <summary><c>GET /judicial-recoveries/{id}</c>, for officers.</summary>
public sealed record JudicialRecoveryAnswer
{
    /// <summary>32 hexadecimal digits: that of the command.</summary>
    public required string Id { get; init; }

    /// <summary><c>Ordered</c>, <c>Delivered</c>, <c>Refused</c> or <c>Erased</c>.</summary>
    public required string State { get; init; }

    /// <summary>32 hexadecimal digits.</summary>
    public required string KeyId { get; init; }

    /// <summary>When the case ends, and the envelope is erased.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    public required DateTimeOffset OrderedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why it was refused.</summary>
    public string? Detail { get; init; }

    /// <summary>DER of SM2EnvelopedKey (GM/T 0009) to the recipient of the case; for administrators, until the case ends.</summary>
    public byte[]? Envelope { get; init; }

    /// <summary>SM3 of it, for ever.</summary>
    public byte[]? EnvelopeHash { get; init; }
}

/// <summary><c>GET /escrowed-keys?ca=…&amp;serial=…</c>, for officers: what recovery officers have to write into a case.</summary>
public sealed record EscrowedKeyAnswer
{
    /// <summary>Of the device's partition, 32 hexadecimal digits.</summary>
    public required string Partition { get; init; }

    /// <summary>32 hexadecimal digits.</summary>
    public required string KeyId { get; init; }

    /// <summary><c>InUse</c> or <c>History</c>.</summary>
    public required string State { get; init; }

    /// <summary>DER of SubjectPublicKeyInfo: as in the encryption certificate.</summary>
    public required byte[] PublicKey { get; init; }
}
