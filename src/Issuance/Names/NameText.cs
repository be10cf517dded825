using System.Globalization;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Issuance;

/// <summary>
/// What may be written into a name. A name is read by people who decide on it and compared byte for byte by programs: two that look the same have to be
/// the same, and nothing in it may be hidden or turn the reading direction. Pure; safe for concurrent use.
/// </summary>
public static class NameText
{
    /// <summary>Above every bound of RFC 5280: what is longer is not looked at.</summary>
    private const int MaxUnits = 2 * 32768;

    /// <summary>Without ICU .NET takes every text for normalized.</summary>
    private static readonly bool KnowsUnicode = !"e\u0301".IsNormalized(NormalizationForm.FormC);

    /// <summary>
    /// NFC without control, format and other invisible characters, private use, unassigned code points and noncharacters; one plain space (U+0020)
    /// between words is the only white space; within the characters and the length (in characters, not UTF-16 units) of the attribute's type.
    /// The middle dot (U+00B7) and ideographs beyond the BMP are letters like others. What Unicode has assigned is what this version of .NET knows.
    /// </summary>
    /// <param name="attributeType">Dotted OID.</param>
    /// <returns>What is wrong, in Chinese, without the text itself; null: nothing.</returns>
    /// <exception cref="InvalidOperationException">The runtime has no Unicode data.</exception>
    public static string? FindFault(string attributeType, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is 0 or > MaxUnits)
        {
            return text.Length == 0 ? "不能为空" : "过长";
        }

        return FindInCharacters(text) ?? FindInType(attributeType, text);
    }

    /// <summary>Returns if <see cref="FindFault"/> finds nothing.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/>; the text is not repeated.</exception>
    public static void Require(string attributeType, string text)
    {
        if (FindFault(attributeType, text) is { } fault)
        {
            throw new RefusalException(Refusal.SubjectNotAllowed, $"{Label(attributeType)}{fault}。请更正后重新提交。");
        }
    }

    private static string? FindInCharacters(string text)
    {
        for (int i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out Rune rune))
            {
                return "含有不完整的字符编码";
            }

            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            if (IsHidden(rune, category))
            {
                return $"含有不可见或不允许的字符（U+{rune.Value:X4}）";
            }

            if (category == UnicodeCategory.SpaceSeparator)
            {
                bool isInside = i > 0 && i < text.Length - 1;
                if (rune.Value != ' ' || !isInside || text[i - 1] == ' ')
                {
                    return "的空格有误：只允许词间单个半角空格，首尾不得有空格";
                }
            }

            if (i == 0 && category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark)
            {
                return $"不能以组合符号开头（U+{rune.Value:X4}）";
            }

            i += rune.Utf16SequenceLength;
        }

        if (!KnowsUnicode)
        {
            throw new InvalidOperationException("The runtime works without Unicode data (invariant globalization): names cannot be checked.");
        }

        return text.IsNormalized(NormalizationForm.FormC) ? null : "含有未规范化的字符：请使用Unicode规范形式（NFC），兼容字请改用通用字";
    }

    private static bool IsHidden(Rune rune, UnicodeCategory category) => category
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        || IsBlank(rune)
        // The two marks of a text that was damaged on its way.
        || rune.Value is 0xFFFC or 0xFFFD;

    /// <summary>
    /// What shows nothing though its category does not say so: Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties (joiner, fillers, selectors), and a blank that is no
    /// space.
    /// </summary>
    internal static bool IsBlank(Rune rune) => rune.Value
        is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x3164 or (>= 0xFE00 and <= 0xFE0F) or 0xFFA0
        or (>= 0xE0100 and <= 0xE01EF) or 0x2800;

    private static string? FindInType(string attributeType, string text)
    {
        // The one table of bounds and string types is there; it also writes the value.
        try
        {
            AttributeTypeAndValue.Create(attributeType, text);
            return null;
        }
        catch (EncoderFallbackException)
        {
            return "含有该项不允许的字符（只允许英文字母、数字和部分半角符号）";
        }
        catch (ArgumentException e) when (e.ParamName == "text")
        {
            return $"的长度不符合规定：现有{text.EnumerateRunes().Count()}个字符";
        }
    }

    private static string Label(string attributeType) => attributeType switch
    {
        Oids.CommonName => "名称（CN）",
        Oids.CountryName => "国家（C）",
        Oids.StateOrProvinceName => "省级行政区（ST）",
        Oids.LocalityName => "城市或地区（L）",
        Oids.OrganizationName => "单位名称（O）",
        Oids.OrganizationalUnitName => "部门名称（OU）",
        Oids.SerialNumber => "主体编号（serialNumber）",
        Oids.EmailAddress => "电子邮箱（E）",
        _ => $"主体项（{attributeType}）",
    };
}
