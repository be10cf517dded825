namespace ZwCa.Contracts.Kmc;

/// <summary>A person whom the CA's registry knows, for another service: <c>POST /persons</c> of a KMC.</summary>
public sealed record KnownPerson
{
    /// <summary>That the CA gave, 32 lower-case hexadecimal digits.</summary>
    public required string PersonId { get; init; }

    public required string Name { get; init; }

    /// <summary>18 characters.</summary>
    public required string IdNumber { get; init; }

    /// <summary>No names in logs.</summary>
    public override string ToString() => nameof(KnownPerson);
}

/// <summary>A CA as a KMC has it registered.</summary>
public sealed record ServedCaAnswer
{
    /// <summary>As in the policy of the device.</summary>
    public required string Name { get; init; }

    /// <summary>served, frozen.</summary>
    public required string State { get; init; }

    /// <summary>Serial number of the certificate whose key signs its messages, lower-case hexadecimal.</summary>
    public required string Certificate { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>SM3 of that key's SubjectPublicKeyInfo, 64 lower-case hexadecimal digits.</summary>
    public required string Key { get; init; }

    /// <summary>Name of the client over whose link it speaks.</summary>
    public required string Link { get; init; }

    /// <summary>content, encryptedcontentinfo.</summary>
    public required string SignedPart { get; init; }

    /// <summary>der, raw.</summary>
    public required string SignatureForm { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    /// <summary>Since when it is served or frozen.</summary>
    public required DateTimeOffset ChangedAt { get; init; }
}

/// <summary>How many keys there are. Months are of UTC.</summary>
public sealed record KeyStatistics
{
    public required long Stock { get; init; }

    public required IReadOnlyList<CaKeys> Cas { get; init; }

    /// <summary>Keys of the history that are older than their retention: what becomes of them, officers decide.</summary>
    public required long PastRetention { get; init; }
}

/// <summary>The keys of one CA.</summary>
public sealed record CaKeys
{
    public required string Ca { get; init; }

    public required long InUse { get; init; }

    public required long History { get; init; }

    /// <summary>In their order; one without a move is left out.</summary>
    public required IReadOnlyList<MonthOfKeys> Months { get; init; }
}

/// <summary>What moved in a month.</summary>
public sealed record MonthOfKeys
{
    /// <summary><c>2026-01</c></summary>
    public required string Month { get; init; }

    /// <summary>Taken into use.</summary>
    public required long Bound { get; init; }

    /// <summary>Moved into history.</summary>
    public required long Ended { get; init; }
}

/// <summary>A page of keys that are, or were, in use.</summary>
public sealed record KeyPage
{
    public required IReadOnlyList<KeyAnswer> Keys { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}

/// <summary>What a KMC knows about a key; nothing of the key itself.</summary>
public sealed record KeyAnswer
{
    /// <summary>32 lower-case hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>inuse, history.</summary>
    public required string State { get; init; }

    public required string Ca { get; init; }

    /// <summary>Of the encryption certificate, lower-case hexadecimal.</summary>
    public required string Serial { get; init; }

    /// <summary>SM3 of the recipient's SubjectPublicKeyInfo, 64 lower-case hexadecimal digits.</summary>
    public required string Recipient { get; init; }

    public DateTimeOffset? ValidFrom { get; init; }

    public DateTimeOffset? ValidUntil { get; init; }

    public string? Region { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    public required DateTimeOffset BoundAt { get; init; }

    /// <summary>expired, revoked, givenup. Null: in use.</summary>
    public string? EndReason { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Whether the row's MAC is right; false: it was changed past the service.</summary>
    public required bool Intact { get; init; }
}
