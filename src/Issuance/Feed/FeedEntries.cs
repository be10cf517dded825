using System.Diagnostics.CodeAnalysis;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance.Feed;

/// <summary>What an entry of the feed's content is. The numbers stand in the bytes, and never change their meaning.</summary>
[SuppressMessage("Design", "CA1028", Justification = "It is a byte on the wire.")]
public enum FeedEntryKind : byte
{
    /// <summary>A CA whose certificates the feed speaks of.</summary>
    Authority = 1,

    /// <summary>By which key responses are signed ahead of time.</summary>
    Signer = 2,

    /// <summary>A certificate is stored, or its status has changed.</summary>
    Status = 3,

    /// <summary>Responses that were signed together.</summary>
    Responses = 4,

    /// <summary>A CRL was published.</summary>
    Crl = 5,

    /// <summary>From the next segment on the feed is signed with this key.</summary>
    NextKey = 6,
}

/// <summary>The status of one certificate. Of two about one certificate that with the greater version holds.</summary>
/// <param name="Authority">Number of the CA.</param>
/// <param name="SerialNumber">1 to 20 bytes, as the content of its INTEGER.</param>
/// <param name="Version">Grows with each change.</param>
/// <param name="RevokedAt">Null: it is good. To the second.</param>
/// <param name="Reason">certificateHold: it may become good again.</param>
/// <param name="NotAfter">Of the certificate, to the second.</param>
public readonly record struct FeedStatus(
    short Authority, ReadOnlyMemory<byte> SerialNumber, long Version, DateTimeOffset? RevokedAt, RevocationReason Reason, DateTimeOffset NotAfter);

/// <summary>What all responses of one entry have in common; producedAt is <paramref name="ThisUpdate"/>.</summary>
/// <param name="Authority">Number of the CA.</param>
/// <param name="Signer">Number of the signer.</param>
/// <param name="Hash">Of the CertIDs; their parameters are NULL.</param>
/// <param name="ThisUpdate">To the second.</param>
/// <param name="NextUpdate">Likewise.</param>
public readonly record struct FeedBatch(short Authority, short Signer, CertIdHash Hash, DateTimeOffset ThisUpdate, DateTimeOffset NextUpdate);

/// <summary>One response, signed ahead of time: about the status that has this version.</summary>
/// <param name="SerialNumber">As in <see cref="FeedStatus"/>.</param>
/// <param name="Signature">For SM2 r‖s, 64 bytes; for RSA as many as the modulus has.</param>
public readonly record struct FeedResponse(ReadOnlyMemory<byte> SerialNumber, long Version, ReadOnlyMemory<byte> Signature);

/// <summary>A CRL that was published; its bytes are fetched by their hash.</summary>
/// <param name="Shard">1 to 8 characters: <c>all</c>, <c>32-7</c>.</param>
/// <param name="Length">Bytes of the file.</param>
/// <param name="Hash">SM3 of the file.</param>
public readonly record struct FeedCrl(short Authority, string Shard, long Number, long Length, ReadOnlyMemory<byte> Hash);
