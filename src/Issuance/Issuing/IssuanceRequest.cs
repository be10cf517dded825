using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>One attribute of a subject.</summary>
/// <param name="Type">Dotted OID.</param>
public sealed record SubjectText(string Type, string Text)
{
    /// <summary>No names in logs.</summary>
    public override string ToString() => AttributeNames.ShortName(Type);
}

/// <summary>All that goes into one certificate besides what profile and issuer say.</summary>
public sealed record IssuanceRequest
{
    public required Profile Profile { get; init; }

    /// <summary>Reserved in the database: <see cref="SerialNumbers.Create"/>.</summary>
    public required SerialNumber SerialNumber { get; init; }

    /// <summary>Its owner has proven that he has the private key, or the key management centre made it.</summary>
    public required SubjectPublicKeyInfo SubjectPublicKeyInfo { get; init; }

    /// <summary>Of the application, in any order; several of one type in their order.</summary>
    public IReadOnlyList<SubjectText> Subject { get; init; } = [];

    /// <summary>Of the registration of RA and region.</summary>
    public IReadOnlyList<SubjectText> Place { get; init; } = [];

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>When it was decided to issue: notBefore is not earlier than this minus the profile's allowance (incident 10).</summary>
    public required DateTimeOffset IntendedAt { get; init; }

    public IReadOnlyList<GeneralName> AlternativeNames { get; init; } = [];

    /// <summary>By the names of the profile's identities.</summary>
    public IReadOnlyDictionary<string, string> Identities { get; init; } = new Dictionary<string, string>();

    public OfficerIdentity? Officer { get; init; }

    /// <summary>Of <see cref="ProfileKind.Cross"/>: the certificate of the CA that is certified, whose name and key identifier are copied.</summary>
    public Certificate? Authority { get; init; }

    /// <summary>No names in logs.</summary>
    public override string ToString() => $"{Profile.Name} {SerialNumber}";
}
