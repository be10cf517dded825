using ZwCa.Contracts.Ca;

namespace ZwCa.Contracts.Ra;

/// <summary>What the token signs to get what was issued: <c>POST /enrollments/{id}/delivery/challenge</c>.</summary>
public sealed record DeliveryChallenge
{
    /// <summary>32 random bytes.</summary>
    public required byte[] Challenge { get; init; }

    public required DateTimeOffset ValidUntil { get; init; }
}

/// <summary><c>POST /enrollments/{id}/delivery</c></summary>
public sealed record DeliveryRequest
{
    /// <summary>
    /// By the signing key over the bytes of "ZWCA-DELIVERY1", the enrollment's id (32 hexadecimal digits) and the challenge (32 bytes): SM2 (DER, default identity), or RSA PKCS #1 v1.5 with SHA-256.
    /// </summary>
    public required byte[] Proof { get; init; }
}

/// <summary>What was issued, for the token.</summary>
public sealed record DeliveryAnswer
{
    /// <summary>waiting, received, refused, withdrawn.</summary>
    public required string State { get; init; }

    /// <summary>The pair as the CA shows it, with the encryption key to the token until the receipt. Null: there is one certificate.</summary>
    public PairAnswer? Pair { get; init; }

    /// <summary>DER. Null: it is in the pair.</summary>
    public byte[]? Certificate { get; init; }
}

/// <summary>What anybody may learn who knows a tracking number: <c>GET /tracking/{number}</c>.</summary>
public sealed record TrackingAnswer
{
    public required string TrackingNumber { get; init; }

    public required string Kind { get; init; }

    public required string State { get; init; }

    /// <summary>The state in Chinese, with what is to be done next.</summary>
    public required string Message { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }
}
