using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// Nonce ::= OCTET STRING (SIZE(1..128))
/// </code>
/// RFC 9654 §2.1, in requests and responses. Clients send 32 octets or more.
/// </summary>
public sealed record Nonce : IExtensionValue<Nonce>
{
    public const int MaxOctets = 128;

    /// <exception cref="ArgumentException">No octet, or more than 128.</exception>
    public Nonce(ReadOnlyMemory<byte> octets)
    {
        if (octets.Length is < 1 or > MaxOctets)
        {
            throw new ArgumentException("A nonce has 1 to 128 octets.", nameof(octets));
        }

        Octets = octets;
    }

    public static string Id => Oids.OcspNonce;

    public ReadOnlyMemory<byte> Octets { get; }

    public static Nonce Read(AsnReader reader)
    {
        ReadOnlyMemory<byte> octets = reader.ReadOctets();
        return octets.Length is >= 1 and <= MaxOctets ? new Nonce(octets) : throw new AsnContentException("A nonce has 1 to 128 octets.");
    }

    public void Write(AsnWriter writer) => writer.WriteOctetString(Octets.Span);

    public bool Equals(Nonce? other) => other is not null && Octets.ContentEquals(other.Octets);

    public override int GetHashCode() => Octets.ContentHash();
}

/// <summary>
/// <code>
/// ArchiveCutoff ::= GeneralizedTime
/// </code>
/// RFC 6960 §4.4.4, in a single response: statuses are kept for certificates that expired since then.
/// </summary>
public sealed record ArchiveCutoff(Time Cutoff) : IExtensionValue<ArchiveCutoff>
{
    public static string Id => Oids.OcspArchiveCutoff;

    public static ArchiveCutoff Read(AsnReader reader) => new(Time.ReadGeneralized(reader));

    public void Write(AsnWriter writer) => Cutoff.WriteGeneralized(writer);
}

/// <summary>
/// <code>
/// id-pkix-ocsp-nocheck: NULL
/// </code>
/// RFC 6960 §4.2.2.2.1, in the responder's certificate: its own status is not to be asked.
/// </summary>
public sealed record OcspNoCheck : IExtensionValue<OcspNoCheck>
{
    public static string Id => Oids.OcspNoCheck;

    public static OcspNoCheck Read(AsnReader reader)
    {
        reader.ReadNull();
        return new OcspNoCheck();
    }

    public void Write(AsnWriter writer) => writer.WriteNull();
}

/// <summary>
/// <code>
/// id-pkix-ocsp-extended-revoke: NULL
/// </code>
/// RFC 6960 §4.4.8, in a response: never-issued serial numbers may be answered as revoked (§2.2).
/// </summary>
public sealed record ExtendedRevoke : IExtensionValue<ExtendedRevoke>
{
    public static string Id => Oids.OcspExtendedRevoke;

    public static ExtendedRevoke Read(AsnReader reader)
    {
        reader.ReadNull();
        return new ExtendedRevoke();
    }

    public void Write(AsnWriter writer) => writer.WriteNull();
}
