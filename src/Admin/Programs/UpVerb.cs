using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ZwCa.Admin.Programs;

/// <summary><c>zwca up</c>: starts the program of a service, or of the device, and ends with it.</summary>
internal static class UpVerb
{
    private const int Terminate = 15;

    public static Command Up()
    {
        var role = new Option<string>("--role") { Description = $"Which program: {string.Join(", ", ServicePrograms.Roles)}.", Required = true };
        role.AcceptOnlyFromAmong([.. ServicePrograms.Roles]);
        var config = new Option<FileInfo>("--config") { Description = "Its configuration (JSON).", Required = true };
        var verb = new Argument<string[]>("verb") { Description = "A verb of that program instead of running it: migrate, check-config …; --help after -- lists them.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("up", "Runs a service, or the device, until SIGTERM or Ctrl-C: the exit code is that of its program.") { role, config, verb };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(
                parsed.GetRequiredValue(role),
                [.. Verb(parsed.GetRequiredValue(role), parsed.GetValue(verb) ?? []), "--config", parsed.GetRequiredValue(config).FullName],
                cancellationToken));
        return command;
    }

    /// <summary>A service's program without a verb runs it; the device's has one for that.</summary>
    private static string[] Verb(string role, string[] named) => role == ServicePrograms.HsmSim && named.Length == 0 ? ["run"] : named;

    /// <summary>Ends the child when this process is told to end, and waits for it: a service drains its requests first.</summary>
    private static async Task<int> RunAsync(string role, string[] arguments, CancellationToken cancellationToken)
    {
        using Process process = Process.Start(ServicePrograms.Start(role, arguments))!;
        using CancellationTokenRegistration told = cancellationToken.Register(() => Tell(process));
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }

    private static void Tell(Process process)
    {
        if (OperatingSystem.IsWindows())
        {
            process.Kill();
        }
        else
        {
            _ = Signal(process.Id, Terminate);
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
