namespace ZwCa.Issuance;

/// <summary>A Time of a CRL as RFC 5280 §5.1.2.4 wants it.</summary>
internal static class CrlTime
{
    private const int FirstGeneralizedYear = 2050;

    /// <returns>What is wrong with it, in English; null: nothing.</returns>
    public static string? Fault(byte tag, ReadOnlySpan<byte> content)
    {
        if (tag is not (DerTag.UtcTime or DerTag.GeneralizedTime))
        {
            return "neither UTCTime nor GeneralizedTime";
        }

        if (content.Length != (tag == DerTag.UtcTime ? 13 : 15) || content[^1] != 'Z')
        {
            return tag == DerTag.UtcTime ? "not YYMMDDHHMMSSZ" : "not YYYYMMDDHHMMSSZ";
        }

        return Read(tag, content) is not { } time ? "no date that exists"
            : tag == DerTag.GeneralizedTime && time.Year < FirstGeneralizedYear ? "a GeneralizedTime before 2050"
            : null;
    }

    public static DateTime? Read(DerNode node) => Read(node.Tag, node.Content);

    /// <returns>UTC, whatever alternative the year asks for; null: it cannot be read.</returns>
    public static DateTime? Read(byte tag, ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty || content[^1] != 'Z' || content[..^1].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return null;
        }

        int year;
        switch (tag)
        {
            case DerTag.UtcTime when content.Length == 13:
                year = Two(content, 0);
                year += year < 50 ? 2000 : 1900;
                content = content[2..];
                break;
            case DerTag.GeneralizedTime when content.Length == 15:
                year = (100 * Two(content, 0)) + Two(content, 2);
                content = content[4..];
                break;
            default:
                return null;
        }

        int month = Two(content, 0);
        int day = Two(content, 2);
        int hour = Two(content, 4);
        int minute = Two(content, 6);
        int second = Two(content, 8);
        return year >= 1 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month) && hour < 24 && minute < 60 && second < 60
            ? new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc)
            : null;
    }

    private static int Two(ReadOnlySpan<byte> digits, int at) => (10 * (digits[at] - '0')) + digits[at + 1] - '0';
}
