using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Kmc.Requests;

/// <summary>Who sent a message of GM/T 0014: the checks of docs/KMC.md, step 1, before anything of it is believed.</summary>
internal sealed class Sender(Database database, TimeProvider time)
{
    /// <summary>Of a message.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MaxRequests = 100;

    /// <summary>With the tables that make verifying three times as fast, by the SM3 of the certificate: of CAs, of which there are few. Null: no SM2 key.</summary>
    private readonly ConcurrentDictionary<string, Sm2PublicKey?> _keys = new(StringComparer.Ordinal);

    /// <param name="linkName">Of the client over whose link it came.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Malformed"/>; <see cref="Refusal.BadSignature"/>: of no CA that is served, or not signed by it; <see cref="Refusal.NotAllowed"/>: it is frozen, or its certificate is not in its time;
    /// <see cref="Refusal.LinkNotTrusted"/>: another's link.
    /// </exception>
    public async Task<(ServedCa Ca, CaRequest Message)> IdentifyAsync(ReadOnlyMemory<byte> bytes, string linkName, CancellationToken cancellationToken)
    {
        CaRequest message;
        try
        {
            message = CaRequest.Decode(bytes, MaxBytes, MaxRequests);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "报文不是GM/T 0014的CARequest。", inner: e);
        }

        EntName name = message.KsRequest.CaName;
        ServedCa ca = await database.ReadAsync(transaction => ServedCa.FindAsync(transaction, name.EntPubKeyHash.ToArray()), cancellationToken)
            ?? throw new RefusalException(Refusal.BadSignature, "报文的发送方不是已登记的CA。");
        Require(linkName == ca.LinkName, Refusal.LinkNotTrusted, "报文不是经该CA自己的链路发送的。");

        // The name says which key to try; the rest of it has to be that of the certificate too.
        Certificate certificate = ca.DecodeCertificate();
        Require(
            name.HashAlgorithm.Algorithm == Asn1.Oids.Sm3
                && name.Name is DirectoryName directory && directory.Name.Encoded.Span.SequenceEqual(certificate.Tbs.Subject.Encoded.Span)
                && name.SerialNumber == certificate.Tbs.SerialNumber,
            Refusal.BadSignature,
            "报文中CA的名称、公钥摘要或证书序列号与登记的不一致。");
        Require(IsSigned(message, KeyOf(ca, certificate)), Refusal.BadSignature, "报文的签名无效。");
        ca.RequireStanding(time.GetUtcNow());
        return (ca, message);
    }

    private Sm2PublicKey? KeyOf(ServedCa ca, Certificate certificate) => _keys.GetOrAdd(
        Convert.ToHexString(Sm3.HashData(ca.Certificate)),
        static (_, certificate) =>
        {
            if (certificate.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key))
            {
                key.Prepare();
            }

            return key;
        },
        certificate);

    private static bool IsSigned(CaRequest message, Sm2PublicKey? key)
    {
        try
        {
            return key is not null && key.Verify(message.KsRequestBytes.Span, message.DecodeSm2Signature().Raw.Span);
        }
        catch (DerException)
        {
            return false;
        }
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
