using System.Globalization;
using System.Text;
using ZwCa.Contracts;
using ZwCa.Officers;

namespace ZwCa.Ra.Subscribers;

/// <summary>What a subscriber is called. Organisations and devices: 1 to 128 characters. A person's name is shown masked unless asked otherwise.</summary>
internal sealed class SubscriberName
{
    private const int MaxLength = 128;
    private const int MaxPersonLength = 64;

    private readonly string _value;
    private readonly PersonName? _person;

    private SubscriberName(string value, PersonName? person)
    {
        _value = value;
        _person = person;
    }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; the text is not repeated.</exception>
    public static SubscriberName Parse(SubscriberKind kind, string? text)
    {
        if (kind == SubscriberKind.Person)
        {
            var person = PersonName.Parse(VisibleText.Find(text, MaxPersonLength));
            return new SubscriberName(person.Reveal(), person);
        }

        return new SubscriberName(
            VisibleText.Find(text, MaxLength) ?? throw new RefusalException(Refusal.Malformed, $"名称有误：应为1至{MaxLength}个可见字符，不得含控制字符、方向控制符等不可见字符。"), null);
    }

    /// <summary>For whoever has to see it. A person's never into logs.</summary>
    public string Reveal() => _value;

    /// <returns>Of a person the first character, the others as asterisks.</returns>
    public override string ToString() => _person?.ToString() ?? _value;
}

/// <summary>Text that one enters and another has to judge by what he sees.</summary>
internal static class VisibleText
{
    /// <summary>Characters of UTF-16 that become one, at most, where they are composed: more is not looked at.</summary>
    private const int MostOfOne = 8;

    /// <param name="maxLength">In characters of Unicode.</param>
    /// <returns>In NFC, without blanks around it. Null: empty, longer, or with a character that is not seen: a control, a format (so that nobody turns the direction of a line), a private or unassigned one.</returns>
    public static string? Find(string? text, int maxLength)
    {
        if (text is null || text.Length > maxLength * MostOfOne || !IsSeen(text))
        {
            return null;
        }

        string value = text.Trim().Normalize();
        return value.Length > 0 && value.EnumerateRunes().Count() <= maxLength ? value : null;
    }

    /// <summary>Whether there is nothing in it but what is seen, and blanks.</summary>
    public static bool IsSeen(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!IsSeen(rune))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Half of a surrogate pair is read as the replacement character.</summary>
    private static bool IsSeen(Rune rune) => rune != Rune.ReplacementChar
        && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
