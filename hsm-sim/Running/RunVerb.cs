using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;
using ZwCa.HsmSim.Server;
using ZwCa.HsmSim.Store;
using ZwCa.HsmSim.Verbs;
using Command = System.CommandLine.Command;

namespace ZwCa.HsmSim.Running;

/// <summary>The device itself.</summary>
internal static class RunVerb
{
    public static Command Run()
    {
        Option<FileInfo?> config = new("--config") { Description = "JSON with Mode, Store, Anchor, Listen, AutoUnlock, Faults, in place of the options: all that check-config looks at is looked at first." };
        Option<DirectoryInfo> store = VerbOptions.Store();
        store.Required = false;
        Option<DirectoryInfo?> anchor = VerbOptions.Anchor();
        Option<DnsEndPoint> listen = VerbOptions.Address("--listen", "Where to listen, HOST:PORT; port 0 takes a free one, which is printed.");
        var faults = new Option<bool>("--faults") { Description = "For tests: the console may let things go wrong. Marks every partition that is opened, for good." };
        var dieAt = new Option<FaultPoint?>("--die-at") { Description = "For tests, with --faults: the fault point at which the process ends as by SIGKILL." };
        var autoUnlock = new Option<bool>("--auto-unlock") { Description = "For development: opens the partitions that init made with --auto-unlock." };
        var untilStdinCloses = new Option<bool>("--until-stdin-closes") { Description = "Ends when standard input does: with the process that started this one." };
        var command = new Command("run", "Runs the device: prints \"listening on ADDRESS:PORT\" once it is ready, and its log on stderr. Ends in order on SIGTERM and SIGINT.")
        {
            config, store, anchor, listen, faults, dieAt, autoUnlock, untilStdinCloses,
        };
        command.Validators.Add(given =>
        {
            bool named = given.GetResult(config) is not null;
            foreach (Option each in (Option[])[store, listen])
            {
                if (given.GetResult(each) is null != named)
                {
                    given.AddError(named ? $"{each.Name} stands in the file that --config names." : $"{each.Name} is needed, or --config.");
                }
            }

            foreach (Option each in ((Option[])[anchor, faults, autoUnlock]).Where(each => named && given.GetResult(each) is not null))
            {
                given.AddError($"{each.Name} stands in the file that --config names.");
            }
        });
        command.SetAction(async (parsed, _) =>
        {
            RunSettings settings = parsed.GetValue(config) is { } file ? await RequireAsync(RunSettings.Load(file.FullName)) : new RunSettings
            {
                Mode = RunMode.Development,
                Store = parsed.GetRequiredValue(store).FullName,
                Anchor = parsed.GetValue(anchor)?.FullName,
                Listen = parsed.GetRequiredValue(listen),
                AutoUnlock = parsed.GetValue(autoUnlock),
                Faults = parsed.GetValue(faults),
            };
            using StoreFolder folder = StoreFolder.Open(settings.Store, settings.Anchor);
            using X509Certificate2 certificate = Credentials.LoadServer(folder);
            FaultKnobs knobs = Knobs(settings.Faults, parsed.GetValue(dieAt));
            var log = new DeviceLog(parsed.InvocationConfiguration.Error, TimeProvider.System);
            List<Partition> partitions = Load(folder, knobs, log);
            try
            {
                if (settings.AutoUnlock)
                {
                    await AutoUnlockAsync(partitions, log);
                }

                using var ending = new Ending(parsed.GetValue(untilStdinCloses));
                await using var server = new DeviceServer(certificate, Credentials.LoadConsoleHash(folder), partitions, knobs, log);
                IPEndPoint address = Start(server, await Address.ResolveAsync(settings.Listen));
                await parsed.InvocationConfiguration.Output.WriteLineAsync($"listening on {address}");
                await parsed.InvocationConfiguration.Output.FlushAsync(CancellationToken.None);
                log.Write($"ends: {await ending.Reason}");
            }
            finally
            {
                foreach (Partition partition in partitions)
                {
                    await partition.DisposeAsync();
                }
            }
        });
        return command;
    }

