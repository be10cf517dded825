namespace ZwCa.Contracts.Ra;

/// <summary>A certificate that an RA had issued: <c>GET /certificates?subscriber=</c>, <c>GET /certificates/{issuer}/{serial}</c>.</summary>
public sealed record IssuedCertificateAnswer
{
    /// <summary>SubjectKeyIdentifier of its CA, lower-case hexadecimal.</summary>
    public required string Issuer { get; init; }

    /// <summary>Lower-case hexadecimal.</summary>
    public required string Serial { get; init; }

    /// <summary>only, signing, encryption.</summary>
    public required string Half { get; init; }

    /// <summary>The CA's id of the pair. Null: there is one certificate.</summary>
    public string? Pair { get; init; }

    /// <summary>Id of the enrollment that it came of.</summary>
    public required string Enrollment { get; init; }

    /// <summary>Id of the subscriber.</summary>
    public required string Subscriber { get; init; }

    public required string Profile { get; init; }

    /// <summary>valid, held, revoked: as the CA last said to this RA.</summary>
    public required string State { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>When its event was found in the CA's log. Null: not yet.</summary>
    public DateTimeOffset? ProvenAt { get; init; }

    /// <summary>DER.</summary>
    public required byte[] Certificate { get; init; }
}
