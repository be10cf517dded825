using System.Collections.Concurrent;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Messages;

/// <summary>Who speaks to the CA: an officer, or an RA. One of the two is there.</summary>
internal sealed record CaSender : RegionalSender
{
    public RegistrationAuthority? Ra { get; init; }

    /// <summary>For the log.</summary>
    public AuditActor Actor => Officer?.Actor ?? new AuditActor(AuditActorKind.Service, Ra!.RaName);

    /// <inheritdoc/>
    public override RegionCode Region => Officer?.Region ?? RegionCode.Parse(Ra!.Region);

    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: an officer speaks where an RA has to.</exception>
    public static RegistrationAuthority RequireRa(MessageContext message) =>
        ((CaSender)message.Sender).Ra ?? throw new RefusalException(Refusal.NotAllowed, "此功能仅供RA使用。");
}

/// <summary>
/// Looks senders up by the serial numbers of the operations CA, which certifies both kinds. Asked anew for each message: who was disabled or revoked a moment ago is refused. What does
/// not change, the key, is remembered. Safe for concurrent use.
/// </summary>
internal sealed class CaSenders(Database database, AuthorityList authorities, ProfileStore profiles, OfficerDirectory directory, TimeProvider time)
{
    private const int MaxRemembered = 4096;

    /// <summary>It is about the sender and not about what was asked, of which nobody has looked whether it was done before: whoever keeps it asks again.</summary>
    private static readonly TimeSpan HeardAgainAfter = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Sm2PublicKey> _keys = [];

    /// <summary>As <see cref="FindMessageSender"/>.</summary>
    public async Task<MessageSender?> FindAsync(SerialNumber serial, CancellationToken cancellationToken)
    {
        if (await directory.FindAsync(serial, cancellationToken) is { } officer)
        {
            officer.RequireStanding(time.GetUtcNow());

            // The link is his person's, whichever officer certificate he has at present.
            return new CaSender
            {
                SerialNumber = serial,
                PublicKey = officer.PublicKey,
                LinkName = Convert.ToHexStringLower(officer.PersonId.Span),
                LinkKind = ClientKind.Officer,
                Officer = officer,
            };
        }

        (CertificateRow? row, RegistrationAuthority? ra) = await database.ReadAsync(transaction => FindRaAsync(transaction, serial), cancellationToken);
        if (row is null || ra is null)
        {
            return null;
        }

        if (row.State != CertificateState.Valid)
        {
            throw new RefusalException(Refusal.NotAllowed, "RA系统证书已吊销或已冻结。", HeardAgainAfter);
        }

        // Nothing moves a row when its certificate ends.
        DateTimeOffset now = time.GetUtcNow();
        if (now < row.NotBefore || now > row.NotAfter)
        {
            throw new RefusalException(Refusal.NotAllowed, "RA系统证书不在有效期内，请更换。", HeardAgainAfter);
        }

        return ra.Enabled
            ? new CaSender { SerialNumber = serial, PublicKey = KeyOf(row), LinkName = ra.RaName, LinkKind = ClientKind.Ra, Ra = ra }
            : throw new RefusalException(Refusal.NotAllowed, "该RA已被停用。", HeardAgainAfter);
    }

    private async Task<(CertificateRow? Row, RegistrationAuthority? Ra)> FindRaAsync(Transaction transaction, SerialNumber serial)
    {
        CertificateRow? row = await CertificateStore.FindAsync(transaction, authorities.Operations.Id, serial.ToString());
        if (row?.FindCertificate() is null || (await profiles.GetAsync(transaction, row.ProfileHash)).Name != SystemProfile.Ra)
        {
            return (null, null);
        }

        const string owner = IssuanceOrder.SystemOwner + "/";
        RegistrationAuthority? ra = row.Owner.StartsWith(owner, StringComparison.Ordinal) ? await RaStore.FindByEntityAsync(transaction, row.Owner[owner.Length..]) : null;
        return (row, ra);
    }

    /// <exception cref="RefusalException"><see cref="Refusal.BadSignature"/>: the row holds no certificate that the operations CA signed.</exception>
    private Sm2PublicKey KeyOf(CertificateRow row)
    {
        if (_keys.TryGetValue(row.Serial, out Sm2PublicKey? known))
        {
            return known;
        }

        // Whoever can write rows speaks for no RA.
        Certificate certificate = row.FindCertificate()!;
        Issuer issuer = authorities.Operations.Issuer;
        if (certificate.Tbs.SerialNumber.ToString() != row.Serial
            || !SignatureCheck.Holds(issuer.SubjectPublicKeyInfo, issuer.Algorithm, certificate.TbsBytes, certificate.Signature))
        {
            throw new RefusalException(Refusal.BadSignature, "RA系统证书不是本CA签发的。");
        }

        Sm2PublicKey key = certificate.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? sm2)
            ? sm2
            : throw new InvalidOperationException($"The RA certificate {row.Serial} has no SM2 key.");
        key.Prepare();
        if (_keys.Count >= MaxRemembered)
        {
            _keys.Clear();
        }

        return _keys.GetOrAdd(row.Serial, key);
    }
}
