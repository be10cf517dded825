using System.CommandLine;
using System.Globalization;
using ZwCa.Admin.Token;
using ZwCa.Contracts;

namespace ZwCa.Admin.Desk;

/// <summary>Where a list goes on, and how far.</summary>
internal sealed class PageOptions
{
    public Option<string?> After { get; } = new("--after") { Description = "从上一页末尾的编号之后继续。" };

    public Option<int?> Rows { get; } = new("--rows") { Description = "每页行数，1至500。" };

    public Option<bool> All { get; } = new("--all") { Description = "列出以后的各页，直到末页。" };

    /// <summary>A page, or all from there on.</summary>
    /// <param name="ask">By after and rows, to its rows and where the next one goes on.</param>
    /// <returns>What was found, and where it goes on; null: that was all.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: the pages do not go on.</exception>
    public async Task<(List<T> Found, string? Next)> ReadAsync<T>(ParseResult parsed, Func<string?, string?, Task<(IReadOnlyList<T> Rows, string? Next)>> ask)
    {
        var found = new List<T>();
        string? next = parsed.GetValue(After);
        do
        {
            (IReadOnlyList<T> rows, string? follows) = await ask(next, parsed.GetValue(Rows)?.ToString(CultureInfo.InvariantCulture));
            found.AddRange(rows);

            // Pages go on by key; one that does not would go on for ever.
            next = follows is null || string.CompareOrdinal(follows, next) > 0 ? follows : throw new RefusalException(Refusal.Malformed, "给出的分页有误，请联系管理员。");
        }
        while (next is not null && parsed.GetValue(All));
        return (found, next);
    }

    public static void Say(TextWriter output, string? next)
    {
        if (next is not null)
        {
            output.WriteLine($"还有更多：--after {LabelText.Shown(next)}");
        }
    }
}
