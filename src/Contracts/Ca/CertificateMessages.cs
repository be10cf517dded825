namespace ZwCa.Contracts.Ca;

/// <summary>What an RA asks a CA for: <c>POST /certificates</c>, and, without request and evidence, revocation, suspension, resumption. Bytes are base64 in JSON.</summary>
public sealed record DecidedRequest
{
    /// <summary>DER of the Application.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of the Approval of step entry. Null: <see cref="EntryHash"/> says which.</summary>
    public byte[]? Entry { get; init; }

    /// <summary>In the place of <see cref="Entry"/>: SM3 of one that was given to <c>POST /approvals</c>, 32 bytes.</summary>
    public byte[]? EntryHash { get; init; }

    /// <summary>DER of the Approval of step review. Null: <see cref="ReviewHash"/> says which.</summary>
    public byte[]? Review { get; init; }

    /// <summary>In the place of <see cref="Review"/>: SM3 of one that was given to <c>POST /approvals</c>, 32 bytes.</summary>
    public byte[]? ReviewHash { get; init; }

    /// <summary>DER of a PKCS #10 request, which proves that the applicant has the private key; nothing else of it is looked at. Null where the application makes no certificate.</summary>
    public byte[]? Csr { get; init; }

    /// <summary>SM3 of each piece of evidence, 32 bytes, in the order that the application's evidence was made from.</summary>
    public IReadOnlyList<byte[]> Evidence { get; init; } = [];
}

/// <summary><c>POST /approvals</c>: one officer's decision over many applications, given once; the requests for them then name it by its hash.</summary>
public sealed record ApprovalRequest
{
    /// <summary>DER of an Approval. It holds by itself; what each request makes of it, is looked at then.</summary>
    public required byte[] Approval { get; init; }
}

/// <summary>Answer to an <see cref="ApprovalRequest"/>.</summary>
public sealed record ApprovalAnswer
{
    /// <summary>SM3 of the DER, 64 lower-case hexadecimal digits.</summary>
    public required string Hash { get; init; }
}

/// <summary>A certificate as a CA shows it.</summary>
public sealed record CertificateAnswer
{
    /// <summary>Lower-case hexadecimal.</summary>
    public required string Serial { get; init; }

    /// <summary>The SubjectKeyIdentifier of its CA, lower-case hexadecimal.</summary>
    public required string Issuer { get; init; }

    /// <summary>Name of the profile.</summary>
    public required string Profile { get; init; }

    /// <summary>valid, revoked, held.</summary>
    public required string State { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    /// <summary>DER. Null: it was given up before a signature was stored; none has left.</summary>
    public byte[]? Certificate { get; init; }

    /// <summary>DER of its CA's certificate.</summary>
    public required byte[] IssuerCertificate { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>Null: valid.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>A CRLReason by its name of RFC 5280 §5.3.1. Null: valid.</summary>
    public string? Reason { get; init; }

    /// <summary>Serial number of the certificate that it renews or re-keys; of the same owner.</summary>
    public string? Replaces { get; init; }
}
