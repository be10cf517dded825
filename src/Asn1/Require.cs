using System.Runtime.CompilerServices;

namespace ZwCa.Asn1;

/// <summary>Invariants of constructors.</summary>
internal static class Require
{
    /// <returns>The list, which the standard gives SIZE (1..MAX).</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public static IReadOnlyList<T> NotEmpty<T>(IReadOnlyList<T> values, [CallerArgumentExpression(nameof(values))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(values, name);
        return values.Count > 0 ? values : throw new ArgumentException("At least one element is required.", name);
    }
}
