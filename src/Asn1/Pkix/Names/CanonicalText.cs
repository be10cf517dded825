using System.Globalization;
using System.Text;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// The one form of all texts that caseIgnoreMatch holds equal (RFC 5280 §7.1, prepared as RFC 4518 §2 has it): compatibility forms and full-width letters as ordinary ones (NFKC), letters
/// in lower case one by one (ß stays), what is invisible left out, any run of spaces as one and none at the ends.
/// </summary>
internal static class CanonicalText
{
    // RFC 4518 §2.2, besides what has the category of controls or formats.
    private static readonly int[] Invisible = [0x034F, 0x180B, 0x180C, 0x180D, 0xFFFC];

    public static string Of(string text)
    {
        var folded = new StringBuilder(text.Length);
        foreach (Rune rune in text.Normalize(NormalizationForm.FormKC).EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune))
            {
                folded.Append(' ');
            }
            else if (!IsInvisible(rune))
            {
                folded.Append(Rune.ToLowerInvariant(Rune.ToUpperInvariant(rune)));
            }
        }

        return string.Join(' ', folded.ToString().Normalize(NormalizationForm.FormKC).Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    private static bool IsInvisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format || Invisible.Contains(rune.Value) || rune.Value is >= 0xFE00 and <= 0xFE0F;
}
