using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using LabelText = ZwCa.Admin.Token.LabelText;

namespace ZwCa.Admin.Ceremony;

/// <summary>Texts of a plan that stand for attributes and names.</summary>
internal static class SubjectTexts
{
    /// <returns>Null: not TYPE=text.</returns>
    public static SubjectText? Find(string text)
    {
        int equals = text.IndexOf('=');
        return equals > 0 && AttributeNames.Find(text[..equals]) is { } type ? new SubjectText(type, text[(equals + 1)..]) : null;
    }

    /// <param name="person">Id of the officer whose certificate it is: his serialNumber.</param>
    public static IReadOnlyList<SubjectText> Of(CertificatePlan plan, ReadOnlyMemory<byte>? person)
    {
        IEnumerable<SubjectText> texts = plan.Subject.Select(text => Find(text)!);
        return person is { } id ? [.. texts, new SubjectText(Oids.SerialNumber, Convert.ToHexStringLower(id.Span))] : [.. texts];
    }

    public static IReadOnlyList<SubjectText> PlaceOf(CertificatePlan plan) => [.. plan.Place.Select(text => Find(text)!)];

    /// <summary>One line that a person can read: no control characters, nothing invisible or that turns the direction of writing.</summary>
    public static bool IsPrintable(string text, int maxLength) => text.Length > 0 && text.Length <= maxLength && text == text.Trim() && text.EnumerateRunes().All(LabelText.IsVisible);

    /// <returns>Null: neither dns:NAME nor ip:ADDRESS.</returns>
    public static GeneralName? FindName(string text) =>
        text.StartsWith("dns:", StringComparison.Ordinal) && text.All(char.IsAscii) ? new DnsName(text[4..])
        : text.StartsWith("ip:", StringComparison.Ordinal) && System.Net.IPAddress.TryParse(text[3..], out System.Net.IPAddress? address) ? new IpAddress(address.GetAddressBytes())
        : null;
}
