using ZwCa.Asn1;

namespace ZwCa.Issuance;

/// <summary>Outlines of the types of RFC 5280 §4.2: which elements stand where. What is in them is for other rules.</summary>
internal static class ExtensionForms
{
    /// <summary>What relying parties are asked to know, or may be (RFC 5280 §4.2, GM/T 0015-2012 §5.2.4): a critical one of these is no surprise.</summary>
    public static bool IsKnown(string id) =>
        id is Oids.KeyUsage or Oids.CertificatePolicies or Oids.SubjectAltName or Oids.BasicConstraints or Oids.NameConstraints
        or Oids.PolicyConstraints or Oids.PolicyMappings or Oids.ExtendedKeyUsage or Oids.InhibitAnyPolicy or Oids.CrlDistributionPoints or Oids.IssuerAltName
        or Oids.PrivateKeyUsagePeriod or Oids.AuthorityKeyIdentifier or Oids.SubjectKeyIdentifier or Oids.SubjectDirectoryAttributes or Oids.FreshestCrl
        or Oids.AuthorityInfoAccess or Oids.SubjectInfoAccess or Oids.OcspNoCheck;

    /// <summary>True for types that are not known here.</summary>
    public static bool Fits(string id, DerNode value) => id switch
    {
        Oids.BasicConstraints => IsBasicConstraints(value),
        Oids.KeyUsage => value.Tag == DerTag.BitString && value.Content.Length is >= 1 and <= 3,
        Oids.ExtendedKeyUsage => IsListOf(value, static each => each.Tag == DerTag.ObjectIdentifier),
        Oids.SubjectKeyIdentifier => value.Tag == DerTag.OctetString,
        Oids.AuthorityKeyIdentifier => IsListOf(value, static each => each.Tag is 0x80 or 0xa1 or 0x82),
        Oids.SubjectAltName or Oids.IssuerAltName => IsListOf(value, IsGeneralName),
        Oids.CertificatePolicies => IsListOf(value, static each => each.Tag == DerTag.Sequence && each.First.Tag == DerTag.ObjectIdentifier
            && (!each.First.Next.Exists || (each.First.Next.Tag == DerTag.Sequence && each.First.Next.First.Exists && !each.First.Next.Next.Exists))),
        Oids.PolicyMappings => IsListOf(value, static each => each.Tag == DerTag.Sequence && each.First.Tag == DerTag.ObjectIdentifier
            && each.First.Next.Tag == DerTag.ObjectIdentifier && !each.First.Next.Next.Exists),
        Oids.CrlDistributionPoints or Oids.FreshestCrl =>
            IsListOf(value, static each => each.Tag == DerTag.Sequence && IsListOf(each, static field => field.Tag is 0xa0 or 0x81 or 0xa2)),
        Oids.AuthorityInfoAccess or Oids.SubjectInfoAccess =>
            IsListOf(value, static each => each.Tag == DerTag.Sequence && each.First.Tag == DerTag.ObjectIdentifier
            && IsGeneralName(each.First.Next) && !each.First.Next.Next.Exists),
        Oids.PolicyConstraints => IsListOf(value, static each => each.Tag is 0x80 or 0x81),
        Oids.NameConstraints => IsListOf(value, static each => each.Tag is 0xa0 or 0xa1),
        Oids.PrivateKeyUsagePeriod => IsListOf(value, static each => each.Tag is 0x80 or 0x81),
        Oids.InhibitAnyPolicy => value.Tag == DerTag.Integer,
        Oids.SubjectDirectoryAttributes => IsListOf(value, static each => each.Tag == DerTag.Sequence),
        Oids.OcspNoCheck => value.Tag == DerTag.Null,
        _ => true,
    };

    /// <summary>RFC 5280 §4.2.1.6: nine alternatives; those that hold other elements are constructed.</summary>
    private static bool IsGeneralName(DerNode node) => node.Tag is 0xa0 or 0x81 or 0x82 or 0xa3 or 0xa4 or 0xa5 or 0x86 or 0x87 or 0x88;

    private static bool IsBasicConstraints(DerNode value)
    {
        DerNode field = value.First;
        field = field.Tag == DerTag.Boolean ? field.Next : field;
        field = field.Tag == DerTag.Integer ? field.Next : field;
        return value.Tag == DerTag.Sequence && !field.Exists;
    }

    private static bool IsListOf(DerNode list, Func<DerNode, bool> fits)
    {
        if (list.Tag != DerTag.Sequence)
        {
            return false;
        }

        foreach (DerNode each in list)
        {
            if (!fits(each))
            {
                return false;
            }
        }

        return true;
    }
}
