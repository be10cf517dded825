namespace ZwCa.Ra.Certificates;

/// <summary>Which of the two; in the database, never changes its meaning.</summary>
internal enum CertificateHalf : short
{
    /// <summary>There is one certificate.</summary>
    Only = 0,

    Signing = 1,

    Encryption = 2,
}

/// <summary>As the CA last said; in the database, never changes its meaning.</summary>
internal enum CertificateState : short
{
    Valid = 1,

    Held = 2,

    Revoked = 3,
}

/// <summary>A certificate that this RA had issued: a row of the table <c>certificate</c>.</summary>
internal sealed record IssuedCertificate
{
    public const string Columns =
        "issuer, serial, half, pair_id, key_serial, enrollment_id, subscriber_id, region, profile, certificate, key_hash, state, not_before, not_after, proven_at, stored_at";

    /// <summary>SubjectKeyIdentifier, lower-case hexadecimal.</summary>
    public required string Issuer { get; init; }

    /// <summary>Lower-case hexadecimal.</summary>
    public required string Serial { get; init; }

    public required CertificateHalf Half { get; init; }

    /// <summary>The CA's id of the pair, 16 bytes.</summary>
    public byte[]? PairId { get; init; }

    /// <summary>By which the KMC knows the encryption key.</summary>
    public string? KeySerial { get; init; }

    public required byte[] EnrollmentId { get; init; }

    public required byte[] SubscriberId { get; init; }

    public required string Region { get; init; }

    /// <summary>Name of what was applied for.</summary>
    public required string Profile { get; init; }

    /// <summary>DER.</summary>
    public required byte[] Certificate { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo.</summary>
    public required byte[] KeyHash { get; init; }

    public required CertificateState State { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>When its event was found in the CA's log. Null: not yet.</summary>
    public DateTimeOffset? ProvenAt { get; init; }

    public required DateTimeOffset StoredAt { get; init; }
}
