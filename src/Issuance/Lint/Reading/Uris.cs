using System.Text;
using ZwCa.Asn1;

namespace ZwCa.Issuance;

/// <summary>URIs of CRLDistributionPoints and AuthorityInfoAccess: alternative [6] of GeneralName.</summary>
internal static class Uris
{
    private const byte Uri = 0x86;

    public static byte[] Ocsp { get; } = KnownOid.Content(Oids.OcspAccess);

    public static byte[] CaIssuers { get; } = KnownOid.Content(Oids.CaIssuersAccess);

    /// <summary>RFC 3986 §4.3: a scheme, a colon and something; printable ASCII without spaces; for http and ldap an authority.</summary>
    public static bool IsAbsolute(ReadOnlySpan<byte> text)
    {
        int colon = text.IndexOf((byte)':');
        if (colon < 1 || colon == text.Length - 1 || text.ContainsAnyExceptInRange((byte)0x21, (byte)0x7e) || !char.IsAsciiLetter((char)text[0]))
        {
            return false;
        }

        foreach (byte octet in text[..colon])
        {
            if (!char.IsAsciiLetterOrDigit((char)octet) && octet is not ((byte)'+' or (byte)'-' or (byte)'.'))
            {
                return false;
            }
        }

        return !IsScheme(text[..colon], "http") || (text[(colon + 1)..].StartsWith("//"u8) && text.Length > colon + 3 && text[colon + 3] != '/');
    }

    /// <param name="scheme">Lower case.</param>
    public static bool HasScheme(DerNode uri, string scheme) => uri.Content.IndexOf((byte)':') is >= 0 and var colon
        && IsScheme(uri.Content[..colon], scheme);

    /// <summary>Whether one of the places of distribution points is such a URI.</summary>
    public static bool Find(DerNode distributionPoints, Func<DerNode, bool> isSuch)
    {
        foreach (DerNode point in distributionPoints)
        {
            if (point.First.Tag != 0xa0 || point.First.First.Tag != 0xa0)
            {
                continue;
            }

            foreach (DerNode name in point.First.First)
            {
                if (name.Tag == Uri && isSuch(name))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether every place of distribution points contains the text.</summary>
    public static bool AllContain(DerNode distributionPoints, byte[] text)
    {
        foreach (DerNode point in distributionPoints)
        {
            foreach (DerNode name in point.First.First)
            {
                if (name.Tag == Uri && name.Content.IndexOf(text) < 0)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Whether one of the descriptions has such a URI.</summary>
    public static bool FindAccess(CertificateView certificate, Func<DerNode, bool> isSuch)
    {
        foreach (DerNode access in certificate.Value(Oids.AuthorityInfoAccess))
        {
            if (access.First.Next.Tag == Uri && isSuch(access.First.Next))
            {
                return true;
            }
        }

        return false;
    }

    public static bool HasAccess(CertificateView certificate, byte[] method)
    {
        foreach (DerNode access in certificate.Value(Oids.AuthorityInfoAccess))
        {
            if (access.First.IsOid(method))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a distribution point has a field with the tag.</summary>
    public static bool HasField(CertificateView certificate, byte tag)
    {
        foreach (DerNode point in certificate.Value(Oids.CrlDistributionPoints))
        {
            foreach (DerNode field in point)
            {
                if (field.Tag == tag)
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether the name and those after it are these URIs, in their order.</summary>
    public static bool AreThese(DerNode name, byte[][] expected)
    {
        foreach (byte[] place in expected)
        {
            if (name.Tag != Uri || !name.Content.SequenceEqual(place))
            {
                return false;
            }

            name = name.Next;
        }

        return !name.Exists;
    }

    private static bool IsScheme(ReadOnlySpan<byte> text, string scheme) => Ascii.EqualsIgnoreCase(text, scheme);
}
