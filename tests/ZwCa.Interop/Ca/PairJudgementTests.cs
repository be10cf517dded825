using System.Security.Cryptography;
using System.Text;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;

namespace ZwCa.Interop.Ca;

/// <summary>openssl judges a pair of a CA and a KMC as they run in production, in the token of its subscriber.</summary>
public sealed class PairJudgementTests
{
    private const string TokenPin = "officer-pin-1";
    private const string Container = "a";

    [Fact]
    public async Task A_pair_is_verified_link_by_link_and_the_token_decrypts_what_openssl_encrypted_for_it()
    {
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        await using SampleHierarchy hierarchy = await SampleHierarchy.CreateAsync();
        var kmc = new KmcProcess();
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            RaProfiles = PairScene.Profiles,
            Inside = kmc,
            Prepare = async (hsm, issuers, place) =>
            {
                string root = Path.Combine(place, "root.pem");
                await File.WriteAllTextAsync(root, Pem.Encode(Pem.Certificate, Der.Encode(hierarchy.Root.Certificate!)));
                return new Dictionary<string, string?>(await kmc.PrepareAsync(hsm, issuers, place)) { ["Ca:Authorities:0:AboveFiles:0"] = root };
            },
        });
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();

        // The subscriber's token makes the signing key; what the CA answers goes into it, and its receipt to the CA.
        using UnlockedToken token = SoftwareToken.Create(folder.File("token"), "张三", TokenPin, demo: true, TimeProvider.System).Unlock(TokenPin);
        SubjectPublicKeyInfo key = token.CreateContainer(Container, TokenKeyKind.Sm2).PublicKey;
        byte[] csr = Der.Encode(token.CreateRequest(Container, Name.Create()));
        PairAnswer pair = await ca.Scene.Ra.PostAsync<PairAnswer>("/pairs", ca.Scene.Decide(PairScene.Draft(ca.Issuers, key).ToApplication(), csr: csr));
        Certificate signing = Der.Decode<Certificate>(pair.Signing.Certificate!);
        Certificate encryption = Der.Decode<Certificate>(pair.Encryption.Certificate!);
        SignedReceipt receipt = token.ImportPair(Container, signing, encryption, pair.Envelope!, Convert.FromHexString(pair.DeliveryId!), Convert.FromHexString(pair.Signing.Issuer));
        Assert.Equal(DeliveryOutcome.Accepted, receipt.Receipt.Outcome);
        PairAnswer delivered = await ca.Scene.Ra.PostAsync<PairAnswer>($"/pairs/{pair.Id}/receipt", new PairReceipt { Receipt = Der.Encode(receipt) });
        Assert.Equal("delivered", delivered.Delivery);

        // Root, issuing CA, certificate: each by the one above it alone.
        Assert.Equal(2, pair.Chain.Count);
        openssl.WritePem("issuing.pem", Pem.Certificate, Der.Decode<Certificate>(pair.Chain[0]));
        openssl.WritePem("root.pem", Pem.Certificate, Der.Decode<Certificate>(pair.Chain[1]));
        openssl.WritePem("signing.pem", Pem.Certificate, signing);
        openssl.WritePem("encryption.pem", Pem.Certificate, encryption);
        foreach ((string above, string below) in new[] { ("root", "root"), ("root", "issuing"), ("issuing", "signing"), ("issuing", "encryption") })
        {
            Assert.True(openssl.Run([.. Link(above), $"{below}.pem"]).Says($"{below}.pem: OK"));
        }

        openssl.Refuses("signature", [.. Link("issuing"), Bent(openssl, signing)]);

        // GM/T 0015: digitalSignature with nonRepudiation; keyEncipherment, dataEncipherment and keyAgreement. Not a bit more or less.
        Assert.Equal("030206C0", KeyUsageOf(openssl, "signing"));
        Assert.Equal("03020338", KeyUsageOf(openssl, "encryption"));

        // What is encrypted for the encryption certificate, the token decrypts, and what it signs, the signing certificate's key verifies.
        byte[] letter = Encoding.UTF8.GetBytes("给张三的密件");
        openssl.Write("letter", letter);
        openssl.Write("encryption.pub", openssl.Run("x509", "-in", "encryption.pem", "-noout", "-pubkey").Bytes);
        byte[] encrypted = openssl.Run("pkeyutl", "-encrypt", "-pubin", "-inkey", "encryption.pub", "-in", "letter").Bytes;
        Assert.Equal(letter, token.Decrypt(Container, Ciphertext.Parse(encrypted)));
        byte[] document = RandomNumberGenerator.GetBytes(1000);
        openssl.VerifiesSignature(KeyKind.Sm2, signing.Tbs.SubjectPublicKeyInfo, document, token.Sign(Container, document));
    }

    private static string[] Link(string above) => ["verify", .. KeyKind.Sm2.VerifyOptions(), "-x509_strict", "-partial_chain", "-trusted", $"{above}.pem"];

    /// <summary>Another subject, the same signature.</summary>
    private static string Bent(OpenSsl openssl, Certificate certificate)
    {
        byte[] bytes = Der.Encode(certificate);
        bytes[bytes.AsSpan().IndexOf("张三"u8)] ^= 1;
        return openssl.Write("bent.pem", Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, bytes)));
    }

    /// <returns>The bytes in the extension, hexadecimal.</returns>
    private static string KeyUsageOf(OpenSsl openssl, string name)
    {
        string[] lines = [.. openssl.Run("asn1parse", "-in", $"{name}.pem").Lines];
        int at = Array.FindIndex(lines, line => line.EndsWith("X509v3 Key Usage", StringComparison.Ordinal));
        string value = lines.Skip(at).First(line => line.Contains("OCTET STRING", StringComparison.Ordinal));
        return value[(value.LastIndexOf(':') + 1)..];
    }
}
