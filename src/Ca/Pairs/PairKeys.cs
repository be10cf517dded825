using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.KeyCentre;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Pairs;

/// <summary>The encryption key of a pair to be.</summary>
/// <param name="KeySerial">By which the KMC knows it.</param>
/// <param name="Escrowed">What the KMC answered. Null: the subscriber has the key already.</param>
internal sealed record PairKey(SubjectPublicKeyInfo PublicKey, string KeySerial, EscrowedPair? Escrowed);

/// <summary>
/// Where the encryption key of a pair comes from: from the KMC, or, where a pair is renewed (and where its profile keeps it, also when the signing key changes), it is the one that the subscriber has.
/// Safe for concurrent use.
/// </summary>
/// <param name="centre">Null: this CA has no KMC, and issues no pairs.</param>
internal sealed class PairKeys(Database database, AuthorityList authorities, KeyCentreClient? centre)
{
    private KeyCentreClient Centre => centre ?? throw new RefusalException(Refusal.OutOfScope, "本CA未配置密钥管理中心，不签发双证书。");

    /// <summary>On record before the KMC is asked: whatever it binds from now on is this certificate's, or is revoked.</summary>
    public async Task ReserveAsync(Transaction transaction, IssuanceOrder order, Reserved encryption, DateTimeOffset now)
    {
        _ = Centre;
        if (!Keeps(order, encryption.Profile))
        {
            await KeyTaskStore.AddAsync(transaction, KeyTaskKind.Applied, encryption.Row.CertificateId, encryption.Row.Serial, now);
        }
    }

    /// <param name="validity">Of both certificates.</param>
    /// <exception cref="RefusalException">As <see cref="KeyCentreClient.ApplyAsync"/>; <see cref="Refusal.NotFound"/>: what is replaced is no pair.</exception>
    public async Task<PairKey> GetAsync(IssuanceOrder order, Reserved encryption, Validity validity, CancellationToken cancellationToken)
    {
        if (!Keeps(order, encryption.Profile))
        {
            EscrowedPair escrowed = await Centre.ApplyAsync(SerialNumber.Parse(encryption.Row.Serial), order.Body.SubjectPublicKeyInfo, validity, order.Region, cancellationToken);
            return new PairKey(escrowed.PublicKey, encryption.Row.Serial, escrowed);
        }

        return await database.ReadAsync(
            async transaction =>
            {
                (PairRow pair, CertificateRow old) = await FindOldAsync(transaction, order);
                return new PairKey(old.FindCertificate()!.Tbs.SubjectPublicKeyInfo, pair.KeySerial, null);
            },
            cancellationToken);
    }

    /// <summary>The encryption certificate that the new one follows. Where it keeps its key, it is valid, and stays so until the transaction ends.</summary>
    /// <param name="replaced">The signing certificate that is followed; null: none.</param>
    public async Task<byte[]?> FindReplacedAsync(Transaction transaction, IssuanceOrder order, CertificateRow? replaced, PairKey key, DateTimeOffset now)
    {
        if (replaced is null)
        {
            return null;
        }

        (PairRow pair, CertificateRow old) = await FindOldAsync(transaction, order);

        // Whoever keeps a key has it.
        if (key.Escrowed is null && await PairStore.FindLastDeliveryAsync(transaction, pair.PairId) is { State: not DeliveryState.Delivered })
        {
            throw new RefusalException(Refusal.WrongState, "原加密密钥尚未交付签收，不能沿用，请先领取并签收。");
        }

        return key.Escrowed is not null || await CertificateStore.HoldValidAsync(transaction, old.CertificateId, now)
            ? old.CertificateId
            : throw new RefusalException(Refusal.WrongState, "原加密证书已吊销、已冻结或已过期，不能沿用其密钥，请重新申请。");
    }

    /// <summary>Both have their intentions: the pair is one from now on, and the key is its own.</summary>
    public static async Task IntendAsync(Transaction transaction, CertificateRow signing, CertificateRow encryption, PairKey key, DateTimeOffset now)
    {
        await PairStore.InsertAsync(
            transaction, new PairRow { PairId = signing.CertificateId, EncryptionId = encryption.CertificateId, KeySerial = key.KeySerial, IntendedAt = now });
        if (key.Escrowed is not { } escrowed)
        {
            return;
        }

        if (!await KeyTaskStore.KeepAsync(transaction, encryption.CertificateId))
        {
            throw new RefusalException(Refusal.Unavailable, "签发超时，请稍后用同一申请重试。");
        }

        await PairStore.AddDeliveryAsync(transaction, signing.CertificateId, signing.CertificateId, escrowed, now);
    }

