namespace ZwCa.Tests;

internal static class Violations
{
    /// <summary>Fails with every line in full; <c>Assert.Empty</c> would cut them short.</summary>
    public static void AssertNone(IEnumerable<string> violations)
    {
        string[] found = [.. violations];
        if (found.Length > 0)
        {
            Assert.Fail($"{found.Length} violation(s):{Environment.NewLine}{string.Join(Environment.NewLine, found)}");
        }
    }
}
