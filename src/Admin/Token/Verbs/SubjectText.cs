using System.Formats.Asn1;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>
/// A subject as people write it, by RFC 4514: <c>CN=张三,O=某局,C=CN</c>, last RDN first. Where the country stands at the left end instead, the text is in the
/// order of the wire. One attribute for each RDN; the CA decides in the end what the certificate says.
/// </summary>
internal static class SubjectText
{
    private const int MaxLength = 2048;

    private static readonly Rule[] Rules =
    [
        new("CN", Oids.CommonName, 64),
        new("O", Oids.OrganizationName, 64),
        new("OU", Oids.OrganizationalUnitName, 64),
        new("C", Oids.CountryName, 2, UniversalTagNumber.PrintableString),
        new("ST", Oids.StateOrProvinceName, 128),
        new("L", Oids.LocalityName, 128),
        new("serialNumber", Oids.SerialNumber, 64, UniversalTagNumber.PrintableString),
        new("SN", Oids.Surname, 64),
        new("givenName", Oids.GivenName, 64),
        new("title", Oids.Title, 64),
        new("STREET", Oids.StreetAddress, 128),
        new("UID", Oids.UserId, 256),
        new("DC", Oids.DomainComponent, 63, UniversalTagNumber.IA5String),
        new("emailAddress", Oids.EmailAddress, 255, UniversalTagNumber.IA5String),
    ];

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
        Rule rule = Rules.FirstOrDefault(each => string.Equals(each.Name, key, StringComparison.OrdinalIgnoreCase))
            ?? throw Refused($"“{LabelText.Shown(part)}”不是可用的属性。应写作 名称=值，名称可为：{string.Join("、", Rules.Select(each => each.Name))}。");
        string value = Unescape(part[(equals + 1)..], rule.Name);
        if (!value.EnumerateRunes().All(LabelText.IsVisible))
        {
            throw Refused($"{rule.Name} 的值“{LabelText.Shown(value)}”含有控制字符、不可见字符或改变书写方向的字符，请删去。");
        }

        value = value.Normalize();
        int length = value.EnumerateRunes().Count();
        if (length == 0 || length > rule.MaxCharacters)
        {
            throw Refused($"{rule.Name} 应为1至{rule.MaxCharacters}个字符，现为{length}个。");
        }

        if (rule.Type == Oids.CountryName && !(length == 2 && value.All(char.IsAsciiLetterUpper)))
        {
            throw Refused("C 应为两个大写英文字母，例如 CN。");
        }

        if (!rule.Allows(value))
        {
            throw Refused($"{rule.Name} 的值“{value}”中有不能使用的字符：只能使用英文字母、数字和常用英文标点。");
        }

        return (rule.Type, value);
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

    /// <param name="MaxCharacters">RFC 5280 appendix A.1, or fewer where it has no useful bound.</param>
    private sealed record Rule(string Name, string Type, int MaxCharacters, UniversalTagNumber Encoding = UniversalTagNumber.UTF8String)
    {
        public bool Allows(string value) => Encoding switch
        {
            UniversalTagNumber.PrintableString => value.All(each => char.IsAsciiLetterOrDigit(each) || " '()+,-./:=?".Contains(each)),
            UniversalTagNumber.IA5String => value.All(char.IsAscii),
            _ => true,
        };
    }
}
