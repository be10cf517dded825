using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Officers;

/// <summary>
/// A person in office, as his certificate says; the directory's row agrees with it. Read anew for each request: nobody keeps one.
/// </summary>
public sealed class Officer
{
    internal Officer(byte[] id, OfficerCertificate certificate, Role role, bool enabled, DateTimeOffset certifiedUntil)
    {
        Id = id;
        Certificate = certificate;
        Role = role;
        Enabled = enabled;
        CertifiedUntil = certifiedUntil;
    }

    /// <summary>Of the office, 16 bytes: a person who is disabled and comes back has another.</summary>
    public ReadOnlyMemory<byte> Id { get; }

    public OfficerCertificate Certificate { get; }

    public Role Role { get; }

    public bool Enabled { get; }

    /// <summary>From then on the level above has to confirm him again before he does anything.</summary>
    public DateTimeOffset CertifiedUntil { get; }

    public ReadOnlyMemory<byte> PersonId => Certificate.Identity.Person;

    public OfficerKind Kind => Certificate.Identity.Kind;

    public RegionCode Region => Certificate.Region;

    public SerialNumber SerialNumber => Certificate.SerialNumber;

    /// <summary>Verifies his messages.</summary>
    public Sm2PublicKey PublicKey => Certificate.PublicKey;

    /// <summary>What the log knows him by.</summary>
    public AuditActor Actor => OfficerStore.ActorOf(SerialNumber);

    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: disabled, or the certificate is out of its time; <see cref="Refusal.RecertificationDue"/>.</exception>
    public void RequireStanding(DateTimeOffset now)
    {
        if (!Enabled)
        {
            throw new RefusalException(Refusal.NotAllowed, "该人员已被停用。");
        }

        if (!Certificate.IsValidAt(now))
        {
            throw new RefusalException(Refusal.NotAllowed, "人员证书不在有效期内。");
        }

        if (now >= CertifiedUntil)
        {
            throw new RefusalException(Refusal.RecertificationDue, "该人员的权限须由上级重新确认。");
        }
    }

    public override string ToString() => Certificate.ToString();
}

/// <summary>An officer in a list. Names and numbers are masked.</summary>
public sealed record OfficerEntry
{
    public required byte[] OfficerId { get; init; }

    public required string Name { get; init; }

    public required string IdNumber { get; init; }

    public required string Role { get; init; }

    public required string Region { get; init; }

    public required string CertificateSerial { get; init; }

    public required bool Enabled { get; init; }

    public required DateTimeOffset CertifiedUntil { get; init; }
}
