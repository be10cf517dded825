using System.Globalization;
using System.Text;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>Names that a person gives, of a token, which is only shown, and of a container, which is a folder too; and text of others as it is shown.</summary>
internal static class LabelText
{
    private const int MaxLength = 64;

    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL", .. Numbered("COM"), .. Numbered("LPT")];

    /// <summary>1 to 64 characters, none of them invisible or turning the direction of writing.</summary>
    public static bool IsLabel(string text) =>
        text.Length <= MaxLength && !string.IsNullOrWhiteSpace(text) && text.EnumerateRunes().All(IsVisible);

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static string RequireLabel(string text) => IsLabel(text)
        ? text
        : throw new RefusalException(Refusal.Malformed, $"令牌名称应为1至{MaxLength}个可见字符。");

    /// <summary>
    /// Letters of any script, digits, - and _: so it is one folder name everywhere, with no way to another folder. In NFC, so that two names that look the
    /// same are the same; without characters beyond the BMP, so that 64 fit into the 255 bytes of a name.
    /// </summary>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static string RequireContainer(string name) =>
        name.Length is > 0 and <= MaxLength
        && name.All(each => char.IsLetterOrDigit(each) || each is '-' or '_')
        && name.IsNormalized()
        && !Devices.Contains(name, StringComparer.OrdinalIgnoreCase)
            ? name
            : throw new RefusalException(Refusal.Malformed, $"容器名称应为1至{MaxLength}个汉字、字母、数字、连字符或下划线。");

    public static bool IsVisible(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse)
        && rune != Rune.ReplacementChar;

    /// <summary>Text of others for a person's eyes: what cannot be seen, or turns the direction of writing, as its number.</summary>
    public static string Shown(string text) =>
        string.Concat(text.EnumerateRunes().Select(rune => IsVisible(rune) ? rune.ToString() : $"\\u{{{rune.Value:X}}}"));

    /// <returns>UTC.</returns>
    public static string Shown(Time time) => time.Value.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    public static string Shown(Validity validity) => $"{Shown(validity.NotBefore)} 至 {Shown(validity.NotAfter)}";

    private static IEnumerable<string> Numbered(string device) => Enumerable.Range(0, 10).Select(i => $"{device}{i}");
}
