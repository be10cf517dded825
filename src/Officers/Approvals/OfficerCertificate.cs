using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Officers;

/// <summary>
/// An officer's certificate whose signature by a pinned issuer holds: what <see cref="OfficerIssuers"/> hands out and nobody else can make. It says who
/// and what he is; whether he still is, the directory or a CRL says.
/// </summary>
public sealed class OfficerCertificate
{
    /// <summary>From so many on it is worth it to prepare the key, which takes room.</summary>
    private const int PreparedFrom = 10;

    private int _verifications;

    internal OfficerCertificate(Certificate certificate, ReadOnlyMemory<byte> bytes, OfficerIdentity identity, Sm2PublicKey publicKey, Sm2PublicKey issuer)
    {
        Certificate = certificate;
        Bytes = bytes;
        Identity = identity;
        PublicKey = publicKey;
        Issuer = issuer;
        Region = RegionCode.Parse(identity.Region);
    }

    public Certificate Certificate { get; }

    /// <summary>DER.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public OfficerIdentity Identity { get; }

    public RegionCode Region { get; }

    /// <summary>Verifies his messages and approvals.</summary>
    public Sm2PublicKey PublicKey { get; }

    /// <summary>The pinned key that verified the certificate.</summary>
    public Sm2PublicKey Issuer { get; }

    /// <summary>What the log knows him by.</summary>
    public SerialNumber SerialNumber => Certificate.Tbs.SerialNumber;

    public bool IsValidAt(DateTimeOffset time) =>
        Certificate.Tbs.Validity.NotBefore.Value <= time && time <= Certificate.Tbs.Validity.NotAfter.Value;

    public bool IsOfPerson(ReadOnlySpan<byte> person) => Identity.Person.Span.SequenceEqual(person);

    /// <summary>Whether his key made an approval's signature. Those who decide all day are verified faster.</summary>
    internal bool HasSigned(Approval approval)
    {
        if (_verifications < PreparedFrom && Interlocked.Increment(ref _verifications) == PreparedFrom)
        {
            PublicKey.Prepare();
        }

        return PublicKey.Verify(approval.TbsBytes.Span, approval.Signature.Raw.Span);
    }

    public override string ToString() => $"{Identity.Role} {SerialNumber}";
}
