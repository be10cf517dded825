namespace ZwCa.Ra;

/// <summary>
/// Values of a condition <c>column IN (…)</c>, so many in a statement: a short list is filled up with its last, so that the text stays the same. (<c>IN @Values</c> is not the same text on the three
/// databases.)
/// </summary>
internal static class InList
{
    private const int Length = 100;

    /// <summary>What stands between the parentheses.</summary>
    public static string Names { get; } = string.Join(", ", Enumerable.Range(0, Length).Select(i => $"@I{i}"));

    /// <summary>The parameters of one statement after the other.</summary>
    /// <param name="others">That each of them needs besides.</param>
    public static IEnumerable<Dictionary<string, object>> Of<T>(IReadOnlyCollection<T> values, params (string Name, object Value)[] others)
        where T : notnull
    {
        foreach (T[] chunk in values.Chunk(Length))
        {
            Dictionary<string, object> parameters = Enumerable.Range(0, Length).ToDictionary(i => $"I{i}", i => (object)chunk[Math.Min(i, chunk.Length - 1)]);
            foreach ((string name, object value) in others)
            {
                parameters[name] = value;
            }

            yield return parameters;
        }
    }
}
