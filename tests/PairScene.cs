using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa;

/// <summary>What is sent to a CA about pairs, and what a subscriber's token does with the answers. Linked into the test projects.</summary>
internal static class PairScene
{
    public const string Signing = "person-signing";
    public const string Encryption = "person-encryption";

    /// <summary>For an RA that asks for pairs besides.</summary>
    public static readonly IReadOnlyList<string> Profiles = [.. CaScene.PlainProfiles, Signing, Encryption];

    /// <summary>A draft of an application for a civil servant's pair.</summary>
    public static IssueDraft Draft(CaIssuers issuers, Sm2PrivateKey key, string? entity = null) => Draft(issuers, Of(key), entity);

    /// <inheritdoc cref="Draft(CaIssuers, Sm2PrivateKey, string)"/>
    public static IssueDraft Draft(CaIssuers issuers, SubjectPublicKeyInfo key, string? entity = null)
    {
        entity ??= CaScene.NewEntity();
        return new IssueDraft
        {
            EnrollmentId = CaScene.NewEntity(),
            Body = new CertificateBody
            {
                Profile = Signing,
                ProfileHash = ProfileCatalogue.Shipped[Signing].Hash,
                Encryption = new ProfileReference(Encryption, ProfileCatalogue.Shipped[Encryption].Hash),
                Issuer = issuers.Subscribers.KeyIdentifier,
                Entity = entity,
                Subject =
                [
                    new SubjectAttributeText(Oids.OrganizationName, "示例市档案局"),
                    new SubjectAttributeText(Oids.CommonName, "张三"),
                    new SubjectAttributeText(Oids.SerialNumber, entity),
                ],
                SubjectPublicKeyInfo = key,
                Days = 365,
                Evidence = Sm3.HashData([]),
            },
        };
    }

    public static SubjectPublicKeyInfo Of(Sm2PrivateKey key) => SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());

    /// <summary>As the token does, with the signing key.</summary>
    /// <exception cref="InvalidOperationException">The key in it is not the envelope's.</exception>
    public static Sm2PrivateKey Open(byte[] envelope, Sm2PrivateKey signing)
    {
        Sm2EnvelopedKey enveloped = Der.Decode<Sm2EnvelopedKey>(envelope);
        byte[] key = signing.Decrypt(enveloped.SymEncryptedKey.Raw.Span);
        using var sm4 = new Sm4(key);
        var opened = Sm2PrivateKey.FromBytes(sm4.DecryptEcb(enveloped.EncryptedPrivateKey.Span, PaddingMode.None));
        return opened.PublicKey.ToBytes().AsSpan().SequenceEqual(enveloped.PublicKey.Span) ? opened : throw new InvalidOperationException("The key is another.");
    }

    /// <summary>What the token says of it.</summary>
    public static PairReceipt Receipt(PairAnswer pair, Sm2PrivateKey signing, DeliveryOutcome outcome = DeliveryOutcome.Accepted) => new()
    {
        Receipt = Der.Encode(SignedReceipt.Create(
            new DeliveryReceipt(
                Convert.FromHexString(pair.DeliveryId!),
                Convert.FromHexString(pair.Signing.Issuer),
                SerialNumber.Parse(pair.Recipient!),
                SerialNumber.Parse(pair.Encryption.Serial),
                Sm3.HashData(pair.Envelope!),
                outcome,
                Time.Truncate(TimeProvider.System.GetUtcNow())),
            signing)),
    };

    /// <summary>About its status, or its key.</summary>
    public static Application Apply(DecisionKind kind, byte[] body, string region = CaScene.City) => new(kind, CaScene.Name, CaScene.RaName, region, CaScene.NewEntity(), body);

    public static CertificateReference Reference(CertificateAnswer certificate) => new(Convert.FromHexString(certificate.Issuer), SerialNumber.Parse(certificate.Serial));

    /// <summary>The key of a pair, to another signing key.</summary>
    public static Application Recovery(PairAnswer pair, Sm2PrivateKey recipient) => Apply(
        DecisionKind.Recovery, Der.Encode(new RecoveryBody(Convert.FromHexString(pair.Encryption.Issuer), SerialNumber.Parse(pair.KeySerial), Of(recipient))));
}
