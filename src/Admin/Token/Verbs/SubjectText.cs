using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Issuance;

namespace ZwCa.Admin.Token;

/// <summary>
/// A subject as people write it, by RFC 4514: <c>CN=张三,O=某局,C=CN</c>, last RDN first. Where the country stands at the left end instead, the text is in the
/// order of the wire. One attribute for each RDN; the CA decides in the end what the certificate says.
/// </summary>
internal static class SubjectText
{
    private const int MaxLength = 2048;

    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/>: says which part is wrong and what is allowed.</exception>
    public static Name Parse(string text)
    {
        if (text.Length > MaxLength)
        {
            throw Refused($"主体名称过长，最多{MaxLength}个字符。");
        }

        List<(string Type, string Text)> attributes = [.. Split(text).Select(Read)];
        if (attributes.Count(each => each.Type == Oids.CountryName) > 1)
        {
            throw Refused("国家 C 只能写一次。");
        }

        int country = attributes.FindIndex(each => each.Type == Oids.CountryName);
        if (country > 0 && country < attributes.Count - 1)
        {
            throw Refused("国家 C 应写在主体名称的最后，例如：CN=张三,O=某局,C=CN。");
        }

        if (country != 0)
        {
            attributes.Reverse();
        }

        return Name.Create(attributes);
    }

    private static (string Type, string Text) Read(string part)
    {
        int equals = part.IndexOf('=');
        string key = equals < 0 ? "" : part[..equals].Trim();
        string type = AttributeNames.Find(key)
            ?? throw Refused($"“{LabelText.Shown(part)}”不是可用的属性。应写作 名称=值，名称可为 CN、O、OU、C、ST、L、serialNumber、emailAddress 等。");
        string value = Unescape(part[(equals + 1)..], key).Normalize();
        if (NameText.FindFault(type, value) is { } fault)
        {
            throw Refused($"{AttributeNames.ShortName(type)} {fault}。");
        }

        return type != Oids.CountryName || value.All(char.IsAsciiLetterUpper) ? (type, value) : throw Refused("C 应为两个大写英文字母，例如 CN。");
    }

    /// <summary>At each comma that no backslash stands before.</summary>
    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] is ',')
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
            else if (text[i] is '+' or ';' or '"' or '<' or '>')
            {
                throw Refused($"主体名称中的字符 {text[i]} 前须加反斜杠 \\。");
            }
        }

        parts.Add(text[Math.Min(start, text.Length)..]);
        return parts;
    }

    /// <summary>RFC 4514 §3: a backslash and a special character, or two hexadecimal digits of UTF-8. Blanks around are no part of the value.</summary>
    private static string Unescape(string value, string name)
    {
        var utf8 = new List<byte>(value.Length);
        string trimmed = value.TrimStart();
        if (trimmed.StartsWith('#'))
        {
            throw Refused($"{name} 的值不能以 # 开头；若确是名称的一部分，请写作 \\#。");
        }

        int end = 0;
        for (int i = 0; i < trimmed.Length; i++)
        {
            if (trimmed[i] != '\\')
            {
                int length = char.IsHighSurrogate(trimmed[i]) && i + 1 < trimmed.Length ? 2 : 1;
                utf8.AddRange(Encoding.UTF8.GetBytes(trimmed.Substring(i, length)));
                end = char.IsWhiteSpace(trimmed[i]) ? end : utf8.Count;
                i += length - 1;
                continue;
            }

            ReadOnlySpan<char> rest = trimmed.AsSpan(i + 1);
            if (rest is [' ' or '#' or '=' or '"' or '+' or ',' or ';' or '<' or '>' or '\\', ..])
            {
                utf8.Add((byte)rest[0]);
                i++;
            }
            else if (rest.Length >= 2 && char.IsAsciiHexDigit(rest[0]) && char.IsAsciiHexDigit(rest[1]))
            {
                utf8.Add(Convert.ToByte(rest[..2].ToString(), 16));
                i += 2;
            }
            else
            {
                throw Refused($"{name} 的值中反斜杠 \\ 之后应为特殊字符或两位十六进制数。");
            }

            end = utf8.Count;
        }

        return Encoding.UTF8.GetString([.. utf8[..end]]);
    }

    private static RefusalException Refused(string detail) => new(Refusal.SubjectNotAllowed, detail);
}
