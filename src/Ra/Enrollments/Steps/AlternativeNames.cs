using System.Net;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>Alternative names as clerks write them: <c>DNS:</c>, <c>email:</c>, <c>IP:</c>. What may stand in a certificate, the CA's profile says.</summary>
internal static class AlternativeNames
{
    private const int MaxLength = 255;

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: another form.</exception>
    public static IReadOnlyList<GeneralName> Read(IReadOnlyList<string> texts) => [.. texts.Select(Read)];

    private static GeneralName Read(string? text)
    {
        int colon = text?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        string value = colon < 0 ? "" : text![(colon + 1)..];
        bool isPlain = value.Length is > 0 and <= MaxLength && value.All(c => c is > ' ' and < '\x7f');
        return (isPlain ? text![..colon] : null) switch
        {
            "DNS" => new DnsName(value),
            "email" => new Rfc822Name(value),
            "IP" when IPAddress.TryParse(value, out IPAddress? address) => new IpAddress(address.GetAddressBytes()),
            _ => throw new RefusalException(Refusal.Malformed, "备用名称有误：应为DNS:域名、email:邮箱或IP:地址，只含可见的ASCII字符。"),
        };
    }
}
