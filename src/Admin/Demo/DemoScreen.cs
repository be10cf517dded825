using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace ZwCa.Admin.Demo;

/// <summary>What a demo shows and how it came out: sections with their time, a line for each thing that was done or checked. One demo at a time.</summary>
internal static class DemoScreen
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly List<Section> Sections = [];
    private static readonly Stopwatch Total = new();
    private static readonly Stopwatch InSection = new();
    private static TextWriter _plain = Console.Out;

    /// <summary>Whether everything came out as it should.</summary>
    public static bool IsGood => Sections.All(section => section.Lines.All(line => line.Good));

    public static TimeSpan Elapsed => Total.Elapsed;

    /// <param name="json">Standard output is for the result alone.</param>
    public static void Begin(bool json)
    {
        Sections.Clear();
        Total.Restart();
        if (json)
        {
            _plain = Console.Error;
            AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(Console.Error) });
        }
    }

    /// <param name="meaning">What is going to be shown and what for.</param>
    public static void Open(string title, string meaning)
    {
        End();
        Sections.Add(new Section { Title = title });
        InSection.Restart();
        AnsiConsole.WriteLine();
        AnsiConsole.Write(new Rule($"[bold]{Markup.Escape(title)}[/]").LeftJustified());
        AnsiConsole.MarkupLineInterpolated($"[grey]{meaning}[/]");
    }

    /// <returns>The same.</returns>
    public static bool Report(string what, bool good)
    {
        if (Sections.Count > 0)
        {
            Sections[^1].Lines.Add(new Line(what, good));
        }

        AnsiConsole.MarkupLineInterpolated(good ? (FormattableString)$"  [green]✓[/] {what}" : $"  [red]✗[/] {what}");
        return good;
    }

    /// <summary>As it is, so that a narrow terminal does not break it.</summary>
    public static void Plain(string text) => _plain.WriteLine(text);

    /// <summary>Many of the same, with a bar where somebody looks.</summary>
    /// <param name="work">Given what to call after each one.</param>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> ProgressAsync(string what, int total, Func<Action, Task> work)
    {
        var clock = Stopwatch.StartNew();
        if (AnsiConsole.Profile.Capabilities.Interactive && AnsiConsole.Profile.Capabilities.Ansi)
        {
            await AnsiConsole.Progress().AutoClear(true).HideCompleted(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .StartAsync(async context =>
                {
                    ProgressTask bar = context.AddTask(Markup.Escape(what), maxValue: total);
                    await work(() => bar.Increment(1));
                });
        }
        else
        {
            await work(() => { });
        }

        return clock.Elapsed;
    }

    public static string Rate(int number, TimeSpan took) => $"{number} in {took.TotalSeconds:F1} s";

    /// <summary>Everything again, for programs.</summary>
    public static void WriteJson(string folder)
    {
        End();
        Console.Out.WriteLine(JsonSerializer.Serialize(new { Good = IsGood, Seconds = Math.Round(Total.Elapsed.TotalSeconds, 1), Folder = folder, Sections }, Json));
    }

    private static void End()
    {
        if (Sections is [.., { Seconds: 0 } last])
        {
            last.Seconds = Math.Round(InSection.Elapsed.TotalSeconds, 1);
            AnsiConsole.MarkupLineInterpolated($"  [grey]{last.Seconds:F1} s[/]");
        }
    }

    private sealed class Section
    {
        public required string Title { get; init; }

        public double Seconds { get; set; }

        public List<Line> Lines { get; } = [];
    }

    private sealed record Line(string What, bool Good);
}
