namespace ZwCa.Contracts;

/// <summary>
/// Why a service does not do what it was asked. The name is on the wire (<c>urn:zwca:refusal:Name</c>); docs/ERRORS.md says for each what the caller
/// can do about it, and <see cref="RefusalKinds"/> which HTTP status and title it has.
/// </summary>
public enum Refusal
{
    /// <summary>The bytes are not what they should be: no DER, no JSON, a field of another form.</summary>
    Malformed,

    /// <summary>Larger than the service reads.</summary>
    TooLarge,

    /// <summary>The certification request's proof of possession does not hold, or it asks for what the profile does not take.</summary>
    BadCsr,

    /// <summary>The public key is of a kind that the profile does not take, or weak.</summary>
    BadPublicKey,

    /// <summary>No profile has the name and hash, or it is not active.</summary>
    UnknownProfile,

    /// <summary>Longer than the profile allows, or beyond the issuer's own end.</summary>
    ValidityTooLong,

    /// <summary>A name or number that the profile does not allow, demands and does not get, or that no certificate may carry.</summary>
    SubjectNotAllowed,

    /// <summary>No client certificate, or one that does not chain to the system CA, is not registered, or is disabled.</summary>
    LinkNotTrusted,

    /// <summary>The message's signature does not hold, its sender is unknown, or it was meant for another recipient.</summary>
    BadSignature,

    /// <summary>The message's time is too far from now.</summary>
    Expired,

    /// <summary>Something else was asked under the same request id; or the thing exists already.</summary>
    Duplicate,

    /// <summary>The same request is being worked on.</summary>
    InProgress,

    NotFound,

    /// <summary>The officer's role does not include it, or he is disabled.</summary>
    NotAllowed,

    /// <summary>Another region, RA or profile than the caller's.</summary>
    OutOfScope,

    /// <summary>The RA has had as many certificates issued as it may.</summary>
    QuotaExhausted,

    /// <summary>A second person has to decide, and this is not one.</summary>
    SecondOfficerRequired,

    /// <summary>The person holds an office of another kind.</summary>
    RolesNotDisjoint,

    /// <summary>An approval is missing, too old, spent, or does not cover it.</summary>
    NotApproved,

    /// <summary>The thing is no longer in the state that this needs.</summary>
    WrongState,

    /// <summary>The certificate is revoked, for good.</summary>
    AlreadyRevoked,

    /// <summary>The officer's authority has to be confirmed again.</summary>
    RecertificationDue,

    /// <summary>Too many requests: ask again later.</summary>
    TooManyRequests,

    /// <summary>The audit log is behind, or the clock is: nothing may be issued.</summary>
    AuditUnavailable,

    /// <summary>Database, HSM or another service is away: ask again later.</summary>
    Unavailable,
}
