using System.CommandLine;
using System.Diagnostics;
using Spectre.Console;
using ZwCa.Admin.Doctor;

namespace ZwCa.Admin.Demo;

/// <summary>What an operator's monitoring sees of the running CA, its responder, its KMC and a province's RA: <c>zwca doctor</c>, with the command line and the output of every day.</summary>
internal static class DemoDoctor
{
    /// <summary>A CA that has just started has all its CRLs to make first.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="trust">Output of the ceremony.</param>
    /// <param name="province">It runs.</param>
    /// <param name="anchor">To which the CA's log appends its checkpoints.</param>
    /// <param name="certificates">Files of certificates that the CA has issued.</param>
    /// <returns>Whether nothing is bad.</returns>
    public static async Task<bool> ShowAsync(string trust, DemoProvince province, string anchor, IReadOnlyList<string> certificates)
    {
        AnsiConsole.MarkupLine("\n[bold]The doctor, from outside[/]");
        string[] arguments =
        [
            "--trust", trust, "--url", Plain(province.Publication), "--management", Plain(province.Management), "--management", Plain(province.Responder.Management),
            "--management", Plain(province.KeyCentreManagement), "--management", Plain(province.RaManagement), "--tracking", Plain(province.Tracking), "--ocsp", Plain(province.Responder.Url), "--log", anchor, .. certificates.SelectMany(file => (string[])["--certificate", file]),
        ];

        // Plain, so that a narrow terminal does not break the lines.
        Console.WriteLine($"  zwca {DoctorVerb.Name} {string.Join(' ', arguments)}");
        var clock = Stopwatch.StartNew();
        while (true)
        {
            using var text = new StringWriter();
            int code = await DoctorVerb.Doctor().Parse(arguments).InvokeAsync(new InvocationConfiguration { Output = text, Error = text });
            if (code == (int)Health.Bad && clock.Elapsed < Patience)
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
                continue;
            }

            foreach (string line in text.ToString().TrimEnd().ReplaceLineEndings("\n").Split('\n'))
            {
                Console.WriteLine($"  {line}");
            }

            return DemoCommand.Report($"exit code {code}: {(code == (int)Health.Ok ? "all is well" : code == (int)Health.Warning ? "nothing is bad" : "not well")}", code is (int)Health.Ok or (int)Health.Warning);
        }
    }

    private static string Plain(Uri address) => address.ToString().TrimEnd('/');
}
