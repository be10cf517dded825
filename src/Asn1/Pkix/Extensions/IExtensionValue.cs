namespace ZwCa.Asn1.Pkix;

/// <summary>The type of an extension's value, which knows the identifier it goes by.</summary>
public interface IExtensionValue<TSelf> : IDer<TSelf>
    where TSelf : IExtensionValue<TSelf>
{
    /// <summary>Dotted OID of extnID.</summary>
    static abstract string Id { get; }

    /// <summary>The criticality that RFC 5280 demands of issuers; null where it leaves the choice. Readers take both.</summary>
    static virtual bool? Critical => null;
}
