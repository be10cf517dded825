using System.Security.Cryptography;
using System.Text;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;

namespace ZwCa.Admin.Demo;

/// <summary>A civil servant with a token of his own (software, marked DEMO): his signing key is made in it, his encryption key comes into it in an envelope that nothing else opens.</summary>
internal sealed class DemoSubscriber : IDisposable
{
    private const string Container = "zwca";

    private readonly UnlockedToken _token;

    private DemoSubscriber(UnlockedToken token) => _token = token;

    /// <param name="folder">Of his token; made anew.</param>
    public static DemoSubscriber Create(DirectoryInfo folder, string label)
    {
        DemoFolder.Renew(folder);
        string pin = $"demo-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
        var subscriber = new DemoSubscriber(SoftwareToken.Create(Path.Combine(folder.FullName, "token"), label, pin, demo: true, TimeProvider.System).Unlock(pin));
        subscriber._token.CreateContainer(Container, TokenKeyKind.Sm2);
        return subscriber;
    }

    public CertificationRequest Request() => _token.CreateRequest(Container, Name.Create());

    /// <summary>With the signing key.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message) => _token.Sign(Container, message);

    /// <summary>What the CA answered goes into the token.</summary>
    /// <param name="signing">Of this token's key; in a recovery not the answer's.</param>
    /// <returns>The receipt, signed in the token.</returns>
    /// <exception cref="DemoException">The token found another key.</exception>
    public PairReceipt Import(PairAnswer answer, CertificateAnswer signing)
    {
        SignedReceipt receipt = _token.ImportPair(
            Container,
            Der.Decode<Certificate>(signing.Certificate),
            Der.Decode<Certificate>(answer.Encryption.Certificate),
            answer.Envelope,
            Convert.FromHexString(answer.DeliveryId!),
            Convert.FromHexString(signing.Issuer));
        return receipt.Receipt.Outcome == DeliveryOutcome.Accepted
            ? new PairReceipt { Receipt = Der.Encode(receipt) }
            : throw new DemoException("The token found another key in the envelope than the certificate's.");
    }

    /// <param name="letter">DER of SM2Cipher.</param>
    public string Read(byte[] letter) => Encoding.UTF8.GetString(_token.Decrypt(Container, Ciphertext.Parse(letter)));

    /// <summary>Whether no key of this token opens it.</summary>
    public bool CannotRead(byte[] letter)
    {
        try
        {
            Read(letter);
            return false;
        }
        catch (Contracts.RefusalException)
        {
            return true;
        }
    }

    public void Dispose() => _token.Dispose();
}
