using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.Ca.KeyCentre;

/// <summary>What the KMC answered about one key: its public half, and the private half for the subscriber's token alone. Its signature has been verified.</summary>
/// <param name="Reply">DER of KMRespond.</param>
/// <param name="TaskNo">Decimal.</param>
internal sealed record EscrowedPair(byte[] Reply, string TaskNo, RetKeyRespond Content)
{
    public SubjectPublicKeyInfo PublicKey => Content.RetPubKey;

    /// <summary>SM3 of <see cref="Reply"/>.</summary>
    public byte[] ReplyHash { get; } = Sm3.HashData(Reply);

    /// <summary>GM/T 0009 §7.4.</summary>
    public Sm2EnvelopedKey Envelope => new(Cipher, PublicKey.PublicKey, Content.RetPriKey.EncryptedContentInfo.EncryptedContent!.Value);

    private Sm2Cipher Cipher => Content.RetPriKey.RecipientInfos[0].DecodeSm2Cipher();

    /// <returns>ENVELOPEDKEYBLOB of GM/T 0016. Null: the KMC gives only the half that it cannot be made of.</returns>
    public EnvelopedKeyBlob? FindBlob() =>
        KeyEnvelope.FindEncryptedPrivateKey(Content.RetPriKey) is { } whole ? new EnvelopedKeyBlob(whole, PublicKey.PublicKey, Cipher) : null;
}
