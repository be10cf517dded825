using ZwCa.Contracts.Ra;
using ZwCa.Officers;

namespace ZwCa.Ra.Subscribers;

/// <summary>Of whom certificates are, as he was read, opened. Where a person is shown, he is masked.</summary>
internal sealed class Subscriber
{
    /// <summary>16 random bytes: the entity that his certificates name.</summary>
    public required byte[] Id { get; init; }

    public required SubscriberKind Kind { get; init; }

    public required RegionCode Region { get; init; }

    public required SubscriberName Name { get; init; }

    public required SubscriberNumber Number { get; init; }

    /// <summary>Of a person, 32 bytes: by which persons are compared. Null: it is no person.</summary>
    public byte[]? PersonIndex { get; init; }

    /// <summary>Where a person works, whose a device is. Null: none.</summary>
    public byte[]? OrganizationId { get; init; }

    public string? OrganizationName { get; init; }

    public required long Version { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    public bool IsVisibleFrom(RegionCode region) => IsVisibleFrom(region, Kind, Region);

    /// <summary>Whether an officer of that region gets to see it: what lies below him, and the organisations above, for whose staff and devices a county applies too.</summary>
    public static bool IsVisibleFrom(RegionCode region, SubscriberKind kind, RegionCode at) => region.Covers(at) || (kind == SubscriberKind.Organization && at.Covers(region));

    public override string ToString() => $"{Name} {Number}";
}

/// <summary>How subscribers are shown.</summary>
internal static class SubscriberAnswers
{
    public static SubscriberAnswer Show(Subscriber subscriber)
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        return new SubscriberAnswer
        {
            Id = Convert.ToHexStringLower(subscriber.Id),
            Kind = subscriber.Kind.ToString().ToLowerInvariant(),
            Region = subscriber.Region.Value,
            Name = subscriber.Name.ToString(),
            Number = subscriber.Number.ToString(),
            Organization = subscriber.OrganizationId is { } organization ? Convert.ToHexStringLower(organization) : null,
            OrganizationName = subscriber.OrganizationName,
            Version = subscriber.Version,
            RegisteredAt = subscriber.RegisteredAt,
        };
    }
}
