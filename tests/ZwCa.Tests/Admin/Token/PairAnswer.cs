using System.Security.Cryptography;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using Sm2Cipher = ZwCa.Asn1.Gm.Sm2Cipher;

namespace ZwCa.Tests.Admin.Token;

/// <summary>What a CA and its KMC answer to an order of a pair: two certificates, and the encryption key in an envelope to the signing key.</summary>
internal sealed record PairAnswer(Certificate Signing, Certificate Encryption, KeyEnvelope Sealed)
{
    private static readonly Name Issuer = Name.Create((Oids.CommonName, "签发"));
    private static readonly Name Subject = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "张三"));

    public static byte[] IssuerKeyId { get; } = [1, 2, 3, 4];

    public byte[] PairId { get; } = RandomNumberGenerator.GetBytes(DeliveryReceipt.PairLength);

    public byte[] Der => ZwCa.Asn1.Der.Encode(Sealed.ToSm2EnvelopedKey());

    public byte[] Blob => Sealed.ToEnvelopedKeyBlob().ToBytes();

    public SerialNumber Serial => Encryption.Tbs.SerialNumber;

    /// <param name="signingKey">The token's.</param>
    public static PairAnswer For(SubjectPublicKeyInfo signingKey, DateTimeOffset now)
    {
        using var key = Sm2PrivateKey.Generate();
        return new PairAnswer(
            Certify(signingKey, KeyUsage.Signing, now), Certify(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), KeyUsage.Encryption, now), Envelope(key, signingKey));
    }

    /// <summary>For another token of the same person: the same encryption certificate, its key enveloped anew.</summary>
    public PairAnswer RecoverTo(SubjectPublicKeyInfo signingKey, Sm2PrivateKey encryptionKey, DateTimeOffset now) =>
        new(Certify(signingKey, KeyUsage.Signing, now), Encryption, Envelope(encryptionKey, signingKey));

    public static KeyEnvelope Envelope(Sm2PrivateKey key, SubjectPublicKeyInfo recipient)
    {
        Assert.True(recipient.TryGetSm2Key(out Sm2PublicKey? to));
        byte[] sm4Key = RandomNumberGenerator.GetBytes(Sm4.KeySizeInBytes);
        using var sm4 = new Sm4(sm4Key);
        byte[] plain = new byte[64];
        key.ExportBytes(plain.AsSpan(32));
        return new KeyEnvelope(
            new byte[16], key.PublicKey.ToBytes(), Sm2Cipher.FromRaw(to.Encrypt(sm4Key)), sm4.EncryptEcb(plain, PaddingMode.None), ContentSignature: null, Array.Empty<byte>());
    }

    public static Certificate Certify(
        SubjectPublicKeyInfo key, KeyUsage usage, DateTimeOffset now, Name? subject = null, Name? issuer = null, byte[]? issuerKeyId = null, SerialNumber? serial = null) =>
        Certificate.Assemble(
            ZwCa.Asn1.Der.Encode(new TbsCertificate(
                serial ?? SerialNumber.FromBytes([0x40, .. RandomNumberGenerator.GetBytes(15)]),
                AlgorithmIdentifier.Sm3WithSm2,
                issuer ?? Issuer,
                new Validity(Time.Truncate(now.AddMinutes(-1)), Time.Truncate(now.AddYears(1))),
                subject ?? Subject,
                key,
                new Extensions(Extension.Create(usage, critical: true), Extension.Create(new AuthorityKeyIdentifier(issuerKeyId ?? IssuerKeyId), critical: false)))),
            Convert.FromHexString("3006020101020102"));

    public SignedReceipt ImportInto(UnlockedToken token, string container, byte[]? envelope = null) =>
        token.ImportPair(container, Signing, Encryption, envelope ?? Der, PairId, IssuerKeyId);

    /// <summary>As somebody encrypts who has the certificate.</summary>
    public byte[] Encrypt(ReadOnlySpan<byte> message)
    {
        Assert.True(Encryption.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key));
        return ZwCa.Asn1.Der.Encode(Sm2Cipher.FromRaw(key.Encrypt(message)));
    }
}
