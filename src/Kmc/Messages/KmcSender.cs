using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Kmc.Messages;

/// <summary>Who sends signed messages to the KMC: an officer of its own, or a CA that it serves. One of the two is there.</summary>
internal sealed record KmcSender : RegionalSender
{
    public ServedCa? Ca { get; init; }

    /// <inheritdoc/>
    public override RegionCode Region => Officer?.Region ?? RegionCode.Nation;

    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: an officer speaks where a CA has to.</exception>
    public static ServedCa RequireCa(MessageContext message) =>
        ((KmcSender)message.Sender).Ca ?? throw new RefusalException(Refusal.NotAllowed, "此功能仅供已登记的CA使用。");

    /// <summary>Keys and CAs are no region's.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: no officer; <see cref="Refusal.OutOfScope"/>: one of a region.</exception>
    public static Officer RequireOfficerOfAll(MessageContext message)
    {
        Officer officer = RequireOfficer(message);
        return officer.Region == RegionCode.Nation ? officer : throw new RefusalException(Refusal.OutOfScope, "此功能仅供全国范围的人员使用。");
    }
}

/// <summary>
/// Looks senders up: officers in the directory, CAs by the serial number of the certificate that they are registered with. Asked anew for each message: who was disabled or frozen a moment ago
/// is refused. Safe for concurrent use.
/// </summary>
internal sealed class KmcSenders(Database database, OfficerDirectory directory, TimeProvider time)
{
    /// <summary>As <see cref="FindMessageSender"/>.</summary>
    public async Task<MessageSender?> FindAsync(SerialNumber serial, CancellationToken cancellationToken)
    {
        if (await directory.FindAsync(serial, cancellationToken) is { } officer)
        {
            officer.RequireStanding(time.GetUtcNow());

            // The link is his person's, whichever officer certificate he has at present.
            return new KmcSender
            {
                SerialNumber = serial,
                PublicKey = officer.PublicKey,
                LinkName = Convert.ToHexStringLower(officer.PersonId.Span),
                LinkKind = ClientKind.Officer,
                Officer = officer,
            };
        }

        foreach (ServedCa ca in await database.ReadAsync(ServedCa.ListAsync, cancellationToken))
        {
            TbsCertificate certificate = ca.DecodeCertificate().Tbs;
            if (certificate.SerialNumber == serial && certificate.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key))
            {
                ca.RequireStanding(time.GetUtcNow());
                return new KmcSender { SerialNumber = serial, PublicKey = key, LinkName = ca.LinkName, LinkKind = ClientKind.Ca, Ca = ca };
            }
        }

        return null;
    }
}
