using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>What a CA of the policy asked for in a message that it signed (GM/T 0014): the result of <see cref="Verify"/>, and nobody else makes one.</summary>
internal sealed class CaAuthorization
{
    private const int MaxMessageBytes = 1 << 20;
    private const int MaxRequests = 100;
    private const int Sm2KeyBits = 256;

    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(24);
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private CaAuthorization(string caName, SerialNumber serialNumber, bool isApply)
    {
        CaName = caName;
        SerialNumber = serialNumber;
        IsApply = isApply;
    }

    /// <summary>As in the policy.</summary>
    public string CaName { get; }

    /// <summary>Of the encryption certificate.</summary>
    public SerialNumber SerialNumber { get; }

    /// <summary>An ApplyKeyReq; else a RestoreKeyReq.</summary>
    public bool IsApply { get; }

    /// <exception cref="HsmException"><see cref="HsmFailure.Refused"/>: the message does not authorize that.</exception>
    public static CaAuthorization Verify(
        PolicyInForce policy, EnvelopeAuthorization.ByCa authorization, SubjectPublicKeyInfo recipient, DateTimeOffset now)
    {
        CaRequest message = Refusal.Read(() => CaRequest.Decode(authorization.Message, MaxMessageBytes, MaxRequests), "The CA's message");
        KsRequest ksRequest = message.KsRequest;

        // The name in the message only says which key to try; whose key it is says the policy, and by which algorithm, the key.
        Refusal.Unless(ksRequest.CaName.HashAlgorithm.Algorithm == Asn1.Oids.Sm3, "The message names its sender by another hash than SM3.");
        (AuthorizingCa ca, Sm2PublicKey key) = policy.FindCa(ksRequest.CaName.EntPubKeyHash.Span);
        Sm2Signature signature = Refusal.Read(message.DecodeSm2Signature, "The message's signature");
        Refusal.Unless(key.Verify(message.KsRequestBytes.Span, signature.Raw.Span), $"The message is not signed by the CA {ca.Name}.");

        DateTimeOffset requested = ksRequest.RequestTime.Value;
        Refusal.Unless(requested >= now - MaxAge, "The message is older than 24 hours.");
        Refusal.Unless(requested <= now + ClockSkew, "The message is from the future.");

        int count = ksRequest.RequestList.Count;
        Refusal.Unless(
            authorization.Index >= 0 && authorization.Index < count, $"The message has {count} requests, none with the index {authorization.Index}.");
        switch (ksRequest.RequestList[authorization.Index])
        {
            case ApplyKeyReq apply:
                Refusal.Unless(
                    IsSm2(apply.AppKeyType) && apply.AppKeyLen == Sm2KeyBits,
                    "The CA asks for another key than SM2.");
                CheckAlgorithms(apply.RetAsymAlg, apply.RetSymAlg, apply.RetHashAlg);
                CheckRecipient(apply.AppUserInfo.UserPubKey, recipient);
                return new CaAuthorization(ca.Name, apply.AppUserInfo.UserCertNo, isApply: true);
            case RestoreKeyReq restore:
                CheckAlgorithms(restore.RetAsymAlg, restore.RetSymAlg, restore.RetHashAlg);
                CheckRecipient(restore.UserPubKey, recipient);
                return new CaAuthorization(ca.Name, restore.UserCertNo, isApply: false);
            default:
                throw Refusal.Because("The CA asks for no key in that request.");
        }
    }

    private static void CheckRecipient(SubjectPublicKeyInfo named, SubjectPublicKeyInfo recipient) =>
        Refusal.Unless(named == recipient, "The recipient is not the one that the CA names.");

    // Some peers name the curve alone, some the kind of key with the curve as its parameter, some the kind of key without one. P-256 has 256 bits too.
    private static bool IsSm2(AlgorithmIdentifier keyType) =>
        keyType.Algorithm == Asn1.Oids.Sm2 || keyType == AlgorithmIdentifier.Sm2Key || keyType is { Algorithm: Asn1.Oids.EcPublicKey, Parameters: null };

    // GM/T 0006 has an identifier for the cipher and one for its ECB mode, and for the curve and for encryption with it; peers differ.
    private static void CheckAlgorithms(AlgorithmIdentifier asymmetric, AlgorithmIdentifier symmetric, AlgorithmIdentifier hash) =>
        Refusal.Unless(
            asymmetric.Algorithm is Asn1.Oids.Sm2 or Asn1.Oids.Sm2Encrypt
                && symmetric.Algorithm is Asn1.Oids.Sm4 or Asn1.Oids.Sm4Ecb
                && hash.Algorithm == Asn1.Oids.Sm3,
            "The CA asks for another envelope than of SM2, SM4 and SM3.");
}
