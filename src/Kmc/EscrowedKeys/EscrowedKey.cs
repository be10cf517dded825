namespace ZwCa.Kmc.EscrowedKeys;

/// <summary>Of a key pair; in the database, never changes its meaning.</summary>
internal enum KeyState : short
{
    /// <summary>备用库: nobody's yet.</summary>
    Stock = 1,

    /// <summary>在用库: bound to an encryption certificate.</summary>
    InUse = 2,

    /// <summary>历史库: kept for audit and recovery.</summary>
    History = 3,
}

/// <summary>Why a key is in history; in the database, never changes its meaning.</summary>
internal enum KeyEnd : short
{
    Expired = 1,
    Revoked = 2,

    /// <summary>The pair was not issued; it goes to no other subscriber.</summary>
    GivenUp = 3,
}

/// <summary>A row of the table <c>escrowed_key</c>. What is null is not known in that state.</summary>
internal sealed record EscrowedKey
{
    public const string Columns =
        "key_id, state, state_version, algorithm, public_key, wrapped_key, made_at, ca_id, serial, recipient, valid_from, valid_until, user_name, region, bound_at, end_reason, ended_at, mac";

    /// <summary>Of the algorithm column.</summary>
    public const short Sm2 = 1;

    /// <summary>16 bytes, by the device.</summary>
    public required byte[] KeyId { get; init; }

    public required KeyState State { get; init; }

    /// <summary>Grows with each move.</summary>
    public required long StateVersion { get; init; }

    public required short Algorithm { get; init; }

    /// <summary>DER of SubjectPublicKeyInfo.</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>Opaque to all but the device.</summary>
    public required byte[] WrappedKey { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    public short? CaId { get; init; }

    /// <summary>Of the encryption certificate, lower-case hexadecimal.</summary>
    public string? Serial { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo that the private key is enveloped to; 32 bytes.</summary>
    public byte[]? Recipient { get; init; }

    public DateTimeOffset? ValidFrom { get; init; }

    public DateTimeOffset? ValidUntil { get; init; }

    /// <summary>As the CA sent it.</summary>
    public byte[]? UserName { get; init; }

    /// <summary>dsCode: one that is sent has to be kept (GM/T 0014).</summary>
    public string? Region { get; init; }

    public DateTimeOffset? BoundAt { get; init; }

    public KeyEnd? EndReason { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>See <see cref="RowMac"/>.</summary>
    public required byte[] Mac { get; init; }
}
