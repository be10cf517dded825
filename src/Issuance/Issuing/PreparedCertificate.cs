using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>
/// A TBSCertificate that was judged and may be signed: what <see cref="Issuer.Prepare"/> gives and <see cref="Issuer.IssueAsync"/> takes, of the same issuer and once. Nobody else
/// can make one.
/// </summary>
public sealed class PreparedCertificate
{
    private readonly Issuer _issuer;
    private int _redeemed;

    internal PreparedCertificate(Issuer issuer, Profile profile, TbsCertificate tbs, byte[] tbsBytes, CertificateView judged)
    {
        _issuer = issuer;
        Judged = judged;
        Profile = profile;
        Tbs = tbs;
        TbsBytes = tbsBytes;
    }

    public Profile Profile { get; }

    public TbsCertificate Tbs { get; }

    /// <summary>DER: these bytes and no others will be signed. They belong into the intention.</summary>
    public ReadOnlyMemory<byte> TbsBytes { get; }

    public SerialNumber SerialNumber => Tbs.SerialNumber;

    /// <summary>With the signature of a throwaway key.</summary>
    internal CertificateView Judged { get; }

    internal bool IsOf(Issuer issuer) => ReferenceEquals(issuer, _issuer);

    /// <exception cref="InvalidOperationException">Another issuer's, or used already.</exception>
    internal void Redeem(Issuer issuer)
    {
        if (!IsOf(issuer))
        {
            throw new InvalidOperationException("The certificate was prepared by another issuer.");
        }

        if (Interlocked.Exchange(ref _redeemed, 1) != 0)
        {
            throw new InvalidOperationException("The prepared certificate was signed already, or its signing failed: prepare the same bytes again.");
        }
    }
}
