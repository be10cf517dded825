using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace ZwCa.Ocsp.Listening;

/// <summary>The texts of headers that many answers have in common: the same second, the same age. Each thread has its own.</summary>
internal sealed class HeaderTexts
{
    /// <summary>A power of two. Responses that are asked at a time were signed at not many more times.</summary>
    private const int Kept = 256;

    private readonly (long Second, string? Text)[] _dates = new (long, string?)[Kept];
    private (long Age, string? Text) _age;

    /// <param name="second">Unix seconds.</param>
    /// <returns>As RFC 9110 §5.6.7 has it.</returns>
    public string DateOf(long second)
    {
        ref (long Second, string? Text) kept = ref _dates[second & (Kept - 1)];
        if (kept.Text is null || kept.Second != second)
        {
            kept = (second, HeaderUtilities.FormatDate(DateTimeOffset.FromUnixTimeSeconds(second)));
        }

        return kept.Text;
    }

    /// <param name="age">Seconds.</param>
    public string CacheControlOf(long age)
    {
        if (_age.Text is null || _age.Age != age)
        {
            _age = (age, string.Create(CultureInfo.InvariantCulture, $"max-age={age}, public, no-transform, must-revalidate"));
        }

        return _age.Text;
    }
}
