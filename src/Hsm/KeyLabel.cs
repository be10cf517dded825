namespace ZwCa.Hsm;

/// <summary>The name of a key in its device: 1 to 64 characters out of ASCII letters, digits and <c>. _ -</c>.</summary>
public sealed record KeyLabel
{
    public const int MaxLength = 64;

    /// <exception cref="ArgumentException">Another text.</exception>
    public KeyLabel(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!IsLabel(value))
        {
            throw new ArgumentException($"\"{value}\" is no key label: 1 to 64 of A-Z a-z 0-9 . _ - are.", nameof(value));
        }

        Value = value;
    }

    public string Value { get; }

    public static bool IsLabel(string value) =>
        value.Length is > 0 and <= MaxLength && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    public override string ToString() => Value;
}
