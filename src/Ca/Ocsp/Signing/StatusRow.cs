using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Certificates;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>How one certificate stands: its row, and its entry on CRLs.</summary>
internal record StatusRow
{
    /// <summary>The columns, for queries over <c>certificate c</c> and <see cref="Entry"/>.</summary>
    public const string Columns = "c.certificate_id, c.authority_id, c.serial, c.state, c.state_version, c.not_after, r.reason, r.revoked_at, f.told_in AS named_in";

    public const string Entry =
        "LEFT JOIN revocation r ON r.authority_id = c.authority_id AND r.shard = c.shard AND r.serial = c.serial LEFT JOIN feed_authority f ON f.authority_id = c.authority_id";

    public required byte[] CertificateId { get; init; }

    public required short AuthorityId { get; init; }

    public required string Serial { get; init; }

    public required CertificateState State { get; init; }

    public required long StateVersion { get; init; }

    /// <summary>Null: it was never intended.</summary>
    public DateTimeOffset? NotAfter { get; init; }

    /// <summary>Null: it is on no CRL.</summary>
    public RevocationReason? Reason { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>Segment that names its CA. Null: the feed does not know it yet, and whoever told of the certificate would not be believed.</summary>
    public long? NamedIn { get; init; }

    /// <summary>
    /// What is told of it. Where an intention was given up or revoked, it is revoked: it may have been signed. Nothing is told of what is not stored (incident 3), and nothing where row and
    /// entry do not agree.
    /// </summary>
    /// <returns>Null: nothing.</returns>
    /// <exception cref="BatchRefusedException">They do not agree.</exception>
    public FeedStatus? FindStatus() => FindFault() is { } fault
        ? throw new BatchRefusedException(fault)
        : State is CertificateState.Reserved or CertificateState.Intended or CertificateState.Unused
            ? null
            : new FeedStatus(
                AuthorityId, SerialNumber.Parse(Serial).Content.ToArray(), StateVersion, RevokedAt is { } at ? Time.Truncate(at).Value : null, Reason ?? RevocationReason.Unspecified, Time.Truncate(NotAfter!.Value).Value);

    /// <returns>Why nothing can be told of it; null: something can, or there is nothing to tell.</returns>
    public string? FindFault() => this switch
    {
        { State: CertificateState.Reserved or CertificateState.Intended or CertificateState.Unused } => null,
        { State: CertificateState.Valid, Reason: null, RevokedAt: null, NotAfter: not null }
            or { State: CertificateState.Held, Reason: RevocationReason.CertificateHold, RevokedAt: not null, NotAfter: not null }
            or { State: CertificateState.Revoked, Reason: not (null or RevocationReason.CertificateHold), RevokedAt: not null, NotAfter: not null }
            => SerialNumber.TryParse(Serial, out _) ? null : $"{this}: that is no serial number.",
        _ => $"{this}: its state and its CRL entry do not agree. Run the re-audit.",
    };

    public sealed override string ToString() => $"{AuthorityId}/{Serial} {State}, version {StateVersion}";
}

/// <summary>A certificate that has to be told, as it is now.</summary>
internal sealed record ChangeRow : StatusRow
{
    /// <summary>A ULID: since when it waits.</summary>
    public required byte[] ChangeId { get; init; }
}

/// <summary>A batch may not leave: the message says why, for the operator.</summary>
internal sealed class BatchRefusedException(string reason, Exception? inner = null) : Exception(reason, inner);

/// <summary>What a batch says is no longer so, or another node has done it: nothing of it was written.</summary>
/// <param name="overtaken">Ids of certificates whose status has changed since; none: all of it is another's.</param>
internal sealed class BatchOvertakenException(IReadOnlyList<byte[]> overtaken) : Exception("Another was faster.")
{
    public IReadOnlyList<byte[]> Overtaken { get; } = overtaken;
}
