using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// Citizen identification number, GB 11643-1999: six digits of administrative division (GB/T 2260), eight of the date of birth, three of
/// order, one check character by ISO 7064 MOD 11-2. Only well-formed numbers exist as values: right length, a day of the calendar, right check
/// character (upper-case X). Whether the day is past and the division known is for the caller to check.
/// </summary>
public sealed record ResidentId
{
    private const int Length = 18;
    private const string CheckCharacters = "10X98765432";

    private ResidentId(string value, DateOnly birthDate)
    {
        Value = value;
        BirthDate = birthDate;
    }

    /// <summary>All 18 characters. Personal data: never into logs or messages.</summary>
    public string Value { get; }

    public DateOnly BirthDate { get; }

    /// <summary>GB/T 2260, six digits.</summary>
    public string AdministrativeDivision => Value[..6];

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ResidentId? id)
    {
        id = null;
        if (text is not { Length: Length }
            || text.AsSpan(0, Length - 1).ContainsAnyExceptInRange('0', '9')
            || text[^1] != CheckCharacter(text)
            || !DateOnly.TryParseExact(text.AsSpan(6, 8), "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly birthDate))
        {
            return false;
        }

        id = new ResidentId(text, birthDate);
        return true;
    }

    /// <exception cref="FormatException">See <see cref="TryParse"/>. The message does not repeat the text.</exception>
    public static ResidentId Parse(string text) =>
        TryParse(text, out ResidentId? id) ? id : throw new FormatException("Not a citizen identification number (GB 11643).");

    /// <returns>First and last character, the others as asterisks.</returns>
    public override string ToString() => $"{Value[0]}{new string('*', Length - 2)}{Value[^1]}";

    private static char CheckCharacter(string text)
    {
        // Horner's scheme gives the weights 2^(18−i) mod 11 of the standard: 7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2.
        int sum = 0;
        for (int i = 0; i < Length - 1; i++)
        {
            sum = (sum + text[i] - '0') * 2 % 11;
        }

        return CheckCharacters[sum];
    }
}
