using System.CommandLine;
using ZwCa.Admin.Ra;
using ZwCa.Admin.Token;

namespace ZwCa.Admin.Demo;

/// <summary>What an officer sees at a terminal: <c>zwca ra</c>, with the configuration that the demonstration leaves for whoever tries it.</summary>
internal static class DemoTerminal
{
    private const string Shown = "3";

    /// <param name="system">It runs.</param>
    /// <param name="officer">Whose desk.</param>
    public static async Task ShowAsync(DemoInstallation system, string officer)
    {
        string[] arguments = ["list", "--state", "delivered", "--rows", Shown, "--config", Path.GetRelativePath(Environment.CurrentDirectory, system.SettingsOf(officer))];
        DemoScreen.Open("At a terminal · 终端", "An officer's desk: a configuration without secrets, his token, its PIN.");
        DemoScreen.Plain($"  zwca ra {string.Join(' ', arguments)}");
        using var text = new StringWriter();
        RaDesk desk = RaDesk.Terminal with { Token = TokenDesk.Terminal with { Environment = name => name == TokenDesk.PinVariable ? system.Pin : null } };
        int code = await RaVerbs.Ra(desk).Parse(arguments).InvokeAsync(new InvocationConfiguration { Output = text, Error = text });
        foreach (string line in text.ToString().TrimEnd().ReplaceLineEndings("\n").Split('\n'))
        {
            DemoScreen.Plain($"  {line}");
        }

        DemoScreen.Report($"exit code {code}", code == 0);
    }
}
