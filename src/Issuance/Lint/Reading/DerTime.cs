namespace ZwCa.Issuance;

/// <summary>Times as RFC 5280 §4.1.2.5 has them: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ.</summary>
internal static class DerTime
{
    /// <summary>Thirteen characters of UTCTime or fifteen of GeneralizedTime: digits and a Z.</summary>
    public static bool HasForm(DerNode node)
    {
        ReadOnlySpan<byte> content = node.Content;
        int length = node.Tag switch
        {
            DerTag.UtcTime => 13,
            DerTag.GeneralizedTime => 15,
            _ => -1,
        };
        return content.Length == length && content[^1] == 'Z' && !content[..^1].ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }

    /// <returns>False: another form, or no day or time that there is.</returns>
    public static bool TryRead(DerNode node, out DateTime time)
    {
        time = default;
        if (!HasForm(node))
        {
            return false;
        }

        ReadOnlySpan<byte> digits = node.Content;
        int year = Two(ref digits);
        year = node.Tag == DerTag.GeneralizedTime ? (100 * year) + Two(ref digits) : year < 50 ? 2000 + year : 1900 + year;
        int month = Two(ref digits), day = Two(ref digits), hour = Two(ref digits), minute = Two(ref digits), second = Two(ref digits);
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
        {
            return false;
        }

        time = new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc);
        return true;
    }

    private static int Two(ref ReadOnlySpan<byte> digits)
    {
        int value = (10 * (digits[0] - '0')) + digits[1] - '0';
        digits = digits[2..];
        return value;
    }
}
