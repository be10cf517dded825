using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Kmc.Requests;

/// <summary>The KMC's own key and certificate: it signs its answers, and the content of envelopes. Safe for concurrent use.</summary>
/// <param name="Key">In the device, SM2.</param>
/// <param name="Certificate">Of that key.</param>
internal sealed record KmcSigner(HsmSigner Signer, HsmKey Key, Certificate Certificate)
{
    public EntName Name { get; } = EntName.Of(Certificate);

    /// <summary>Names the certificate in envelopes.</summary>
    public Asn1.Cms.IssuerAndSerialNumber Identifier { get; } = new(Certificate.Tbs.Issuer, Certificate.Tbs.SerialNumber);

    /// <returns>DER of KMRespond.</returns>
    public async Task<byte[]> SignAsync(KsRespond respond, CancellationToken cancellationToken)
    {
        byte[] bytes = Der.Encode(respond);
        return Der.Encode(KmRespond.Assemble(bytes, Signer.AlgorithmIdentifier, await Signer.SignAsync(bytes, cancellationToken)));
    }
}
