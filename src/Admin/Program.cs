using System.CommandLine;
using System.Text;
using Spectre.Console;
using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Commands;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Demo;
using ZwCa.Admin.Doctor;
using ZwCa.Admin.Lint;
using ZwCa.Admin.Ocsp;
using ZwCa.Admin.Programs;
using ZwCa.Admin.Ra;
using ZwCa.Admin.Token;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
if (Console.IsOutputRedirected)
{
    AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
}

// Exit codes: 0 done; 1 the work was done and its result is bad, or could not be done; 2 the command line is wrong. Verbs with other ones say so.
ParseResult result = new RootCommand("政务CA (ZWCA): certification system for government networks.")
{
    CeremonyVerbs.Ceremony(),
    CommandVerbs.Commands(),
    CrlVerbs.Crl(),
    DemoCommand.Demo(),
    DoctorVerb.Doctor(),
    LintVerb.Lint(),
    OcspVerb.Ocsp(),
    RaVerbs.Ra(),
    TokenVerbs.Token(),
    UpVerb.Up(),
}.Parse(args);

// A service that was told to end drains its requests first; the library's own time-out would cut that short.
return result.Errors.Count > 0 ? UsageError(result) : await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(2) });

static int UsageError(ParseResult result)
{
    foreach (var error in result.Errors)
    {
        Console.Error.WriteLine(error.Message);
    }

    Console.Error.WriteLine("Try --help.");
    return result.CommandResult.Command.Name == DoctorVerb.Name ? DoctorVerb.UsageError : 2;
}
