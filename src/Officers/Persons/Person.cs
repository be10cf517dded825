using System.Globalization;
using System.Text;
using ZwCa.Contracts;

namespace ZwCa.Officers;

/// <summary>A natural person as the registry knows him. Names and numbers are shown masked unless asked otherwise.</summary>
public sealed class Person
{
    internal Person(byte[] id, PersonName name, IdNumber idNumber)
    {
        Id = id;
        Name = name;
        IdNumber = idNumber;
    }

    /// <summary>16 random bytes: the same in every certificate that he ever gets.</summary>
    public ReadOnlyMemory<byte> Id { get; }

    public PersonName Name { get; }

    public IdNumber IdNumber { get; }

    public override string ToString() => $"{Name} {IdNumber}";
}

/// <summary>A person's name: 1 to 64 characters in NFC, none of them a control or one that is not seen.</summary>
public sealed class PersonName
{
    private const int MaxLength = 64;

    private readonly string _value;

    private PersonName(string value) => _value = value;

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; the text is not repeated.</exception>
    public static PersonName Parse(string? text)
    {
        // Looked at before it is composed: what is no character, nothing composes.
        string value = text is not null && text.EnumerateRunes().All(IsSeen) ? text.Trim().Normalize() : "";
        return value.Length > 0 && value.EnumerateRunes().Count() <= MaxLength
            ? new PersonName(value)
            : throw new RefusalException(Refusal.Malformed, "姓名有误：应为1至64个可见字符。");
    }

    /// <summary>For whoever has to see it. Never into logs.</summary>
    public string Reveal() => _value;

    /// <returns>The first character, the others as asterisks.</returns>
    public override string ToString()
    {
        string first = StringInfo.GetNextTextElement(_value);
        return first + new string('*', Math.Max(1, new StringInfo(_value).LengthInTextElements - 1));
    }

    /// <summary>Half of a surrogate pair is read as the replacement character.</summary>
    private static bool IsSeen(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
