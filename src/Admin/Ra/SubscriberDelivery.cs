using System.Text;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>The subscriber's token at the desk where it gets what was issued.</summary>
internal sealed class SubscriberDelivery(UnlockedToken token, string container)
{
    private const string CertificateFile = "certificate.pem";
    private const string SigningFile = "signing.pem";
    private const string EncryptionFile = "encryption.pem";
    private const string ChainFile = "chain.pem";
    private const string EnvelopeFile = "envelope.der";
    private const string Domain = "ZWCA-DELIVERY1";
    private const int ChallengeLength = 32;

    /// <summary>The signing key's answer: <see cref="DeliveryRequest.Proof"/>.</summary>
    /// <param name="enrollment">32 hexadecimal digits.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: no challenge; a key signs nothing of a length that others choose.</exception>
    public byte[] Prove(string enrollment, DeliveryChallenge challenge) => challenge.Challenge is { Length: ChallengeLength }
        ? token.Sign(container, [.. Encoding.ASCII.GetBytes(Domain), .. Encoding.ASCII.GetBytes(enrollment), .. challenge.Challenge])
        : throw new RefusalException(Refusal.Malformed, "RA给出的领取口令有误，没有签名。请联系管理员。");

    /// <summary>Keeps certificates, and the key that is in the envelope.</summary>
    /// <returns>Null: no key came along, and nothing has to be signed for.</returns>
    /// <exception cref="RefusalException">The token's.</exception>
    public SignedReceipt? Import(DeliveryAnswer answer)
    {
        if (answer.Pair is not { } pair)
        {
            token.ImportCertificate(container, Read(answer.Certificate));
            return null;
        }

        Certificate encryption = Read(pair.Encryption.Certificate);
        if (pair.Envelope is null)
        {
            // The keys are in the token already: both certificates are new.
            token.ImportCertificate(container, Read(pair.Signing.Certificate));
            token.ImportCertificate(container, encryption);
            return null;
        }

        Certificate signing = Recipient(pair);
        byte[] pairId = pair.DeliveryId is { } text && DeskVerbs.IsId(text) ? Convert.FromHexString(text) : throw new RefusalException(Refusal.Malformed, "RA没有给出回执的编号，未导入。请联系管理员。");
        return token.ImportPair(container, signing, encryption, pair.Envelope, pairId, PairCertificates.IssuerKeyId(signing)
            ?? throw new RefusalException(Refusal.Malformed, "签名证书中没有签发者的密钥标识，无法签署回执，未导入。请联系签发机构。"));
    }

    /// <summary>Before anything is fetched: what one folder has of two pairs fits nobody.</summary>
    /// <param name="folder">Null: nothing goes into files.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>.</exception>
    public static void RequireNew(DirectoryInfo? folder)
    {
        foreach (string name in folder is { Exists: true } ? (string[])[CertificateFile, SigningFile, EncryptionFile, ChainFile, EnvelopeFile] : [])
        {
            OutputFile.RequireNew(new FileInfo(Path.Combine(folder!.FullName, name)));
        }
    }

    /// <summary>For a token that is elsewhere: see <c>zwca token import</c>.</summary>
    public void Write(DeliveryAnswer answer, DirectoryInfo folder)
    {
        folder.Create();
        if (answer.Pair is not { } pair)
        {
            WriteCertificate(CertificateFile, Read(answer.Certificate));
            return;
        }

        WriteCertificate(SigningFile, Recipient(pair));
        WriteCertificate(EncryptionFile, Read(pair.Encryption.Certificate));
        OutputFile.WriteNew(At(ChainFile), string.Concat(pair.Chain.Select(each => Pem.Encode(Pem.Certificate, each))));
        if (pair.Envelope is not null)
        {
            OutputFile.WriteNew(At(EnvelopeFile), pair.Envelope);
        }

        FileInfo At(string name) => new(Path.Combine(folder.FullName, name));

        void WriteCertificate(string name, Certificate certificate) => OutputFile.WriteNew(At(name), Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
    }

    /// <summary>The signing certificate to whose key the envelope is: after a recovery another pair's, which is in the token.</summary>
    private Certificate Recipient(PairAnswer pair)
    {
        if (pair.Recipient is null || pair.Recipient == pair.Signing.Serial)
        {
            return Read(pair.Signing.Certificate);
        }

        Certificate? own = token.Containers.First(each => each.Name == container).Certificate;
        return own is not null && own.Tbs.SerialNumber.ToString() == pair.Recipient
            ? own
            : throw new RefusalException(Refusal.BadPublicKey, $"密钥信封是给签名证书 {LabelText.Shown(pair.Recipient)} 的，它不在这个容器中。请核对令牌和容器。");
    }

    private static Certificate Read(byte[]? der)
    {
        try
        {
            return Der.Decode<Certificate>(der ?? throw new DerException("There is none."));
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "RA给出的证书无法解读，未导入。请联系管理员。", inner: e);
        }
    }
}
