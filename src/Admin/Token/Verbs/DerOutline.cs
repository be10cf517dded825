using System.Formats.Asn1;
using System.Text;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>DER of a type that this program does not know, as an indented list of everything in it.</summary>
internal static class DerOutline
{
    private const int MaxLines = 100;
    private const int MaxDepth = 16;
    private const int MaxValueBytes = 512;

    /// <param name="der">One element.</param>
    /// <returns>Lines, each with a line feed.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: no DER inside, or more than a person reads.</exception>
    public static string Of(ReadOnlyMemory<byte> der)
    {
        var text = new StringBuilder();
        int lines = 0;
        Append(text, der.Span, depth: 0, ref lines);
        return text.ToString();
    }

    private static void Append(StringBuilder text, ReadOnlySpan<byte> elements, int depth, ref int lines)
    {
        while (!elements.IsEmpty)
        {
            if (!AsnDecoder.TryReadEncodedValue(elements, AsnEncodingRules.DER, out Asn1Tag tag, out int offset, out int length, out int consumed)
                || ++lines > MaxLines || depth > MaxDepth || (!tag.IsConstructed && length > MaxValueBytes))
            {
                throw new RefusalException(Refusal.Malformed, "命令参数无法完整显示，不能签署。请使用能解读该命令的程序版本。");
            }

            ReadOnlySpan<byte> content = elements.Slice(offset, length);
            text.Append(' ', 4 + (2 * depth)).Append(tag.TagClass == TagClass.Universal ? ((UniversalTagNumber)tag.TagValue).ToString() : $"[{tag.TagValue}]");
            if (tag.IsConstructed)
            {
                text.Append('\n');
                Append(text, content, depth + 1, ref lines);
            }
            else
            {
                text.Append("：").Append(Value(tag, content)).Append('\n');
            }

            elements = elements[consumed..];
        }
    }

    private static string Value(Asn1Tag tag, ReadOnlySpan<byte> content) =>
        tag.TagClass == TagClass.Universal && (UniversalTagNumber)tag.TagValue is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString
            or UniversalTagNumber.IA5String or UniversalTagNumber.UtcTime or UniversalTagNumber.GeneralizedTime
            ? LabelText.Shown(Encoding.UTF8.GetString(content))
            : Convert.ToHexStringLower(content);
}
