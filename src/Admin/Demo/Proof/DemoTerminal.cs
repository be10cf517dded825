using System.CommandLine;
using ZwCa.Admin.Commands;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Ra;
using ZwCa.Admin.Token;

namespace ZwCa.Admin.Demo;

/// <summary>What officers see at a terminal: <c>zwca ra</c> and <c>zwca command</c>, with the configurations that the demonstration leaves for whoever tries it.</summary>
internal static class DemoTerminal
{
    private const string Shown = "3";

    /// <param name="system">It runs.</param>
    public static async Task ShowAsync(DemoInstallation system)
    {
        DemoScreen.Open("At a terminal · 终端", "An officer's desk: a configuration without secrets, his token, its PIN.");
        OfficerDesk desk = OfficerDesk.Terminal with { Token = TokenDesk.Terminal with { Environment = name => name == TokenDesk.PinVariable ? system.Pin : null } };
        await RunAsync(RaVerbs.Ra(desk), ["list", "--state", "delivered", "--rows", Shown], system.SettingsOf(DemoInstallation.Entry));
        await RunAsync(CommandVerbs.Commands(desk), ["directory", "regions"], system.SettingsOf(DemoInstallation.First));
    }

    private static async Task RunAsync(Command command, string[] verb, string settings)
    {
        string[] arguments = [.. verb, "--config", Path.GetRelativePath(Environment.CurrentDirectory, settings)];
        DemoScreen.Plain($"  zwca {command.Name} {string.Join(' ', arguments)}");
        using var text = new StringWriter();
        int code = await command.Parse(arguments).InvokeAsync(new InvocationConfiguration { Output = text, Error = text });
        foreach (string line in text.ToString().TrimEnd().ReplaceLineEndings("\n").Split('\n'))
        {
            DemoScreen.Plain($"  {line}");
        }

        DemoScreen.Report($"exit code {code}", code == 0);
    }
}
