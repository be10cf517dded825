using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Admin.Demo;

/// <summary>Two certificates for a civil servant, and his key again when he has lost his token.</summary>
internal sealed partial class DemoProvince
{
    /// <summary>A pair, a letter to it, the token lost, the key recovered to another token: the letter opens.</summary>
    private async Task<bool> ShowPairsAsync(DemoParty ra, DemoParty entry, DemoParty review)
    {
        const string text = "张三：关于档案移交的密件。";
        string entity = $"DEMO-{Convert.ToHexString(RandomNumberGenerator.GetBytes(10))}";

        // Step 1: one request, two certificates.
        using DemoSubscriber token = DemoSubscriber.Create(new DirectoryInfo(Path.Combine(_folder.FullName, "zhang-san-1")), "张三");
        PairAnswer pair = await PairAsync(ra, entry, review, token, entity);
        Certificate encryption = Der.Decode<Certificate>(pair.Encryption.Certificate);
        bool good = DemoCommand.Report($"张三's token made his signing key, the KMC's device his encryption key: certificates {pair.Signing.Serial} and {pair.Encryption.Serial}", pair is { Signing.State: "valid", Encryption.State: "valid" });
        PairAnswer delivered = await ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/receipt", token.Import(pair, pair.Signing));
        good &= DemoCommand.Report("the token opened the envelope, compared the key with the certificate, and signed the receipt; CA and KMC have the envelope no more", delivered is { Delivery: "delivered", Envelope: null });

        // Step 2: somebody writes to him.
        byte[]? letter = DemoVerification.OpenSslEncrypt(encryption, System.Text.Encoding.UTF8.GetBytes(text), _folder.FullName);
        if (letter is null)
        {
            DemoCommand.Report("no openssl 3 on PATH: the letter is written by ZWCA itself", true);
            letter = encryption.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key)
                ? Der.Encode(Asn1.Gm.Sm2Cipher.FromRaw(key.Encrypt(System.Text.Encoding.UTF8.GetBytes(text))))
                : throw new DemoException("The encryption certificate is not for an SM2 key.");
        }

        good &= DemoCommand.Report("what openssl pkeyutl encrypts for the encryption certificate, the token decrypts", token.Read(letter) == text);

        // Step 3: the token is lost; both certificates end, and he gets a new pair in a new token.
        await RevokeAsync(ra, entry, review, pair.Signing);
        using DemoSubscriber second = DemoSubscriber.Create(new DirectoryInfo(Path.Combine(_folder.FullName, "zhang-san-2")), "张三");
        PairAnswer fresh = await PairAsync(ra, entry, review, second, entity);
        await ra.PostAsync<PairAnswer>($"/pairs/{fresh.Id}/receipt", second.Import(fresh, fresh.Signing));
        Lost = (Der.Decode<Certificate>(pair.Signing.Certificate), encryption);
        Pair = (Der.Decode<Certificate>(fresh.Signing.Certificate), Der.Decode<Certificate>(fresh.Encryption.Certificate));
        good &= DemoCommand.Report("the token is lost: both certificates are revoked, a new pair is in a new token, which cannot read the letter", second.CannotRead(letter));

        // Step 4: two officers decide that the old key comes to the new token.
        SubjectPublicKeyInfo recipient = Pair.Signing.Tbs.SubjectPublicKeyInfo;
        Application recovery = ByRa(
            DecisionKind.Recovery, Der.Encode(new RecoveryBody(Convert.FromHexString(pair.Encryption.Issuer), SerialNumber.Parse(pair.KeySerial), recipient)));
        good &= await RefusesAsync(
            "李四 alone has the old key recovered", () => ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/recovery", Decided(recovery, entry, entry, csr: null)));
        PairAnswer recovered = await UntilCrlAsync(() => ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/recovery", Decided(recovery, entry, review, csr: null)));
        await ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/receipt", second.Import(recovered, fresh.Signing));
        good &= DemoCommand.Report("李四 and 王五 decide; CA, KMC and the device itself verify both: the new token reads the old letter", second.Read(letter) == text);
        return good;
    }

    /// <summary>The KMC wants the CRL of the officers' CA, which this one has published with its first look.</summary>
    private static async Task<PairAnswer> UntilCrlAsync(Func<Task<PairAnswer>> ask)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (RefusalException e) when (e.Kind == Refusal.Unavailable && clock.Elapsed < Patience)
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        }
    }

    private Task<PairAnswer> PairAsync(DemoParty ra, DemoParty entry, DemoParty review, DemoSubscriber token, string entity)
    {
        CertificationRequest request = token.Request();
        CertificateBody body = Body(Signing, "issuing-s1", entity, "张三", request.Info.SubjectPublicKeyInfo, 365) with { Encryption = new ProfileReference(Encryption, ProfileCatalogue.Shipped[Encryption].Hash) };
        return ra.PostAsync<PairAnswer>("/pairs", Decided(ByRa(DecisionKind.Issue, Der.Encode(body)), entry, review, request));
    }
}
