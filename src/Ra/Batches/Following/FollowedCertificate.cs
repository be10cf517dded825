using ZwCa.Officers;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Following;

/// <summary>A certificate that a draft shall be made about: the only one, or the signing one of a pair.</summary>
internal sealed record FollowedCertificate
{
    public const string Columns =
        "c.issuer, c.serial, c.enrollment_id, c.subscriber_id, c.region, c.not_after, s.kind AS subscriber_kind, s.region AS subscriber_region";

    public required string Issuer { get; init; }

    public required string Serial { get; init; }

    /// <summary>That it came of.</summary>
    public required byte[] EnrollmentId { get; init; }

    public required byte[] SubscriberId { get; init; }

    /// <summary>Where it was taken in.</summary>
    public required string Region { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    public required SubscriberKind SubscriberKind { get; init; }

    /// <summary>Where the subscriber is by now.</summary>
    public required string SubscriberRegion { get; init; }

    /// <summary>Where a draft about it is taken in: as far down as it can be; where that is nowhere within the batch's region, the draft is refused.</summary>
    /// <param name="needsOrigin">Whether the certificate's region has to be covered too.</param>
    public string RegionOfDraft(RegionCode within, bool needsOrigin)
    {
        RegionCode subscriber = RegionCode.Parse(SubscriberRegion), origin = RegionCode.Parse(Region);
        return !within.Covers(subscriber) ? within.Value
            : !needsOrigin || subscriber.Covers(origin) ? subscriber.Value
            : origin.Covers(subscriber) && within.Covers(origin) ? origin.Value
            : within.Value;
    }
}
