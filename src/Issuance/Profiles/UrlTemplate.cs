using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>
/// URLs and policies in profiles name what only the issuer knows: <c>{base}</c> where it publishes, <c>{ski}</c> its key identifier in hexadecimal, <c>{shard}</c> the CRL on which
/// a serial number is, <c>{policyArc}</c>.
/// </summary>
public static class UrlTemplate
{
    public const string Base = "{base}";
    public const string Ski = "{ski}";
    public const string Shard = "{shard}";
    public const string PolicyArc = "{policyArc}";

    /// <summary>Which of <paramref name="count"/> CRLs a serial number is on: a fixed function, for what stands in a certificate cannot be changed.</summary>
    /// <returns><c>all</c> where there is one, else <c>COUNT-NUMBER</c>: a profile with another count has other names.</returns>
    public static string ShardName(SerialNumber serialNumber, int count)
    {
        ArgumentNullException.ThrowIfNull(serialNumber);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return NameOfShard(ShardNumber(serialNumber.Content, count), count);
    }

    /// <param name="shard">See <see cref="ShardNumber"/>.</param>
    internal static string NameOfShard(int shard, int count) => count == 1 ? "all" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{count}-{shard}");

    /// <param name="serialNumber">Content of the INTEGER.</param>
    internal static int ShardNumber(ReadOnlySpan<byte> serialNumber, int count)
    {
        // The last four octets: they are random in every serial number that we make.
        uint last = 0;
        foreach (byte octet in serialNumber[Math.Max(0, serialNumber.Length - sizeof(uint))..])
        {
            last = (last << 8) | octet;
        }

        return (int)(last % (uint)count);
    }

    /// <returns>What is wrong with the template, in English; null: nothing.</returns>
    internal static string? Fault(string template)
    {
        string filled = Fill(template, "http://example.cn", "00", "all");
        return filled.Contains('{', StringComparison.Ordinal) ? "only {base}, {ski} and {shard} are known"
            : !filled.All(char.IsAscii) ? "not ASCII"
            : !Uri.TryCreate(filled, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "ldap") ? "not an absolute http or ldap URL"
            : null;
    }

    internal static string? PolicyFault(string template)
    {
        string filled = template.StartsWith(PolicyArc, StringComparison.Ordinal) ? "1.2" + template[PolicyArc.Length..] : template;
        return AttributeNames.Find(filled) == filled ? null : "not an OID";
    }

    /// <summary>What a certificate of the issuer says in its place.</summary>
    /// <param name="publicationBase"><see cref="Publication.BaseUrl"/>.</param>
    /// <param name="keyIdentifier">The issuer's, lower-case hexadecimal.</param>
    /// <param name="shard">See <see cref="ShardName"/>.</param>
    public static string Fill(string template, string publicationBase, string keyIdentifier, string shard) => Require(template)
        .Replace(Base, publicationBase, StringComparison.Ordinal)
        .Replace(Ski, keyIdentifier, StringComparison.Ordinal)
        .Replace(Shard, shard, StringComparison.Ordinal);

    private static string Require(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        return template;
    }
}
