using ZwCa.Admin.Ra;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Demo;

/// <summary>The subscribers' keys: containers of a few software tokens, marked DEMO, each unlocked once. Safe for concurrent use: each token does one thing at a time.</summary>
internal sealed class SubscriberTokens : IDisposable
{
    private const int Number = 4;

    private readonly (Lock Lock, SoftwareToken Public, UnlockedToken Token)[] _tokens;

    private SubscriberTokens((Lock Lock, SoftwareToken Public, UnlockedToken Token)[] tokens) => _tokens = tokens;

    /// <summary>Opens them, or makes them.</summary>
    public static SubscriberTokens Open(DirectoryInfo folder, string pin)
    {
        folder.Create();
        var tokens = new (Lock, SoftwareToken, UnlockedToken)[Number];
        Parallel.For(0, Number, i =>
        {
            string path = Path.Combine(folder.FullName, $"{i + 1}");
            SoftwareToken token = Directory.Exists(path) ? SoftwareToken.Open(path, TimeProvider.System) : SoftwareToken.Create(path, $"演示用户 {i + 1}", pin, demo: true, TimeProvider.System);
            tokens[i] = (new Lock(), token, token.Unlock(pin));
        });
        return new SubscriberTokens(tokens);
    }

    /// <summary>A request with the key of a container, which is made where there is none.</summary>
    public byte[] Request(string container, TokenKeyKind kind) => Do(container, (names, token) =>
    {
        if (names.Find(container) is null)
        {
            token.CreateContainer(container, kind);
        }

        return Der.Encode(token.CreateRequest(container, Name.Create()));
    });

    public byte[] Prove(string container, string enrollment, DeliveryChallenge challenge) => Do(container, (_, token) => new SubscriberDelivery(token, container).Prove(enrollment, challenge));

    /// <returns>The receipt; null: there is nothing to sign for.</returns>
    public SignedReceipt? Import(string container, DeliveryAnswer answer) => Do(container, (_, token) => new SubscriberDelivery(token, container).Import(answer));

    /// <summary>Decrypts with whatever encryption key of the container fits.</summary>
    /// <param name="letter">DER of SM2Cipher.</param>
    public byte[] Decrypt(string container, byte[] letter) => Do(container, (_, token) => token.Decrypt(container, Ciphertext.Parse(letter)));

    /// <returns>PKCS #8 in PEM: the signing key; the encryption key, null where there is none.</returns>
    public (string Signing, string? Encryption) Reveal(string container) => Do(container, (_, token) =>
        (Pem.Encode(Pem.PrivateKey, token.RevealPrivateKey(container)), token.RevealEncryptionKey(container) is { } key ? Pem.Encode(Pem.PrivateKey, key) : null));

    public void Dispose()
    {
        foreach ((_, _, UnlockedToken token) in _tokens)
        {
            token.Dispose();
        }
    }

    private T Do<T>(string container, Func<SoftwareToken, UnlockedToken, T> action)
    {
        uint sum = 17;
        foreach (char character in container)
        {
            sum = unchecked((sum * 31) + character);
        }

        (Lock @lock, SoftwareToken names, UnlockedToken token) = _tokens[sum % Number];
        lock (@lock)
        {
            return action(names, token);
        }
    }
}
