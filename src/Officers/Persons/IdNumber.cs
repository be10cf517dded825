using ZwCa.Asn1.Gm;
using ZwCa.Contracts;

namespace ZwCa.Officers;

/// <summary>A citizen's ID number (GB 11643) as a person enters it; the same number is always the same text. Shown masked unless asked otherwise.</summary>
public sealed class IdNumber : IEquatable<IdNumber>
{
    private const int ShownAtStart = 6;
    private const int ShownAtEnd = 4;

    private readonly ResidentId _number;

    private IdNumber(ResidentId number) => _number = number;

    /// <param name="text">Blanks around it and a lower-case x are put right.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>; the text is not repeated.</exception>
    public static IdNumber Parse(string? text) =>
        ResidentId.TryParse(text?.Trim().ToUpperInvariant(), out ResidentId? number)
            ? new IdNumber(number)
            : throw new RefusalException(Refusal.Malformed, "身份证号码有误：应为18位，出生日期有效，末位校验码正确。");

    /// <summary>All 18 characters: for the index, for sealing, and for whoever has to see it. Never into logs or messages.</summary>
    public string Reveal() => _number.Value;

    /// <returns><c>110101********1234</c></returns>
    public override string ToString()
    {
        string value = _number.Value;
        return $"{value[..ShownAtStart]}{new string('*', value.Length - ShownAtStart - ShownAtEnd)}{value[^ShownAtEnd..]}";
    }

    public bool Equals(IdNumber? other) => other is not null && _number == other._number;

    public override bool Equals(object? obj) => Equals(obj as IdNumber);

    public override int GetHashCode() => _number.GetHashCode();
}
