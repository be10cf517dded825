using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Officers;

/// <summary>
/// The keys that sign officers' certificates, pinned in the configuration: RFC 5280 §6.1.3 for a path of one certificate under a key that is known by other
/// means. Verified certificates are remembered by SM3 of their bytes, for they do not change; time and standing are asked anew each time. Safe for
/// concurrent use.
/// </summary>
public sealed class OfficerIssuers
{
    private const int MaxRemembered = 4096;

    private static readonly HashSet<string> Understood = [Oids.KeyUsage, Oids.BasicConstraints, Oids.OfficerIdentity];

    private readonly IReadOnlyList<Sm2PublicKey> _keys;
    private readonly ConcurrentDictionary<string, OfficerCertificate> _verified = [];

    /// <exception cref="ArgumentException">No key, or one that is not SM2.</exception>
    public OfficerIssuers(IReadOnlyList<SubjectPublicKeyInfo> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        _keys = keys.Count > 0
            ? [.. keys.Select(key => key.TryGetSm2Key(out Sm2PublicKey? sm2) ? sm2 : throw new ArgumentException("An officer issuer's key is SM2.", nameof(keys)))]
            : throw new ArgumentException("At least one officer issuer is needed.", nameof(keys));
    }

    /// <param name="bytes">DER of a certificate.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>, or <see cref="Refusal.BadSignature"/>: by no pinned issuer, or no officer's certificate.</exception>
    public OfficerCertificate Verify(ReadOnlyMemory<byte> bytes)
    {
        string digest = Convert.ToHexStringLower(Sm3.HashData(bytes.Span));
        if (_verified.TryGetValue(digest, out OfficerCertificate? known))
        {
            return known;
        }

        OfficerCertificate verified;
        try
        {
            // A copy: what is remembered must not change with the caller's buffer.
            byte[] copy = bytes.ToArray();
            verified = Verify(Der.Decode<Certificate>(copy), copy);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "人员证书格式有误。", inner: e);
        }

        // Beyond any real number of officers: somebody sends certificates made up of valid ones, or years have passed.
        if (_verified.Count >= MaxRemembered)
        {
            _verified.Clear();
        }

        _verified[digest] = verified;
        return verified;
    }

    /// <inheritdoc cref="Verify(ReadOnlyMemory{byte})"/>
    public OfficerCertificate Verify(Certificate certificate) => Verify(Der.Encode(certificate));

    /// <summary>The pinned key that made an SM2 signature; null: none of them.</summary>
    internal Sm2PublicKey? FindSigner(ReadOnlySpan<byte> message, ReadOnlyMemory<byte> signature)
    {
        byte[] raw = Der.Decode<Sm2Signature>(signature).Raw.ToArray();
        foreach (Sm2PublicKey key in _keys)
        {
            if (key.Verify(message, raw))
            {
                return key;
            }
        }

        return null;
    }

    private OfficerCertificate Verify(Certificate certificate, byte[] bytes)
    {
        TbsCertificate tbs = certificate.Tbs;
        Require(tbs is { Version: 3, Extensions: not null }, "人员证书不是第3版。");
        Require(certificate.AlgorithmsAgree && certificate.SignatureAlgorithm == AlgorithmIdentifier.Sm3WithSm2, "人员证书的签名算法不是SM3withSM2。");
        Sm2PublicKey issuer = FindSigner(certificate.TbsBytes.Span, certificate.Signature)
            ?? throw new RefusalException(Refusal.BadSignature, "人员证书不是由受信任的人员证书签发者签发。");

        Extensions extensions = tbs.Extensions!;
        Require(!extensions.CriticalExcept(Understood).Any(), "人员证书含有无法识别的关键扩展。");
        Require(extensions.Find<BasicConstraints>() is not { IsCa: true }, "CA证书不能用作人员证书。");
        KeyUsages usages = extensions.Find<KeyUsage>()?.Usages ?? KeyUsages.None;
        Require(usages.HasFlag(KeyUsages.DigitalSignature) && !usages.HasFlag(KeyUsages.KeyCertSign), "人员证书的密钥用法不是数字签名。");
        OfficerIdentity? identity = extensions.Find<OfficerIdentity>();
        Require(identity is not null, "证书中没有人员身份扩展。");

        // One encoding of a key only: who decides is counted by it.
        return tbs.SubjectPublicKeyInfo.PublicKey.Length == Sm2.PublicKeySizeInBytes && tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key)
            ? new OfficerCertificate(certificate, bytes, identity!, key, issuer)
            : throw new RefusalException(Refusal.BadSignature, "人员证书的公钥不是SM2公钥。");
    }

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.BadSignature, detail);
        }
    }
}
