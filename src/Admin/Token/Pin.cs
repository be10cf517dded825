using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>What a PIN may be. Printable ASCII, so that it is the same bytes whatever keyboard and input method it is typed with.</summary>
internal static class Pin
{
    public const int MinLength = 6;
    public const int MaxLength = 64;

    /// <summary>The first and the last of the characters that a PIN has.</summary>
    public const char First = '!';
    public const char Last = '~';

    private const int MinDifferent = 4;

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: too short, too long, other characters, or among the first that are guessed.</exception>
    public static void Require(ReadOnlySpan<char> pin)
    {
        if (pin.Length is < MinLength or > MaxLength || pin.ContainsAnyExceptInRange(First, Last))
        {
            throw new RefusalException(Refusal.Malformed, $"PIN应为{MinLength}至{MaxLength}个字符，只能使用英文字母、数字和英文标点，不含空格。请重新设定。");
        }

        if (IsRun(pin, 1) || IsRun(pin, -1) || CountDifferent(pin) < MinDifferent)
        {
            throw new RefusalException(Refusal.Malformed, $"PIN过于简单：不得连续递增或递减，且至少有{MinDifferent}个不同的字符。请重新设定。");
        }
    }

    /// <summary>123456, fedcba.</summary>
    private static bool IsRun(ReadOnlySpan<char> pin, int step)
    {
        for (int i = 1; i < pin.Length; i++)
        {
            if (pin[i] - pin[i - 1] != step)
            {
                return false;
            }
        }

        return true;
    }

    private static int CountDifferent(ReadOnlySpan<char> pin)
    {
        int count = 0;
        for (int i = 0; i < pin.Length; i++)
        {
            count += pin[..i].Contains(pin[i]) ? 0 : 1;
        }

        return count;
    }
}
