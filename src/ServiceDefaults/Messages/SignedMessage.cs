using System.Globalization;
using System.Text;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>
/// What the sender of a request signs (docs/MESSAGES.md): eight lines, each of characters 21 to 7E and ended by a line feed, so that no field can
/// reach into the next. The signature is SM2 with the default identity. Immutable.
/// </summary>
public sealed class SignedMessage
{
    public const string Version = "ZWCA1";
    public const int MaxMethodLength = 16;
    public const int MaxTargetLength = 4096;
    public const int MaxRecipientLength = 64;

    private readonly byte[] _bytes;

    /// <param name="recipient">The service that is to do it, as it names itself.</param>
    /// <param name="method">Upper case.</param>
    /// <param name="target">Path and query exactly as in the request line, percent signs and all.</param>
    /// <param name="created">When it was signed; whole milliseconds.</param>
    /// <param name="bodyHash">SM3 of the body, 32 bytes; of no bytes where there is none.</param>
    /// <exception cref="ArgumentException">One of them has another form.</exception>
    public SignedMessage(SerialNumber sender, string recipient, string method, string target, RequestId id, DateTimeOffset created, ReadOnlySpan<byte> bodyHash)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(id);
        long milliseconds = created.ToUnixTimeMilliseconds();
        Require(IsRecipient(recipient), "1 to 64 of a–z 0–9 . -", nameof(recipient));
        Require(IsMethod(method), "1 to 16 of A–Z", nameof(method));
        Require(IsTarget(target), "a path and perhaps a query of printable ASCII, at most 4,096 characters", nameof(target));
        Require(milliseconds >= 0, "a time after 1970", nameof(created));
        Require(bodyHash.Length == Sm3.HashSizeInBytes, "32 bytes", nameof(bodyHash));
        Sender = sender;
        Recipient = recipient;
        Id = id;
        Created = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        BodyHash = bodyHash.ToArray();
        string what = $"{method}\n{target}\n";
        string body = $"{Convert.ToHexStringLower(bodyHash)}\n";
        _bytes = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Version}\n{sender}\n{recipient}\n{what}{id}\n{milliseconds}\n{body}"));
        RequestHash = Sm3.HashData(Encoding.ASCII.GetBytes(what + body));
    }

    /// <summary>Serial number of the certificate whose key signs.</summary>
    public SerialNumber Sender { get; }

    public string Recipient { get; }

    public RequestId Id { get; }

    public DateTimeOffset Created { get; }

    /// <summary>SM3, 32 bytes.</summary>
    public ReadOnlyMemory<byte> BodyHash { get; }

    /// <summary>SM3 over the lines of method, path and query, and body hash: what a retry has in common with the first call.</summary>
    public ReadOnlyMemory<byte> RequestHash { get; }

    /// <summary>The lines.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    public static bool IsRecipient(string? name) =>
        name is { Length: > 0 and <= MaxRecipientLength } && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '-');

    public static bool IsMethod(string? method) => method is { Length: > 0 and <= MaxMethodLength } && method.All(char.IsAsciiLetterUpper);

    /// <summary>Origin form only (RFC 9112 §3.2.1): it begins with a slash, and has no fragment.</summary>
    public static bool IsTarget(string? target) =>
        target is { Length: > 0 and <= MaxTargetLength } && target[0] == '/' && !target.Contains('#') && !target.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>Whether the key made the signature over exactly these lines. Says nothing about whose key it is.</summary>
    public bool IsSignedBy(Sm2PublicKey key, Sm2Signature signature)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(signature);
        return key.Verify(_bytes, signature.Raw.Span);
    }

    private static void Require(bool met, string what, string name)
    {
        if (!met)
        {
            throw new ArgumentException($"{what} is expected.", name);
        }
    }
}
