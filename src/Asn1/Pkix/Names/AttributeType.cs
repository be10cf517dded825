using System.Collections.Frozen;
using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>What is known of an attribute type: short name, string type to write, and the bounds of RFC 5280 appendix A.1 in characters.</summary>
/// <param name="ShortName">RFC 4514 §3 and the LDAP registry; null for an unknown type.</param>
internal sealed record AttributeType(string? ShortName, UniversalTagNumber Encoding, int MaxCharacters, int MinCharacters = 1)
{
    /// <summary>ub-name, which also bounds types that have no bound of their own.</summary>
    private const int UbName = 32768;

    private static readonly AttributeType Unknown = new(null, UniversalTagNumber.UTF8String, UbName);

    private static readonly FrozenDictionary<string, AttributeType> Known = new Dictionary<string, AttributeType>
    {
        [Oids.CommonName] = new("CN", UniversalTagNumber.UTF8String, 64),
        [Oids.Surname] = new("SN", UniversalTagNumber.UTF8String, UbName),
        [Oids.SerialNumber] = new("serialNumber", UniversalTagNumber.PrintableString, 64),
        [Oids.CountryName] = new("C", UniversalTagNumber.PrintableString, 2, 2),
        [Oids.LocalityName] = new("L", UniversalTagNumber.UTF8String, 128),
        [Oids.StateOrProvinceName] = new("ST", UniversalTagNumber.UTF8String, 128),
        [Oids.StreetAddress] = new("STREET", UniversalTagNumber.UTF8String, 128),
        [Oids.OrganizationName] = new("O", UniversalTagNumber.UTF8String, 64),
        [Oids.OrganizationalUnitName] = new("OU", UniversalTagNumber.UTF8String, 64),
        [Oids.Title] = new("title", UniversalTagNumber.UTF8String, 64),
        [Oids.GivenName] = new("givenName", UniversalTagNumber.UTF8String, UbName),
        [Oids.Initials] = new("initials", UniversalTagNumber.UTF8String, UbName),
        [Oids.GenerationQualifier] = new("generationQualifier", UniversalTagNumber.UTF8String, UbName),
        [Oids.DnQualifier] = new("dnQualifier", UniversalTagNumber.PrintableString, UbName),
        [Oids.Pseudonym] = new("pseudonym", UniversalTagNumber.UTF8String, 128),
        [Oids.UserId] = new("UID", UniversalTagNumber.UTF8String, 256),
        [Oids.DomainComponent] = new("DC", UniversalTagNumber.IA5String, UbName),
        [Oids.EmailAddress] = new("emailAddress", UniversalTagNumber.IA5String, 255),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> ByShortName =
        Known.ToFrozenDictionary(known => known.Value.ShortName!, known => known.Key, StringComparer.OrdinalIgnoreCase);

    /// <returns>Null: no known type has the short name.</returns>
    public static string? FindOid(string shortName) => ByShortName.GetValueOrDefault(shortName);

    public static AttributeType Of(string oid) => Known.GetValueOrDefault(oid, Unknown);
}
