using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace ZwCa.Asn1.Gm;

/// <summary>Checks of personal data, made before AsnWriter would make them: no message repeats the text.</summary>
internal static class PrintableText
{
    /// <summary>X.680 §41.4.</summary>
    private static readonly SearchValues<char> PrintableString =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?");

    /// <returns>The text, of characters that PrintableString has.</returns>
    /// <exception cref="ArgumentException">Another character.</exception>
    public static string Require(string text, [CallerArgumentExpression(nameof(text))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(text, name);
        return text.AsSpan().ContainsAnyExcept(PrintableString)
            ? throw new ArgumentException("A character is not one of PrintableString.", name)
            : text;
    }

    /// <returns>The text, of characters that UTF8String has: all but unpaired surrogates.</returns>
    /// <exception cref="ArgumentException">An unpaired surrogate.</exception>
    public static string RequireUtf8(string text, [CallerArgumentExpression(nameof(text))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(text, name);
        for (int i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out Rune rune))
            {
                throw new ArgumentException("Unpaired surrogate.", name);
            }

            i += rune.Utf16SequenceLength;
        }

        return text;
    }
}
