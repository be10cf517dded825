using ZwCa.Officers;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Enrollments;

/// <summary>How an ID number gets into a certificate.</summary>
public enum NumberForm
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>As it is.</summary>
    Clear,

    /// <summary>SM3 of entity, colon and number in UTF-8, hexadecimal: whoever knows the number can tell that it is his.</summary>
    Hashed,
}

/// <summary>Something that can be applied for: whose, by which profiles of the CA, decided by whom. Section <c>Ra:Profiles:NAME</c>.</summary>
public sealed record EnrollmentProfileOptions
{
    private const int MostDays = 3650;
    private const int MostReviews = 3;

    /// <summary>For the clerk, in Chinese.</summary>
    public required string Title { get; init; }

    public required SubscriberKind Subscriber { get; init; }

    /// <summary>Name of the CA's profile of the signing certificate, or of the only one.</summary>
    public required string Certificate { get; init; }

    /// <summary>Name of the CA's profile of the encryption certificate. Null: there is one certificate.</summary>
    public string? Encryption { get; init; }

    /// <summary>SubjectKeyIdentifier of the CA, lower-case hexadecimal.</summary>
    public required string Issuer { get; init; }

    /// <summary>How long it is valid unless less is applied for.</summary>
    public int Days { get; init; } = 730;

    /// <summary>The levels that review it, one after the other: city, province. An officer of a higher level may do what a lower one should.</summary>
    public IReadOnlyList<RegionLevel> Reviews { get; init; } = [];

    /// <summary>So many pieces of evidence there must be.</summary>
    public int Evidence { get; init; }

    public NumberForm Number { get; init; }

    /// <summary>Name of the identity in the CA's profile that takes the number. Needed unless <see cref="Number"/> is none.</summary>
    public string? NumberIdentity { get; init; }

    /// <summary>City alone, where nothing is said.</summary>
    public IReadOnlyList<RegionLevel> ReviewLevels => Reviews.Count == 0 ? [RegionLevel.City] : Reviews;

    internal IEnumerable<string> Faults()
    {
        foreach ((bool right, string setting, string expected) in ((bool, string, string)[])
        [
            (!string.IsNullOrEmpty(Title), nameof(Title), "a name for clerks"),
            (Enum.IsDefined(Subscriber), nameof(Subscriber), "Person, Organization or Device"),
            (!string.IsNullOrEmpty(Certificate), nameof(Certificate), "a profile of the CA"),
            (Issuer is { Length: > 0 and <= 64 } && Issuer.Length % 2 == 0 && Issuer.All(char.IsAsciiHexDigitLower), nameof(Issuer), "a SubjectKeyIdentifier in lower-case hexadecimal"),
            (Days is > 0 and <= MostDays, nameof(Days), $"1 to {MostDays}"),
            (Reviews.Count <= MostReviews && Reviews.All(level => level is RegionLevel.City or RegionLevel.Province) && Reviews.Order().Reverse().SequenceEqual(Reviews), nameof(Reviews), "City, Province, in this order"),
            (Evidence is >= 0 and <= 32, nameof(Evidence), "0 to 32"),
            (Number == NumberForm.None || !string.IsNullOrEmpty(NumberIdentity), nameof(NumberIdentity), "the name of an identity, where Number is not None"),
            (Number == NumberForm.None || Subscriber != SubscriberKind.Device, nameof(Number), "None for devices"),
        ])
        {
            if (!right)
            {
                yield return $"{setting} must be {expected}.";
            }
        }
    }
}