    /// <summary>Before an intention is signed that lay in the database: its key is one that the KMC has signed, for this certificate; or that of the certificate it follows.</summary>
    /// <exception cref="RefusalException">It is not.</exception>
    public async Task RequireAsync(CertificateRow signing, CertificateRow encryption, CancellationToken cancellationToken)
    {
        (PairRow? pair, DeliveryRow? delivery, CertificateRow? old) = await database.ReadAsync(
            async transaction => (
                await PairStore.FindAsync(transaction, signing.CertificateId),
                await PairStore.FindLastDeliveryAsync(transaction, signing.CertificateId),
                encryption.Replaces is { } replaces ? await CertificateStore.FindAsync(transaction, replaces) : null),
            cancellationToken);
        TbsCertificate tbs = Der.Decode<TbsCertificate>(encryption.Tbs);
        SubjectPublicKeyInfo key = tbs.SubjectPublicKeyInfo;
        bool isRight;
        if (delivery is null)
        {
            // By what the CA has signed, and not by what rows say: an encryption certificate of the same subject.
            Authority? authority = old is null ? null : authorities.All.FirstOrDefault(each => each.Id == old.AuthorityId);
            isRight = old?.FindCertificate() is { } kept && authority is not null && kept.Tbs.SubjectPublicKeyInfo == key
                && kept.Tbs.Subject == tbs.Subject && kept.Tbs.Extensions?.Find<KeyUsage>() == tbs.Extensions?.Find<KeyUsage>()
                && SignatureCheck.Holds(authority.Issuer.SubjectPublicKeyInfo, authority.Issuer.Algorithm, kept.TbsBytes, kept.Signature);
        }
        else
        {
            isRight = pair!.KeySerial == encryption.Serial && delivery.Reply is { } reply && RequireCentre().Read(reply, SerialNumber.Parse(encryption.Serial)).PublicKey == key;
        }

        if (!isRight)
        {
            throw new RefusalException(Refusal.NotApproved, "加密证书的密钥不是密钥管理中心为其产生的。");
        }
    }

    /// <summary>An encryption certificate has ended: the KMC puts its key into history, unless another certificate goes on with it.</summary>
    /// <param name="row">Any certificate that was revoked or given up.</param>
    public static async Task EndAsync(Transaction transaction, CertificateRow row, DateTimeOffset now)
    {
        if (await PairStore.FindByEncryptionAsync(transaction, row.CertificateId) is not { } pair)
        {
            return;
        }

        await PairStore.WithdrawAsync(transaction, pair, now);
        if (!await PairStore.HoldAndFindKeyUsedAsync(transaction, pair))
        {
            await KeyTaskStore.AddAsync(transaction, KeyTaskKind.Revoke, row.CertificateId, pair.KeySerial, now);
        }
    }

    /// <summary>Its keys are there: a configuration that lacks the KMC for a while gives nothing up.</summary>
    private KeyCentreClient RequireCentre() => centre ?? throw new RefusalException(Refusal.Unavailable, "本CA未配置密钥管理中心，请联系管理员。", TimeSpan.FromMinutes(1));

    private static bool Keeps(IssuanceOrder order, Profile encryption) =>
        order.Kind == (short)DecisionKind.Renew || (order.Kind == (short)DecisionKind.Rekey && encryption.Options.KeepsKey);

    private async Task<(PairRow Pair, CertificateRow Encryption)> FindOldAsync(Transaction transaction, IssuanceOrder order)
    {
        CertificateReference reference = order.Body.Replaces ?? throw new RefusalException(Refusal.Malformed, "更新或换发申请未写明原证书。");
        Authority? authority = authorities.Find(reference.Issuer.Span);
        CertificateRow? signing = authority is null ? null : await CertificateStore.FindAsync(transaction, authority.Id, reference.SerialNumber.ToString());
        PairRow? pair = signing is null || signing.Owner != order.Owner ? null : await PairStore.FindAsync(transaction, signing.CertificateId);
        CertificateRow? encryption = pair is null ? null : await CertificateStore.FindAsync(transaction, pair.EncryptionId);
        return encryption?.Signature is null
            ? throw new RefusalException(Refusal.NotFound, "原证书不是该主体双证书中的签名证书。")
            : (pair!, encryption);
    }
}
