namespace ZwCa.Asn1.Pkix;

/// <summary>Short names of attribute types, as people write them in a DN.</summary>
public static class AttributeNames
{
    /// <param name="name">A short name (RFC 4514 §3 and the LDAP registry, upper and lower case alike) or a dotted OID.</param>
    /// <returns>The dotted OID; null: neither.</returns>
    public static string? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return AttributeType.FindOid(name) ?? (Require.IsOid(name) ? name : null);
    }

    /// <returns>The short name, or the OID where there is none.</returns>
    public static string ShortName(string oid) => AttributeType.Of(oid).ShortName ?? oid;
}
