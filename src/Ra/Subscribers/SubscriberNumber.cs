using System.Buffers;
using System.Net;
using System.Net.Sockets;
using ZwCa.Asn1.Gm;
using ZwCa.Contracts;
using ZwCa.Officers;

namespace ZwCa.Ra.Subscribers;

/// <summary>
/// By what a subscriber is known, whoever writes it: the same number is always the same text. A person's ID number, an organisation's unified social credit code, a device's DNS name (lower case),
/// IP address (in its canonical form) or serial number. A person's is shown masked unless asked otherwise.
/// </summary>
internal sealed class SubscriberNumber
{
    private const int MaxDeviceLength = 128;
    private const int MaxLabelLength = 63;

    private static readonly SearchValues<char> DeviceCharacters = SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._:-");

    private readonly string _value;

    private SubscriberNumber(SubscriberKind kind, string value, IdNumber? person)
    {
        Kind = kind;
        _value = value;
        Person = person;
    }

    public SubscriberKind Kind { get; }

    /// <summary>Null: it is no person's.</summary>
    public IdNumber? Person { get; }

    /// <param name="text">Blanks around it and lower-case letters of a code are put right.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; the text is not repeated.</exception>
    public static SubscriberNumber Parse(SubscriberKind kind, string? text)
    {
        switch (kind)
        {
            case SubscriberKind.Person:
                var person = IdNumber.Parse(text);
                return new SubscriberNumber(kind, person.Reveal(), person);
            case SubscriberKind.Organization:
                return UnifiedSocialCreditCode.TryParse(text?.Trim().ToUpperInvariant(), out UnifiedSocialCreditCode? code)
                    ? new SubscriberNumber(kind, code.Value, null)
                    : throw new RefusalException(Refusal.Malformed, "统一社会信用代码有误：应为18位，末位校验码正确（GB 32100）。");
            default:
                string device = text?.Trim() ?? "";
                return device.Length is > 0 and <= MaxDeviceLength && !device.AsSpan().ContainsAnyExcept(DeviceCharacters)
                    ? new SubscriberNumber(kind, Canonical(device), null)
                    : throw new RefusalException(Refusal.Malformed, $"设备编号有误：应为域名、IP地址或序列号，1至{MaxDeviceLength}个字符（字母、数字和 . _ : -）。");
        }
    }

    /// <summary>Whole. A person's never into logs or messages.</summary>
    public string Reveal() => _value;

    /// <returns>Of a person <c>110101********1234</c>.</returns>
    public override string ToString() => Person?.ToString() ?? _value;

    private static string Canonical(string device)
    {
        // "1234" and "1.2" are addresses for the parser, and serial numbers for everybody else.
        bool mayBeAddress = device.Contains(':', StringComparison.Ordinal) || (device.Count(character => character == '.') == 3 && device.All(character => character == '.' || char.IsAsciiDigit(character)));
        if (mayBeAddress && IPAddress.TryParse(device, out IPAddress? address))
        {
            return address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != device
                ? throw new RefusalException(Refusal.Malformed, "设备编号有误：IP地址各段应为0至255，不得有多余的零。")
                : address.ToString();
        }

        return IsDnsName(device) ? device.ToLowerInvariant() : device;
    }

    /// <summary>RFC 1123 §2.1, of at least two labels, the last not all digits.</summary>
    private static bool IsDnsName(string text)
    {
        string[] labels = text.Split('.');
        return labels.Length > 1
            && labels.All(label => label.Length is > 0 and <= MaxLabelLength && label[0] != '-' && label[^1] != '-' && label.All(character => char.IsAsciiLetterOrDigit(character) || character == '-'))
            && !labels[^1].All(char.IsAsciiDigit);
    }
}
