using System.CommandLine;
using System.Net.Sockets;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Hsm;
using ZwCa.HsmSim.Running;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Verbs;

/// <summary>All verbs. Exit codes: 0 done; 1 refused or failed, with one line on stderr that says why; 2 the command line is wrong.</summary>
internal static class CommandLine
{
    public const int Failed = 1;

    private const int Misused = 2;

    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("hsm-sim: a network HSM in software. Its keys are as safe as the machine and the holders' key files, no safer.")
        {
            HolderVerbs.Holder(),
            StoreVerbs.Init(),
            RunVerb.Run(),
            RunVerb.CheckConfig(),
            UnlockVerbs.Unlock(),
            UnlockVerbs.Status(),
            PolicyVerbs.Policy(),
            BackupVerbs.Backup(),
            StoreVerbs.Restore(),
            HolderVerbs.Sign(),
        };
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (System.CommandLine.Parsing.ParseError each in parsed.Errors)
            {
                await error.WriteLineAsync(each.Message);
            }

            await error.WriteLineAsync("Try --help.");
            return Misused;
        }

        try
        {
            // A signal ends `run` in order; the library's own time-out would cut that short.
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (RunSettingsException e)
        {
            foreach (string reason in e.Reasons)
            {
                await error.WriteLineAsync(reason.ReplaceLineEndings(" "));
            }

            return Failed;
        }
        catch (Exception e) when (e is VerbException or HsmException or StoreException or DerException or CryptographicException
            or IOException or UnauthorizedAccessException or SocketException)
        {
            await error.WriteLineAsync(e.Message.ReplaceLineEndings(" "));
            return Failed;
        }
    }
}
