using ZwCa.Asn1;
using ZwCa.Asn1.Cms;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Kmc.Requests;

/// <summary>retPriKey (GM/T 0014) as a CA wants it: docs/KMC.md says how CAs differ. What is enciphered in it, and to whom, is the same for all.</summary>
internal static class RetPriKey
{
    /// <returns>The key that signs the content inside the device; null: the content is not what is signed.</returns>
    public static HsmKey? DeviceSigner(ServedCa ca, KmcSigner signer) => ca.SignedPart == SignedPart.Content ? signer.Key : null;

    /// <param name="envelope">Made with <see cref="DeviceSigner"/>.</param>
    public static async Task<SignedAndEnvelopedData> BuildAsync(ServedCa ca, KmcSigner signer, KeyEnvelope envelope, CancellationToken cancellationToken)
    {
        Sm2Signature signature = ca.SignedPart == SignedPart.Content
            ? envelope.ContentSignature ?? throw new InvalidOperationException("The envelope was made without a signing key.")
            : Der.Decode<Sm2Signature>(await signer.Signer.SignAsync(Der.Encode(envelope.ToEncryptedContentInfo()), cancellationToken));
        SignerInfo info = ca.SignatureForm == SignatureForm.Der
            ? SignerInfo.Sm2(signer.Identifier, signature)
            : new SignerInfo(signer.Identifier, AlgorithmIdentifier.Sm3, null, new AlgorithmIdentifier(Asn1.Oids.Sm2Sign), signature.Raw);

        // The subscriber's signing certificate may not exist yet: as others do, the CA's stands for it.
        TbsCertificate of = ca.DecodeCertificate().Tbs;
        return envelope.ToSignedAndEnvelopedData(new IssuerAndSerialNumber(of.Issuer, of.SerialNumber), info);
    }
}
