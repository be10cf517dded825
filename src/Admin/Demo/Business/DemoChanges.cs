using System.Text;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Demo;

/// <summary>What happens to certificates in their lives: three end, one is frozen, one token is lost, and its letters are read again.</summary>
internal sealed class DemoChanges(DemoClerks clerks, DemoState state, SubscriberTokens tokens, OutputFolder output)
{
    private const string Letter = "关于档案移交的密件。";
    private const string LetterFile = "letter.sm2.der";
    public const string NewToken = "replaced";

    private static readonly string[] Reasons = ["affiliationChanged", "cessationOfOperation", "keyCompromise"];

    /// <summary>Certificates that do not hold any more, or not now: issuer and serial.</summary>
    public List<CertificateName> Ended { get; } = [];

    /// <summary>That came with the new token.</summary>
    public EnrollmentAnswer? Replacement { get; private set; }

    /// <param name="persons">Enrollments of persons that are delivered, five at least.</param>
    public async Task RunAsync(IReadOnlyList<EnrollmentAnswer> persons)
    {
        DemoScreen.Open("Lives of certificates · 吊销、冻结、密钥恢复", "Whatever ends or changes a certificate is decided by two officers as well; a revoked one never comes back, a held one may.");
        for (int i = 0; i < Reasons.Length; i++)
        {
            await clerks.CarryAsync($"revoke/{i}", Of("revoke", persons[i]) with { RevocationReason = Reasons[i] });
            Ended.AddRange(persons[i].Certificates);
        }

        DemoScreen.Report($"three are revoked: {string.Join(", ", Reasons)}", true);
        await clerks.CarryAsync("suspend", Of("suspend", persons[Reasons.Length]));
        Ended.AddRange(persons[Reasons.Length].Certificates);
        DemoScreen.Report("one is held: its owner is on leave", true);
        await RecoverAsync(persons[Reasons.Length + 1]);
    }

    private static EnrollmentRequest Of(string kind, EnrollmentAnswer old) => new() { Kind = kind, Region = old.Region, Subscriber = old.Subscriber.Id, Certificate = old.Certificates[0] };

    private async Task RecoverAsync(EnrollmentAnswer old)
    {
        // Step 1: somebody writes to him, by the encryption certificate that everybody may have.
        Certificate encryption = Der.Decode<Certificate>((await clerks.Entry.GetAsync<IssuedCertificateAnswer>($"/certificates/{old.Certificates[1].Issuer}/{old.Certificates[1].Serial}")).Certificate);
        byte[] letter = File.Exists(output.PathOf(LetterFile)) ? await File.ReadAllBytesAsync(output.PathOf(LetterFile)) : Write(encryption);
        output.Write(LetterFile, letter);
        DemoScreen.Report("what is encrypted for the encryption certificate, the token decrypts", Reads(old.Id, letter));

        // Step 2: the token is lost: a new pair in a new one, and the old one ends.
        Replacement = await clerks.CarryAsync("replace", Of("replace", old) with { Csr = tokens.Request(NewToken, TokenKeyKind.Sm2), Departments = old.Departments });
        if (Replacement.State == "issued")
        {
            await clerks.DeliverAsync(clerks.Entry, Replacement.Id, tokens, NewToken, delivery => output.WriteDelivery(NewToken, delivery));
        }

        Replacement = await clerks.UntilAsync(Replacement.Id, now => now.State is "delivered" or "archived");
        Ended.AddRange(old.Certificates);
        bool wasRecovered = state.Find("recovery") is not null;
        DemoScreen.Report("the token is lost: both certificates are revoked, a new pair is in a new token, which cannot read the letter", wasRecovered || !Reads(NewToken, letter));

        // Step 3: two officers decide that the old key comes to the new token; CA, KMC and the device itself verify both.
        EnrollmentAnswer recovery = await clerks.CarryAsync("recovery", Of("recovery", old) with { Recipient = Replacement.Certificates[0] });
        if (recovery.State == "issued")
        {
            await clerks.DeliverAsync(clerks.Entry, recovery.Id, tokens, NewToken, _ => { });
        }

        DemoScreen.Report("two officers have the old key recovered to the new token; CA, KMC and the device itself verify both: the letter opens", Reads(NewToken, letter));
    }

    private byte[] Write(Certificate recipient) =>
        DemoVerification.OpenSslEncrypt(recipient, Encoding.UTF8.GetBytes(Letter), output.FullName)
        ?? (recipient.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key)
            ? Der.Encode(Sm2Cipher.FromRaw(key.Encrypt(Encoding.UTF8.GetBytes(Letter))))
            : throw new DemoException("The encryption certificate is not for an SM2 key."));

    private bool Reads(string container, byte[] letter)
    {
        try
        {
            return Encoding.UTF8.GetString(tokens.Decrypt(container, letter)) == Letter;
        }
        catch (Contracts.RefusalException)
        {
            return false;
        }
    }
}
