namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>How much a service puts up with.</summary>
public enum ServiceMode
{
    /// <summary>Refuses demo material, fault points and keys without a password.</summary>
    Production,

    /// <summary>For showing: marked material is welcome.</summary>
    Demo,

    Development,
}
