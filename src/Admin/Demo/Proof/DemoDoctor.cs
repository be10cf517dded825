using System.CommandLine;
using System.Diagnostics;
using ZwCa.Admin.Doctor;

namespace ZwCa.Admin.Demo;

/// <summary>What an operator's monitoring sees of the running services: <c>zwca doctor</c>, with the command line and the output of every day.</summary>
internal static class DemoDoctor
{
    /// <summary>A CA that has just started has all its CRLs to make first.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="system">It runs.</param>
    /// <param name="certificates">Files of certificates that the CA has issued.</param>
    public static async Task ShowAsync(DemoInstallation system, IReadOnlyList<string> certificates)
    {
        DemoScreen.Open("The doctor · 体检", "What an operator's monitoring sees from outside, with the command of every day.");
        string[] arguments =
        [
            "--trust", Path.GetRelativePath(Environment.CurrentDirectory, system.Ceremony.Output), "--url", Plain(system.Publication),
            .. system.Processes.SelectMany(each => (string[])["--management", Plain(each.Management)]), "--tracking", Plain(system.Ra.Tracking), "--ocsp", Plain(system.Responder.Url), "--log", system.LogAnchor,
            .. certificates.SelectMany(file => (string[])["--certificate", file]),
        ];

        // Plain, so that a narrow terminal does not break the lines.
        DemoScreen.Plain($"  zwca {DoctorVerb.Name} {string.Join(' ', arguments)}");
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

            // There are dozens of CRLs, each with a line.
            foreach (string line in text.ToString().TrimEnd().ReplaceLineEndings("\n").Split('\n').Where(line => !line.StartsWith("ok ", StringComparison.Ordinal)))
            {
                DemoScreen.Plain($"  {line}");
            }

            DemoScreen.Report($"exit code {code}: {(code == (int)Health.Ok ? "all is well" : code == (int)Health.Warning ? "nothing is bad" : "not well")}", code is (int)Health.Ok or (int)Health.Warning);
            return;
        }
    }

    private static string Plain(Uri address) => address.ToString().TrimEnd('/');
}
