using System.Diagnostics.CodeAnalysis;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// Unified social credit code of an organisation, GB 32100-2015: registration authority (1 character), kind of organisation (1),
/// administrative division (6 digits), organisation code of GB 11714 with its own check character (9), check character (1). Only codes
/// with both check characters right exist as values. The value goes into certificates; some codes stand for a sole trader, hence the masked
/// <see cref="ToString"/>.
/// </summary>
public sealed record UnifiedSocialCreditCode
{
    private const int Length = 18;

    /// <summary>The value of a character is its place; I, O, S, V and Z are not used.</summary>
    private const string Alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";

    /// <summary>GB 11714: 0–9 and A–Z are 0 to 35.</summary>
    private static ReadOnlySpan<int> OrganizationWeights => [3, 7, 9, 10, 5, 8, 4, 2];

    private UnifiedSocialCreditCode(string value) => Value = value;

    /// <summary>All 18 characters.</summary>
    public string Value { get; }

    /// <summary>GB/T 2260, six digits.</summary>
    public string AdministrativeDivision => Value[2..8];

    /// <summary>GB 11714, eight characters and the check character, without a hyphen.</summary>
    public string OrganizationCode => Value[8..17];

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out UnifiedSocialCreditCode? code)
    {
        code = null;
        if (text is not { Length: Length }
            || text.AsSpan().ContainsAnyExcept(Alphabet)
            || text.AsSpan(2, 6).ContainsAnyExceptInRange('0', '9')
            || text[16] != OrganizationCheckCharacter(text.AsSpan(8, 8))
            || text[17] != CheckCharacter(text))
        {
            return false;
        }

        code = new UnifiedSocialCreditCode(text);
        return true;
    }

    /// <exception cref="FormatException">See <see cref="TryParse"/>. The message does not repeat the text.</exception>
    public static UnifiedSocialCreditCode Parse(string text) =>
        TryParse(text, out UnifiedSocialCreditCode? code) ? code : throw new FormatException("Not a unified social credit code (GB 32100).");

    /// <returns>First two and last two characters, the others as asterisks.</returns>
    public override string ToString() => $"{Value[..2]}{new string('*', Length - 4)}{Value[^2..]}";

    private static char CheckCharacter(string text)
    {
        // Weights 3^(i−1) mod 31: 1 3 9 27 19 26 16 17 20 29 25 13 8 24 10 30 28.
        int sum = 0;
        int weight = 1;
        for (int i = 0; i < Length - 1; i++)
        {
            sum += Alphabet.IndexOf(text[i], StringComparison.Ordinal) * weight;
            weight = weight * 3 % 31;
        }

        return Alphabet[(31 - (sum % 31)) % 31];
    }

    private static char OrganizationCheckCharacter(ReadOnlySpan<char> code)
    {
        int sum = 0;
        for (int i = 0; i < code.Length; i++)
        {
            sum += (char.IsAsciiDigit(code[i]) ? code[i] - '0' : code[i] - 'A' + 10) * OrganizationWeights[i];
        }

        int check = 11 - (sum % 11);
        return check switch
        {
            10 => 'X',
            11 => '0',
            _ => (char)('0' + check),
        };
    }
}
