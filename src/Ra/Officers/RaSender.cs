using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Officers;

/// <summary>Who sends signed messages to an RA: an officer.</summary>
internal sealed record RaSender : RegionalSender
{
    /// <inheritdoc/>
    public override RegionCode Region => Officer!.Region;
}

/// <summary>Looks officers up. Asked anew for each message: who was disabled, as far as this RA has heard, is refused. Safe for concurrent use.</summary>
internal sealed class RaSenders(RaOptions options, OfficerDirectory directory, TimeProvider time)
{
    /// <summary>As <see cref="FindMessageSender"/>.</summary>
    public async Task<MessageSender?> FindAsync(SerialNumber serial, CancellationToken cancellationToken)
    {
        if (await directory.FindAsync(serial, cancellationToken) is not { } officer)
        {
            return null;
        }

        officer.RequireStanding(time.GetUtcNow());
        if (!RegionCode.Parse(options.Region).Covers(officer.Region))
        {
            throw new RefusalException(Refusal.OutOfScope, "该人员不属于本RA的区域。");
        }

        // The link is his person's, whichever officer certificate he has at present.
        return new RaSender
        {
            SerialNumber = serial,
            PublicKey = officer.PublicKey,
            LinkName = Convert.ToHexStringLower(officer.PersonId.Span),
            LinkKind = ClientKind.Officer,
            Officer = officer,
        };
    }
}