    /// <summary>What is looked at before a device of a configuration starts, without starting it.</summary>
    public static Command CheckConfig()
    {
        Option<FileInfo> config = VerbOptions.File("--config", "The configuration of run.");
        var command = new Command("check-config", "Looks at everything that has to be right before the device starts: nothing is opened or changed.") { config };
        command.SetAction(async (parsed, _) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            IReadOnlyList<RunFinding> findings;
            try
            {
                findings = await RunChecks.LookAsync(RunSettings.Load(parsed.GetRequiredValue(config).FullName), TimeProvider.System);
            }
            catch (RunSettingsException e)
            {
                foreach (string reason in e.Reasons)
                {
                    await output.WriteLineAsync($"FAILED configuration: {reason}");
                }

                return CommandLine.Failed;
            }

            await output.WriteLineAsync("ok     configuration");
            foreach (RunFinding finding in findings)
            {
                await output.WriteLineAsync($"{(finding.IsWrong ? "FAILED" : "ok    ")} {finding.Name}: {finding.Said.ReplaceLineEndings(" ")}");
            }

            return findings.Any(each => each.IsWrong) ? CommandLine.Failed : 0;
        });
        return command;
    }

    /// <exception cref="RunSettingsException">Something is wrong, and said.</exception>
    private static async Task<RunSettings> RequireAsync(RunSettings settings)
    {
        string[] wrong = [.. (await RunChecks.LookAsync(settings, TimeProvider.System)).Where(each => each.IsWrong).Select(each => $"{each.Name}: {each.Said}")];
        return wrong.Length == 0 ? settings : throw new RunSettingsException(wrong);
    }

    private static FaultKnobs Knobs(bool enabled, FaultPoint? dieAt)
    {
        var knobs = new FaultKnobs(enabled);
        if (dieAt is { } point)
        {
            knobs.Set(enabled ? new Fault(FaultKind.DieAt, (int)point) : throw new VerbException("--die-at needs --faults."));
        }

        return knobs;
    }

    /// <summary>A partition that cannot be read keeps none of the others from their work.</summary>
    private static List<Partition> Load(StoreFolder store, FaultKnobs faults, DeviceLog log)
    {
        var partitions = new List<Partition>();
        foreach (PartitionFolder folder in store.Partitions)
        {
            try
            {
                partitions.Add(new Partition(folder, faults, TimeProvider.System, opened => new OpenPartition(opened, TimeProvider.System), log.Write));
            }
            catch (StoreException e)
            {
                log.Write($"{folder.Name}: left out: {e.Message}");
            }
        }

        return partitions;
    }

    /// <exception cref="HsmException">A partition that was made so does not open: nobody is there who would see it in the status.</exception>
    private static async Task AutoUnlockAsync(List<Partition> partitions, DeviceLog log)
    {
        foreach (Partition partition in partitions)
        {
            log.Write(await partition.TryAutoUnlockAsync()
                ? $"{partition.Name}: open by auto-unlock, unfit for production"
                : $"{partition.Name}: was not made with --auto-unlock; its holders have to unlock it");
        }
    }

    private static IPEndPoint Start(DeviceServer server, IPEndPoint address)
    {
        try
        {
            return server.Start(address);
        }
        catch (SocketException e)
        {
            throw new VerbException($"{address} cannot be listened on: {e.Message}.");
        }
    }

    /// <summary>Waits for what ends the device.</summary>
    private sealed class Ending : IDisposable
    {
        private readonly TaskCompletionSource<string> _reason = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly PosixSignalRegistration[] _signals;

        public Ending(bool untilStdinCloses)
        {
            _signals = [On(PosixSignal.SIGTERM), On(PosixSignal.SIGINT)];
            if (untilStdinCloses)
            {
                new Thread(WaitForStdin) { IsBackground = true, Name = "stdin" }.Start();
            }
        }

        public Task<string> Reason => _reason.Task;

        public void Dispose() => Array.ForEach(_signals, signal => signal.Dispose());

        private PosixSignalRegistration On(PosixSignal signal) => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            _reason.TrySetResult(signal.ToString());
        });

        private void WaitForStdin()
        {
            byte[] ignored = new byte[256];
            using Stream input = Console.OpenStandardInput();
            try
            {
                while (input.Read(ignored) > 0)
                {
                }

                _reason.TrySetResult("standard input was closed");
            }
            catch (IOException e)
            {
                _reason.TrySetResult($"standard input failed: {e.Message}");
            }
        }
    }
}
