namespace ZwCa.ServiceDefaults.Links;

/// <summary>What a client of a service is. Stored as a number.</summary>
public enum ClientKind
{
    Ca = 1,
    Kmc = 2,
    Ra = 3,
    Ocsp = 4,

    /// <summary>A person in office; the name is the person's id, 32 lower-case hexadecimal digits: his officer certificates follow one another, his link stays his.</summary>
    Officer = 5,
}

/// <summary>A link certificate that a service knows.</summary>
public sealed record RegisteredClient
{
    /// <summary>SHA-256 of the certificate, 64 lower-case hexadecimal digits.</summary>
    public required string Thumbprint { get; init; }

    /// <summary>1 to 64 characters. The certificate that follows another on renewal has the same.</summary>
    public required string Name { get; init; }

    public required ClientKind Kind { get; init; }

    public required bool Enabled { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }
}
