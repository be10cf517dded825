using ZwCa.Asn1.Pkix;

namespace ZwCa.Ocsp.Statuses;

/// <summary>How one certificate stands, and the response of that status if there is one. Times are Unix seconds.</summary>
internal struct CertificateStatus
{
    /// <summary>Of the status; a response of another version is none.</summary>
    public long Version;

    /// <summary>-1: it is good.</summary>
    public long RevokedAt;

    public RevocationReason Reason;

    public long NotAfter;

    /// <summary>Number of who signed the response; -1: there is none of this version.</summary>
    public short Signer;

    /// <summary>Of the response.</summary>
    public long ThisUpdate;

    /// <summary>Likewise.</summary>
    public long NextUpdate;

    /// <summary>Bytes of its signature.</summary>
    public int SignatureLength;

    public readonly bool IsRevoked => RevokedAt >= 0;

    public readonly bool HasResponse => Signer >= 0;
}
