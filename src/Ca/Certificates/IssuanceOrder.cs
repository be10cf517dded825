using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Certificates;

/// <summary>What shall be issued, for whom, and by whose decision. The decision is spent once: (requester, reference, kind) is a primary key.</summary>
internal sealed record IssuanceOrder
{
    /// <summary>Kind of what follows a certificate by itself: a link's, an OCSP responder's. No officer decides about it.</summary>
    public const short Renewal = 0;

    /// <summary>Of the encryption certificate of a pair the decision has a row too, of a kind that is greater by this.</summary>
    public const short EncryptionHalf = 100;

    /// <summary>Requester where officers of this service ordered it.</summary>
    public const string Command = "command";

    /// <summary>Requester where a link renews itself.</summary>
    public const string Link = "link";

    /// <summary>Requester where an OCSP responder's certificate is renewed.</summary>
    public const string Responder = "responder";

    /// <summary>Owner's first part where no RA asked.</summary>
    public const string SystemOwner = "system";

    /// <summary>The column's width.</summary>
    public const int MaxOwner = 160;

    /// <summary>The RA's name, <see cref="Command"/> or <see cref="Link"/>; up to 64 characters.</summary>
    public required string Requester { get; init; }

    /// <summary>The enrollment's id, the command's, or what says which certificate is renewed; up to 64 characters.</summary>
    public required string Reference { get; init; }

    /// <summary>A <see cref="DecisionKind"/>, or <see cref="Renewal"/>.</summary>
    public required short Kind { get; init; }

    /// <summary>Of the message: a retry has the same.</summary>
    public required string RequestId { get; init; }

    /// <summary>For the log.</summary>
    public required AuditActor Actor { get; init; }

    /// <summary>Up to <see cref="MaxOwner"/> characters: keys and subjects are his, for ever.</summary>
    public required string Owner { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    public required CertificateBody Body { get; init; }

    /// <summary>The proof of possession is signed under the empty SM2 identity, which some profiles take.</summary>
    public bool UsesEmptyId { get; init; }

    /// <summary>DER of what was decided about: an Application, or the body where nobody had to decide.</summary>
    public required byte[] Application { get; init; }

    /// <summary>SM3 of it.</summary>
    public required byte[] Digest { get; init; }

    /// <summary>Of an RA's request; else null.</summary>
    public Approvals? Approvals { get; init; }

    /// <summary>Null: no RA asked.</summary>
    public string? RaName { get; init; }

    /// <summary>What was decided, of a pair, for its encryption certificate: all as for the signing one, but profile and key.</summary>
    public static CertificateBody EncryptionBodyOf(CertificateBody body, SubjectPublicKeyInfo key) =>
        body with { Profile = body.Encryption!.Name, ProfileHash = body.Encryption.Hash, SubjectPublicKeyInfo = key, Encryption = null };

    /// <summary>What else belongs into the transaction that stores the certificate: the answer, a client's registration, the end of an order. May run twice.</summary>
    public Func<Transaction, CertificateRow, Task> Stored { get; init; } = static (_, _) => Task.CompletedTask;
}

/// <summary>Both decisions, which hold by themselves; whether the officers are in office is asked in the transaction of the intention.</summary>
internal sealed record Approvals(Application Application, Approval Entry, SignedApproval EntrySigned, Approval Review, SignedApproval ReviewSigned)
{
    /// <summary>By which the table has the entry already. Null: it came with the request.</summary>
    public byte[]? EntryHash { get; init; }

    /// <summary>By which the table has the review already. Null: it came with the request.</summary>
    public byte[]? ReviewHash { get; init; }
}

/// <summary>A serial number that nothing has been signed with, and the profile of what shall be.</summary>
internal sealed record Reserved(CertificateRow Row, Issuance.Profile Profile);
