namespace ZwCa.Contracts.Ra;

/// <summary>Of whom certificates are: <c>POST /subscribers</c>, <c>PUT /subscribers/{id}</c>.</summary>
public sealed record SubscriberRequest
{
    /// <summary>person, organization, device. Never changes.</summary>
    public required string Kind { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    /// <summary>Null in a change: as it is.</summary>
    public string? Name { get; init; }

    /// <summary>
    /// ID number of a person (18 characters, GB 11643), unified social credit code of an organisation (18 characters, GB 32100), address or serial number of a device. Never changes: null in a
    /// change, or the same, for whoever changes a person is not shown it.
    /// </summary>
    public string? Number { get; init; }

    /// <summary>32 lower-case hexadecimal digits: where a person works (may be null), whose a device is.</summary>
    public string? Organization { get; init; }

    /// <summary>Of a change: as the subscriber was shown. 0: it is registered anew.</summary>
    public long Version { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(SubscriberRequest);
}

/// <summary>A subscriber as an RA shows him; of a person name and number are masked.</summary>
public sealed record SubscriberAnswer
{
    /// <summary>32 lower-case hexadecimal digits: the entity in his certificates.</summary>
    public required string Id { get; init; }

    /// <summary>person, organization, device.</summary>
    public required string Kind { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    public required string Name { get; init; }

    public required string Number { get; init; }

    /// <summary>Null: none.</summary>
    public string? Organization { get; init; }

    public string? OrganizationName { get; init; }

    public required long Version { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(SubscriberAnswer);
}

/// <summary>A page of subscribers.</summary>
public sealed record SubscriberPage
{
    public required IReadOnlyList<SubscriberAnswer> Subscribers { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}

/// <summary>Whom to look for: <c>POST /subscribers/search</c>. In the body, for addresses get into logs.</summary>
public sealed record SubscriberSearch
{
    /// <summary>As in <see cref="SubscriberRequest.Number"/>.</summary>
    public required string Number { get; init; }

    /// <summary>person, organization, device.</summary>
    public required string Kind { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(SubscriberSearch);
}
