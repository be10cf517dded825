using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.KeyCentre;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;

namespace ZwCa.Ca.Pairs;

/// <summary>In which forms besides SM2EnvelopedKey the encryption key is asked for.</summary>
[Flags]
internal enum PairForms
{
    None = 0,
    EnvelopedKeyBlob = 1,
    CsrResponse = 2,
}

/// <summary>Shows pairs. Made from the rows each time: a retry sees the state of today, and no envelope that was erased.</summary>
/// <param name="centre">Null: this CA has no KMC.</param>
internal sealed class PairAnswers(CertificateAnswers certificates, AuthorityList authorities, KeyCentreClient? centre)
{
    /// <param name="text">Comma-separated; null: none.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static PairForms ReadForms(string? text)
    {
        PairForms forms = PairForms.None;
        foreach (string each in text?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            forms |= each switch
            {
                "envelopedKeyBlob" => PairForms.EnvelopedKeyBlob,
                "csrResponse" => PairForms.CsrResponse,
                _ => throw new RefusalException(Refusal.Malformed, "forms有误：应为envelopedKeyBlob、csrResponse，以逗号分隔。"),
            };
        }

        return forms;
    }

    public async Task<PairAnswer> ShowAsync(Transaction transaction, PairRow pair, PairForms forms)
    {
        CertificateRow signing = (await CertificateStore.FindAsync(transaction, pair.PairId))!;
        CertificateRow encryption = (await CertificateStore.FindAsync(transaction, pair.EncryptionId))!;
        Authority authority = authorities[signing.AuthorityId];
        var answer = new PairAnswer
        {
            Id = Convert.ToHexStringLower(pair.PairId),
            Signing = await certificates.ShowAsync(transaction, signing),
            Encryption = await certificates.ShowAsync(transaction, encryption),
            Chain = [Der.Encode(authority.Certificate), .. authority.Above.Select(Der.Encode)],
            KeySerial = pair.KeySerial,
            Delivery = "kept",
        };
        if (await PairStore.FindLastDeliveryAsync(transaction, pair.PairId) is not { } delivery)
        {
            return answer;
        }

        bool isFirst = delivery.RecipientId.AsSpan().SequenceEqual(pair.PairId);
        CertificateRow recipient = isFirst ? signing : (await CertificateStore.FindAsync(transaction, delivery.RecipientId))!;
        answer = answer with { Delivery = delivery.State.ToString().ToLowerInvariant(), DeliveryId = Convert.ToHexStringLower(delivery.DeliveryId), Recipient = recipient.Serial };

        // To a recipient whose certificate does not hold no key goes; at first neither, where the certificate of the key does not. What is recovered may be of one that has ended.
        if (delivery.Reply is not { } reply || recipient.State != CertificateState.Valid || (isFirst && encryption.State != CertificateState.Valid))
        {
            return answer;
        }

        EscrowedPair key = centre?.Read(reply, SerialNumber.Parse(pair.KeySerial)) ?? throw new InvalidOperationException("There is a delivery, and no key centre in the configuration.");
        return answer with
        {
            Envelope = Der.Encode(key.Envelope),
            EnvelopedKeyBlob = forms.HasFlag(PairForms.EnvelopedKeyBlob) ? key.FindBlob()?.ToBytes() : null,
            CsrResponse = forms.HasFlag(PairForms.CsrResponse) && isFirst
                ? Der.Encode(new CsrResponse([signing.FindCertificate()!], key.Envelope, [encryption.FindCertificate()!]))
                : null,
        };
    }
}
