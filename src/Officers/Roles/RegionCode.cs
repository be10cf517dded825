using ZwCa.Contracts;

namespace ZwCa.Officers;

/// <summary>How far a region reaches.</summary>
public enum RegionLevel
{
    Nation = 0,
    Province = 1,
    City = 2,
    County = 3,
}

/// <summary>
/// An administrative division by its code in GB/T 2260. Codes nest by prefix: 350000 covers 3501xx and 350100 covers 350102; 000000, which the standard does
/// not have, is the nation.
/// </summary>
public sealed record RegionCode
{
    private const int Length = 6;
    private const int DigitsOfALevel = 2;

    private RegionCode(string value) => Value = value;

    public static RegionCode Nation { get; } = new("000000");

    public string Value { get; }

    public RegionLevel Level =>
        Value == Nation.Value ? RegionLevel.Nation
        : Value.EndsWith("0000", StringComparison.Ordinal) ? RegionLevel.Province
        : Value.EndsWith("00", StringComparison.Ordinal) ? RegionLevel.City
        : RegionLevel.County;

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: not six digits.</exception>
    public static RegionCode Parse(string? text) =>
        IsCode(text)
            ? new RegionCode(text!)
            : throw new RefusalException(Refusal.Malformed, "行政区划代码有误：应为6位数字（GB/T 2260）。");

    /// <summary>Whether it is six digits.</summary>
    public static bool IsCode(string? text) => text is { Length: Length } && text.All(char.IsAsciiDigit);

    /// <summary>Whether the other lies in this region, or is it.</summary>
    public bool Covers(RegionCode other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Level == RegionLevel.County
            ? Value == other.Value
            : other.Value.StartsWith(Value[..((int)Level * DigitsOfALevel)], StringComparison.Ordinal);
    }

    public override string ToString() => Value;
}
