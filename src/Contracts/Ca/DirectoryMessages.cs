namespace ZwCa.Contracts.Ca;

/// <summary>Who becomes an officer, or may: <c>POST /persons</c>. The CA's registry of persons is the one of the whole system.</summary>
public sealed record PersonRequest
{
    public required string Name { get; init; }

    /// <summary>Of a resident (GB 11643), 18 characters.</summary>
    public required string IdNumber { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => nameof(PersonRequest);
}

/// <summary>The same number always gets the same id.</summary>
public sealed record PersonAnswer
{
    /// <summary>32 lower-case hexadecimal digits.</summary>
    public required string PersonId { get; init; }
}

/// <summary>A page of officers.</summary>
public sealed record OfficerPage
{
    public required IReadOnlyList<OfficerAnswer> Officers { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}

/// <summary>An officer in a list; name and number are masked.</summary>
public sealed record OfficerAnswer
{
    /// <summary>Of the office, 32 lower-case hexadecimal digits.</summary>
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string IdNumber { get; init; }

    public required string Role { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    /// <summary>Serial number of the officer certificate.</summary>
    public required string Certificate { get; init; }

    public required bool Enabled { get; init; }

    /// <summary>From then on the level above has to confirm him again.</summary>
    public required DateTimeOffset CertifiedUntil { get; init; }
}

/// <summary>A version of a profile.</summary>
public sealed record ProfileAnswer
{
    public required string Name { get; init; }

    public required string Title { get; init; }

    /// <summary>SM3 of the canonical JSON, 64 lower-case hexadecimal digits.</summary>
    public required string Hash { get; init; }

    /// <summary>Whether certificates are issued by it now.</summary>
    public required bool Active { get; init; }
}

/// <summary>A region that is registered.</summary>
public sealed record RegionAnswer
{
    /// <summary>GB/T 2260.</summary>
    public required string Code { get; init; }

    public required string Name { get; init; }

    /// <summary>Null: the nation.</summary>
    public string? Parent { get; init; }
}

/// <summary>An RA as it is registered.</summary>
public sealed record RegistrationAuthorityAnswer
{
    public required string Name { get; init; }

    public required string Entity { get; init; }

    /// <summary>GB/T 2260.</summary>
    public required string Region { get; init; }

    public required bool Enabled { get; init; }

    /// <summary>Certificates that it may have had issued in all.</summary>
    public required long Quota { get; init; }

    public required long Issued { get; init; }

    public required IReadOnlyList<ScopeAnswer> Scope { get; init; }
}

/// <summary>What an RA may ask for.</summary>
public sealed record ScopeAnswer
{
    /// <summary>Name of the profile.</summary>
    public required string Profile { get; init; }

    /// <summary>The SubjectKeyIdentifier of the CA, lower-case hexadecimal.</summary>
    public required string Issuer { get; init; }
}

/// <summary>A page of registered clients; it may be short, even empty, and have a next one.</summary>
public sealed record ClientPage
{
    public required IReadOnlyList<ClientAnswer> Clients { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}

/// <summary>A link certificate that is, or was, heard.</summary>
public sealed record ClientAnswer
{
    /// <summary>SHA-256 of the certificate, 64 lower-case hexadecimal digits: what <c>client.disable</c> and <c>client.enable</c> name.</summary>
    public required string Thumbprint { get; init; }

    /// <summary>ca, kmc, ra, ocsp or officer.</summary>
    public required string Kind { get; init; }

    /// <summary>Whose it is: a service's or an RA's name, an officer's person id.</summary>
    public required string Entity { get; init; }

    /// <summary>enabled, disabled; revoked, which is for good.</summary>
    public required string State { get; init; }

    /// <summary>Lower-case hexadecimal. Null: this CA has not issued it.</summary>
    public string? Serial { get; init; }

    /// <summary>Null: this CA has not issued it.</summary>
    public DateTimeOffset? NotAfter { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    /// <summary>Since when it is enabled or disabled.</summary>
    public required DateTimeOffset ChangedAt { get; init; }
}

/// <summary>Whether there is news for an RA: <c>GET /directory/digest</c>, over its link alone.</summary>
public sealed record DirectoryDigest
{
    /// <summary>SM3, 32 bytes, over all that <c>GET /directory/officers</c> shows this RA, but for names and numbers, which never change; and over the regions that are its own.</summary>
    public required byte[] Digest { get; init; }
}

/// <summary>A page of the officers of an RA's region, whether in office or not: <c>GET /directory/officers</c>.</summary>
public sealed record DirectoryPage
{
    /// <summary>As <see cref="DirectoryDigest.Digest"/>, of the state that the page shows: pages with one digest are of one state.</summary>
    public required byte[] Digest { get; init; }

    public required IReadOnlyList<DirectoryOfficer> Officers { get; init; }

    /// <summary>For the next page's <c>after</c>. Null: that was all.</summary>
    public string? Next { get; init; }
}

/// <summary>An officer of an RA, for the RA: name and number are as they are, not masked.</summary>
public sealed record DirectoryOfficer
{
    /// <summary>Of the office, 32 lower-case hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>32 lower-case hexadecimal digits.</summary>
    public required string Person { get; init; }

    /// <summary>Null: the CA cannot open what it has sealed.</summary>
    public required string? Name { get; init; }

    /// <summary>Null: as of the name.</summary>
    public required string? IdNumber { get; init; }

    /// <summary>DER of his present certificate.</summary>
    public required byte[] Certificate { get; init; }

    /// <summary>False: for good; this office is never taken up again.</summary>
    public required bool Enabled { get; init; }

    /// <summary>From then on the level above has to confirm him again.</summary>
    public required DateTimeOffset CertifiedUntil { get; init; }

    /// <summary>SHA-256 of the link certificates that are heard, 64 lower-case hexadecimal digits each. None of somebody who is not in office.</summary>
    public required IReadOnlyList<string> Links { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => $"{nameof(DirectoryOfficer)} {Id}";
}
