using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>What is to be said about one certificate.</summary>
public sealed record OcspStatement
{
    /// <summary>As it was asked: hash, absent or NULL parameters and all (see <see cref="CertId"/>).</summary>
    public required CertId CertId { get; init; }

    /// <summary><see cref="Good"/>, <see cref="Unknown"/> or <see cref="Revoked"/>: <see cref="RevokedAt"/>.</summary>
    public required CertStatus Status { get; init; }

    /// <summary>When the status was known to be so.</summary>
    public required Time ThisUpdate { get; init; }

    /// <summary>Null: newer information is always there (RFC 6960 §4.2.2.1). Pre-signed responses have it.</summary>
    public Time? NextUpdate { get; init; }

    /// <summary>Null: no such extension.</summary>
    public Time? ArchiveCutoff { get; init; }

    /// <summary>An unspecified reason is left out, as in CRLs (RFC 5280 §5.3.1).</summary>
    public static Revoked RevokedAt(Time revokedAt, RevocationReason reason = RevocationReason.Unspecified) =>
        new(new RevokedInfo(revokedAt, reason == RevocationReason.Unspecified ? null : reason));
}

/// <summary>What one response says.</summary>
public sealed record OcspAnswer
{
    /// <summary>When it is signed.</summary>
    public required Time ProducedAt { get; init; }

    /// <summary>One at least, in the order of the request.</summary>
    public required IReadOnlyList<OcspStatement> Statements { get; init; }

    /// <summary>That of the request (RFC 9654 §2.1); null: it had none, or the response is pre-signed.</summary>
    public Nonce? Nonce { get; init; }
}
