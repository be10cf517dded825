namespace ZwCa.Ca.Registrations;

/// <summary>Shipped profiles by which the system itself is run.</summary>
internal static class SystemProfile
{
    /// <summary>Messages of RAs.</summary>
    public const string Ra = "ra-system";

    /// <summary>Keys of services.</summary>
    public const string ServiceSigner = "service-signer";

    /// <summary>Links of services.</summary>
    public const string Link = "link";

    /// <summary>Links of persons.</summary>
    public const string OfficerLink = "officer-link";

    /// <summary>Keys in a CA's device that sign OCSP responses ahead of time.</summary>
    public const string OcspResponder = "ocsp-responder";

    /// <summary>Keys of responder nodes.</summary>
    public const string OcspNode = "ocsp-node";
}
