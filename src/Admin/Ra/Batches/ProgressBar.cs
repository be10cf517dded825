using Spectre.Console;

namespace ZwCa.Admin.Ra;

/// <summary>How far long work is: on the error output, which a program that reads the other does not see, and only where a person sees it.</summary>
internal static class ProgressBar
{
    /// <param name="work">Is given what it tells how far it is: so much, of so much (null: not known yet).</param>
    public static async Task RunAsync(TextWriter error, string what, Func<Action<long, long?>, Task> work)
    {
        if (Console.IsErrorRedirected || error != Console.Error)
        {
            await work(static (_, _) => { });
            return;
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        await console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).StartAsync(async progress =>
        {
            ProgressTask bar = progress.AddTask(Markup.Escape(what));
            bar.IsIndeterminate = true;
            await work((reached, of) =>
            {
                bar.IsIndeterminate = of is null;
                bar.MaxValue = Math.Max(1, of ?? reached);
                bar.Value = reached;
            });
        });
    }

    /// <summary>One after the other.</summary>
    /// <param name="work">Of one.</param>
    public static Task EachAsync<T>(TextWriter error, string what, IReadOnlyList<T> all, Func<T, Task> work) => RunAsync(error, what, async tell =>
    {
        for (int i = 0; i < all.Count; i++)
        {
            await work(all[i]);
            tell(i + 1, all.Count);
        }
    });
}
