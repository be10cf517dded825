using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.ServiceDefaults.Messages;

/// <summary>
/// The five headers of a signed message, each there once and in one form only. Method, path, query and body travel as they are.
/// </summary>
public sealed class MessageHeaders
{
    public const string SenderName = "ZwCa-Sender";
    public const string RecipientName = "ZwCa-Recipient";
    public const string RequestIdName = "ZwCa-Request-Id";
    public const string CreatedName = "ZwCa-Created";
    public const string SignatureName = "ZwCa-Signature";

    private const int MaxCreatedLength = 15;

    /// <summary>The longest DER of two integers below 2^256 has 72 bytes.</summary>
    private const int MaxSignatureLength = 96;

    private static readonly long MaxCreated = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    private MessageHeaders(SerialNumber sender, string recipient, RequestId id, DateTimeOffset created, Sm2Signature signature)
    {
        Sender = sender;
        Recipient = recipient;
        Id = id;
        Created = created;
        Signature = signature;
    }

    public SerialNumber Sender { get; }

    public string Recipient { get; }

    public RequestId Id { get; }

    public DateTimeOffset Created { get; }

    public Sm2Signature Signature { get; }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: one is missing, there twice, or of another form.</exception>
    public static MessageHeaders Read(IHeaderDictionary headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        SerialNumber? sender = SerialNumber.TryParse(One(headers, SenderName), out SerialNumber? serial) ? serial : throw Malformed(SenderName);
        string recipient = One(headers, RecipientName);
        if (!SignedMessage.IsRecipient(recipient))
        {
            throw Malformed(RecipientName);
        }

        RequestId id = RequestId.TryParse(One(headers, RequestIdName), out RequestId? parsed) ? parsed : throw Malformed(RequestIdName);
        return new MessageHeaders(sender, recipient, id, ReadCreated(One(headers, CreatedName)), ReadSignature(One(headers, SignatureName)));
    }

    /// <summary>For the client: what travels beside the request.</summary>
    /// <param name="signature">DER of an SM2Signature.</param>
    public static IEnumerable<KeyValuePair<string, string>> Write(SignedMessage message, ReadOnlySpan<byte> signature)
    {
        ArgumentNullException.ThrowIfNull(message);
        return
        [
            new(SenderName, message.Sender.ToString()),
            new(RecipientName, message.Recipient),
            new(RequestIdName, message.Id.ToString()),
            new(CreatedName, message.Created.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)),
            new(SignatureName, Convert.ToBase64String(signature)),
        ];
    }

    private static string One(IHeaderDictionary headers, string name) =>
        headers.TryGetValue(name, out StringValues values) && values is [{ } value] ? value : throw Malformed(name);

    /// <summary>Decimal digits without a leading zero.</summary>
    private static DateTimeOffset ReadCreated(string text) =>
        text.Length <= MaxCreatedLength
        && text is not ['0', _, ..]
        && text.All(char.IsAsciiDigit) // The parser takes zero characters at the end for nothing.
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)
        && milliseconds <= MaxCreated
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw Malformed(CreatedName);

    /// <summary>Base64 with padding and without spaces or line ends, of DER.</summary>
    private static Sm2Signature ReadSignature(string text)
    {
        byte[] bytes = new byte[MaxSignatureLength];
        if (text.Length is 0 or > MaxSignatureLength || !Convert.TryFromBase64String(text, bytes, out int length)
            || Convert.ToBase64String(bytes.AsSpan(0, length)) != text)
        {
            throw Malformed(SignatureName);
        }

        try
        {
            return Der.Decode<Sm2Signature>(bytes.AsMemory(0, length));
        }
        catch (DerException e)
        {
            throw Malformed(SignatureName, e);
        }
    }

    private static RefusalException Malformed(string name, Exception? inner = null) =>
        new(Refusal.Malformed, $"请求头 {name} 缺失、重复或格式不正确。", inner: inner);
}
