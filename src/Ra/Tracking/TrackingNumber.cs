using System.Security.Cryptography;
using System.Text;
using ZwCa.Contracts;

namespace ZwCa.Ra.Tracking;

/// <summary>
/// By which an applicant asks what became of his application: 80 random bits as 16 characters of Crockford's base 32 (https://www.crockford.com/base32.html: no I, L, O, U), and his check symbol: the
/// number modulo 37, which tells any one wrong character and any two neighbours that were exchanged. Five of the 37 symbols are none of the 32 characters (<c>* ~ $ = U</c>) and nothing to dictate
/// over a telephone: a number that would have one of them is not given out.
/// </summary>
public sealed record TrackingNumber
{
    /// <summary>With the check character: as it is stored.</summary>
    public const int Length = Digits + 1;

    private const int Digits = 16;
    private const int Modulus = 37;
    private const int GroupLength = 4;
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// <summary>The check symbols: of values from 32 on they are none of the alphabet's.</summary>
    private const string Symbols = Alphabet + "*~$=U";

    private TrackingNumber(string value) => Value = value;

    /// <summary>17 characters, without hyphens.</summary>
    public string Value { get; }

    public static TrackingNumber Create()
    {
        while (true)
        {
            string digits = RandomNumberGenerator.GetString(Alphabet, Digits);
            char check = CheckSymbol(digits);
            if (Alphabet.Contains(check, StringComparison.Ordinal))
            {
                return new TrackingNumber(digits + check);
            }
        }
    }

    /// <param name="text">As people write it: lower case, O for 0, I and L for 1, with blanks and hyphens wherever they like.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: too short, too long, another character, or the check character is another.</exception>
    public static TrackingNumber Parse(string? text)
    {
        var digits = new StringBuilder(Length);
        foreach (char character in text ?? "")
        {
            if (character is '-' || char.IsWhiteSpace(character))
            {
                continue;
            }

            char digit = char.ToUpperInvariant(character) switch { 'O' => '0', 'I' or 'L' => '1', var other => other };
            if (digits.Length == Length || !Alphabet.Contains(digit, StringComparison.Ordinal))
            {
                throw Malformed();
            }

            digits.Append(digit);
        }

        string value = digits.ToString();
        return value.Length == Length && CheckSymbol(value.AsSpan(0, Digits)) == value[^1] ? new TrackingNumber(value) : throw Malformed();
    }

    /// <returns><c>XXXX-XXXX-XXXX-XXXX-C</c></returns>
    public override string ToString() => string.Join('-', Value.Chunk(GroupLength).Select(group => new string(group)));

    /// <param name="digits">Characters of the alphabet.</param>
    internal static char CheckSymbol(ReadOnlySpan<char> digits)
    {
        int remainder = 0;
        foreach (char digit in digits)
        {
            remainder = ((remainder * Alphabet.Length) + Alphabet.IndexOf(digit, StringComparison.Ordinal)) % Modulus;
        }

        return Symbols[remainder];
    }

    private static RefusalException Malformed() => new(Refusal.Malformed, "受理编号有误：应为17位字母和数字，请核对末位校验码。");
}
