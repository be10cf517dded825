using System.Globalization;
using Spectre.Console;
using ZwCa.Admin.Token;

namespace ZwCa.Admin.Desk;

/// <summary>What a service answers, for an officer's eyes.</summary>
internal static class DeskText
{
    /// <summary>Of a table that goes into a file or another program.</summary>
    private const int FileWidth = 200;

    public static string Time(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) ?? "";

    public static void WriteTable(TextWriter output, string[] heads, IEnumerable<string[]> rows)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        if (Console.IsOutputRedirected || output != Console.Out)
        {
            console.Profile.Width = FileWidth;
        }

        Table table = new Table().Border(TableBorder.Simple);
        table.AddColumns([.. heads.Select(head => new TableColumn(new Text(head)))]);
        foreach (string[] row in rows)
        {
            // Text, not markup: others have written it.
            table.AddRow([.. row.Select(cell => new Text(LabelText.Shown(cell)))]);
        }

        console.Write(table);
    }
}
