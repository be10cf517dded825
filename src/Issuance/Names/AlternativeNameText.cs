using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Issuance;

/// <summary>
/// What may be written into a subjectAltName: names and addresses in the one form in which verifiers compare them. Whether the subscriber may use them,
/// the RA has found out. Every fault is told in Chinese; null: none. Pure; safe for concurrent use.
/// </summary>
public static class AlternativeNameText
{
    private const int MaxHostLength = 253;
    private const int MaxLabelLength = 63;
    private const int MaxMailboxLength = 254;
    private const int MaxLocalPartLength = 64;
    private const string WildcardPrefix = "*.";
    private const string ALabelPrefix = "xn--";

    private static readonly SearchValues<char> LabelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    // RFC 5322 atext.
    private static readonly SearchValues<char> AtomCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~");

    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <summary>
    /// A dNSName: two or more labels of lower-case letters, digits and hyphens (RFC 1034 §3.5, RFC 1123 §2.1), internationalised ones as A-labels (RFC 5891
    /// §4); a wildcard only as the whole left-most label (RFC 9525 §6.3), above at least two others.
    /// </summary>
    public static string? FindDnsFault(string host, bool allowWildcard = true)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (host.Length is 0 or > MaxHostLength)
        {
            return "域名长度应为1至253个字符";
        }

        string name = allowWildcard && host.StartsWith(WildcardPrefix, StringComparison.Ordinal) ? host[WildcardPrefix.Length..] : host;
        string[] labels = name.Split('.');
        if (labels.Length < 2)
        {
            return "域名至少应有两级";
        }

        foreach (string label in labels)
        {
            if (FindLabelFault(label) is { } fault)
            {
                return fault;
            }
        }

        // No top-level domain is a number: 10.0.0.1 is an address, and some parsers take 0x7f.1 for one.
        return char.IsAsciiDigit(labels[^1][0]) ? "域名末级不能以数字开头；IP地址应填入IP地址项" : null;
    }

    /// <summary>An rfc822Name: Dot-string "@" Domain (RFC 5321 §4.1.2), in ASCII, the domain as in <see cref="FindDnsFault"/>.</summary>
    public static string? FindMailboxFault(string mailbox)
    {
        ArgumentNullException.ThrowIfNull(mailbox);
        int at = mailbox.IndexOf('@', StringComparison.Ordinal);
        if (at is < 1 or > MaxLocalPartLength || mailbox.Length > MaxMailboxLength)
        {
            return "电子邮箱格式不正确：应为“用户名@域名”，用户名不超过64个字符，总长不超过254个字符";
        }

        bool isDotString = mailbox[..at].Split('.').All(static atom => atom.Length > 0 && !atom.AsSpan().ContainsAnyExcept(AtomCharacters));
        return isDotString ? FindDnsFault(mailbox[(at + 1)..], allowWildcard: false) : "电子邮箱的用户名含有不允许的字符";
    }

    /// <summary>
    /// The text of an iPAddress: IPv4 in four decimal numbers, IPv6 as RFC 5952 writes it; an address of one host that others can reach, in a private network
    /// too.
    /// </summary>
    public static string? FindIpFault(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!IPAddress.TryParse(text, out IPAddress? address) || address.ToString() != text)
        {
            return "IP地址格式不正确：IPv4应为点分十进制，IPv6应为规范的压缩小写形式";
        }

        byte first = address.GetAddressBytes()[0];
        bool isHost = address.AddressFamily == AddressFamily.InterNetwork
            ? first is > 0 and < 224 && !IPAddress.IsLoopback(address) && !text.StartsWith("169.254.", StringComparison.Ordinal)
            : address.ScopeId == 0 && !address.IsIPv4MappedToIPv6 && !address.IsIPv6Multicast && !address.IsIPv6LinkLocal
                && !IPAddress.IsLoopback(address) && !address.Equals(IPAddress.IPv6Any);
        return isHost ? null : "IP地址不是可达主机的地址（环回、组播、链路本地或未指定地址不允许）";
    }

    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/> with what <see cref="FindDnsFault"/> finds.</exception>
    public static void RequireDns(string host, bool allowWildcard = true) => Refuse(FindDnsFault(host, allowWildcard));

    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/> with what <see cref="FindMailboxFault"/> finds.</exception>
    public static void RequireMailbox(string mailbox) => Refuse(FindMailboxFault(mailbox));

    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/> with what <see cref="FindIpFault"/> finds.</exception>
    public static void RequireIp(string text) => Refuse(FindIpFault(text));

    /// <summary>The check of its kind.</summary>
    /// <param name="isDemo">This machine's own name and address are taken too: a demonstration runs there.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/>.</exception>
    internal static void Require(GeneralName name, bool isDemo)
    {
        switch (name)
        {
            case DnsName { Host: "localhost" } when isDemo:
                break;
            case DnsName dns:
                RequireDns(dns.Host);
                break;
            case Rfc822Name email:
                RequireMailbox(email.Mailbox);
                break;
            case IpAddress ip when ip.Octets.Length is 4 or 16:
                var address = new IPAddress(ip.Octets.Span);
                if (!isDemo || !IPAddress.IsLoopback(address))
                {
                    RequireIp(address.ToString());
                }

                break;
            case UniformResourceIdentifier uri when Uri.TryCreate(uri.Uri, UriKind.Absolute, out _):
                break;
            default:
                Refuse("主体别名的格式不正确");
                break;
        }
    }

    private static void Refuse(string? fault)
    {
        if (fault is not null)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, $"{fault}。请更正后重新提交。");
        }
    }

    private static string? FindLabelFault(string label)
    {
        if (label.Length is 0 or > MaxLabelLength)
        {
            return "域名各级长度应为1至63个字符";
        }

        if (label.AsSpan().ContainsAnyExcept(LabelCharacters) || label[0] == '-' || label[^1] == '-')
        {
            return "域名只能含小写字母、数字和连字符，连字符不在各级首尾；通配符*只能单独作为最左一级；中文域名应转换为xn--形式";
        }

        // RFC 5891 §4.2.3.1: the third and fourth place are reserved, and "xn" is the only prefix in use.
        bool isReserved = label.Length >= 4 && label[2] == '-' && label[3] == '-';
        return isReserved && !IsALabel(label) ? "域名含有无效的xn--标签" : null;
    }

    private static bool IsALabel(string label)
    {
        if (!label.StartsWith(ALabelPrefix, StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            string unicode = Idn.GetUnicode(label);
            return unicode != label && Idn.GetAscii(unicode) == label;
        }
        catch (ArgumentException)
        {
            // The platform's way of saying that it is none.
            return false;
        }
    }
}
